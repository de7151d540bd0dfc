"""The singular values of linear conditions on a generator, and rules for how many of them count as zero."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

# Singular values of exact conditions are this small when they are zero: some hundred roundings.
ROUNDING = 1e3 * float(np.finfo(np.float64).eps)
# Below this ratio a gap in the spectrum separates nothing.
LEAST_MARGIN = 3.0
# A second gap that is this power of the largest, or more, might be the one.
_ALIKE = 0.7


@dataclass(frozen=True)
class Spectrum:
    """The singular value decomposition of conditions whose columns were divided by the size of what cancels in them.

    Attributes:
        singular_values: σ, ascending, `(columns,)`: each is ‖A c‖ for a unit vector c of scaled coefficients, where 1
            means that nothing cancels.
        directions: the unit vectors, `(columns, columns)`, in scaled coefficients.
        scale: the size of each column; coefficients are scaled ones divided by it.
        matrix: the scaled conditions in square form, `(columns, columns)`: ‖matrix · c‖ is their root mean square.
    """

    singular_values: np.ndarray
    directions: np.ndarray
    scale: np.ndarray
    matrix: np.ndarray

    def null_space(self, dimension: int) -> np.ndarray:
        """An orthonormal basis of the coefficients that belong to the smallest singular values, `(dimension, K)`."""
        rows = self.directions[:dimension] / self.scale
        rows = rows / np.linalg.norm(rows, axis=1, keepdims=True)
        basis: np.ndarray = np.linalg.qr(rows.T)[0].T
        return basis

    def defects(self, coefficients: np.ndarray) -> np.ndarray:
        """‖A c‖/‖c‖ in scaled coefficients, for each row of coefficients: on the axis of the singular values."""
        scaled = np.atleast_2d(coefficients) * self.scale
        result: np.ndarray = np.linalg.norm(scaled @ self.matrix.T, axis=1) / np.linalg.norm(scaled, axis=1)
        return result


def scaled_spectrum(matrix: Float[Tensor, "rows columns"], size: Float[Tensor, "rows columns"]) -> Spectrum:
    """The spectrum of conditions `matrix · c = 0`.

    Every column is divided by the root mean square of `size`, never of itself: the column of a symmetry that the
    library holds, such as ∂_x, is rounding noise, and dividing by that would hide it.

    Args:
        matrix: the conditions.
        size: what could have cancelled in each entry.
    """
    scale = size.square().mean(0).sqrt()
    scale = torch.where(scale > 0, scale, torch.ones_like(scale))
    scaled = matrix / scale / len(matrix) ** 0.5
    square = torch.linalg.qr(scaled, mode="r").R if len(matrix) > matrix.shape[1] else scaled
    _, values, directions = torch.linalg.svd(square, full_matrices=True)
    padded = torch.zeros(matrix.shape[1], dtype=values.dtype)
    padded[: len(values)] = values
    return Spectrum(padded.flip(0).numpy(), directions.flip(0).numpy(), scale.numpy(), square.numpy())


@dataclass(frozen=True)
class Decision:
    """How many singular values count as zero, and why.

    Attributes:
        dimension: their number d.
        floor: singular values up to this are as good as zero.
        margin: σ_{d+1} / max(σ_d, floor): how far the next one is.
        rule: the rule and its evidence, as a sentence.
        flags: what makes it doubtful.
    """

    dimension: int
    floor: float
    margin: float
    rule: str
    flags: tuple[str, ...] = ()


def by_rounding(singular_values: np.ndarray) -> Decision:
    """Exact conditions: zero is what lies below the rounding floor. Values above it are broken symmetries.

    A value far below the others that is not rounding noise, as that of a slightly broken symmetry, is flagged and not
    counted.
    """
    return _below(
        singular_values,
        ROUNDING,
        f"exact source: singular values up to the rounding floor {ROUNDING:.1e} are zero",
    )


def by_error(singular_values: np.ndarray, error: float, factor: float = 2.0) -> Decision:
    """Approximate conditions: zero is what lies below `factor` times their relative error.

    Args:
        singular_values: ascending.
        error: relative error of what the conditions were made from, measured on data held out.
        factor: how many times that error counts as zero.
    """
    floor = max(factor * error, ROUNDING)
    return _below(
        singular_values,
        floor,
        f"approximate source: singular values up to {factor:g} times its relative error {error:.1e} are zero",
    )


def by_spread(singular_values: np.ndarray, noise: np.ndarray, factor: float = 2.0) -> Decision:
    """Conditions that are known up to a noise of their own along each direction: zero is what lies within it.

    Counting from the smallest it ends with the first singular value above `factor` times its noise.

    Args:
        singular_values: ascending.
        noise: root mean square of the error of the conditions along each singular direction.
        factor: how many times its noise counts as zero.
    """
    floors = np.maximum(factor * noise, ROUNDING)
    above = np.flatnonzero(singular_values > floors)
    dimension = int(above[0]) if len(above) else len(singular_values)
    floor = float(floors[:dimension].max(initial=ROUNDING))
    rest = singular_values[dimension:]
    margin = float(rest[0] / floors[dimension]) if len(rest) else float("inf")
    inside = f"at most {np.max(singular_values[:dimension] / floors[:dimension]):.2f}" if dimension else "of none"
    outside = f"{margin:.1f} for σ_{dimension + 1} = {rest[0]:.1e}" if len(rest) else "there are no others"
    flags = () if margin >= LEAST_MARGIN else (_unclear(margin),)
    rule = (
        f"operators trained alike: singular values up to {factor:g} times their spread along the same direction are "
        f"zero; as shares of that {inside} for those that count, {outside}"
    )
    return Decision(dimension, floor, margin, rule, flags)


def by_gap(singular_values: np.ndarray, floor: float = ROUNDING, noise: np.ndarray | None = None) -> Decision:
    """Conditions of unknown accuracy: zero is what lies below the largest gap, in the logarithm, of the spectrum.

    Args:
        singular_values: ascending; those below the floor count as equal to it.
        floor: what is surely zero. The gap may lie right above it; 1 stands above the largest value.
        noise: for each direction by how much its value is uncertain, where that was measured: none counts as smaller
            than the noise of the directions up to it.
    """
    uncertain = singular_values if noise is None else np.maximum(singular_values, np.maximum.accumulate(noise))
    known = np.concatenate([[floor], np.maximum(uncertain, floor)])
    gaps = np.log(np.append(singular_values, 1.0).clip(floor) / known)
    dimension = int(np.argmax(gaps))
    margin, second = (float(np.exp(each)) for each in (gaps[dimension], np.sort(gaps)[-2]))
    if noise is None:
        rule = (
            f"largest gap: σ_{dimension} and σ_{dimension + 1} lie a factor {margin:.1e} apart, the next largest gap "
            f"is {second:.1e}"
        )
    else:
        rule = (
            f"exact map: the largest gap, a factor {margin:.1e}, is that from σ_{dimension}, or the noise up to it, "
            f"{known[dimension]:.1e}, to σ_{dimension + 1}; the next largest is {second:.1e}"
        )
    flags: tuple[str, ...] = () if margin >= LEAST_MARGIN else (_unclear(margin),)
    if not flags and second > margin**_ALIKE:
        flags = (f"unclear: the next largest gap, {second:.1e}, is nearly as large, the dimension may be wrong",)
    return Decision(dimension, float(known[dimension]), margin, rule, flags)


def _below(singular_values: np.ndarray, floor: float, rule: str) -> Decision:
    dimension = int((singular_values <= floor).sum())
    rest = singular_values[dimension:]
    margin = float(rest[0] / floor) if len(rest) else float("inf")
    last = f"σ_{dimension} = {singular_values[dimension - 1]:.1e}" if dimension else "none is"
    following = f"σ_{dimension + 1} = {rest[0]:.1e}" if len(rest) else "there are no others"
    flags: tuple[str, ...] = ()
    if margin < LEAST_MARGIN:
        flags += (_unclear(margin),)
    near = np.flatnonzero(rest[1:] > 100.0 * rest[:-1]) + 1
    if len(near):
        count = int(near[-1])
        flags += (
            f"nearly symmetric: {count} more direction{'s' if count > 1 else ''} with σ up to {rest[count - 1]:.1e} "
            f"before {rest[count]:.1e}, broken and not counted",
        )
    return Decision(dimension, floor, margin, f"{rule}; {last}, {following}", flags)


def _unclear(margin: float) -> str:
    return f"unclear: the next singular value is only {margin:.1f} times the floor, the dimension may be wrong"
