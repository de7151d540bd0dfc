"""Null spaces of linear constraints, with the gap between what counts as zero and what does not."""

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from jaxtyping import Float
from torch import Tensor

from pdesym.symmetry.enforce.krylov import null_block

TOLERANCE = 1e-8
"""Singular values up to this, relative to the scale of the constraint, count as zero."""
GAP = 1e3
"""The least ratio between the smallest singular value that counts and the largest that does not."""
DENSE_SIZE = 1000
"""Constraints with more unknowns than this are solved without a matrix."""


@dataclass(frozen=True, eq=False)
class LinearConstraint:
    """C x = 0 for x in R^size, by what C and Cᵀ do to columns.

    `scale` is the size that C x would have for a unit vector x without cancellation. Zero is measured against it, since
    a constraint that everything fulfils has singular values that are rounding alone. Where the rows are blocks of equal
    height, of the group's generators first and then of its discrete elements, `sizes` is the same for each block: a
    null space does not depend on the lengths of generators, so blocks are divided by it.
    """

    size: int
    apply: Callable[[Float[Tensor, "size m"]], Float[Tensor, "rows m"]]
    adjoint: Callable[[Float[Tensor, "rows m"]], Float[Tensor, "size m"]]
    scale: float
    sizes: tuple[float, ...] = ()
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))

    def balanced(self) -> "LinearConstraint":
        """The same null space with blocks of size 1, or without `sizes` the constraint divided by its scale."""
        sizes = torch.tensor(self.sizes or (self.scale,), dtype=torch.float64, device=self.device)
        factors = torch.where(sizes > 0, 1 / sizes, 0.0)

        def divided(rows: Float[Tensor, "rows m"]) -> Float[Tensor, "rows m"]:
            return rows * factors.repeat_interleave(len(rows) // len(factors))[:, None]

        scale = 1.0 if bool((sizes > 0).any()) else 0.0
        return LinearConstraint(
            self.size,
            lambda x: divided(self.apply(x)),
            lambda y: self.adjoint(divided(y)),
            scale,
            (),
            self.device,
        )

    def dense(self) -> Float[Tensor, "rows size"]:
        """The matrix C, float64."""
        return self.apply(torch.eye(self.size, dtype=torch.float64, device=self.device))


@dataclass(frozen=True, eq=False)
class NullSpace:
    """An orthonormal basis of {x : C x = 0} as columns, and how clear it is.

    The basis depends on the space alone, not on how it was found, so that coefficients in it can be stored.

    Both values are relative to the size of a block of the constraint: `largest_null` of the singular values that count
    as zero (0 where there are none), `smallest_kept` of the others (inf where there are none).
    """

    basis: Float[Tensor, "size dimension"]
    largest_null: float
    smallest_kept: float

    @property
    def dimension(self) -> int:
        """Number of independent solutions."""
        return self.basis.shape[1]

    @property
    def gap(self) -> float:
        """smallest_kept / largest_null, with largest_null at least the rounding 2.2e-16."""
        return self.smallest_kept / max(self.largest_null, torch.finfo(torch.float64).eps)


def null_space(
    constraint: LinearConstraint, method: str | None = None, tolerance: float = TOLERANCE, seed: int = 0
) -> NullSpace:
    """The null space of a constraint.

    A singular value counts as zero when it is at most `tolerance`, once every block of the constraint has been
    divided by its size.

    Args:
        constraint: C.
        method: "dense" (singular values of the matrix), "krylov" (products with C and Cᵀ alone), or None: dense up to
            1000 unknowns.
        tolerance: what counts as zero, relative.
        seed: of the random start of "krylov".

    Raises:
        ValueError: when the gap is below 1000, so that the dimension is not clear, or for an unknown method.
    """
    if method not in (None, "dense", "krylov"):
        raise ValueError(f"Expected the method dense, krylov or None, got {method!r}: None chooses by size.")
    balanced = constraint.balanced()
    if balanced.scale == 0:
        return NullSpace(torch.eye(constraint.size, dtype=torch.float64, device=constraint.device), 0.0, torch.inf)
    if method == "dense" or (method is None and constraint.size <= DENSE_SIZE):
        found = _dense(balanced, tolerance)
    else:
        found = _krylov(balanced, tolerance, seed)
    if found.gap < GAP:
        raise ValueError(
            f"Expected a clear null space, got relative singular values {found.largest_null:.1e} counted as zero and "
            f"{found.smallest_kept:.1e} not: scale the generators and functions alike, or give another tolerance."
        )
    return NullSpace(_canonical(found.basis), found.largest_null, found.smallest_kept)


def _canonical(basis: Float[Tensor, "size r"]) -> Float[Tensor, "size r"]:
    """Another orthonormal basis, a function of the space alone.

    The first unit vector that is not too short once projected onto the space becomes the first basis vector, of length
    1; then the same within its complement. The bound is arbitrary, so that no projection is by chance that long.
    """
    rest, found = basis.clone(), []
    for _ in range(basis.shape[1]):
        squares = (rest**2).sum(1)
        row = rest[int((squares > 0.3711 * squares.amax()).to(torch.int8).argmax())]
        direction = row / row.norm()
        found.append(rest @ direction)
        rest = rest - torch.outer(found[-1], direction)
    return torch.stack(found, 1) if found else basis


def _dense(constraint: LinearConstraint, tolerance: float) -> NullSpace:
    matrix = constraint.dense()
    if len(matrix) > constraint.size:
        matrix = torch.linalg.qr(matrix, mode="r").R
    values = matrix.new_zeros(constraint.size)
    _, found, rows = torch.linalg.svd(matrix, full_matrices=True)
    values[: len(found)] = found
    rank = int((values > tolerance).sum())
    return NullSpace(
        rows[rank:].T.contiguous(),
        float(values[rank]) if rank < len(values) else 0.0,
        float(values[rank - 1]) if rank else torch.inf,
    )


def _krylov(constraint: LinearConstraint, tolerance: float, seed: int) -> NullSpace:
    def normal(x: Tensor) -> Tensor:
        return constraint.adjoint(constraint.apply(x))

    basis, smallest = null_block(normal, constraint.size, constraint.device, seed)
    left = constraint.apply(basis)
    largest = float(torch.linalg.matrix_norm(left, 2)) if basis.shape[1] else 0.0
    if largest > tolerance:
        smallest = min(smallest, largest)
    return NullSpace(basis, largest, smallest)
