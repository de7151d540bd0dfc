"""What an equation says about frames of its solutions."""

import torch
from jaxtyping import Complex, Float
from torch import Tensor

from pdesym.solvers.equation import Equation
from pdesym.solvers.grid import Grid
from pdesym.solvers.system import SpectralSystem


def spectra_and_rates(
    u: Float[Tensor, "batch time channel *space"],
    times: Float[Tensor, "batch time"],
    grid: Grid,
    equation: Equation,
    stretch: Float[Tensor, "batch dims"] | None = None,
) -> tuple[Complex[Tensor, "batch time channel *modes"], Complex[Tensor, "batch time channel *modes"]]:
    """Spectra û of frames and û_t = N̂[u], products free of aliases, as the solver computes it.

    complex128, independent of the number of points (`norm="forward"`), without Nyquist modes.

    Args:
        u: frames, float32 or float64.
        times: of the frames, in the equation's unit of time.
        grid: of the frames.
        equation: N, with parameters for all samples or one for each.
        stretch: factors by which the box of each sample is longer than that of the grid.

    Raises:
        ValueError: when the equation does not fit the grid.
    """
    system = SpectralSystem(equation, grid, padded=True, device=u.device, stretch=stretch)
    samples = torch.arange(len(u), device=u.device).repeat_interleave(u.shape[1])
    with torch.set_grad_enabled(torch.is_grad_enabled() and u.requires_grad):
        spectra = system.to_spectrum(u)
        rates = system.select(samples).rhs(spectra.flatten(0, 1), times.flatten())
    return spectra, rates.unflatten(0, (len(u), u.shape[1]))


def frequencies(
    spectra: Complex[Tensor, "batch time channel *modes"],
    rates: Complex[Tensor, "batch time channel *modes"],
    width: int,
) -> Float[Tensor, "batch windows channel *modes"]:
    """ω = Im Σ û* û_t / Σ |û|² over every `width` frames in a row, at every mode: how fast it turns, on average.

    A free wave turns by its dispersion relation, the harmonics of a soliton together with it, and noise as a free wave:
    e^{−iωt} û is slow for all of them, so that polynomials in time resolve it.
    """
    power = square(spectra)
    turning = spectra.real * rates.imag - spectra.imag * rates.real
    windows = [each.unfold(1, width, 1).sum(-1) for each in (turning, power)]
    return windows[0] / windows[1].clamp_min(torch.finfo(torch.float64).tiny)


def square(spectra: Complex[Tensor, "..."]) -> Float[Tensor, "..."]:
    """|z|², without the root that `abs` takes."""
    return spectra.real.square() + spectra.imag.square()
