"""What `discover` returns, whatever it looked at."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np

from pdesym.symmetry.algebra import Algebra
from pdesym.symmetry.angles import largest_angle
from pdesym.symmetry.discover.closed_form import ClosedForm
from pdesym.symmetry.discover.spectrum import Decision, Spectrum
from pdesym.symmetry.generator import Generator
from pdesym.symmetry.library import Library

Source = Literal["equation", "operator", "data"]


@dataclass(frozen=True)
class Discovery:
    """A symmetry algebra with the evidence for it.

    Attributes:
        source: what was looked at.
        subject: that, in words: the equation, found or given, or the name of an operator.
        library: the vector fields among which symmetries were looked for.
        spectrum: the singular value decomposition of the conditions on a symmetry.
        decision: how many singular values count as zero, with floor, margin and rule.
        null_space: an orthonormal basis of the coefficients of all symmetries found, `(dimension, len(library))`,
            as it comes from the numbers, before anything is rounded.
        uncertainty: the angle, in radians, up to which the null space is known.
        finite: a readable basis of the algebra, its superposition part set apart.
        ideal: a readable basis of the superposition part, the symmetries φ(x, t) ∂_u of a linear equation.
        closure: the largest part of a bracket outside the algebra, relative to the terms of the bracket, modulo the
            superposition part; of the readable basis.
        flags: what is wrong or doubtful, a sentence each; empty when nothing is.
        residual: for data: the share of u_t that the identified equation does not explain; otherwise None.
    """

    source: Source
    subject: str
    library: Library
    spectrum: Spectrum
    decision: Decision
    null_space: np.ndarray
    uncertainty: float
    finite: ClosedForm
    ideal: ClosedForm
    closure: float
    flags: tuple[str, ...] = ()
    residual: float | None = None

    @property
    def dimension(self) -> int:
        """How many independent symmetries the library holds, members of the superposition part among them."""
        return len(self.null_space)

    @property
    def floor(self) -> float:
        """Singular values up to this count as zero."""
        return self.decision.floor

    @property
    def margin(self) -> float:
        """How many times larger the first singular value is that does not count as zero."""
        return self.decision.margin

    @property
    def rule(self) -> str:
        """The rule that gave the dimension, with its evidence."""
        return self.decision.rule

    @property
    def closed(self) -> bool:
        """Whether brackets stay inside, up to what is known of the basis."""
        return self.closure <= closure_tolerance(self.uncertainty)

    @cached_property
    def generators(self) -> tuple[Generator, ...]:
        """The readable basis of the algebra, without its superposition part."""
        return tuple(map(self.library.generator, self.finite.rows))

    @cached_property
    def superposition(self) -> tuple[Generator, ...]:
        """The members φ(x, t) ∂_u that the library holds: the equation is linear and has infinitely many of them."""
        return tuple(map(self.library.generator, self.ideal.rows))

    @cached_property
    def algebra(self) -> Algebra:
        """The algebra without its superposition part."""
        return Algebra(self.generators, self.library.coordinates, self.library.fields)

    def angle_to(self, generators: Iterable[Generator]) -> float:
        """The largest principal angle between the null space, as it was measured, and a span of generators, in degrees.

        90 where the dimensions differ. The columns of the library are orthonormal.

        Args:
            generators: linearly independent, members of the superposition part among them.

        Raises:
            ValueError: for generators that the library does not hold.
        """
        return largest_angle(self.null_space, self.library.matrix(tuple(generators)))

    def contains(self, generator: Generator) -> bool:
        """Whether a generator lies in the null space, up to four times the angle to which it is known.

        At least 1e-9 and at most 0.1 radians.

        Raises:
            ValueError: for a generator that the library does not hold.
        """
        row = self.library.matrix((generator,))[0]
        outside = row - self.null_space.T @ (self.null_space @ row)
        tolerance = min(0.1, max(1e-9, 4 * self.uncertainty))
        return bool(np.linalg.norm(outside) <= tolerance * np.linalg.norm(row))

    def defect(self, generator: Generator) -> float:
        """How far a generator is from a symmetry, on the axis of the singular values: 0 to about 1.

        Raises:
            ValueError: for a generator that the library does not hold.
        """
        return float(self.spectrum.defects(self.library.matrix((generator,)))[0])

    @property
    def singular_values(self) -> np.ndarray:
        """The whole spectrum, ascending, `(len(library),)`: 0 is a symmetry, 1 means that nothing cancels."""
        return self.spectrum.singular_values

    @property
    def closed_forms(self) -> str:
        """Whether the coefficients are fractions, and why."""
        reasons = [form.reason for form in (self.finite, self.ideal) if form.rows and not form.rational]
        return "refused: " + "; ".join(reasons) if reasons else f"accepted: {self.finite.reason}"

    def to_json(self) -> dict[str, Any]:
        """Everything as numbers, lists and text, with the keys of the algebra's own JSON.

        The closure is exactly 0 where the readable basis is exactly closed, up to the superposition part; what is not
        finite is null.
        """
        exact = self.algebra.modulo(self.superposition) == 0
        return self.algebra.to_json() | {
            "source": self.source,
            "subject": self.subject,
            "dimension": self.dimension,
            "superposition": [str(generator) for generator in self.superposition],
            "closure": 0 if exact else self.closure,
            "spectrum": self.singular_values.tolist(),
            "floor": _finite(self.floor),
            "margin": _finite(self.margin),
            "rule": self.rule,
            "closed_forms": self.closed_forms,
            "uncertainty": _finite(self.uncertainty),
            "null_space": self.null_space.tolist(),
            "library": [str(column) for column in self.library],
            "flags": list(self.flags),
            "residual": self.residual,
        }

    def __str__(self) -> str:
        lines = [f"{self.subject}: {self.dimension} symmetries from {self.source}"]
        lines += [f"  {generator}" for generator in self.generators]
        if self.superposition:
            lines += ["  and, because it is linear, φ ∂_u for every solution φ, among them"]
            lines += [f"    {generator}" for generator in self.superposition]
        lines += [f"rule: {self.rule}; margin {self.margin:.1e}"]
        lines += [f"spectrum: {' '.join(f'{value:.1e}' for value in self.singular_values[: self.dimension + 4])} …"]
        lines += [f"closure: {self.closure:.1e}; fractions {self.closed_forms}"]
        if self.residual is not None:
            lines += [f"residual: {self.residual:.1e} of u_t is not explained"]
        return "\n".join([*lines, *(f"flag: {flag}" for flag in self.flags)])


def _finite(number: float) -> float | None:
    return float(number) if np.isfinite(number) else None


def closure_tolerance(uncertainty: float) -> float:
    """How large a bracket's part outside may be for a space known up to an angle; never more than a tenth."""
    return min(0.1, 1e-9 + 20 * uncertainty)
