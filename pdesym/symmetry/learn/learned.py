"""What learning returns."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from pdesym.symmetry.angles import principal_angles
from pdesym.symmetry.discover.closed_form import closed_form
from pdesym.symmetry.generator import Generator
from pdesym.symmetry.learn.fit import Fit
from pdesym.symmetry.learn.network import GeneratorNetwork
from pdesym.symmetry.learn.problem import LearningProblem
from pdesym.symmetry.learn.score import norms
from pdesym.symmetry.library import Library

# The next vector field must be broken by so many tolerances to be told from a symmetry without doubt.
_CLEAR = 5.0


@dataclass(frozen=True)
class ReadOff:
    """Learned generators in closed form.

    Attributes:
        generators: a basis.
        angle: the largest angle between what it spans and what was learned, in degrees.
    """

    generators: tuple[Generator, ...]
    angle: float


@dataclass(frozen=True)
class Learned:
    """Vector fields that were learned, from the least broken on, and how many of them are symmetries.

    Attributes:
        network: all of them, orthonormal under the measure of the problem.
        levels: ρ of each on the data held out: by how much, relative to u_t, one unit of its flow breaks the equation.
        problem: what they were fitted to.
    """

    network: GeneratorNetwork
    levels: tuple[float, ...]
    problem: LearningProblem

    @classmethod
    def of(cls, fit: Fit, problem: LearningProblem) -> "Learned":
        """The vector fields of a fit, in the order of their breaking on the data held out."""
        network = fit.network
        with torch.no_grad():
            network.heads.div_(norms(network, problem.measure).reshape(-1, 1, 1))
            levels = problem.held_out.levels(network, problem.measure)
            order = torch.argsort(levels)
        return cls(network.selected(order.tolist()), tuple(levels[order].tolist()), problem)

    @property
    def dimension(self) -> int:
        """How many are symmetries: those broken by no more than the tolerance of the problem."""
        return sum(level <= self.problem.tolerance for level in self.levels)

    @property
    def generators(self) -> GeneratorNetwork:
        """The symmetries, a family for `augment`.

        Raises:
            ValueError: when there are none.
        """
        if not self.dimension:
            raise ValueError(
                f"No symmetry was learned: the least broken vector field breaks {self.problem.subject} by "
                f"{self.levels[0]:.2g} of u_t per unit of its flow."
            )
        return self.network.selected(range(self.dimension))

    @property
    def flags(self) -> tuple[str, ...]:
        """What is doubtful, a sentence each."""
        found = []
        d, tolerance = self.dimension, self.problem.tolerance
        if d == 0:
            found.append(
                f"none: the least broken vector field is broken by {self.levels[0]:.2g}; where there should be some, "
                "the fit has not converged"
            )
        elif d == len(self.levels):
            found.append(f"all {d} vector fields are symmetries, so that there may be more: learn with more slots")
        elif self.levels[d] < _CLEAR * tolerance:
            found.append(
                f"unclear: vector field {d + 1} is broken by {self.levels[d]:.2g}, hardly more than the tolerance "
                f"{tolerance:.2g}"
            )
        return (*self.problem.notes, *found)

    def angles(self, generators: Sequence[Generator]) -> list[float]:
        """Principal angles between the symmetries that were learned and given generators, in degrees, largest first.

        Raises:
            ValueError: when no symmetry was learned, or for generators of other variables.
        """
        return self.problem.measure.angles(self.generators, generators)

    def read_off(self, library: Library, digits: float = 1e-3) -> ReadOff:
        """The combinations of a library nearest to the symmetries, in a readable basis.

        Args:
            library: functions to choose from.
            digits: the angle, in radians, up to which the space is taken to be known.

        Raises:
            ValueError: when no symmetry was learned, or for a library of other variables.
        """
        measure = self.problem.measure
        with torch.no_grad():
            values = self.generators(measure.point).flatten(1).cpu().numpy()
        columns = measure.values(list(library)).flatten(1).cpu().numpy()
        sizes = np.linalg.norm(columns, axis=1)
        fitted = np.linalg.lstsq((columns / sizes[:, None]).T, values.T, rcond=None)[0].T / sizes
        basis = np.linalg.svd(fitted, full_matrices=False)[2]
        form = closed_form(basis, digits)
        generators = tuple(library.generator(row) for row in form.rows)
        angle = principal_angles(measure.values(generators).flatten(1).cpu().numpy(), values)[0]
        return ReadOff(generators, float(angle))

    def __str__(self) -> str:
        lines = [
            f"{self.problem.subject}",
            f"  {self.dimension} symmetries among {len(self.levels)} vector fields, breaking u_t by at most "
            f"{self.problem.tolerance:g} per unit of flow on data held out",
        ]
        for number, level in enumerate(self.levels, start=1):
            verdict = "symmetry" if level <= self.problem.tolerance else "broken"
            lines.append(f"  v{number}  {verdict:8s}  {level:.2g}")
        lines += [f"  {flag}" for flag in self.flags]
        return "\n".join(lines)
