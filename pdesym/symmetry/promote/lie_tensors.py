"""Lie tensors of polynomials, exactly, and of other functions at sample points."""

import torch
from jaxtyping import Float
from torch import Tensor

from pdesym.symmetry.functions import FunctionLibrary, Polynomials
from pdesym.symmetry.promote.candidate import CandidateAlgebra
from pdesym.symmetry.promote.lie_tensor import LieTensor

# Functions that the points tell apart this badly, relative to their sizes, are one function there.
_INDEPENDENT = 1e-8


def polynomial_lie_tensor(
    library: Polynomials, algebra: CandidateAlgebra, points: Float[Tensor, "points variables"], components: int = 1
) -> LieTensor:
    """L of F = W D, (L_ξ F)(x) = ψF(x) − ∂F(x)(Ax + b), with exact Lie derivatives and ⟨f, g⟩ = (1/M) Σ f(x_i)ᵀg(x_i).

    The derivatives are polynomials again, of the same degree, or of one less along translations. At as many points in
    general position as there are monomials among them, `library.size` or fewer, the product is an inner product on them
    (Otto et al., JMLR 2025, eqs. 14 and 39, Prop. 18).

    Args:
        library: D.
        algebra: the candidate.
        points: x_i of the inner product, dimensionless.
        components: of F.

    Returns:
        The tensor, sparse, on the device of the points.

    Raises:
        ValueError: for an algebra or points of other variables, an algebra that acts on other components, or points
            that do not tell the derivatives apart.
    """
    _check(library, algebra)
    algebra = algebra.to("cpu")
    moved = library.sparse_lie_matrices(algebra.linear, algebra.shift)
    generator, source, image = moved.indices()
    component = torch.arange(components)
    entries = [_places(generator, (image, component), (source, component), components, len(moved))]
    values = [-moved.values().unsqueeze(1).expand(-1, components).reshape(-1)]
    output = algebra.output_matrices(components)
    acting, out, into = output.nonzero(as_tuple=True)
    if len(acting):
        function = torch.arange(library.size)
        pairs = [x.repeat_interleave(library.size) for x in (acting, out, into)]
        function = function.repeat(len(acting))
        row, column = function * components + pairs[1], function * components + pairs[2]
        entries.append(torch.stack([row * len(moved) + pairs[0], column]))
        values.append(output[acting, out, into].repeat_interleave(library.size))
    size = library.size * components
    images = torch.sparse_coo_tensor(
        torch.cat(entries, 1), torch.cat(values), (size * len(moved), size), check_invariants=False
    )
    factor = library.evaluate(points.double()) / max(len(points), 1) ** 0.5
    reached = (torch.cat(entries, 1)[0] // (components * len(moved))).unique()
    _check_points(factor[:, reached.to(points.device)])
    if len(factor) > library.size:
        factor = torch.linalg.qr(factor, mode="r").R
    return LieTensor(images.to(points.device).coalesce(), algebra.size, factor)


def sampled_lie_tensor(
    library: FunctionLibrary,
    algebra: CandidateAlgebra,
    points: Float[Tensor, "points variables"],
    components: int = 1,
    weights: Float[Tensor, " points"] | None = None,
) -> LieTensor:
    """L of F = W D by values √(w_i/M) (L_ξ F)(x_i), for functions whose Lie derivatives leave their span.

    With many points from a density w⁻¹dμ the singular values are those for the product ∫ fᵀg dμ (Otto et al., JMLR
    2025, eq. 39 and Prop. 17).

    Args:
        library: D.
        algebra: the candidate.
        points: x_i, dimensionless; at least as many as functions, and enough that no derivative vanishes on them all
            by chance.
        components: of F.
        weights: w_i, positive; 1 each by default.

    Returns:
        The tensor, dense: (points · components · generators) × (library.size · components) numbers.

    Raises:
        ValueError: for an algebra or points of other variables, weights that are not positive, an algebra that acts on
            other components, or points that do not tell the functions apart.
    """
    _check(library, algebra)
    points, algebra = points.double(), algebra.to(points.device)
    scale = torch.ones_like(points[:, 0]) if weights is None else weights.to(points)
    if scale.shape != points.shape[:1] or not bool((scale > 0).all()):
        raise ValueError(
            f"Expected {len(points)} positive weights, one a point, got {tuple(scale.shape)} with smallest "
            f"{scale.min().item():.3g}: give w of the quadrature."
        )
    roots = (scale / max(len(points), 1)).sqrt()
    values = library.evaluate(points)
    _check_points(values * roots.unsqueeze(1))
    field = torch.einsum("kij,pj->pki", algebra.linear, points) + algebra.shift
    motion = torch.einsum("pfi,pki->pkf", library.jacobian(points), field)
    same = torch.eye(components).to(points)
    images = torch.einsum("kab,pf->pakfb", algebra.output_matrices(components), values)
    images = images - torch.einsum("ab,pkf->pakfb", same, motion)
    images = images * roots.reshape(-1, 1, 1, 1, 1)
    return LieTensor(images.reshape(-1, library.size * components), algebra.size)


def _places(
    generator: Tensor, row: tuple[Tensor, Tensor], column: tuple[Tensor, Tensor], components: int, generators: int
) -> Tensor:
    """Places in 𝓑 of one entry a function and component, the components being mapped to themselves."""
    rows = row[0].unsqueeze(1) * components + row[1]
    columns = column[0].unsqueeze(1) * components + column[1]
    return torch.stack([(rows * generators + generator.unsqueeze(1)).reshape(-1), columns.reshape(-1)])


def _check(library: FunctionLibrary, algebra: CandidateAlgebra) -> None:
    if algebra.variables != library.variables:
        raise ValueError(
            f"Expected an algebra of motions of R^{library.variables}, where the functions live, got one of "
            f"R^{algebra.variables}: give both the same number of variables."
        )


def _check_points(values: Tensor) -> None:
    """Refuses points where a combination of the functions, values `(points, functions)`, vanishes."""
    points, functions = values.shape
    if functions == 0:
        return
    sizes = torch.linalg.norm(values, dim=0).clamp_min(torch.finfo(values.dtype).tiny)
    sigma = torch.linalg.svdvals(values / sizes)
    rank = int((sigma > _INDEPENDENT * sigma[:1]).sum())
    if rank < functions:
        raise ValueError(
            f"Expected points that tell {functions} functions apart, got {points} points that tell {rank}: give more "
            "points in general position, or leave out functions that are combinations of others."
        )
