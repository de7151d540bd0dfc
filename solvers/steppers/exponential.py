"""Exponential time-differencing Runge-Kutta methods: the linear part is solved exactly."""

from functools import partial

import torch
from jaxtyping import Complex
from torch import Tensor

from pdesym.solvers.steppers.phi import phi_functions, phi_matrices
from pdesym.solvers.steppers.stepper import Stepper

Combination = dict[tuple[int, float], float]
"""Weights of φ_j(cz) by (j, c): {(1, 0.5): 1, (2, 1.0): -2} is φ₁(z/2) − 2φ₂(z)."""


def _coefficients(
    nodes: tuple[float, ...],
    combinations: tuple[Combination, ...],
    symbol: Complex[Tensor, "..."],
    h: float,
    diagonal: bool,
) -> Complex[Tensor, "..."]:
    phis = phi_functions if diagonal else phi_matrices
    arguments = sorted({*nodes[1:], 1.0, *(c for each in combinations for _, c in each)})
    # All at once: where there are few modes, calls are what costs.
    made = phis(torch.stack([symbol * (c * h) for c in arguments]))
    at = {c: [phi[i] for phi in made] for i, c in enumerate(arguments)}
    result = [at[c][0] for c in (*nodes[1:], 1.0)]
    for combination in combinations:
        total = sum((weight * at[c][j] for (j, c), weight in combination.items()), start=torch.zeros(()))
        result.append(h * total)
    return torch.stack(result)


def _exponential(
    name: str,
    order: int,
    nodes: tuple[float, ...],
    stages: tuple[dict[int, Combination], ...],
    weights: dict[int, Combination],
    estimate: dict[int, Combination],
) -> Stepper:
    combinations = [*(c for stage in stages for c in stage.values()), *weights.values(), *estimate.values()]
    return Stepper(
        name=name,
        order=order,
        estimate_order=order if order > 2 else order + 1,
        nodes=nodes,
        stages=tuple(tuple(stage) for stage in stages),
        weights=tuple(weights),
        estimate=tuple(estimate),
        coefficients=partial(_coefficients, nodes, tuple(combinations)),
    )


_FOURTH_ORDER_WEIGHTS: dict[int, Combination] = {
    0: {(1, 1.0): 1.0, (2, 1.0): -3.0, (3, 1.0): 4.0},
    1: {(2, 1.0): 2.0, (3, 1.0): -4.0},
    2: {(2, 1.0): 2.0, (3, 1.0): -4.0},
    3: {(2, 1.0): -1.0, (3, 1.0): 4.0},
}
# The last stage and the result estimate N at the same time: weighted as in the result, their difference is the error.
_FOURTH_ORDER_ESTIMATE: dict[int, Combination] = {
    3: {(2, 1.0): -1.0, (3, 1.0): 4.0},
    4: {(2, 1.0): 1.0, (3, 1.0): -4.0},
}

KROGSTAD = _exponential(
    name="ETDRK4 (Krogstad, J. Comput. Phys. 203, 2005)",
    order=4,
    nodes=(0.0, 0.5, 0.5, 1.0),
    stages=(
        {0: {(1, 0.5): 0.5}},
        {0: {(1, 0.5): 0.5, (2, 0.5): -1.0}, 1: {(2, 0.5): 1.0}},
        {0: {(1, 1.0): 1.0, (2, 1.0): -2.0}, 2: {(2, 1.0): 2.0}},
    ),
    weights=_FOURTH_ORDER_WEIGHTS,
    estimate=_FOURTH_ORDER_ESTIMATE,
)

COX_MATTHEWS = _exponential(
    name="ETDRK4 (Cox and Matthews, J. Comput. Phys. 176, 2002)",
    order=4,
    nodes=(0.0, 0.5, 0.5, 1.0),
    stages=(
        {0: {(1, 0.5): 0.5}},
        {1: {(1, 0.5): 0.5}},
        # φ₁(z/2)(e^{z/2} − 1)/2 = φ₁(z) − φ₁(z/2)
        {0: {(1, 1.0): 1.0, (1, 0.5): -1.0}, 2: {(1, 0.5): 1.0}},
    ),
    weights=_FOURTH_ORDER_WEIGHTS,
    estimate=_FOURTH_ORDER_ESTIMATE,
)

ETDRK2 = _exponential(
    name="ETDRK2 (Cox and Matthews, J. Comput. Phys. 176, 2002)",
    order=2,
    nodes=(0.0, 1.0),
    stages=({0: {(1, 1.0): 1.0}},),
    weights={0: {(1, 1.0): 1.0, (2, 1.0): -1.0}, 1: {(2, 1.0): 1.0}},
    estimate={1: {(2, 1.0): 1.0}, 2: {(2, 1.0): -1.0}},
)
