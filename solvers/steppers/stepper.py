"""One-step methods for v' = L v + N(v, t), all of one form.

With z = hL, every method here, exponential, implicit-explicit or explicit, reads

    U_0 = v,   U_i = E_i v + Σ_{j<i} C_ij N(U_j, t + c_j h),   v_new = E v + Σ_j B_j N(U_j, t + c_j h),

where E, C and B are functions of z: combinations of φ functions, rational functions, or polynomials. A method is data,
namely which of them are not zero and how they are made; the step function is written once.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from jaxtyping import Complex
from torch import Tensor

STATE = -1
"""Stands for the state v itself in `Stepper.estimate`."""

Add = Callable[[Tensor | None, Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class Stepper:
    """A one-step method with an embedded estimate of its error.

    Attributes:
        name: its usual name with the source.
        order: classical order.
        estimate_order: the estimate of one step is of the order h^estimate_order.
        nodes: c_i of the stages, c_0 = 0.
        stages: for stage i ≥ 1 the j whose N_j enter.
        weights: the j whose N_j enter the result.
        estimate: the j whose N_j enter the estimate; j = len(nodes) stands for N(v_new), which opens the next step
            anyway, and `STATE` for v.
        coefficients: `(symbol, h, diagonal) → (entries, *symbol.shape)`, h folded in, in the order E_1 …, E, the stages
            one after the other, the weights, the estimate.
    """

    name: str
    order: int
    estimate_order: int
    nodes: tuple[float, ...]
    stages: tuple[tuple[int, ...], ...]
    weights: tuple[int, ...]
    estimate: tuple[int, ...]
    coefficients: Callable[[Complex[Tensor, "..."], float, bool], Complex[Tensor, "..."]]

    @property
    def estimate_entries(self) -> slice:
        """Where the coefficients of the estimate stand."""
        first = len(self.stages) + 1 + sum(map(len, self.stages)) + len(self.weights)
        return slice(first, first + len(self.estimate))

    def __repr__(self) -> str:
        return f"Stepper({self.name})"


def step(
    v: Tensor,
    first: Tensor,
    nonlinear: Callable[[int, Tensor], Tensor],
    table: Sequence[Tensor],
    stepper: Stepper,
    add: Add,
) -> tuple[Tensor, list[Tensor]]:
    """One step. It is linear in (v, N), so it serves the tangent as well, with N' in place of N.

    Args:
        v: state.
        first: N(v), from the end of the step before.
        nonlinear: `(stage, state) → N` at the stage's time.
        table: the coefficients in their order.
        stepper: the method they were made for.
        add: `(sum, coefficient, state) → sum + coefficient · state`, without a sum just the product.

    Returns:
        the new state, and N at all stages.
    """
    exponentials = table[: len(stepper.stages) + 1]
    entries = iter(table[len(exponentials) :])
    evaluated = [first]
    for index, stage in enumerate(stepper.stages, start=1):
        value = add(None, exponentials[index - 1], v)
        for earlier in stage:
            value = add(value, next(entries), evaluated[earlier])
        evaluated.append(nonlinear(index, value))
    new = add(None, exponentials[-1], v)
    for j in stepper.weights:
        new = add(new, next(entries), evaluated[j])
    return new, evaluated


def estimate(v: Tensor, evaluated: Sequence[Tensor], table: Sequence[Tensor], stepper: Stepper, add: Add) -> Tensor:
    """The estimated error of a step from v, with N at all stages and at the new state."""
    result: Tensor | None = None
    for j, coefficient in zip(stepper.estimate, table[stepper.estimate_entries], strict=True):
        result = add(result, coefficient, v if j == STATE else evaluated[j])
    assert result is not None, "every method has an estimate"
    return result
