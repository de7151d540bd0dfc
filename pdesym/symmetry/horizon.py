"""Symmetry of solution maps that take their horizon as an input: the equation itself need not be known."""

from collections.abc import Callable
from dataclasses import replace

import sympy
import torch
from jaxtyping import Float
from torch import Tensor

from pdesym.solvers.grid import Grid
from pdesym.symmetry.characteristic import characteristic
from pdesym.symmetry.defect import Defect, finite_motion_is_rounding, is_rounding
from pdesym.symmetry.generator import Generator
from pdesym.symmetry.pushforward import pushforward
from pdesym.symmetry.vector_field import variable

HorizonOperator = Callable[..., Tensor]


def horizon_lie_derivative(
    operator: HorizonOperator,
    generator: Generator,
    u: Float[Tensor, "batch channel *space"],
    grid: Grid,
    horizon: int | float,
    start: int | float = 0.0,
    rate: Float[Tensor, "batch channel *space"] | None = None,
) -> Defect:
    """The Lie derivative without the equation: Q̂_T[S_T u] − dS_T[u]·Q̂_0[u] − (τ(T) − τ(0)) ∂_T S_T[u].

    Here Q̂ = φ − ξ·∇u. It vanishes for every u if and only if v is a symmetry, provided that τ depends on t alone and
    that the equation does not contain t. `pushed` of the result is dS_T·Q̂_0 + (τ(T) − τ(0)) ∂_T S_T.

    Args:
        operator: `operator(u, T)`, the solution after the horizon T; differentiated in T too where τ changes, and
            then T comes as a tensor of dimension 0.
        generator: v, with τ = τ(t).
        u: fields at the start.
        grid: their grid.
        horizon: T, in the equation's unit of time.
        start: time of `u`.
        rate: ∂_T S_T[u] where it is known; the operator is then differentiated in u alone.

    Raises:
        ValueError: when τ depends on x or u, for ∂_t alone, which this form cannot see, and as `lie_derivative`.
    """
    generator.require_periodic(grid)
    _require_content(generator)
    begin, end = (float(generator.tau.subs(variable("t"), time)) for time in (start, start + horizon))
    still = replace(generator.vector_field, tau=sympy.Integer(0))
    motion, size = characteristic(still, u, grid, start)
    if begin == end or rate is not None:
        value, pushed = pushforward(lambda field: operator(field, float(horizon)), u, motion.unsqueeze(0))
        image = pushed[0] if rate is None else pushed[0] + (end - begin) * rate
    else:
        span = torch.tensor([horizon, end - begin], dtype=u.dtype, device=u.device)
        value, image, *_ = torch.func.jvp(operator, (u, span[0]), (motion, span[1]))
    target, target_size = characteristic(still, value, grid, start + horizon)
    trivial = is_rounding(motion, size, u.dtype) & is_rounding(target, target_size, value.dtype)
    return Defect(image, target, trivial & (begin == end))


def semigroup_defect(
    operator: HorizonOperator, u: Float[Tensor, "batch channel *space"], first: int | float, second: int | float
) -> Defect:
    """The law S_{s+T} = S_T S_s of an equation that does not contain t: its symmetry ∂_t, in finite form.

    `pushed` is S_T(S_s u) − S_T u and `target` is S_{s+T} u − S_T u, so that for small s the defect is that of ∂_t.

    Args:
        operator: `operator(u, T)`, the solution after the horizon T.
        u: fields at the start.
        first: s, in the equation's unit of time.
        second: T.
    """
    between, alone = operator(u, first), operator(u, second)
    pushed, target = operator(between, second), operator(u, first + second)
    trivial = finite_motion_is_rounding(between, u) & finite_motion_is_rounding(target, alone)
    return Defect(pushed - alone, target - alone, trivial)


def _require_content(generator: Generator) -> None:
    strangers = generator.tau.free_symbols - {variable("t")}
    if strangers:
        raise ValueError(
            f"The coefficient {generator.tau} of d_t depends on {', '.join(sorted(map(str, strangers)))}, and without "
            "the equation only a function of t can be tested: use lie_derivative with rhs=...."
        )
    if generator.tau.is_constant() and not any((*generator.xi, *generator.phi)):
        raise ValueError(
            f"Without the equation the condition for {generator} reads 0 = 0: use semigroup_defect, or lie_derivative "
            "with rhs=...."
        )
