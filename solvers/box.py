"""The box of each sample: its length, as a factor on the length of a grid."""

import torch
from torch import Tensor

from pdesym.solvers.grid import Grid


def boxed(grid: Grid, length: float | Tensor | None) -> Grid:
    """The grid on a box of another length: one number serves all axes and all samples; a tensor leaves the grid.

    Raises:
        ValueError: for a number that is not positive and finite.
    """
    return grid if length is None or isinstance(length, Tensor) else Grid(*grid.points, length=length)


def stretch_of(length: float | Tensor | None, grid: Grid, samples: int, device: torch.device) -> Tensor | None:
    """How much longer than that of the grid the box of each sample is, `(samples, dims)`; None where none differs.

    Args:
        length: `(samples,)`, `(samples, dims)`, or `()` for all samples and axes; a number is dealt with by `boxed`.
        grid: of length 1.
        samples: how many there are.
        device: where the result shall live.

    Raises:
        ValueError: for a tensor of another shape, or lengths that are not positive and finite.
    """
    if not isinstance(length, Tensor):
        return None
    if length.shape not in ((), (samples,), (samples, grid.dims)) or not length.is_floating_point():
        raise ValueError(
            f"Expected the length of the box as a number, or as a float tensor of shape ({samples},) or "
            f"({samples}, {grid.dims}) with one a sample, got a {length.dtype} tensor of shape {tuple(length.shape)}."
        )
    wrong = ~(torch.isfinite(length) & (length > 0))
    if wrong.any():
        raise ValueError(f"The length of a box must be positive and finite, got {length[wrong][0].item():g}.")
    each = length.to(device=device, dtype=torch.float64)
    each = each.unsqueeze(-1) if each.ndim < 2 else each
    return each.expand(samples, grid.dims) / torch.tensor(grid.length, dtype=torch.float64, device=device)


def lengths_of(stretch: Tensor | None, grid: Grid) -> Tensor | None:
    """The lengths `(samples, dims)` that a stretch of the box of a grid stands for, as numbers to autograd."""
    if stretch is None:
        return None
    return stretch.detach() * torch.tensor(grid.length, dtype=torch.float64, device=stretch.device)
