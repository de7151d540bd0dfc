"""Changing the number of modes of a half spectrum, and watching its tail."""

from collections.abc import Sequence

import torch
from scipy.fft import next_fast_len
from torch import Tensor

from pdesym.solvers.grid import Grid
from pdesym.solvers.spectral import integer_wavenumbers


def resize(v: Tensor, old: Sequence[int], new: Sequence[int]) -> Tensor:
    """The spectrum of the same field on another number of points (`norm="forward"`): modes dropped or zeros added.

    Modes at or beyond the smaller grid's Nyquist mode are dropped.
    """
    dims = len(old)
    for axis, (n, m) in enumerate(zip(old, new, strict=True)):
        if n == m:
            continue
        position = v.ndim - dims + axis
        kept = (min(n, m) - 1) // 2
        last = axis == dims - 1
        positive = v.narrow(position, 0, kept + 1)
        size = m // 2 + 1 if last else m
        shape = list(v.shape)
        shape[position] = size - (kept + 1) - (0 if last else kept)
        parts = [positive, v.new_zeros(shape)]
        if not last:
            parts.append(v.narrow(position, v.shape[position] - kept, kept))
        v = torch.cat(parts, dim=position)
    return v


def interpolated(v: Tensor, old: Sequence[int], new: Sequence[int]) -> Tensor:
    """The spectrum on more points of the trigonometric interpolant, with the old Nyquist modes, cos(πNx/L), kept."""
    dims = len(old)
    for axis, (n, m) in enumerate(zip(old, new, strict=True)):
        if n == m:
            continue
        position = v.ndim - dims + axis
        last = axis == dims - 1
        nyquist = [] if n % 2 else [v.narrow(position, n // 2, 1) / 2]
        parts = [v.narrow(position, 0, (n + 1) // 2), *nyquist]
        shape = list(v.shape)
        shape[position] = m // 2 - n // 2 if last else m - n - len(nyquist)
        parts.append(v.new_zeros(shape))
        if not last:
            parts += [*nyquist, v.narrow(position, n // 2 + 1, (n - 1) // 2)]
        v = torch.cat(parts, dim=position)
    return v


def padded_points(points: Sequence[int], degree: int) -> tuple[int, ...]:
    """Points on which products of `degree` factors leave the resolved modes free of aliases: about N (degree + 1)/2.

    With modes up to K along an axis, (degree + 1) K + 1 points: 64 for the 43 modes up to 21 and a quadratic product.
    """
    return tuple(int(next_fast_len((degree + 1) * ((n - 1) // 2) + 1, real=True)) for n in points)


def tail_weights(grid: Grid, device: torch.device | None) -> Tensor:
    """1 on the modes of the last third along some axis, |m| > N/3, else 0."""
    tail = torch.zeros((), dtype=torch.bool, device=device)
    for modes, n in zip(integer_wavenumbers(grid, device), grid.points, strict=True):
        tail = tail | (modes.abs() > n / 3)
    return tail.to(torch.float64)


def row_norm(v: Tensor) -> Tensor:
    """Euclidean norm of each row of a spectrum."""
    norm: Tensor = torch.linalg.vector_norm(torch.view_as_real(v).flatten(1), dim=1)
    return norm
