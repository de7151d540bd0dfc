"""Exponential time-differencing Runge-Kutta methods for v' = L v + N(v, t).

A method is a table of combinations of the φ functions

    φ₀(z) = eᶻ,   φ₁(z) = (eᶻ − 1)/z,   φ₂(z) = (eᶻ − 1 − z)/z²,   φ₃(z) = (eᶻ − 1 − z − z²/2)/z³;

the step function is written once.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Complex
from torch import Tensor

Combination = dict[int, float]
"""Weights of φ_j by j: {1: 1, 2: -2} is φ₁ − 2φ₂."""

_CONTOUR_POINTS = 64
_CONTOUR_RADIUS = 2.0


@dataclass(frozen=True)
class Tableau:
    """An exponential Runge-Kutta method.

    Attributes:
        name: its usual name with the source.
        order: classical order.
        nodes: c_i of the stages, c_0 = 0.
        stages: for stage i ≥ 1 the combinations of φ(c_i h L) that multiply h N_j.
        weights: the combinations of φ(h L) that multiply h N_i in the result.
        embedded: the combination that multiplies h (N_last − N(v_{n+1})), an estimate of the error of the step that
            needs no further evaluation because N(v_{n+1}) opens the next step.
    """

    name: str
    order: int
    nodes: tuple[float, ...]
    stages: tuple[dict[int, Combination], ...]
    weights: tuple[Combination, ...]
    embedded: Combination


KROGSTAD = Tableau(
    name="ETDRK4 (Krogstad, J. Comput. Phys. 203, 2005)",
    order=4,
    nodes=(0.0, 0.5, 0.5, 1.0),
    stages=(
        {0: {1: 0.5}},
        {0: {1: 0.5, 2: -1.0}, 1: {2: 1.0}},
        {0: {1: 1.0, 2: -2.0}, 2: {2: 2.0}},
    ),
    weights=({1: 1.0, 2: -3.0, 3: 4.0}, {2: 2.0, 3: -4.0}, {2: 2.0, 3: -4.0}, {2: -1.0, 3: 4.0}),
    embedded={2: -1.0, 3: 4.0},
)


def phi_functions(z: Complex[Tensor, "..."]) -> tuple[Complex[Tensor, "..."], ...]:
    """φ₀ … φ₃ of complex numbers, to about 1e-15 for every z with Re z ≤ 1 or so.

    For |z| < 1 the quotients cancel; there the mean of φ over a full circle of radius 2 around z is taken (Cauchy's
    formula; Kassam and Trefethen, SIAM J. Sci. Comput. 26, 2005). The circle stays at distance 1 from the origin, and
    no real part is taken anywhere: for an imaginary L, as in KdV, that would make the method first order.
    """
    angles = 2 * torch.pi * (torch.arange(_CONTOUR_POINTS, dtype=torch.float64, device=z.device) + 0.5)
    circle = _CONTOUR_RADIUS * torch.exp(1j * angles / _CONTOUR_POINTS)
    small = z.abs() < 1
    on_circle = _quotients(z[small].unsqueeze(-1) + circle)
    result = _quotients(torch.where(small, 1.0, z))
    for values, means in zip(result, on_circle, strict=True):
        values[small] = means.mean(-1)
    return (torch.exp(z), *result)


def _quotients(z: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    one = torch.expm1(z)
    return one / z, (one - z) / z**2, (one - z - z**2 / 2) / z**3


def phi_matrices(matrix: Complex[Tensor, "*modes m m"]) -> tuple[Complex[Tensor, "*modes m m"], ...]:
    """φ₀ … φ₃ of square matrices, from one exponential of the augmented block matrix.

    The first block row of exp [[A, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1], [0, 0, 0, 0]] is φ₀(A), φ₁(A), φ₂(A), φ₃(A)
    (Sidje, ACM Trans. Math. Softw. 24, 1998, theorem 1).
    """
    size = matrix.shape[-1]
    augmented = torch.zeros(*matrix.shape[:-2], 4 * size, 4 * size, dtype=matrix.dtype, device=matrix.device)
    augmented[..., :size, :size] = matrix
    block = torch.arange(3 * size, device=matrix.device)
    augmented[..., block, block + size] = 1.0
    exponential = torch.linalg.matrix_exp(augmented)
    return tuple(exponential[..., :size, j * size : (j + 1) * size] for j in range(4))


def coefficients(
    symbol: Complex[Tensor, "..."], step: float, tableau: Tableau, diagonal: bool
) -> Complex[Tensor, "..."]:
    """All combinations of a tableau at one step size, h folded in, stacked along a first axis.

    In this order: φ₀ at each later node, the stages, the weights, the embedded estimate.

    Args:
        symbol: L in Fourier space; `(rows, fields, *modes)` when diagonal, else `(rows, *modes, fields, fields)`.
        step: h, in the equation's unit of time.
        tableau: the method.
        diagonal: whether the fields are uncoupled in L.
    """
    phis = phi_functions if diagonal else phi_matrices
    at_node = {node: phis(symbol * (node * step)) for node in sorted(set(tableau.nodes[1:]) | {1.0})}

    def combine(node: float, combination: Combination) -> Tensor:
        return step * sum((weight * at_node[node][j] for j, weight in combination.items()), start=torch.zeros(()))

    result = [at_node[node][0] for node in tableau.nodes[1:]]
    for node, stage in zip(tableau.nodes[1:], tableau.stages, strict=True):
        result += [combine(node, combination) for combination in stage.values()]
    result += [combine(1.0, combination) for combination in (*tableau.weights, tableau.embedded)]
    return torch.stack(result)


def step(
    v: Tensor,
    first: Tensor,
    nonlinear: Callable[[int, Tensor], Tensor],
    table: Sequence[Tensor],
    tableau: Tableau,
    add: Callable[[Tensor | None, Tensor, Tensor], Tensor],
) -> tuple[Tensor, Tensor]:
    """One step. It is linear in (v, N), so it serves the tangent as well, with N' in place of N.

    Args:
        v: state.
        first: N(v), from the end of the step before.
        nonlinear: `(stage, state) → N` at the stage's time.
        table: the coefficients in their order.
        tableau: the method they were made for.
        add: `(sum, coefficient, state) → sum + coefficient · state`, without a sum just the product.

    Returns:
        the new state, and the last N, from which `h·embedded·(N_last − N(new))` estimates the error.
    """
    exponentials = table[: len(tableau.stages)]
    entries = iter(table[len(tableau.stages) :])
    evaluated = [first]
    for index, (stage, exponential) in enumerate(zip(tableau.stages, exponentials, strict=True), start=1):
        value = add(None, exponential, v)
        for earlier in stage:
            value = add(value, next(entries), evaluated[earlier])
        evaluated.append(nonlinear(index, value))
    new = add(None, exponentials[-1], v)
    for each in evaluated:
        new = add(new, next(entries), each)
    return new, evaluated[-1]
