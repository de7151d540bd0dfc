"""Spectral calculus on periodic fields: free functions on tensors whose last axes are those of the grid.

The discrete transform is torch.fft.rfftn over the space axes: the last axis keeps only the wavenumbers k ≥ 0. For an
even number of points the Nyquist mode N/2 carries no sign, so an odd derivative or a fractional shift of it is not
defined as a real field; both set it to zero.
"""

import math
from collections.abc import Sequence

import torch
from jaxtyping import Complex, Float
from torch import Tensor

from pdesym.solvers.grid import Grid

_COMPLEX = {torch.float32: torch.complex64, torch.float64: torch.complex128}


def complex_dtype(dtype: torch.dtype) -> torch.dtype:
    """The complex type of the same precision as a real one.

    Raises:
        TypeError: for anything but float32 and float64.
    """
    if dtype not in _COMPLEX:
        raise TypeError(f"Fields must be float32 or float64 to be transformed, got {dtype}.")
    return _COMPLEX[dtype]


def transform(u: Float[Tensor, "..."], grid: Grid) -> Complex[Tensor, "..."]:
    """Half spectrum of a real field over the last `grid.dims` axes (unnormalised)."""
    if tuple(u.shape[-grid.dims :]) != grid.points:
        raise ValueError(f"Expected a field whose last axes are {grid.points} like the grid, got {tuple(u.shape)}.")
    spectrum: Tensor = torch.fft.rfftn(u, dim=tuple(range(-grid.dims, 0)))
    return spectrum


def inverse_transform(
    spectrum: Complex[Tensor, "..."], points: Sequence[int], norm: str = "backward"
) -> Float[Tensor, "..."]:
    """The real field with the given half spectrum on `points` points; `norm` as in torch.fft."""
    dims = len(points)
    # One axis at a time: the multi-dimensional complex-to-real transform is nearly twice as slow as this.
    for axis in range(-dims, -1):
        spectrum = torch.fft.ifft(spectrum, dim=axis, norm=norm)
    field: Tensor = torch.fft.irfft(spectrum, n=points[-1], dim=-1, norm=norm)
    return field


def integer_wavenumbers(grid: Grid, device: torch.device | str | None = None) -> tuple[Float[Tensor, "..."], ...]:
    """Signed integer wavenumbers of the half spectrum along each axis, shaped to broadcast over it, float64."""
    result = []
    for axis, n in enumerate(grid.points):
        last = axis == grid.dims - 1
        modes = torch.fft.rfftfreq(n, 1 / n) if last else torch.fft.fftfreq(n, 1 / n)
        shape = [1] * grid.dims
        shape[axis] = -1
        result.append(modes.to(device=device, dtype=torch.float64).reshape(shape))
    return tuple(result)


def wavenumbers(grid: Grid, device: torch.device | str | None = None) -> tuple[Float[Tensor, "..."], ...]:
    """Wavenumbers 2πm/L of the half spectrum along each axis (1/length), shaped to broadcast over it, float64."""
    return tuple(
        modes * (2 * math.pi / size) for modes, size in zip(integer_wavenumbers(grid, device), grid.length, strict=True)
    )


def nyquist_mask(grid: Grid, device: torch.device | str | None = None) -> Float[Tensor, "..."]:
    """1 on the modes with |m| < N/2 along every axis, 0 on the Nyquist modes of even axes."""
    mask = torch.ones((), dtype=torch.float64, device=device)
    for modes, n in zip(integer_wavenumbers(grid, device), grid.points, strict=True):
        mask = mask * (modes.abs() * 2 < n)
    return mask


def derivative_symbol(
    grid: Grid, orders: Sequence[int], device: torch.device | str | None = None
) -> Complex[Tensor, "..."]:
    """Fourier symbol ∏ (i k_j)^{n_j} of ∂₁^{n₁} ∂₂^{n₂} …, complex128.

    An odd order vanishes on the Nyquist mode of its axis.
    """
    symbol = torch.ones((), dtype=torch.complex128, device=device)
    modes = integer_wavenumbers(grid, device)
    for k, m, n, order in zip(wavenumbers(grid, device), modes, grid.points, orders, strict=True):
        if order:
            factor = (1j**order) * k**order
            symbol = symbol * (torch.where(m.abs() * 2 == n, 0.0, factor) if order % 2 else factor)
    return symbol


def derivative(u: Float[Tensor, "..."], grid: Grid, orders: int | Sequence[int]) -> Float[Tensor, "..."]:
    """Spectral derivative ∂₁^{n₁} ∂₂^{n₂} … u over the last `grid.dims` axes.

    Args:
        u: real field `(..., *space)`.
        grid: its grid.
        orders: order along each axis; an integer on a 1D grid.

    Raises:
        ValueError: when the shape is not that of the grid, or the orders do not fit its axes.
    """
    orders = (orders,) if isinstance(orders, int) else tuple(orders)
    if len(orders) != grid.dims or any(order < 0 for order in orders):
        raise ValueError(f"Expected {grid.dims} orders of derivative, none negative, one for each axis; got {orders}.")
    spectrum = transform(u, grid)
    symbol = derivative_symbol(grid, orders, u.device).to(spectrum.dtype)
    return inverse_transform(spectrum * symbol, grid.points)


def translate(
    u: Float[Tensor, "..."], grid: Grid, distance: int | float | Float[Tensor, "..."]
) -> Float[Tensor, "..."]:
    """u(x − distance) by Fourier phase: the trigonometric interpolant, at any real distance.

    Args:
        u: real field `(..., *space)`.
        grid: its grid.
        distance: in units of length. On a 1D grid a number or a tensor that broadcasts against the leading axes of
            `u`; in d dimensions a tensor `(..., d)` whose leading axes broadcast the same way.

    Raises:
        ValueError: when the shape is not that of the grid, or a vector of distances is missing in several dimensions.
    """
    shift = torch.as_tensor(distance, dtype=torch.float64, device=u.device)
    if grid.dims == 1:
        shift = shift.unsqueeze(-1)
    elif shift.ndim == 0 or shift.shape[-1] != grid.dims:
        raise ValueError(f"Expected distances with a last axis of size {grid.dims}, got shape {tuple(shift.shape)}.")
    spectrum = transform(u, grid)
    modes = integer_wavenumbers(grid, u.device)
    for axis, (k, m, n) in enumerate(zip(wavenumbers(grid, u.device), modes, grid.points, strict=True)):
        angle = k * shift[..., axis].reshape(*shift.shape[:-1], *(1,) * grid.dims)
        # Not the exponential of an imaginary tensor, which takes three times as long.
        phase = torch.complex(torch.cos(angle), torch.where(m.abs() * 2 == n, 0.0, -torch.sin(angle)))
        spectrum = spectrum * phase.to(spectrum.dtype)
    return inverse_transform(spectrum, grid.points)
