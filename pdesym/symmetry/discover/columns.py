"""What an operator makes of each of several vector fields, sample by sample, as small matrices."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy.linalg
import torch
from jaxtyping import Float

from pdesym.symmetry.defect import Defect
from pdesym.symmetry.discover.sparse_regression import triangular

# Columns that add less than this share of their size to those before them are combinations of these.
DEPENDENT = 1e-10
_SPLITS = 10

Solution = tuple[Float[np.ndarray, " values"], Float[np.ndarray, "columns values"]]


@dataclass(frozen=True)
class Columns:
    """A_k = dF[u]·Q_in and B_k = Q_out[F u] for vector fields k = 1 … K, up to rotations, which norms do not see.

    Attributes:
        blocks: for each sample the triangular factor of [A, B], `(batch, rows, 2K)`; zero in the columns of a vector
            field that moves nothing.
    """

    blocks: Float[np.ndarray, "batch rows columns"]

    @classmethod
    def of(cls, defects: Sequence[Defect]) -> "Columns":
        """From the two sides of the identity for each vector field."""
        sides = [torch.stack([side.flatten(1) for side in each], -1) for each in _sides(defects)]
        factors = torch.linalg.qr(torch.cat(sides, -1).double(), mode="r").R
        return cls(factors.cpu().numpy())

    @cached_property
    def together(self) -> Float[np.ndarray, "rows columns"]:
        """The triangular factor of [A, B] of all samples."""
        return stacked(self.blocks)

    @cached_property
    def independent(self) -> tuple[int, ...]:
        """Vector fields of which no combination moves nothing; those left out depend on them.

        A combination that moves nothing, such as 2 d_x − d_x − d_x, would pass for a symmetry of every operator.

        Raises:
            ValueError: where none of them moves the data.
        """
        before, after = np.split(self.together, 2, axis=1)
        action = np.concatenate([before, after])
        size = np.linalg.norm(action, axis=0)
        if not size.any():
            raise ValueError(
                "None of the vector fields moves these data: take others, or fields that are not constant."
            )
        factor, pivots = scipy.linalg.qr(action / np.where(size > 0, size, 1.0), mode="r", pivoting=True)
        added = np.abs(np.diag(factor[: len(pivots)]))
        return tuple(sorted(int(k) for k, share in zip(pivots, added, strict=True) if share > DEPENDENT))

    def only(self, chosen: Sequence[int]) -> "Columns":
        """Of some of the vector fields."""
        half = self.blocks.shape[-1] // 2
        return Columns(self.blocks[..., [*chosen, *(half + k for k in chosen)]])

    def held_out(
        self, solve: Callable[[np.ndarray], Solution], largest: Callable[[np.ndarray, np.ndarray], float], seed: int
    ) -> Float[np.ndarray, " values"]:
        """For each k the largest value, on half of the samples, of the k combinations that the other half finds best.

        Median over several ways to halve. One that fits its samples by chance is not small on others.

        Args:
            solve: from a factor [A, B] to values, ascending, and combinations, `(columns, values)`.
            largest: from a factor and combinations to the largest value among them.
            seed: of the halves.
        """
        rng = np.random.default_rng(seed)
        batch = len(self.blocks)
        found = []
        for _ in range(_SPLITS):
            order = rng.permutation(batch)
            halves = [stacked(self.blocks[part]) for part in (order[: batch // 2], order[batch // 2 :])]
            for one, other in (halves, halves[::-1]):
                combinations = solve(one)[1]
                known = [largest(other, combinations[:, : k + 1]) for k in range(combinations.shape[1])]
                found.append(known + [np.inf] * (len(combinations) - len(known)))
        return np.asarray(np.median(found, axis=0))


def stacked(blocks: Float[np.ndarray, "batch rows columns"]) -> Float[np.ndarray, "fewer columns"]:
    """The triangular factor of blocks below one another, divided by the root of their number."""
    factor: np.ndarray = triangular(blocks.reshape(-1, blocks.shape[-1])) / len(blocks) ** 0.5
    return factor


def _sides(defects: Sequence[Defect]) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
    moving = [float(not bool(defect.trivial.all())) for defect in defects]
    return (
        [weight * defect.pushed.detach() for weight, defect in zip(moving, defects, strict=True)],
        [weight * defect.target.detach() for weight, defect in zip(moving, defects, strict=True)],
    )
