"""Rows on whose grid functions of x in the equation have no faithful values."""

from collections.abc import Sequence

import torch

from pdesym.solvers.control import Control, Segment
from pdesym.solvers.integration import Integration, Rows
from pdesym.solvers.system import SpectralSystem


def without_aliased(
    system: SpectralSystem,
    segments: Sequence[Segment],
    control: Control,
    rows: Rows,
    is_last: bool,
    out: Integration,
) -> tuple[Rows, Rows]:
    """(rows that can be solved on this grid, rows that need a finer one).

    On the last grid all stay, and `out.aliased` tells by how much it is too coarse.
    """
    if not rows.ids or not system.explicit_space:
        return rows, Rows()
    middles = [segments[s].start + 0.5 * segments[s].length for s in rows.segment]
    device = rows.v[0].device
    times = torch.tensor(middles, dtype=torch.float64, device=device)
    shares = system.select(torch.tensor(rows.ids, device=device)).aliasing(torch.stack(rows.v), times).tolist()
    aliased = [share > control.tail for share in shares]
    if is_last:
        for row, share, leaves in zip(rows.ids, shares, aliased, strict=True):
            if leaves:
                out.aliased[row] = share
        return rows, Rows()
    if not any(aliased):
        return rows, Rows()
    return (
        rows.chosen([i for i, leaves in enumerate(aliased) if not leaves]),
        rows.chosen([i for i, leaves in enumerate(aliased) if leaves]),
    )
