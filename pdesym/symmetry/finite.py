"""The finite form of a symmetry of an operator."""

from jaxtyping import Float
from torch import Tensor

from pdesym.solvers.grid import Grid
from pdesym.symmetry.defect import Defect, finite_motion_is_rounding
from pdesym.symmetry.frames import Times
from pdesym.symmetry.generator import Generator
from pdesym.symmetry.pushforward import Operator


def finite_defect(
    operator: Operator,
    generator: Generator,
    u: Float[Tensor, "..."],
    grid: Grid,
    times_in: Times,
    times_out: Times,
    epsilon: int | float | Float[Tensor, "..."],
) -> Defect:
    """F(g_ε u) against g_ε F(u), g_ε = exp(εv): no derivative of the operator is taken.

    `pushed` is F(g_ε u) − F(u) and `target` is g_ε F(u) − F(u), so that for small ε the defect is that of
    `lie_derivative`. A network can be accurate in one of them and not in the other.

    Args:
        operator: F, any callable from fields or trajectories to fields or trajectories.
        generator: v, with an exact action on frames (`Generator.act`).
        u: input of the operator.
        grid: the grid of its input and of its output.
        times_in: times of the input frames, in the equation's unit of time.
        times_out: times of the output frames.
        epsilon: parameter of the group, a number or one for each sample `(batch,)`.

    Raises:
        ValueError: as `Generator.act`.
    """
    moved = generator.act(u, grid, times_in, epsilon)
    value = operator(u)
    pushed, target = operator(moved), generator.act(value, grid, times_out, epsilon)
    trivial = finite_motion_is_rounding(moved, u) & finite_motion_is_rounding(target, value)
    return Defect(pushed - value, target - value, trivial)
