"""The motion of frames by a generator, where the box of a sample may be longer than that of the grid."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import sympy
import torch
from jaxtyping import Float
from torch import Tensor

from pdesym.operators.symmetric.setting import Parameters, Setting
from pdesym.solvers.spectral import translate
from pdesym.solvers.torch_function import torch_function
from pdesym.symmetry import Generator
from pdesym.symmetry.vector_field import VectorField, variable


@dataclass(frozen=True)
class Motion:
    """exp(εv) on frames in or out.

    Args:
        generator: v, one that `Generator.act` can apply.
    """

    generator: Generator

    def __call__(
        self,
        u: Float[Tensor, "batch time channel *space"],
        epsilon: Float[Tensor, " batch"],
        setting: Setting,
        parameters: Parameters,
        out: bool,
    ) -> Float[Tensor, "batch time channel *space"]:
        """The frames moved, each at its own time."""
        grid = setting.grid.refined(u.shape[-setting.grid.dims :])
        times, stretch = setting.times(u, parameters, out), setting.stretch(parameters)
        if stretch is None:
            return self.generator.act(u, grid, times, epsilon)
        # On a box that is longer by a factor a distance is a smaller part of the box by that factor.
        speeds, pointwise = _parts(self.generator.vector_field)
        shifts = (epsilon.double() / stretch.double()).unsqueeze(-1)
        moments = times if times.ndim == 2 else times.expand(len(u), -1)
        distance = torch.stack([shifts * torch.as_tensor(c) + 0 * moments for c in speeds(moments)], -1).unsqueeze(-2)
        u = translate(u, grid, distance.squeeze(-1) if grid.dims == 1 else distance)
        return u if pointwise is None else pointwise.act(u, grid, times, epsilon)

    def require(self, setting: Setting) -> None:
        """Refuse, in one sentence, a generator that cannot move frames in this setting.

        Raises:
            ValueError: as `Generator.act`, and for φ that depends on x where the length of the box is a parameter.
        """
        field, grid = self.generator.vector_field, setting.grid
        probe = torch.ones(1, 1, len(field.fields), *grid.points, dtype=torch.float64)
        self.generator.act(probe, grid, torch.zeros(1, dtype=torch.float64), 0.0)
        places = {variable(name) for name in field.coordinates}
        if "length" in setting.parameters and any(phi.free_symbols & places for phi in field.phi):
            raise ValueError(
                f"The generator {field.text} depends on the place, which means another thing on a box of another "
                "length: leave the parameter length out."
            )


@lru_cache(maxsize=256)
def _parts(vector_field: VectorField) -> tuple[Callable[..., list[Tensor | float]], Generator | None]:
    """ξ as functions of t, and v without ξ, None where nothing is left."""
    zero = sympy.Integer(0)
    still = VectorField(
        vector_field.coordinates, vector_field.fields, (zero,) * len(vector_field.xi), zero, vector_field.phi
    )
    pointwise = Generator.of_vector_field(still) if any(vector_field.phi) else None
    return torch_function((variable("t"),), vector_field.xi), pointwise
