"""Vector fields that move every frame of a trajectory as a whole."""

from collections.abc import Sequence
from dataclasses import dataclass

import sympy
import torch
from jaxtyping import Float
from torch import Tensor

from pdesym.solvers.torch_function import torch_function
from pdesym.symmetry.vector_field import TIME, VectorField, variable

_T = variable(TIME)


@dataclass(frozen=True)
class FrameForm:
    """Vector fields v_g with ξᵢ = aᵢ(t) + bᵢ xᵢ, τ = τ(t), φ = α(t) + β(t)·u.

    Attributes:
        dims: number of space coordinates.
        fields: number of dependent variables.
        shift: a, one row for each vector field and column for each coordinate.
        growth: b, `(generators, dims)`, numbers; float64.
        tau: τ, one for each vector field.
        offset: α, a row for each vector field.
        matrix: β, row by row, a row for each vector field.
    """

    dims: int
    fields: int
    shift: tuple[tuple[sympy.Expr, ...], ...]
    growth: Float[Tensor, "generators dims"]
    tau: tuple[sympy.Expr, ...]
    offset: tuple[tuple[sympy.Expr, ...], ...]
    matrix: tuple[tuple[sympy.Expr, ...], ...]

    @property
    def scales(self) -> bool:
        """Whether some vector field stretches the box."""
        return bool((self.growth != 0).any())

    @property
    def moves_time(self) -> bool:
        """Whether some vector field moves time."""
        return any(tau != 0 for tau in self.tau)

    @property
    def affine_in_time(self) -> bool:
        """Whether the image of equidistant times is equidistant."""
        return all(sympy.diff(tau, _T, 2) == 0 for tau in self.tau)

    def combined(
        self, parameters: Float[Tensor, "batch generators"], t: Float[Tensor, "batch frames"]
    ) -> Float[Tensor, "numbers batch frames"]:
        """τ, a, α, β of Σ_g ε_g v_g at times t, one after the other."""
        rows = list(zip(self.tau, self.shift, self.offset, self.matrix, strict=True))
        flat = [(tau, *shift, *offset, *matrix) for tau, shift, offset, matrix in rows]
        values = torch_function((_T,), [entry for row in flat for entry in row])(t)
        dense = torch.stack([torch.as_tensor(v, dtype=t.dtype, device=t.device).expand(t.shape) for v in values])
        by_generator = dense.unflatten(0, (len(rows), len(flat[0])))
        # Only what is used counts: 0 · inf is no number.
        weights = parameters.T.reshape(len(rows), 1, -1, 1)
        return torch.where(weights == 0, 0.0, weights * by_generator).sum(0)


def frame_form(vector_fields: Sequence[VectorField]) -> FrameForm | None:
    """The vector fields in this form; None when one of them has another one."""
    split = [_split(vector_field) for vector_field in vector_fields]
    found = [each for each in split if each is not None]
    if len(found) < len(split):
        return None
    growth = torch.tensor([[float(b) for b in each[1]] for each in found], dtype=torch.float64)
    first = vector_fields[0]
    return FrameForm(
        len(first.coordinates),
        len(first.fields),
        tuple(each[0] for each in found),
        growth,
        tuple(vector_field.tau for vector_field in vector_fields),
        tuple(each[2] for each in found),
        tuple(each[3] for each in found),
    )


_Parts = tuple[tuple[sympy.Expr, ...], tuple[sympy.Expr, ...], tuple[sympy.Expr, ...], tuple[sympy.Expr, ...]]


def _split(vector_field: VectorField) -> _Parts | None:
    """a, b, α, β of one vector field."""
    dims = len(vector_field.coordinates)
    x, u = vector_field.variables[:dims], vector_field.variables[dims + 1 :]
    growth = tuple(sympy.diff(xi, own) for xi, own in zip(vector_field.xi, x, strict=True))
    shift = tuple(sympy.expand(xi - b * own) for xi, b, own in zip(vector_field.xi, growth, x, strict=True))
    matrix = tuple(sympy.diff(phi, other) for phi in vector_field.phi for other in u)
    offset = tuple(phi.subs(dict.fromkeys(u, 0), simultaneous=True) for phi in vector_field.phi)
    of_time = (*shift, vector_field.tau, *matrix, *offset)
    if any(b.free_symbols for b in growth) or any(c.free_symbols - {_T} for c in of_time):
        return None
    return shift, growth, offset, matrix
