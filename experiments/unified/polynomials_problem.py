"""Random polynomials with known symmetries, of the study of polynomial recovery."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from pdesym.symmetry.functions import Polynomials
from pdesym.symmetry.promote.candidate import CandidateAlgebra

ALGEBRAS = {"SE(n)": CandidateAlgebra.special_euclidean, "(R^n, +)": CandidateAlgebra.translations}


@dataclass(frozen=True)
class Row:
    """One row of the table.

    Attributes:
        family: "linear", F = ϕ(u₁ᵀx, …, u_rᵀx), or "radial", F = ϕ(‖x − c₁‖², …, ‖x − c_r‖²).
        algebra: a key of ALGEBRAS.
        degree: of ϕ.
        variables: n.
        features: r.
    """

    family: str
    algebra: str
    degree: int
    variables: int
    features: int

    @property
    def library(self) -> Polynomials:
        """The polynomials among which F is looked for."""
        return Polynomials(self.variables, self.degree * (2 if self.family == "radial" else 1))

    @property
    def candidate(self) -> CandidateAlgebra:
        """The candidate algebra."""
        return ALGEBRAS[self.algebra](self.variables)

    @property
    def name(self) -> str:
        """As a name of a file."""
        group = "se" if self.algebra == "SE(n)" else "t"
        return f"{self.family}-{group}-d{self.degree}-n{self.variables:02d}-r{self.features}"


@dataclass(frozen=True)
class Problem:
    """F on random points.

    Attributes:
        x: as many samples as there are coefficients, and one more, (samples, n); a fit takes the first N of them.
        y: F there, (samples, 1).
        points: of the inner product of functions, (points, n).
        coefficients: those of F.
    """

    x: Tensor
    y: Tensor
    points: Tensor
    coefficients: Tensor


def own_draws(row: Row, seed: int) -> Problem:
    """Draws of this study: one sequence of random numbers for each (n, r, seed), whatever family and algebra."""
    sequence = np.random.SeedSequence([row.variables, row.features, seed])
    inner, samples, places = (np.random.default_rng(child) for child in sequence.spawn(3))
    weights = inner.random(Polynomials(row.features, row.degree).size)
    if row.family == "radial":
        directions = inner.uniform(-1, 1, (row.features, row.variables))
    else:
        normal = inner.standard_normal((row.variables, row.features))
        directions = np.linalg.svd(normal, full_matrices=False)[0].T
    x = samples.uniform(-1, 1, (row.library.size + 1, row.variables))
    return _problem(row, weights, directions, x, places.uniform(-1, 1, (_points(row), row.variables)))


def released_draws(row: Row, seed: int) -> Problem:
    """The functions and samples of the released study, whose recoveries can then be compared one by one.

    It draws from numpy's first generator, in this order: the coefficients of ϕ, the features, the samples. Of the left
    singular vectors of a normal n × r matrix it takes the first r rows. The points of its inner product come from
    another library's generator, and are own draws here.
    """
    random = np.random.RandomState(seed)
    weights = random.rand(Polynomials(row.features, row.degree).size)
    if row.family == "radial":
        directions = random.uniform(-1, 1, row.features * row.variables).reshape(row.features, row.variables)
    else:
        directions = np.linalg.svd(random.normal(size=(row.variables, row.features)))[0][: row.features]
    x = random.uniform(-1, 1, (row.library.size + 1, row.variables))
    places = np.random.default_rng(np.random.SeedSequence([row.variables, row.features, seed]))
    return _problem(row, weights, directions, x, places.uniform(-1, 1, (_points(row), row.variables)))


def _points(row: Row) -> int:
    """One more than there are polynomials among the Lie derivatives, as in the released study."""
    library = row.library
    return 1 + (library.size if row.algebra == "SE(n)" else Polynomials(row.variables, library.degree - 1).size)


def _problem(row: Row, weights: np.ndarray, directions: np.ndarray, x: np.ndarray, points: np.ndarray) -> Problem:
    inner, library = Polynomials(row.features, row.degree), row.library
    weight, direction = torch.from_numpy(weights), torch.from_numpy(np.ascontiguousarray(directions))

    def function(places: Tensor) -> Tensor:
        if row.family == "radial":
            features = (places.unsqueeze(1) - direction).square().sum(-1)
        else:
            features = places @ direction.mT
        return (inner.evaluate(features) @ weight).unsqueeze(1)

    # F is one of the polynomials, so that its values at enough places say which.
    places = torch.from_numpy(np.random.default_rng(0).uniform(-1, 1, (2 * library.size, row.variables)))
    coefficients = torch.linalg.lstsq(library.evaluate(places), function(places)).solution
    samples = torch.from_numpy(x)
    return Problem(samples, function(samples), torch.from_numpy(points), coefficients[:, 0])
