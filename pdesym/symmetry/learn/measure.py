"""The fixed set of points on which vector fields are compared, normalised and kept smooth."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from pdesym.solvers.grid import Grid
from pdesym.symmetry.angles import principal_angles
from pdesym.symmetry.augment.family import family_of
from pdesym.symmetry.generator import Generator
from pdesym.symmetry.learn.graph import points
from pdesym.symmetry.learn.network import GeneratorNetwork
from pdesym.symmetry.learn.scales import Scales

_NEGLIGIBLE = 1e-7


def norms_of(values: Float[Tensor, "slots variables *points"]) -> Float[Tensor, " slots"]:
    """‖V‖ of vector fields by their values at the points of a measure."""
    result: Tensor = values.square().sum(1).flatten(1).mean(1).sqrt()
    return result


@dataclass(frozen=True)
class Measure:
    """Points (x, t, u(x, t)) on solutions, drawn once: ⟨V, W⟩ = mean over them of Σ_k V_k W_k, in the units of scales.

    Because it does not change from step to step, ‖V‖ = 1 fixes a vector field once for all: its flow is a
    one-parameter group, whatever is moved together.

    Attributes:
        scales: the units.
        grid: of the frames.
        t: times of pieces of trajectories, `(pieces, time)`, one or two successive frames each.
        u: these frames.
    """

    scales: Scales
    grid: Grid
    t: Float[Tensor, "pieces time"]
    u: Float[Tensor, "pieces time fields *space"]

    @classmethod
    def of(
        cls,
        u: Float[Tensor, "batch time fields *space"],
        times: Float[Tensor, "batch time"],
        grid: Grid,
        scales: Scales,
        pieces: int = 16,
        seed: int = 0,
    ) -> "Measure":
        """Pieces of trajectories that a seed chooses.

        Args:
            u: trajectories.
            times: of their frames.
            grid: their grid.
            scales: the units.
            pieces: how many.
            seed: of the choice.
        """
        rng = np.random.default_rng(seed)
        together = min(2, u.shape[1])
        sample = torch.from_numpy(rng.integers(len(u), size=pieces)).to(u.device)
        first = torch.from_numpy(rng.integers(u.shape[1] - together + 1, size=pieces)).to(u.device)
        frame = first[:, None] + torch.arange(together, device=u.device)
        return cls(scales, grid, times.double()[sample[:, None], frame], u[sample[:, None], frame].double())

    @property
    def point(self) -> tuple[Float[Tensor, "pieces time *space"], ...]:
        """The points (x…, t, u…), of one shape, in physical units."""
        return points(self.grid, self.t, self.u)

    @property
    def scaled_point(self) -> Float[Tensor, "variables pieces time *space"]:
        """The points in the units of the scales."""
        return torch.stack([z / unit for z, unit in zip(self.point, self.scales.units, strict=True)])

    def whitening(self, network: GeneratorNetwork) -> Float[Tensor, "features directions"]:
        """Coefficients of combinations of the network's features that are orthonormal, ⟨g_i g_j⟩ = δ_ij; no gradient.

        Combinations that vary by less than 1e-7 of the largest are left out.
        """
        with torch.no_grad():
            h = network.basis(self.point)[0].flatten(0, -2)
            _, sizes, directions = torch.linalg.svd(torch.linalg.qr(h, mode="r").R / len(h) ** 0.5)
            kept = sizes > _NEGLIGIBLE * sizes[0]
            result: Tensor = directions[kept].T / sizes[kept]
            return result

    def values(self, generators: Sequence[Generator]) -> Float[Tensor, "generators variables *points"]:
        """Components of generators at the points, in the units of the scales.

        Raises:
            ValueError: for generators of other variables, or with parameters without a value.
        """
        family = family_of(generators)
        self.scales.require(family)
        return self.scales.components(family, self.point)

    def angles(self, network: GeneratorNetwork, generators: Sequence[Generator]) -> list[float]:
        """Principal angles between what the network spans and what generators span, in degrees, largest first.

        The angles are those of functions under this measure, in the units of the scales.
        """
        with torch.no_grad():
            learned, exact = network(self.point), self.values(generators)
        first, second = (v.flatten(1).cpu().numpy() for v in (learned, exact))
        return [float(angle) for angle in principal_angles(first, second)]
