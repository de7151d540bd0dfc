"""Additive Runge-Kutta methods: one tableau for the linear part L, one for the rest N.

    U_i = v + Σ_{j≤i} a'_ij z U_j + h Σ_{j<i} a_ij N_j,     v_new = v + Σ_j b_j (z U_j + h N_j),     z = hL.

In Fourier space the stages can be solved for: each U_i is a rational function of z times v plus such functions times
N_j, so that these methods take the same step as the exponential ones. With a' = a they are plain explicit methods.
"""

from collections.abc import Sequence
from functools import partial

import torch
from jaxtyping import Complex
from torch import Tensor

from pdesym.solvers.steppers.stepper import STATE, Stepper
from pdesym.solvers.steppers.tableaus import ARK4, DORMAND_PRINCE, Rows, Tableau


def _coefficients(
    implicit: Rows,
    explicit: Rows,
    weights: tuple[float, ...],
    estimate: tuple[float, ...],
    symbol: Complex[Tensor, "..."],
    h: float,
    diagonal: bool,
) -> Complex[Tensor, "..."]:
    """The U_j as (factor of v, factors of N_0, N_1, …) by the recursion above; None stands for zero."""
    z = symbol * h
    one = torch.ones_like(z) if diagonal else torch.eye(z.shape[-1], dtype=z.dtype, device=z.device).expand_as(z)

    def times(a: Tensor, b: Tensor) -> Tensor:
        return a * b if diagonal else a @ b

    count = len(explicit)

    def sums(row: Sequence[float], direct: Sequence[float], state: bool) -> list[Tensor | None]:
        """(v if state) + Σ_j row_j z U_j + h Σ_j direct_j N_j over the stages there are."""
        result: list[Tensor | None] = [one if state else None] + [None] * count
        for weight, stage in zip(row, stages, strict=False):
            for k, part in enumerate(stage):
                if weight and part is not None:
                    term = weight * times(z, part)
                    before = result[k]
                    result[k] = term if before is None else before + term
        for k, weight in enumerate(direct, start=1):
            if weight:
                before = result[k]
                result[k] = h * weight * one if before is None else before + h * weight * one
        return result

    stages: list[list[Tensor | None]] = [[one] + [None] * count]
    for i in range(1, count):
        value = sums(implicit[i][:i], explicit[i], state=True)
        if len(implicit[i]) > i:
            system = one - implicit[i][i] * z
            inverse = 1 / system if diagonal else torch.linalg.inv(system)
            value = [None if part is None else times(inverse, part) for part in value]
        stages.append(value)
    result = sums(weights, weights, state=True)
    error = sums(estimate[:count], estimate[:count], state=False)
    if len(estimate) > count:
        # Its last weight goes to L v_new + N(v_new).
        error = [
            e if r is None else (estimate[-1] * times(z, r) if e is None else e + estimate[-1] * times(z, r))
            for e, r in zip(error, result, strict=True)
        ]
        error.append(h * estimate[-1] * one)
    entries = [*(stage[0] for stage in stages[1:]), result[0]]
    entries += [part for stage in stages[1:] for part in stage[1:]]
    entries += result[1:]
    entries += error
    return torch.stack([entry for entry in entries if entry is not None])


def _stepper(tableau: Tableau) -> Stepper:
    """The method on modes; an explicit one treats L v as it treats N."""
    nodes, explicit, weights, estimate = tableau.nodes, tableau.explicit, tableau.weights, tableau.estimate
    implicit = tableau.implicit or explicit
    count = len(nodes)
    probe: list[set[int]] = [set()]
    for i in range(1, count):
        inherited = {k for j in range(i) if implicit[i][j] for k in probe[j]}
        probe.append(inherited | {j for j in range(i) if explicit[i][j]})
    result = {k for j in range(count) if weights[j] for k in probe[j]} | {j for j in range(count) if weights[j]}
    error = {k for j in range(count) if estimate[j] for k in probe[j]} | {j for j in range(count) if estimate[j]}
    if len(estimate) > count:
        error |= result | {count}
    return Stepper(
        name=tableau.name,
        order=tableau.order,
        estimate_order=tableau.estimate_order,
        nodes=nodes,
        stages=tuple(tuple(sorted(each)) for each in probe[1:]),
        weights=tuple(sorted(result)),
        estimate=(STATE, *sorted(error)),
        coefficients=partial(_coefficients, implicit, explicit, weights, estimate),
    )


IMEX4 = _stepper(ARK4)
DOPRI5 = _stepper(DORMAND_PRINCE)
