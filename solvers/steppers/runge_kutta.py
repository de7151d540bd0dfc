"""Additive Runge-Kutta methods: one tableau for the linear part L, one for the rest N.

    U_i = v + Σ_{j≤i} a'_ij z U_j + h Σ_{j<i} a_ij N_j,     v_new = v + Σ_j b_j (z U_j + h N_j),     z = hL.

In Fourier space the stages can be solved for: each U_i is a rational function of z times v plus such functions times
N_j, so that these methods take the same step as the exponential ones. With a' = a they are plain explicit methods.
"""

from collections.abc import Sequence
from fractions import Fraction
from functools import partial

import torch
from jaxtyping import Complex
from torch import Tensor

from pdesym.solvers.steppers.stepper import STATE, Stepper

Rows = tuple[tuple[float, ...], ...]


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


def _additive(
    name: str, order: int, nodes: tuple[float, ...], implicit: Rows, explicit: Rows, weights: tuple[float, ...],
    estimate: tuple[float, ...],
) -> Stepper:  # fmt: skip
    """A method with L-part `implicit` and N-part `explicit`; `estimate` are the differences of its two weights."""
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
        name=name,
        order=order,
        estimate_order=order,
        nodes=nodes,
        stages=tuple(tuple(sorted(each)) for each in probe[1:]),
        weights=tuple(sorted(result)),
        estimate=(STATE, *sorted(error)),
        coefficients=partial(_coefficients, implicit, explicit, weights, estimate),
    )


def _numbers(text: str) -> Rows:
    return tuple(tuple(float(Fraction(word)) for word in line.split()) for line in text.strip().splitlines())


def _lower(text: str) -> Rows:
    """The rows of a tableau below its empty first row."""
    return ((), *_numbers(text))


def _differences(weights: tuple[float, ...], others: tuple[float, ...]) -> tuple[float, ...]:
    longer = (*weights, *(0.0,) * (len(others) - len(weights)))
    return tuple(a - b for a, b in zip(longer, others, strict=True))


_ARK_NODES = (0.0, 0.5, 83 / 250, 31 / 50, 17 / 20, 1.0)
_ARK_IMPLICIT = _lower("""
    1/4 1/4
    8611/62500 -1743/31250 1/4
    5012029/34652500 -654441/2922500 174375/388108 1/4
    15267082809/155376265600 -71443401/120774400 730878875/902184768 2285395/8070912 1/4
    82889/524892 0 15625/83664 69875/102672 -2260/8211 1/4
""")
_ARK_EXPLICIT = _lower("""
    1/2
    13861/62500 6889/62500
    -116923316275/2393684061468 -2731218467317/15368042101831 9408046702089/11113171139209
    -451086348788/2902428689909 -2682348792572/7519795681897 12662868775082/11960479115383 \
        3355817975965/11060851509271
    647845179188/3216320057751 73281519250/8382639484533 552539513391/3454668386233 \
        3354512671639/8306763924573 4040/17871
""")
(_ARK_EMBEDDED,) = _numbers(
    "4586570599/29645900160 0 178811875/945068544 814220225/1159782912 -3700637/11593932 61727/225920"
)
_ARK_WEIGHTS = _ARK_IMPLICIT[-1]

IMEX4 = _additive(
    name="ARK4(3)6L[2]SA (Kennedy and Carpenter, Appl. Numer. Math. 44, 2003)",
    order=4,
    nodes=_ARK_NODES,
    implicit=_ARK_IMPLICIT,
    explicit=_ARK_EXPLICIT,
    weights=_ARK_WEIGHTS,
    estimate=_differences(_ARK_WEIGHTS, _ARK_EMBEDDED),
)

_DOPRI_NODES = (0.0, 1 / 5, 3 / 10, 4 / 5, 8 / 9, 1.0)
_DOPRI = _lower("""
    1/5
    3/40 9/40
    44/45 -56/15 32/9
    19372/6561 -25360/2187 64448/6561 -212/729
    9017/3168 -355/33 46732/5247 49/176 -5103/18656
""")
(_DOPRI_WEIGHTS, _DOPRI_EMBEDDED) = _numbers("""
    35/384 0 500/1113 125/192 -2187/6784 11/84
    5179/57600 0 7571/16695 393/640 -92097/339200 187/2100 1/40
""")

DOPRI5 = _additive(
    name="DOPRI5(4) (Dormand and Prince, J. Comput. Appl. Math. 6, 1980)",
    order=5,
    nodes=_DOPRI_NODES,
    implicit=_DOPRI,
    explicit=_DOPRI,
    weights=_DOPRI_WEIGHTS,
    estimate=_differences(_DOPRI_WEIGHTS, _DOPRI_EMBEDDED),
)
