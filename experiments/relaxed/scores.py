"""Errors up to the symmetries of the input, and what no equivariant map can be better than."""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from experiments.relaxed.pairs import Pairs
from pdesym.solvers import Grid
from pdesym.symmetry.relax import TorusTranslations, orbit_distance, orbit_mean

DIGITS = 6


def with_noise(x: Float[Tensor, "batch frames 1 points"], rng: torch.Generator) -> Float[Tensor, "batch more 1 points"]:
    """x, and as many frames of white noise of variance 1 behind it."""
    return torch.cat((x, torch.randn(x.shape, generator=rng, dtype=torch.float64).to(x)), 1)


def scores(model: nn.Module, pairs: Pairs, grid: Grid, draws: int, seed: int) -> dict[str, Any]:
    """What a model makes of pairs; errors are relative to ‖y‖², a number for each pair, or means over pairs.

    Args:
        model: of an arm.
        pairs: in float64; the model computes in its own precision.
        grid: of the fields.
        draws: of the noise that the model is given; 0 for a model without.
        seed: of them.

    Returns:
        per_sample: min over s ∈ G_x of ‖s ŷ − y‖², the mean over draws.
        error: its mean over pairs.
        best: the mean over pairs of the best draw.
        averaged: the same error of the mean over draws.
        unaligned: ‖ŷ − y‖², the mean over draws and pairs.
    """
    shifts, size = TorusTranslations(grid), pairs.y.square().flatten(1).sum(1)
    stabiliser, rng = shifts.stabiliser(pairs.x), torch.Generator().manual_seed(seed)
    dtype = next(model.parameters()).dtype
    found = []
    model.eval()
    with torch.no_grad():
        for _ in range(max(draws, 1)):
            u = pairs.u_in.to(dtype)
            found.append(model(with_noise(u, rng) if draws else u)[:, 0].double())
    aligned = torch.stack([orbit_distance(y, pairs.y, shifts, stabiliser) / size for y in found])
    averaged = orbit_distance(torch.stack(found).mean(0), pairs.y, shifts, stabiliser) / size
    unaligned = torch.stack([(y - pairs.y).square().flatten(1).sum(1) / size for y in found])
    return {
        "error": rounded(aligned.mean()),
        "best": rounded(aligned.amin(0).mean()),
        "averaged": rounded(averaged.mean()),
        "unaligned": rounded(unaligned.mean()),
        "per_sample": [rounded(value) for value in aligned.mean(0)],
    }


def bounds(pairs: Pairs, grid: Grid) -> Float[Tensor, " samples"]:
    """‖ȳ − y‖²/‖y‖² of each pair, ȳ the mean of s y over s ∈ G_x: what an equivariant map can at best reach."""
    shifts = TorusTranslations(grid)
    mean = orbit_mean(pairs.y, shifts, shifts.stabiliser(pairs.x))
    return (mean - pairs.y).square().flatten(1).sum(1) / pairs.y.square().flatten(1).sum(1)


def rounded(value: Float[Tensor, ""]) -> float:
    """To so many digits as a result file needs."""
    return float(f"{value.item():.{DIGITS}g}")
