"""Pairs of vector fields of which an operator takes one to the other: symmetries that depend on time, found frozen."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property

import numpy as np
import scipy.linalg
import torch
from jaxtyping import Float
from torch import Tensor

from pdesym.solvers.grid import Grid
from pdesym.symmetry.algebra_text import combination
from pdesym.symmetry.angles import largest_angle
from pdesym.symmetry.characteristic import RightHandSide
from pdesym.symmetry.defect import Defect
from pdesym.symmetry.discover.closed_form import ClosedForm, closed_form, rounded
from pdesym.symmetry.discover.columns import Columns
from pdesym.symmetry.discover.equivariances import linear_combination
from pdesym.symmetry.discover.evidence import by_evidence
from pdesym.symmetry.discover.spectrum import LEAST_MARGIN, ROUNDING, Decision, by_gap
from pdesym.symmetry.generator import Generator
from pdesym.symmetry.lie_derivative import lie_derivatives
from pdesym.symmetry.pushforward import Operator
from pdesym.symmetry.vector_field import TIME, variable

# Below this share of a column an operator with noise has none that matters.
_LEAST_NOISE = 1e-8
# Values up to so many times the noise count as zero.
_FACTOR = 2.0
# Null spaces further apart, in degrees, are different answers.
_APART = 5.0
# Part of an image that is outside the span, relative to it, where it counts as inside.
_INSIDE = 1e-3


@dataclass(frozen=True)
class Pairs:
    """Pairs (v, v') of combinations of frozen vector fields with dF[u]·Q_v[u] = Q_v'[F u].

    Attributes:
        basis: the independent vector fields B_k that were combined, without t.
        horizon: T, the time between input and output.
        singular_values: ascending: of [A, −B] with columns of norm 1 where the operator is exact, and in units of the
            noise where that was estimated.
        decision: how many count as zero, and why.
        null_space: rows (c, c') with A c = B c', `(dimension, 2K)`.
        size: norms of the columns of [A, B], `(2K,)`.
        uncertainty: the angle, in radians, up to which the null space is known.
        form: a readable basis of the c.
    """

    basis: tuple[Generator, ...]
    horizon: float
    singular_values: Float[np.ndarray, " columns"]
    decision: Decision
    null_space: Float[np.ndarray, "dimension columns"]
    size: Float[np.ndarray, " columns"]
    uncertainty: float
    form: ClosedForm

    @property
    def dimension(self) -> int:
        """The number of independent pairs."""
        return len(self.null_space)

    @property
    def flags(self) -> tuple[str, ...]:
        """What is doubtful, a sentence each."""
        return self.decision.flags

    @cached_property
    def transfer(self) -> Float[np.ndarray, "basis basis"]:
        """M with c' = M c for the pairs found, zero on what is orthogonal to their c, columns counted by their size."""
        before, after = np.split(self.size, 2)
        c, images = np.split(self.null_space * self.size, 2, axis=1)
        matrix: np.ndarray = images.T @ np.linalg.pinv(c.T, rcond=_INSIDE)
        raw: np.ndarray = matrix * before / after[:, None]
        return raw

    @cached_property
    def inputs(self) -> tuple[Generator, ...]:
        """v for a readable basis of the pairs."""
        return tuple(linear_combination(self.basis, row) for row in self.form.rows)

    @cached_property
    def outputs(self) -> tuple[Generator, ...]:
        """v' for each of the inputs, with the digits that are known."""
        return self._generators(self._images)

    @cached_property
    def rate(self) -> Float[np.ndarray, "dimension dimension"]:
        """Γ = log M/T on the inputs: v(t) = Σ_j exp(tΓ)_ij v_j is the i-th symmetry, and [∂_t, v_i] = Σ_j Γ_ij v_j.

        Raises:
            ValueError: where outputs are no combinations of the inputs, or M has no real logarithm.
        """
        if not self.dimension:
            return np.zeros((0, 0))
        size = self.size[: len(self.basis)]
        inputs, images = self.form.matrix * size, self._images * size
        matrix = images @ np.linalg.pinv(inputs)
        outside = np.linalg.norm(images - matrix @ inputs) / np.linalg.norm(images)
        if outside > max(_INSIDE, self.uncertainty):
            raise ValueError(
                f"The outputs of the pairs are no combinations of their inputs, {outside:.1e} of them lies outside: "
                "add the missing vector fields to the basis."
            )
        logarithm = scipy.linalg.logm(matrix)
        if not np.isfinite(logarithm).all() or np.abs(np.imag(logarithm)).max() > _INSIDE:
            raise ValueError("The pairs' matrix has no real logarithm: take a shorter time between input and output.")
        result: np.ndarray = np.real(logarithm) / self.horizon
        return result

    @cached_property
    def time_brackets(self) -> tuple[Generator, ...]:
        """[∂_t, v] for each of the inputs: what a symmetry that is v at the initial time becomes per unit of time.

        Raises:
            ValueError: as `rate`.
        """
        return self._generators(self.rate @ self.form.matrix)

    @property
    def _images(self) -> Float[np.ndarray, "dimension basis"]:
        matrix: np.ndarray = self.form.matrix.reshape(-1, len(self.basis)) @ self.transfer.T
        return matrix

    def _written(self, rows: np.ndarray) -> tuple[tuple[Fraction | float, ...], ...]:
        tolerance = max(1e-9, self.uncertainty) * max(1.0, float(np.abs(rows).max(initial=0.0)))
        return rounded(rows, tolerance).rows if len(rows) else ()

    def _generators(self, rows: np.ndarray) -> tuple[Generator, ...]:
        return tuple(linear_combination(self.basis, row) for row in self._written(rows))

    def __str__(self) -> str:
        lines = [f"{self.dimension} pairs over T = {self.horizon:g}"]
        names = [f"({text})" if " " in text else text for text in map(str, self.basis)]
        outputs = (combination(row, names) for row in self._written(self._images))
        lines += [f"  {one} → {other}" for one, other in zip(self.inputs, outputs, strict=True)]
        lines += [f"spectrum: {' '.join(f'{value:.1e}' for value in self.singular_values)}"]
        lines += [f"rule: {self.decision.rule}"]
        return "\n".join([*lines, *(f"flag: {flag}" for flag in self.flags)])


def discover_pairs(
    operator: Operator,
    basis: Iterable[Generator],
    u: Float[Tensor, "batch channel *space"],
    grid: Grid,
    time_in: int | float,
    time_out: int | float,
    rhs: RightHandSide | None = None,
    *,
    calibration: Generator | None = None,
    replicates: Sequence[Operator] = (),
    seed: int = 0,
) -> Pairs:
    """The pairs (c, c') with dF[u]·Σ c_k B_k[u] = Σ c'_k B_k[F u], where B_k[u] are the characteristics of the basis.

    A symmetry with coefficients that depend on time is one vector field at the input and another at the output: the
    boost t ∂_x + ∂_u is ∂_u at t = 0 and T ∂_x + ∂_u at t = T, so that dS·1 = 1 − T u_x. Pairs find it from a basis
    without t, and how it depends on t from log M/T, where c' = M c.

    The pairs are the null space of [A, −B], A_k = dF[u]·B_k[u], B_k = B_k[F u]. For an exact operator columns have
    norm 1 and the largest gap decides, see `by_evidence`. An error in F weighs most in the smallest of these columns,
    and can lift a true pair above a false one; where other solutions of the same task are given, [A, −B] is measured
    in units of their disagreement, in which a pair that holds up to errors has the value 1, and values up to 2 count
    as zero.

    Args:
        operator: F, from fields to fields.
        basis: vector fields with periodic coefficients without t; d_t stands for −N[u].
        u: where to look, at least two samples.
        grid: the grid of its input and output.
        time_in: time of the input, in the equation's unit of time.
        time_out: time of the output.
        rhs: N[u], where the basis moves time; the operator's own method `rhs` where it has one.
        calibration: a generator without t that the operator is known to have: no value counts as smaller than its
            defect. Without it and replicates the operator counts as exact to rounding.
        replicates: other operators that approximate the same map, with errors of their own, such as networks from
            other seeds.
        seed: of the choices of pivots and of the samples that are held out.

    Raises:
        ValueError: as `lie_derivatives`, for coefficients that contain t, for one sample, and for an output that is
            not later than the input.
    """
    given = tuple(basis)
    _check(given, u, grid, time_in, time_out)
    arguments = u, grid, time_in, time_out
    extra = () if calibration is None else (calibration,)
    measured = lie_derivatives(operator, (*given, *extra), *arguments, rhs)
    defects, known = measured[: len(given)], None if calibration is None else float(measured[-1])
    whole = Columns.of(defects)
    kept = whole.independent
    columns = whole.only(kept)
    size = np.linalg.norm(columns.together, axis=0)

    def solve(factor: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        _, values, rows = np.linalg.svd(_difference(factor) / size, full_matrices=False)
        return values[::-1], rows[::-1].T

    def largest(factor: np.ndarray, vectors: np.ndarray) -> float:
        return float(np.linalg.norm(_difference(factor) / size @ vectors, 2))

    if replicates:
        others = [lie_derivatives(each, given, *arguments, rhs) for each in replicates]
        noise = _noise(defects, others, kept)
        values, vectors = _in_units_of(noise / np.outer(size, size), _difference(columns.together) / size)
        decision = _by_noise(values)
    else:
        values, vectors = solve(columns.together)
        decision = by_evidence(values, columns.held_out(solve, largest, seed), known)
        decision = _checked(decision, vectors, columns.together, size, known)
    scaled = np.linalg.qr(vectors[:, : decision.dimension])[0]
    null_space = scaled.T / size
    uncertainty = _angle(_difference(columns.together) / size, scaled, float(size.max() / size.min()))
    inputs = null_space[:, : len(kept)]
    orthonormal = np.linalg.qr(inputs.T)[0].T if len(inputs) else inputs
    return Pairs(
        basis=tuple(given[k] for k in kept),
        horizon=time_out - time_in,
        singular_values=values,
        decision=decision,
        null_space=null_space,
        size=size,
        uncertainty=uncertainty,
        form=closed_form(orthonormal, uncertainty, seed=seed),
    )


def composition_defect(first: Pairs, second: Pairs, together: Pairs) -> float:
    """‖M(T₂) M(T₁) − M(T₁ + T₂)‖ relative to M(T₁ + T₂), on the inputs of the last: 0 for the flow of an equation.

    Args:
        first: pairs of the operator over T₁.
        second: over T₂, from there.
        together: over both.

    Raises:
        ValueError: for pairs of different bases, or times that do not add up.
    """
    if not first.basis == second.basis == together.basis:
        raise ValueError("Expected pairs of the same basis: look for them with the same vector fields, on like data.")
    if not np.isclose(first.horizon + second.horizon, together.horizon):
        raise ValueError(
            f"Expected times that add up, got {first.horizon:g} and {second.horizon:g} beside {together.horizon:g}."
        )
    after = together.size[len(together.basis) :]
    c = np.split(together.null_space, 2, axis=1)[0].T
    composed, direct = (
        after[:, None] * (matrix @ c) for matrix in (second.transfer @ first.transfer, together.transfer)
    )
    return float(np.linalg.norm(composed - direct) / np.linalg.norm(direct))


def _check(basis: tuple[Generator, ...], u: Tensor, grid: Grid, time_in: int | float, time_out: int | float) -> None:
    for generator in basis:
        if any(variable(TIME) in component.free_symbols for component in generator.vector_field.components):
            raise ValueError(
                f"Expected vector fields without t in their coefficients, got {generator}: how a symmetry depends on "
                "time is what pairs tell."
            )
    if len(u) < 2:
        raise ValueError("Expected at least two samples, so that some can be held out, got one.")
    if u.ndim != grid.dims + 2:
        raise ValueError(f"Expected fields (batch, channel, *space), got shape {tuple(u.shape)}.")
    if not time_out > time_in:
        raise ValueError(f"Expected an output later than the input, got times {time_in:g} and {time_out:g}.")


def _difference(factor: np.ndarray) -> np.ndarray:
    """[A, −B] from [A, B]."""
    before, after = np.split(factor, 2, axis=1)
    return np.concatenate([before, -after], axis=1)


def _noise(defects: Sequence[Defect], others: Sequence[Sequence[Defect]], kept: Sequence[int]) -> np.ndarray:
    """The covariance of the errors of [A, −B], summed over points and averaged over samples, `(2K, 2K)`."""
    result: np.ndarray = np.zeros((2 * len(kept), 2 * len(kept)))
    for replicate in others:
        errors = [replicate[k].pushed - defects[k].pushed for k in kept]
        errors += [defects[k].target - replicate[k].target for k in kept]
        table = torch.stack([error.detach().double().flatten() for error in errors], dim=1)
        # Both have errors of their own, which add.
        result += (table.T @ table).cpu().numpy() / (2 * len(others) * len(errors[0]))
    return result


def _in_units_of(noise: np.ndarray, matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Singular values of the matrix where ‖z‖ is √(zᵀ noise z), ascending, and the vectors z."""
    factor = np.linalg.cholesky(noise + _LEAST_NOISE**2 * np.eye(len(noise)))
    whitened = scipy.linalg.solve_triangular(factor, matrix.T, lower=True).T
    _, values, rows = np.linalg.svd(whitened, full_matrices=False)
    return values[::-1], scipy.linalg.solve_triangular(factor.T, rows[::-1].T)


def _by_noise(values: np.ndarray) -> Decision:
    count = int((values <= _FACTOR).sum())
    following = float(values[count]) if count < len(values) else float("inf")
    largest = f"the largest of them is {values[count - 1]:.2f}" if count else "there are none"
    rule = (
        f"noise from replicates: values up to {_FACTOR:g} times the noise are zero; {largest}, the next is "
        f"{following:.1f}"
    )
    margin = following / _FACTOR
    flags = () if margin >= LEAST_MARGIN else (f"unclear: the next value is only {following:.1f} times the noise",)
    return Decision(count, _FACTOR, margin, rule, flags)


def _checked(
    decision: Decision, vectors: np.ndarray, factor: np.ndarray, size: np.ndarray, known: float | None
) -> Decision:
    """Flags a null space that is another one when small columns count for less."""
    _, values, rows = np.linalg.svd(_difference(factor) / size.max(), full_matrices=False)
    other = by_gap(values[::-1], max(ROUNDING, known or 0.0))
    if other.dimension == decision.dimension:
        one = vectors[:, : decision.dimension].T / size
        if largest_angle(one * size.max(), rows[::-1][: other.dimension]) <= _APART:
            return decision
    flag = (
        f"sizes: with columns as large as they are, by a factor {size.max() / size.min():.0f}, the largest gap leaves "
        f"{other.dimension} pairs, and not the same; if the operator is not exact, give replicates"
    )
    return replace(decision, flags=(*decision.flags, flag))


def _angle(matrix: np.ndarray, null: np.ndarray, stretch: float) -> float:
    """How far the residual of the null vectors can turn their space: ‖sin Θ‖ ≤ 2 ‖E‖/gap, in raw coefficients."""
    if not 0 < null.shape[1] < null.shape[0]:
        return 1e-11
    complement = scipy.linalg.null_space(null.T)
    gap = float(np.linalg.svd(matrix @ complement, compute_uv=False)[-1])
    return float(np.clip(2 * stretch * np.linalg.norm(matrix @ null, 2) / gap, 1e-11, 1.0))
