"""The field-level Lie derivative of an operator."""

from collections.abc import Sequence

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from pdesym.solvers.grid import Grid
from pdesym.symmetry.characteristic import RightHandSide, characteristic
from pdesym.symmetry.defect import Defect, is_rounding
from pdesym.symmetry.frames import Times
from pdesym.symmetry.generator import Generator
from pdesym.symmetry.pushforward import Operator, pushforward


def lie_derivative(
    operator: Operator,
    generator: Generator,
    u: Float[Tensor, "..."],
    grid: Grid,
    times_in: Times,
    times_out: Times,
    rhs: RightHandSide | None = None,
) -> Defect:
    """(𝓛_v F)[u] = Q_out[F u] − dF[u]·Q_in[u]: zero for every u if and only if F has the symmetry v.

    For the solution map F = S of u_t = N[u] and Q = φ − ξ·∇u − τ N[u], this is the condition that v be a symmetry of
    the equation. The sign is that of Otto, Zolman, Kutz, Brunton, JMLR 26 (248), 2025, eq. 21.

    The characteristics are evaluated in the dtype of the fields. In float32 a perfect operator shows the rounding of
    its output's space derivative, about 1e-7 max|k| ‖F u‖/‖∂F u‖: 1e-6 for rough fields, 1e-3 for an output that is
    nearly constant. Pass float64 to measure a solver, and a trained network where it matters.

    Args:
        operator: F, any callable from fields or trajectories to fields or trajectories. With a method
            `tangent(u, w) -> (F u, dF·w)` it is asked for its own derivative, otherwise torch.func.jvp takes it.
        generator: v.
        u: input of the operator, `(batch, channel, *space)` or `(batch, time, channel, *space)`.
        grid: the grid of its input and of its output.
        times_in: times of the input frames: for fields a number or `(batch,)`, for trajectories `(time,)` or
            `(batch, time)`; in the equation's unit of time.
        times_out: the same for the output.
        rhs: `rhs(u, t)`, the right-hand side N[u] as the solver has it, needed where τ ≠ 0; by default the
            operator's own method `rhs`, where it has one.

    Raises:
        ValueError: when the coefficients are not periodic on the grid, for shapes that do not fit the generator, and
            for τ ≠ 0 without a right-hand side.
    """
    return lie_derivatives(operator, [generator], u, grid, times_in, times_out, rhs)[0]


def lie_derivatives(
    operator: Operator,
    generators: Sequence[Generator],
    u: Float[Tensor, "..."],
    grid: Grid,
    times_in: Times,
    times_out: Times,
    rhs: RightHandSide | None = None,
) -> tuple[Defect, ...]:
    """`lie_derivative` for several generators, which share one evaluation of the operator."""
    sides = lie_sides(operator, generators, u, grid, times_in, times_out, rhs)
    return tuple(map(Defect, *sides))


def lie_sides(
    operator: Operator,
    generators: Sequence[Generator],
    u: Float[Tensor, "..."],
    grid: Grid,
    times_in: Times,
    times_out: Times,
    rhs: RightHandSide | None = None,
) -> tuple[Float[Tensor, "generators ..."], Float[Tensor, "generators ..."], Bool[Tensor, "generators batch"]]:
    """dF[u]·Q_in and Q_out[F u] for each generator, whose difference is the Lie derivative; as `lie_derivatives`.

    The third are samples that a generator moves neither before nor after the operator, beyond rounding.
    """
    if not generators:
        raise ValueError("Expected at least one generator, got none.")
    for generator in generators:
        generator.require_periodic(grid)
    rhs = getattr(operator, "rhs", None) if rhs is None else rhs
    before = [characteristic(generator.vector_field, u, grid, times_in, rhs) for generator in generators]
    value, pushed = pushforward(operator, u, torch.stack([motion for motion, _ in before]))
    # Under autocast the operator answers in fewer bits than the transforms of the characteristic take.
    precision = torch.promote_types(value.dtype, u.dtype)
    value, pushed = value.to(precision), pushed.to(precision)
    after = [characteristic(generator.vector_field, value, grid, times_out, rhs) for generator in generators]
    trivial = [
        is_rounding(motion, size, u.dtype) & is_rounding(target, target_size, value.dtype)
        for (motion, size), (target, target_size) in zip(before, after, strict=True)
    ]
    return pushed, torch.stack([target for target, _ in after]), torch.stack(trivial)
