"""The matrix L_W of Lie derivatives of a model W D(x), linear in W."""

from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Float
from torch import Tensor


@dataclass(frozen=True, eq=False)
class LieTensor:
    """c ↦ L_c = S (𝓑c), from coefficients c to one column for each generator.

    c are the entries W[i, a] of a model F_a(x) = Σ_i W[i, a] D_i(x), row by row. 𝓑 says which combination of functions
    each Lie derivative is; it is sparse for polynomials. S makes Euclidean products of columns into inner products of
    functions. ‖L_c‖_* is then the sum of singular values of ξ ↦ L_ξ F (Otto et al., JMLR 2025, eqs. 28 and 39).

    Attributes:
        images: 𝓑, dense or coalesced sparse, float64 of shape `(rows · generators, parameters)`.
        generators: the number K of columns of L_c.
        factor: S on functions, `(samples, functions)`, with rows = functions × components; none where 𝓑c already holds
            values in an orthonormal frame.
    """

    images: Float[Tensor, "entries parameters"]
    generators: int
    factor: Float[Tensor, "samples functions"] | None = None

    @property
    def parameters(self) -> int:
        """The number of coefficients c."""
        return self.images.shape[1]

    @property
    def rows(self) -> int:
        """Rows of 𝓑c."""
        return self.images.shape[0] // self.generators

    @cached_property
    def _transposed(self) -> Tensor:
        return self.images.t().coalesce() if self.images.is_sparse else self.images.t()

    @cached_property
    def _gram(self) -> Tensor | None:
        return None if self.factor is None else self.factor.mT @ self.factor

    def derivatives(self, coefficients: Float[Tensor, " parameters"]) -> Float[Tensor, "rows generators"]:
        """𝓑c: the Lie derivatives as combinations of functions."""
        return torch.mv(self.images, coefficients).reshape(self.rows, self.generators)

    def adjoint(self, matrix: Float[Tensor, "rows generators"]) -> Float[Tensor, " parameters"]:
        """𝓑ᵀX, of X in the dual of the combinations."""
        return torch.mv(self._transposed, matrix.reshape(-1))

    def metric(self, matrix: Float[Tensor, "rows columns"]) -> Float[Tensor, "rows columns"]:
        """SᵀS X, which makes inner products of combinations of functions."""
        gram = self._gram
        return matrix if gram is None else (gram @ matrix.reshape(len(gram), -1)).reshape(matrix.shape)

    def matrix(self, coefficients: Float[Tensor, " parameters"]) -> Float[Tensor, "samples generators"]:
        """L_c itself."""
        images = self.derivatives(coefficients)
        if self.factor is None:
            return images
        functions = self.factor.shape[1]
        return (self.factor @ images.reshape(functions, -1)).reshape(-1, self.generators)

    @cached_property
    def normal(self) -> Float[Tensor, "parameters parameters"]:
        """𝓑ᵀ SᵀS 𝓑, so that cᵀ(…)c = ‖L_c‖² in the Frobenius norm."""
        if not self.images.is_sparse:
            return self._normal_of(self.images)
        place, values = self.images.indices(), self.images.values()
        order = (place[0] % self.generators).argsort(stable=True)
        counts = torch.bincount(place[0] % self.generators, minlength=self.generators).tolist()
        row, column, values = place[0][order] // self.generators, place[1][order], values[order]
        gram = self._gram if self._gram is not None else torch.eye(self.rows).to(values)
        components = self.rows // len(gram)
        total = values.new_zeros(self.parameters, self.parameters)
        # One generator after another, and only what it moves: a rotation of two coordinates moves few monomials.
        for r, c, v in zip(row.split(counts), column.split(counts), values.split(counts), strict=True):
            used_rows, r_local = r.unique(return_inverse=True)
            used, c_local = c.unique(return_inverse=True)
            image = v.new_zeros(len(used_rows), len(used)).index_put_((r_local, c_local), v, accumulate=True)
            function, component = used_rows // components, used_rows % components
            product = gram[function.unsqueeze(1), function] * (component.unsqueeze(1) == component)
            total[used.unsqueeze(1), used] += image.mT @ product @ image
        return total

    def _normal_of(self, images: Tensor) -> Tensor:
        stacked = images.reshape(self.rows, -1)
        return images.mT @ self.metric(stacked).reshape(images.shape)
