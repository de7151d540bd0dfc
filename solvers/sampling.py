"""Values of spectra at the points of another grid."""

from collections.abc import Sequence
from types import EllipsisType

from torch import Tensor

from pdesym.solvers.spectral import inverse_transform
from pdesym.solvers.spectrum import resize


def sampled(v: Tensor, modes: Sequence[int], points: Sequence[int]) -> Tensor:
    """The real fields of spectra on the modes of one grid, at the points of another in the same box.

    They are synthesised on a multiple of those points, of which every k-th is kept.
    """
    factors = [-(-m // n) for m, n in zip(modes, points, strict=True)]
    finer = tuple(n * k for n, k in zip(points, factors, strict=True))
    values = inverse_transform(resize(v, modes, finer), finer, norm="forward")
    kept: tuple[EllipsisType | slice, ...] = (..., *(slice(None, None, k) for k in factors))
    return values[kept]
