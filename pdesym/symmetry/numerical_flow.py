"""One-parameter groups as the solution of their ordinary differential equation."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import sympy
import torch
from jaxtyping import Float
from scipy.integrate import solve_ivp
from torch import Tensor

from pdesym.solvers.torch_function import torch_function
from pdesym.symmetry.vector_field import VectorField

Points: TypeAlias = Sequence[float | Float[Tensor, "..."]] | Float[Tensor, "variables ..."]
"""Values of the variables, in their order."""


@dataclass(frozen=True)
class NumericalFlow:
    """The one-parameter group exp(εv), computed point by point from dz/dε = v(z), z = (x, t, u).

    Attributes:
        vector_field: v, without parameters.
        tolerance: relative and absolute error of each step.
    """

    vector_field: VectorField
    tolerance: float = 1e-12

    @property
    def variables(self) -> tuple[sympy.Symbol, ...]:
        """The symbols x…, t, u…."""
        return self.vector_field.variables

    def __call__(self, point: Points, epsilon: float) -> tuple[Float[Tensor, "..."], ...]:
        """The image (x'…, t', u'…) of points (x…, t, u…), float64; they broadcast against each other.

        Not differentiable: the steps are those of scipy's DOP853 (Hairer, Norsett and Wanner, 1993, II.5).

        Args:
            point: values of the variables, in their order.
            epsilon: ε, in the unit of the generator's parameter.

        Raises:
            ValueError: for another number of values, or where the flow does not reach ε.
        """
        tensors = as_points(point, self.variables)
        shape = tensors[0].shape
        velocity = torch_function(self.variables, self.vector_field.components)

        def rate(_: float, z: np.ndarray) -> np.ndarray:
            values = velocity(*torch.from_numpy(z).reshape(len(tensors), -1))
            columns = z.size // len(tensors)
            return np.concatenate([np.broadcast_to(np.asarray(v, dtype=np.float64), columns) for v in values])

        start = torch.stack(tensors).reshape(-1).numpy()
        with np.errstate(all="ignore"):
            solution = solve_ivp(
                rate, (0.0, float(epsilon)), start, method="DOP853", rtol=self.tolerance, atol=self.tolerance
            )
        end = solution.y[:, -1]
        if not solution.success or not np.isfinite(end).all():
            raise ValueError(
                f"The flow of {self.vector_field.text} does not reach epsilon = {epsilon:g} from every point: it "
                f"leaves every bound at about epsilon = {solution.t[-1]:.3g}."
            )
        return tuple(torch.from_numpy(end.copy()).reshape(len(tensors), *shape).unbind(0))


def as_points(point: Points, variables: Sequence[sympy.Symbol]) -> tuple[Float[Tensor, "..."], ...]:
    """Values of the variables as float64 tensors of one shape.

    Raises:
        ValueError: for another number of values.
    """
    if len(point) != len(variables):
        raise ValueError(f"Expected a value for each of {', '.join(map(str, variables))}, got {len(point)}.")
    tensors = [torch.as_tensor(z, dtype=torch.float64).detach().cpu() for z in point]
    return tuple(torch.broadcast_tensors(*tensors))
