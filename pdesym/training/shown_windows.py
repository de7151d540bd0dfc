"""What windows that change when they are drawn have in common: the windows that they are made of."""

from jaxtyping import Int
from torch import Tensor

from pdesym.datasets.windows import Window, Windows


class ShownWindows:
    """Some windows, as they are.

    Args:
        windows: those.

    Raises:
        ValueError: for windows that are normalised, stretched in time, or in boxes of their own.
    """

    def __init__(self, windows: Windows):
        windows.require_plain(type(self).__name__)
        self.windows = windows

    @property
    def samples(self) -> int:
        """Number of trajectories."""
        return self.windows.samples

    @property
    def starts(self) -> int:
        """Number of windows in each trajectory."""
        return self.windows.starts

    def digest(self) -> str:
        """A short hash of the windows that these are made of, as `Windows.digest`."""
        return self.windows.digest()

    def gather(self, sample: Int[Tensor, " batch"], start: Int[Tensor, " batch"]) -> Window:
        """The windows as they are, of the given trajectories from the given first frames on.

        Raises:
            IndexError: as `Windows.gather`.
        """
        return self.windows.gather(sample, start)
