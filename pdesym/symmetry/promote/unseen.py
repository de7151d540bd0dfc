"""Generators that move data where there are none, so that nothing in the data speaks of them."""

from collections.abc import Sequence
from dataclasses import replace

import sympy
import torch
from jaxtyping import Float
from torch import Tensor

from pdesym.solvers.grid import Grid
from pdesym.symmetry.characteristic import characteristic
from pdesym.symmetry.frames import Times
from pdesym.symmetry.generator import Generator

_LITTLE, _UNSEEN = 1e-3, 1e-2


def unseen_motion(
    generators: Sequence[Generator], u: Float[Tensor, "samples ..."], grid: Grid, times: Times
) -> Float[Tensor, " generators"]:
    """The part of each generator's motion that leaves the directions in which the frames differ, from 0 to 1. float64.

    With P the projection onto the principal directions of the frames, those that carry all but a thousandth of their
    deviation from their average: ‖(1 − P) Q̂‖/‖Q̂‖ over all frames, Q̂ = φ − ξ·∇u. It is 1 for t ∂_x + ∂_u on fields
    of zero mean: what an operator that was trained on them makes of a mean is then left to chance, and to penalise it
    at these fields alone says little. Such generators should be followed some way first (`unseen_widths`). It is a
    statement about directions: data of a single amplitude count as moved within themselves by u ∂_u.

    Args:
        generators: v₁ … v_q; of one with a ∂_t part, what it does beside.
        u: fields or trajectories as the operator takes them, more frames in all than directions in which they differ.
        grid: their grid.
        times: of the frames, as for `lie_derivative`.

    Returns:
        A number for each generator, not a number for one that moves nothing.

    Raises:
        ValueError: for too few frames, and for shapes that do not fit.
    """
    total, outside = _motions(generators, u, grid, times)
    return (outside / total).sqrt()


def unseen_widths(
    generators: Sequence[Generator], u: Float[Tensor, "samples ..."], grid: Grid, times: Times
) -> tuple[float, ...]:
    """How far to follow each generator so that it leaves the data by as much as frames differ; 0 where it does not.

    ε = √(⟨(u − ⟨u⟩)²⟩/⟨((1 − P) Q)²⟩) where `unseen_motion` is above a hundredth. A generator with a ∂_t part has 0:
    the equation itself moves the data along it. Arguments and errors are those of `unseen_motion`.
    """
    frames = _as_frames(u.detach(), grid)
    fluctuation = (frames - frames.mean(0)).square().mean().cpu()
    total, outside = _motions(generators, u, grid, times)
    unseen = (outside > _UNSEEN**2 * total) & torch.tensor([generator.tau == 0 for generator in generators])
    return tuple(torch.where(unseen, (fluctuation / outside).sqrt(), 0.0).tolist())


def _motions(
    generators: Sequence[Generator], u: Float[Tensor, "samples ..."], grid: Grid, times: Times
) -> tuple[Float[Tensor, " generators"], Float[Tensor, " generators"]]:
    """The mean squares of Q̂ and of (1 − P) Q̂, on the CPU."""
    kept = _principal_directions(_as_frames(u.detach(), grid))
    total, outside = [], []
    for generator in generators:
        still = replace(generator.vector_field, tau=sympy.Integer(0))
        motion = _as_frames(characteristic(still, u.detach(), grid, times)[0], grid)
        total.append(motion.square().mean())
        outside.append((motion - motion @ kept.mT @ kept).square().mean())
    return torch.stack(total).cpu(), torch.stack(outside).cpu()


def _as_frames(u: Float[Tensor, "..."], grid: Grid) -> Float[Tensor, "frames values"]:
    return u.reshape(-1, *u.shape[-grid.dims - 1 :]).flatten(1).double()


def _principal_directions(frames: Float[Tensor, "frames values"]) -> Float[Tensor, "kept values"]:
    deviation = frames - frames.mean(0)
    wide = deviation.shape[1] > deviation.shape[0]
    values, directions = torch.linalg.eigh(deviation @ deviation.mT if wide else deviation.mT @ deviation)
    left_out = values.clamp_min(0).cumsum(0)  # of the deviation, without the directions after this one
    chosen = left_out > _LITTLE**2 * left_out[-1]
    kept: Tensor = directions[:, chosen].mT
    if wide:
        kept = kept @ deviation / values[chosen].sqrt().unsqueeze(1)
    if len(kept) >= len(frames) - 1:
        raise ValueError(
            f"The {len(frames)} frames differ in {len(kept)} directions, too few to tell where data are and where "
            "there are none: give more of them, or say yourself how far to follow each generator."
        )
    return kept
