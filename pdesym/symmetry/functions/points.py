"""The check that every library makes of its points."""

from torch import Tensor


def check_points(x: Tensor, variables: int) -> None:
    """Refuses points that are not real numbers of shape `(points, variables)`.

    Raises:
        ValueError: for another shape, or for integers.
    """
    if x.ndim != 2 or x.shape[1] != variables or not x.is_floating_point():
        raise ValueError(
            f"Expected real points of shape (points, {variables}), got {tuple(x.shape)} of {x.dtype}: "
            "give one row a point, as floats."
        )
