"""How far a trajectory is from solving its equation, from its frames alone."""

from functools import lru_cache

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from pdesym.solvers.equation import Equation
from pdesym.solvers.grid import Grid
from pdesym.solvers.spectral import integer_wavenumbers
from pdesym.symmetry.augment.on_shell import frequencies, spectra_and_rates, square
from pdesym.symmetry.augment.steps import in_equal_steps

LEAST_FRAMES = 5
# Memory of one chunk of samples, in bytes.
_CHUNK = 2**26


def on_shell_residual(
    u: Float[Tensor, "batch time channel *space"],
    times: Float[Tensor, "batch time"],
    grid: Grid,
    equation: Equation,
    *,
    stretch: Float[Tensor, "batch dims"] | None = None,
    mask: Bool[Tensor, "batch time"] | None = None,
) -> Float[Tensor, " batch"]:
    """The residual of u_t = N[u] over windows of five frames, relative to how far u goes in them.

    With v̂ = e^{−iωt} û, which is slow (`frequencies`), and v̂' = e^{−iωt}(N̂ − iω û):

        ‖Σ_j a_j v̂_j − Δt Σ_j b_j v̂'_j‖ / min(Δt Σ_j |b_j| ‖N̂_j‖, ‖û_{j+1} − û_j‖),

    norms over windows and over the modes up to two thirds of the spectrum: the rates of the others lack products with
    what the grid does not hold. a, b are the only numbers for which polynomials of degree 8 in t leave nothing. For
    solutions the residual vanishes as Δt⁸; a field that solves another equation leaves what it misses. Dimensionless,
    float64.

    Args:
        u: the trajectories, computed in float64.
        times: of the frames, in equal steps, in the equation's unit of time.
        grid: of the frames.
        equation: N, with parameters for all samples or one for each.
        stretch: factors by which the box of each sample is longer than that of the grid.
        mask: frames that count; a window counts when all its frames do. nan where none does.

    Raises:
        ValueError: for fewer than five frames, or frames that are not in equal steps.
    """
    frames = u.shape[1]
    if frames < LEAST_FRAMES:
        raise ValueError(
            f"Expected at least {LEAST_FRAMES} frames to test whether they solve the equation, got {frames}: keep more "
            "output times."
        )
    if not in_equal_steps(times):
        raise ValueError("Expected frames in equal steps of time: choose output times with one step.")
    step = max(1, _CHUNK // (128 * u[0].numel()))
    counted = torch.ones(u.shape[:2], dtype=torch.bool, device=u.device) if mask is None else mask
    parts = []
    for first in range(0, len(u), step):
        rows = slice(first, min(first + step, len(u)))
        mine = equation.select(list(range(rows.start, rows.stop)))
        boxes = None if stretch is None else stretch[rows]
        parts.append(_residual(u[rows], times[rows], grid, mine, boxes, counted[rows]))
    return torch.cat(parts)


def _residual(
    u: Tensor, times: Tensor, grid: Grid, equation: Equation, stretch: Tensor | None, counted: Tensor
) -> Tensor:
    spectra, rates = spectra_and_rates(u, times, grid, equation, stretch)
    omega = frequencies(spectra, rates, LEAST_FRAMES)
    windows, space = omega.shape[1], (1,) * (spectra.ndim - 2)
    dt = times.diff(dim=1).mean(1).reshape(-1, 1, *space)
    axes = tuple(range(2, spectra.ndim))
    counts = _weights(grid, u.device)
    defect = torch.zeros_like(spectra[:, :windows])
    size = torch.zeros(len(u), windows, dtype=torch.float64, device=u.device)
    turn = torch.complex(torch.cos(omega * dt), torch.sin(omega * dt))
    turns: dict[int, Tensor | float] = {0: 1.0, 1: turn, -1: turn.conj(), 2: turn**2, -2: turn.conj() ** 2}
    for j, (a, b) in enumerate(zip(*_identity(), strict=True)):
        value, rate = spectra[:, j : j + windows], rates[:, j : j + windows]
        slow = a * value - dt * b * (rate - 1j * omega * value)
        defect = defect + slow * turns[LEAST_FRAMES // 2 - j]
        size = size + abs(b) * (square(rate) * counts).sum(axes).sqrt()
    whole = counted.unfold(1, LEAST_FRAMES, 1).all(-1)
    left = torch.where(whole, (square(defect) * counts).sum(axes), 0.0).sum(1)
    steps = (square(spectra.diff(dim=1)) * counts).sum(axes).sqrt()
    path = steps.unfold(1, LEAST_FRAMES - 1, 1).mean(-1)
    scale = torch.where(whole, torch.minimum(size * dt.flatten(1), path) ** 2, 0.0).sum(1)
    # Rounding of the frames is no residual of a solution that stands still.
    largest = (square(spectra) * counts).sum(axes).amax(1)
    floor = (torch.finfo(u.dtype).eps * 1e2) ** 2 * largest * whole.sum(1)
    # A field that is zero throughout leaves nothing, relative to nothing.
    relative_to = torch.where(largest > 0, torch.maximum(scale, floor), 1.0)
    return (left / torch.where(whole.any(1), relative_to, torch.nan)).sqrt()


def _weights(grid: Grid, device: torch.device) -> Tensor:
    """2 for each mode of the half spectrum that stands for two, 0 beyond two thirds of the spectrum."""
    weights = torch.full((), 2.0, dtype=torch.float64, device=device)
    for modes, n in zip(integer_wavenumbers(grid, device), grid.points, strict=True):
        weights = weights * (3 * modes.abs() <= n)
    return torch.where(integer_wavenumbers(grid, device)[-1] == 0, weights / 2, weights)


@lru_cache(maxsize=1)
def _identity() -> tuple[tuple[float, ...], tuple[float, ...]]:
    """a and b with Σ a_j p(j) = Σ b_j p'(j) for all polynomials p of degree 8, j = −2 … 2, Σ |b_j| = 1."""
    nodes = torch.arange(LEAST_FRAMES, dtype=torch.float64) - LEAST_FRAMES // 2
    degrees = torch.arange(2 * LEAST_FRAMES - 1, dtype=torch.float64)
    powers = nodes ** degrees.unsqueeze(1)
    slopes = degrees.unsqueeze(1) * nodes ** (degrees - 1).clamp_min(0).unsqueeze(1)
    null = torch.linalg.svd(torch.cat([powers, -slopes], dim=1)).Vh[-1]
    a, b = (null / null[LEAST_FRAMES:].abs().sum()).split(LEAST_FRAMES)
    return tuple(a.tolist()), tuple(b.tolist())
