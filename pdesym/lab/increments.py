"""How wrong an operator is, beside what it should predict."""

from collections.abc import Iterable

import torch

from pdesym.datasets import Window
from pdesym.symmetry.pushforward import Operator

MEANINGLESS = 0.5
"""With such an error twice of it counts as zero, and singular values are about 1 where nothing cancels."""


def increment_error(operator: Operator, windows: Iterable[Window]) -> float:
    """‖F u − truth‖ / ‖truth − last frame of u‖ over all windows, frames and points; dimensionless.

    Raises:
        ValueError: for frames that do not change.
    """
    missed = moved = 0.0
    with torch.no_grad():
        for window in windows:
            missed += float((operator(window.u_in) - window.u_out).square().sum())
            moved += float((window.u_out - window.u_in[:, -1:]).square().sum())
    if moved == 0:
        raise ValueError("The frames of the dataset do not change, so that no error can be relative to their change.")
    return float((missed / moved) ** 0.5)
