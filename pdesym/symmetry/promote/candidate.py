"""Candidate algebras of affine motions of x, and of linear motions of F(x)."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor


@dataclass(frozen=True, eq=False)
class CandidateAlgebra:
    """Generators ξ₁ … ξ_K: x moves by A_k x + b_k, and F(x) by ψ_k F(x).

    Orthonormal in tr ξᵀη of ξ = [[A, b], [0, 0]], so that singular values, and with them the nuclear norm, do not
    depend on the basis that was given (Otto et al., JMLR 2025, sections 8 and 9).

    Attributes:
        linear: A, float64.
        shift: b, float64.
        output: ψ, float64; no components where F is invariant, whatever the number of its components.
    """

    linear: Float[Tensor, "generators variables variables"]
    shift: Float[Tensor, "generators variables"]
    output: Float[Tensor, "generators components components"]

    @classmethod
    def of(
        cls,
        linear: Float[Tensor, "generators variables variables"],
        shift: Float[Tensor, "shifts variables"] | None = None,
        output: Float[Tensor, "outputs components components"] | None = None,
    ) -> "CandidateAlgebra":
        """The span of these generators.

        Args:
            linear: A of each generator; dimensionless, as all that follows.
            shift: b of each generator; zero where it is left out.
            output: ψ of each generator; F is invariant where it is left out.

        Raises:
            ValueError: for another number of shifts or outputs, or generators that depend on each other.
        """
        count, n = linear.shape[0], linear.shape[-1]
        shift = linear.new_zeros(count, n) if shift is None else shift
        output = linear.new_zeros(count, 0, 0) if output is None else output
        if shift.shape != (count, n) or len(output) != count:
            raise ValueError(
                f"Expected a shift ({count}, {n}) and {count} outputs for {count} generators, got {tuple(shift.shape)} "
                f"and {len(output)}: give one of each a generator."
            )
        linear, shift, output = linear.double(), shift.double(), output.double()
        basis = torch.cat([linear.flatten(1), shift], dim=1)
        squares, vectors = torch.linalg.eigh(basis @ basis.mT)
        if squares[0] <= 1e-12 * squares[-1]:
            raise ValueError(
                "Expected generators that move x independently of each other, got one that is a combination of others: "
                "leave it out."
            )
        # The orthonormal basis nearest to the given one: generators that are orthogonal are only scaled.
        root = (vectors * squares.rsqrt()) @ vectors.mT
        return cls(torch.einsum("kl,lij->kij", root, linear), root @ shift, torch.einsum("kl,lij->kij", root, output))

    @classmethod
    def translations(cls, variables: int) -> "CandidateAlgebra":
        """(Rⁿ, +): the n generators ∂/∂x_j; F is invariant."""
        eye = torch.eye(variables, dtype=torch.float64)
        return cls.of(eye.new_zeros(variables, variables, variables), eye)

    @classmethod
    def special_euclidean(cls, variables: int) -> "CandidateAlgebra":
        """se(n): n(n−1)/2 rotations (x_i ∂_j − x_j ∂_i)/√2, i < j, and n translations; F is invariant."""
        row, column = torch.triu_indices(variables, variables, offset=1)
        count = len(row)
        linear = torch.zeros(count + variables, variables, variables, dtype=torch.float64)
        place = torch.arange(count)
        linear[place, column, row], linear[place, row, column] = 1.0, -1.0
        shift = torch.zeros(count + variables, variables, dtype=torch.float64)
        shift[count:] = torch.eye(variables, dtype=torch.float64)
        return cls.of(linear, shift)

    @property
    def size(self) -> int:
        """K, the dimension of the algebra."""
        return len(self.linear)

    @property
    def variables(self) -> int:
        """n, the dimension of x."""
        return self.linear.shape[-1]

    def to(self, device: torch.device | str) -> "CandidateAlgebra":
        """The same on another device."""
        return CandidateAlgebra(self.linear.to(device), self.shift.to(device), self.output.to(device))

    def output_matrices(self, components: int) -> Float[Tensor, "generators components components"]:
        """ψ for a function of so many components: zero for one that is invariant.

        Raises:
            ValueError: for generators that act on another number of components.
        """
        if self.output.shape[-1] == 0:
            return self.linear.new_zeros(self.size, components, components)
        if self.output.shape[-1] != components:
            raise ValueError(
                f"Expected a function of {self.output.shape[-1]} components, on which the generators act, got "
                f"{components}: give ψ for the components of the data."
            )
        return self.output
