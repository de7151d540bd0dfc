"""Which combinations of given vector fields an operator on a torus has for symmetries."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float
from torch import Tensor

from pdesym.solvers.grid import Grid
from pdesym.symmetry.algebra import Algebra
from pdesym.symmetry.characteristic import RightHandSide
from pdesym.symmetry.discover.closed_form import ClosedForm, closed_form
from pdesym.symmetry.discover.columns import DEPENDENT, Columns, Solution
from pdesym.symmetry.discover.evidence import CHANCE, by_evidence
from pdesym.symmetry.discover.spectrum import Decision
from pdesym.symmetry.frames import Times
from pdesym.symmetry.generator import Generator
from pdesym.symmetry.lie_derivative import lie_derivatives
from pdesym.symmetry.pushforward import Operator
from pdesym.symmetry.vector_field import Number


@dataclass(frozen=True)
class Equivariances:
    """The combinations of vector fields that an operator respects, with the evidence.

    Attributes:
        candidates: the vector fields that were combined.
        alone: the relative equivariance defect of each by itself, `(candidates,)`; not a number where it moves nothing.
        dropped: candidates that move nothing that the others do not move too.
        spectrum: δ of the independent combinations, ascending, each in [0, √2].
        held_out: for each k the largest δ, on half of the samples, of the k combinations found on the other half.
        calibration: δ of a generator that the operator is known to have, or None.
        decision: how many δ count as zero, and why.
        null_space: an orthonormal basis of the coefficients of the symmetries, `(dimension, candidates)`.
        form: a readable basis of it.
    """

    candidates: tuple[Generator, ...]
    alone: Float[np.ndarray, " candidates"]
    dropped: tuple[Generator, ...]
    spectrum: Float[np.ndarray, " combinations"]
    held_out: Float[np.ndarray, " combinations"]
    calibration: float | None
    decision: Decision
    null_space: Float[np.ndarray, "dimension candidates"]
    form: ClosedForm

    @property
    def dimension(self) -> int:
        """The number of independent symmetries."""
        return self.decision.dimension

    @property
    def flags(self) -> tuple[str, ...]:
        """What is doubtful, a sentence each."""
        return self.decision.flags

    @cached_property
    def generators(self) -> tuple[Generator, ...]:
        """The symmetries, as sums of few candidates."""
        return tuple(linear_combination(self.candidates, row) for row in self.form.rows)

    @cached_property
    def algebra(self) -> Algebra:
        """The span of the symmetries; its closure says whether it is an algebra."""
        return Algebra(self.generators, self.candidates[0].coordinates, self.candidates[0].fields)

    def __str__(self) -> str:
        lines = [f"{self.dimension} symmetries among {len(self.candidates)} vector fields"]
        lines += [f"  {generator}" for generator in self.generators]
        alone = (f"{generator}: {defect:.1e}" for generator, defect in zip(self.candidates, self.alone, strict=True))
        lines += [f"each by itself: {', '.join(alone)}"]
        lines += [f"spectrum: {' '.join(f'{value:.1e}' for value in self.spectrum)}"]
        lines += [f"held out: {' '.join(f'{value:.1e}' for value in self.held_out)}"]
        if self.dropped:
            lines += [f"dropped, as they move nothing more than the others: {', '.join(map(str, self.dropped))}"]
        lines += [f"rule: {self.decision.rule}"]
        return "\n".join([*lines, *(f"flag: {flag}" for flag in self.flags)])


def discover_equivariances(
    operator: Operator,
    candidates: Iterable[Generator],
    u: Float[Tensor, "batch ..."],
    grid: Grid,
    times_in: Times,
    times_out: Times,
    rhs: RightHandSide | None = None,
    *,
    calibration: Generator | None = None,
    seed: int = 0,
) -> Equivariances:
    """The combinations v = Σ c_k v_k for which dF[u]·Q_in = Q_out[F u], the same c before and after.

    With A c = dF·Q_in and B c = Q_out over all samples, the stationary values of

        δ² = ‖(A − B) c‖² / (‖A c‖² + ‖B c‖²),   0 ≤ δ ≤ √2,

    are relative equivariance defects: 1 where both sides have nothing to do with each other. Combinations with
    A c = B c = 0 are left out. Exact on a torus, where coefficients must be periodic; δ speaks of the sampled fields.

    How many count as zero is read off the largest gap. No δ counts as smaller than that of the calibration, nor than
    what the combinations found on half of the samples have on the other half. A gap below 30 is flagged. A symmetry
    that the operator has by construction, as an FNO without coordinates has translations, calibrates only its rounding.

    Args:
        operator: F, on fields or trajectories, as in `lie_derivatives`.
        candidates: generators with periodic coefficients; a `Library` of such is also an iterable of them.
        u: where to look, at least two samples.
        grid: the grid of its input and output.
        times_in: times of the input frames, as in `lie_derivatives`.
        times_out: the same for the output.
        rhs: N[u], where a candidate moves time; the operator's own method `rhs` where it has one.
        calibration: a generator that the operator is known to have.
        seed: of the halves and of the choices of pivots.

    Raises:
        ValueError: as `lie_derivatives`, and for one sample, of which none can be held out.

    Source: Otto, Zolman, Kutz, Brunton, JMLR 26 (248), 2025, section 7, for the null space of v ↦ 𝓛_v F.
    """
    given = tuple(candidates)
    if len(u) < 2:
        raise ValueError("Expected at least two samples, so that some can be held out, got one.")
    extra = () if calibration is None else (calibration,)
    measured = lie_derivatives(operator, [*given, *extra], u, grid, times_in, times_out, rhs)
    known = None if calibration is None else float(measured[-1])
    defects = measured[: len(given)]
    columns = Columns.of(defects)
    kept = columns.independent
    chosen = columns.only(kept)
    values, combinations = relative_defects(chosen.together)
    held_out = chosen.held_out(relative_defects, largest_defect, seed)
    decision = by_evidence(values, held_out, known)
    scattered = np.zeros((decision.dimension, len(given)))
    scattered[:, list(kept)] = combinations[:, : decision.dimension].T
    null_space = np.linalg.qr(scattered.T)[0].T if len(scattered) else scattered
    following = np.append(values, 1.0)[decision.dimension]
    # ‖sin Θ‖ ≤ 2 ‖E‖/gap.
    angle = float(np.clip(2 * decision.floor / following, 1e-11, 1.0))

    def holds(rows: np.ndarray) -> bool:
        return largest_defect(chosen.together, rows[:, list(kept)].T) <= CHANCE * decision.floor

    return Equivariances(
        candidates=given,
        alone=np.array([float(defect) for defect in defects]),
        dropped=tuple(generator for k, generator in enumerate(given) if k not in kept),
        spectrum=values,
        held_out=held_out,
        calibration=known,
        decision=decision,
        null_space=null_space,
        form=closed_form(null_space, angle, holds, seed=seed),
    )


def linear_combination(generators: Sequence[Generator], coefficients: Sequence[Number]) -> Generator:
    """Σ_k c_k v_k."""
    terms = (c * v for c, v in zip(coefficients, generators, strict=True) if c)
    return sum(terms, start=0 * generators[0])


def relative_defects(factor: Float[np.ndarray, "rows both"]) -> Solution:
    """δ, ascending, and the combinations that have them, `(K, values)`, from [A, B]."""
    before, after = np.split(factor, 2, axis=1)
    whitening = _whitening(before, after)
    _, values, rows = np.linalg.svd((before - after) @ whitening, full_matrices=False)
    return values[::-1], (whitening @ rows.T)[:, ::-1]


def largest_defect(factor: Float[np.ndarray, "rows both"], combinations: Float[np.ndarray, "columns some"]) -> float:
    """The largest δ in the span of some combinations."""
    before, after = (side @ combinations for side in np.split(factor, 2, axis=1))
    return float(np.linalg.norm((before - after) @ _whitening(before, after), 2))


def _whitening(
    before: Float[np.ndarray, "rows columns"], after: Float[np.ndarray, "rows columns"]
) -> Float[np.ndarray, "columns kept"]:
    """W with ‖A W c‖² + ‖B W c‖² = ‖c‖², its columns spanning what moves anything."""
    action = np.concatenate([before, after])
    size = np.linalg.norm(action, axis=0)
    _, singular, rows = np.linalg.svd(action / size, full_matrices=False)
    kept = singular > DEPENDENT * singular[0]
    result: np.ndarray = (rows[kept] / singular[kept, None] / size).T
    return result
