"""Whether fields end before their grid does."""

import torch
from jaxtyping import Float
from torch import Tensor

from pdesym.solvers.grid import Grid

# With more than this share of the norm beyond two thirds of the wavenumbers, products alias into what is compared.
_LARGEST_TAIL = 1e-7


def tail_of(fields: Float[Tensor, "batch channel *space"], grid: Grid) -> float:
    """The share of the norm beyond two thirds of the largest wavenumber of any axis, of the worst sample."""
    axes = tuple(range(-grid.dims, 0))
    size = torch.fft.fftn(fields, dim=axes).abs()
    beyond = torch.zeros(grid.points, dtype=torch.bool, device=fields.device)
    for axis, points in enumerate(grid.points):
        waves = torch.fft.fftfreq(points, 1 / points, device=fields.device).abs() > points / 3
        beyond = beyond | waves.reshape(*(-1 if other == axis else 1 for other in range(grid.dims)))
    whole = size.flatten(1).norm(dim=1).clamp_min(torch.finfo(size.dtype).tiny)
    return float(((size * beyond).flatten(1).norm(dim=1) / whole).max())


def unresolved(fields: Float[Tensor, "batch channel *space"], grid: Grid) -> tuple[str, ...]:
    """A flag where the fields do not end within the grid."""
    tail = tail_of(fields, grid)
    if tail <= _LARGEST_TAIL:
        return ()
    return (
        f"under-resolved: at the longest horizon {tail:.0e} of the fields lies in the last third of the wavenumbers, "
        "which hides symmetries; a finer grid or a shorter horizon would show them",
    )
