"""All polynomials up to a degree, with exact Lie derivatives along affine fields."""

import itertools
import math
from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Float, Int
from torch import Tensor

from pdesym.symmetry.functions.lie_matrices import sparse_lie_matrices
from pdesym.symmetry.functions.points import check_points


@dataclass(frozen=True)
class Polynomials:
    """The monomials x^α, |α| ≤ degree, of x in R^variables: a basis of P_degree(R^variables).

    Order: by total degree, and within a degree lexicographically with x₁ first: 1, x₁, x₂, x₁², x₁x₂, x₂², x₁³, …

    Attributes:
        variables: n, the dimension of x.
        degree: the largest total degree.

    Raises:
        ValueError: for fewer than one variable, or a negative degree.
    """

    variables: int
    degree: int

    def __post_init__(self) -> None:
        if self.variables < 1 or self.degree < 0:
            raise ValueError(
                f"Expected at least one variable and a degree of at least 0, got {self.variables} and {self.degree}: "
                "give the dimension of x and the largest total degree."
            )

    @property
    def size(self) -> int:
        """(n + degree)! / (n! degree!), the number of monomials."""
        return math.comb(self.variables + self.degree, self.degree)

    @cached_property
    def exponents(self) -> Int[Tensor, "size variables"]:
        """α of each monomial, int64."""
        return torch.zeros(self.size, self.variables + 1, dtype=torch.int64).scatter_add_(
            1, self._factors, torch.ones_like(self._factors)
        )[:, 1:]

    @cached_property
    def _factors(self) -> Tensor:
        """Each monomial as `degree` factors, places in (1, x₁, …, x_n), ascending: `(size, degree)`."""
        rows = [
            (0,) * (self.degree - total) + combination
            for total in range(self.degree + 1)
            for combination in itertools.combinations_with_replacement(range(1, self.variables + 1), total)
        ]
        return torch.tensor(rows, dtype=torch.int64).reshape(self.size, self.degree)

    @cached_property
    def _lowered(self) -> Tensor:
        """The place of x^α / x_j, or 0 where x_j does not divide x^α: `(size, variables)`."""
        place = {exponent: i for i, exponent in enumerate(map(tuple, self.exponents.tolist()))}
        table = torch.zeros(self.size, self.variables, dtype=torch.int64)
        for i, j in self.exponents.nonzero().tolist():
            lower = self.exponents[i].tolist()
            lower[j] -= 1
            table[i, j] = place[tuple(lower)]
        return table

    def evaluate(self, x: Float[Tensor, "points variables"]) -> Float[Tensor, "points size"]:
        """x^α at each point, in the dtype and on the device of x; dimensionless.

        Raises:
            ValueError: for points of another dimension.
        """
        check_points(x, self.variables)
        extended = torch.cat([torch.ones_like(x[:, :1]), x], dim=1)
        values = torch.ones_like(x[:, :1]).expand(-1, self.size)
        for factor in self._factors.to(x.device).unbind(1):
            values = values * extended[:, factor]
        return values

    def jacobian(self, x: Float[Tensor, "points variables"]) -> Float[Tensor, "points size variables"]:
        """∂x^α/∂x_j = α_j x^α / x_j at each point, in the dtype and on the device of x; dimensionless.

        Raises:
            ValueError: for points of another dimension.
        """
        values = self.evaluate(x)
        return self.exponents.to(x) * values[:, self._lowered.to(x.device)]

    def lie_matrices(
        self, linear: Float[Tensor, "q variables variables"], shift: Float[Tensor, "q variables"]
    ) -> Float[Tensor, "q size size"]:
        """The matrices M of the derivations (Ax + b)·∇: ∇D_i(x)·(A_q x + b_q) = Σ_j M[q, i, j] D_j(x).

        Exact: an affine field maps polynomials of a degree to such polynomials. (Otto et al., JMLR 2025, section 9.)

        Args:
            linear: A of each field, dimensionless.
            shift: b of each field, dimensionless.

        Returns:
            M in float64.

        Raises:
            ValueError: for matrices of another dimension, or another number of shifts.
        """
        return self.sparse_lie_matrices(linear, shift).to_dense()

    def sparse_lie_matrices(
        self, linear: Float[Tensor, "q variables variables"], shift: Float[Tensor, "q variables"]
    ) -> Tensor:
        """`lie_matrices` as a coalesced sparse tensor of shape `(q, size, size)`.

        A rotation of two coordinates moves few monomials: of the 465 matrices 496×496 of se(30) on polynomials of
        degree 2 only one entry in 4100 differs from zero.

        Raises:
            ValueError: as `lie_matrices`.
        """
        n = self.variables
        if linear.shape[1:] != (n, n) or shift.shape != (len(linear), n):
            raise ValueError(
                f"Expected fields A (q, {n}, {n}) and b (q, {n}), got {tuple(linear.shape)} and {tuple(shift.shape)}: "
                "give one matrix and one shift a field; zeros where it has none."
            )
        return sparse_lie_matrices(self.exponents, self._lowered, linear.double(), shift.double())
