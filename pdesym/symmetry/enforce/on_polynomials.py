"""How a group acts on polynomials."""

from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Float
from torch import Tensor

from pdesym.symmetry.enforce.group import Word
from pdesym.symmetry.enforce.point_action import PointAction
from pdesym.symmetry.enforce.representation import Base, Representation
from pdesym.symmetry.functions import Polynomials


@dataclass(frozen=True, eq=False)
class OnPolynomials(Representation):
    """(ρ(g) p)(x) = p(g⁻¹ x) for p = Σᵢ cᵢ Dᵢ, as matrices on the coefficients c; exact for affine actions.

    With ∇Dᵢ · (A x + b) = Σⱼ Mᵢⱼ Dⱼ the derivative is dρ = −Mᵀ. A map F = Σ C_ai Dᵢ e_a into a representation W is a
    vector of `W * OnPolynomials(...)`, and dρ of that its Lie derivative ψ(ξ) F − ∂F · (A x + b).
    """

    action: PointAction
    library: Polynomials

    @property
    def dimension(self) -> int:
        """The number of monomials."""
        return self.library.size

    @property
    def dual(self) -> Representation:
        """ρ(g)⁻ᵀ, dense."""
        return Base(self.group, self.generators(), self.discrete(), f"polynomials of degree {self.library.degree}").dual

    @cached_property
    def _lie(self) -> tuple[Tensor, ...]:
        matrices = self.library.sparse_lie_matrices(self.action.linear, self.action.shift)
        return tuple((-matrix).T.coalesce() for matrix in matrices)

    @cached_property
    def _lie_transposed(self) -> tuple[Tensor, ...]:
        return tuple(matrix.T.coalesce() for matrix in self._lie)

    @cached_property
    def _moved(self) -> Float[Tensor, "k size size"]:
        inverse, shift = self.action.inverses()
        moved = [substituted(self.library, p, s).T for p, s in zip(inverse, shift, strict=True)]
        return torch.stack(moved) if moved else inverse.new_zeros(0, self.dimension, self.dimension)

    def drho(self, i: int, x: Float[Tensor, "d m"], transpose: bool = False) -> Float[Tensor, "d m"]:
        """−Mᵢᵀ x."""
        matrix = (self._lie_transposed if transpose else self._lie)[i]
        image: Tensor = torch.sparse.mm(matrix.to(device=x.device, dtype=x.dtype), x)
        return image

    def rho(self, j: int, x: Float[Tensor, "d m"], transpose: bool = False) -> Float[Tensor, "d m"]:
        """The coefficients of p(g_j⁻¹ ·)."""
        matrix = self._moved[j].to(x)
        return (matrix.T if transpose else matrix) @ x

    def matrix(self, word: Word) -> Float[Tensor, "d d"]:
        """The coefficients of p(g⁻¹ ·) for any element, by substitution."""
        linear, shift = self.action.affine(word)
        inverse = torch.linalg.inv(linear)
        return substituted(self.library, inverse, -inverse @ shift).T

    def size(self, i: int) -> float:
        """The Frobenius norm of M."""
        return float(torch.linalg.vector_norm(self._lie[i].values()))

    def __eq__(self, other: object) -> bool:
        return self is other

    __hash__ = Representation.__hash__


def substituted(
    library: Polynomials, linear: Float[Tensor, "n n"], shift: Float[Tensor, " n"]
) -> Float[Tensor, "size size"]:
    """The matrix N of a substitution: Dᵢ(P x + s) = Σⱼ Nᵢⱼ Dⱼ(x), exact.

    Each monomial is one of degree one less times a variable, and that is (P x + s)_k = Σ_l P_kl x_l + s_k.
    """
    exponents = library.exponents.to(linear.device)
    place = {tuple(row): i for i, row in enumerate(exponents.tolist())}
    degrees = exponents.sum(1)
    raised = torch.full((library.variables, library.size), -1, dtype=torch.int64)
    for row, i in place.items():
        for k in range(library.variables):
            raised[k, i] = place.get((*row[:k], row[k] + 1, *row[k + 1 :]), -1)
    raised = raised.to(linear.device)
    lifted = (degrees < library.degree).nonzero().squeeze(1)
    matrix = linear.new_zeros(library.size, library.size)
    for i in degrees.argsort(stable=True).tolist():
        factors = exponents[i].nonzero()
        if not len(factors):
            matrix[i, i] = 1.0
            continue
        k = int(factors[0])
        below = exponents[i].tolist()
        below[k] -= 1
        lower = matrix[place[tuple(below)]]
        matrix[i] += shift[k] * lower
        for variable in range(library.variables):
            matrix[i].index_add_(0, raised[variable, lifted], linear[k, variable] * lower[lifted])
    return matrix
