"""Windows for training from copies of trajectories that were moved before."""

import hashlib
from collections.abc import Sequence

import torch
from jaxtyping import Bool, Int
from torch import Tensor

from pdesym.datasets.windows import Window, Windows
from pdesym.symmetry.augment import MovedTrajectories
from pdesym.symmetry.augment.draw import require_probability
from pdesym.training.shown_windows import ShownWindows


class MovedPool(ShownWindows):
    """Windows of trajectories, or of one of K copies of each that were moved before: for learned generators, say.

    `draw` takes a copy with the probability, each of those in which the window is valid with the same: all its frames
    in the mask, its sample accepted. Where there is none, the window is that of `windows`, bit for bit; `valid` says
    how many there are. The window of a copy has the same trajectory and first frame: runs with the same seed see the
    same windows at the same step, moved or not.

    The copies are kept on the device of the data, in its precision: K times the memory of the data, and one byte for
    each copy and window; `bytes` says how much.

    Args:
        windows: the windows of the trajectories as they are.
        copies: what `augment` makes of these trajectories, in their order, with different seeds.
        probability: that a window is one of a copy.

    Raises:
        ValueError: for no copies, copies of another shape, copies whose times or boxes were moved, copies without
            a valid window, or no probability.
    """

    def __init__(self, windows: Windows, copies: Sequence[MovedTrajectories], probability: float = 0.5):
        require_probability(probability)
        if not copies:
            raise ValueError("Expected at least one moved copy of the trajectories, got none: make some with augment.")
        for number, copy in enumerate(copies):
            _check(windows, copy, number)
        super().__init__(windows)
        self.probability = probability
        device = windows.u.device
        self._u = torch.stack([copy.u.to(device=device, dtype=windows.u.dtype) for copy in copies])
        frames = windows.frames_in + windows.frames_out
        self.valid: Bool[Tensor, "copies sample starts"] = torch.stack(
            [copy.mask.cpu().unfold(1, frames, 1).all(-1) & copy.accepted.cpu()[:, None] for copy in copies]
        )
        if not self.valid.any():
            raise ValueError(
                f"Expected copies with valid windows of {frames} frames, got none in {len(copies)}: move less, or by "
                "generators that are symmetries."
            )
        self.motion = f"MovedPool({len(copies)} copies {self._digest()}; probability {probability!r})"

    @property
    def bytes(self) -> int:
        """Memory of the copies and of what is known about their windows."""
        return self._u.numel() * self._u.element_size() + self.valid.numel()

    def draw(self, sample: Int[Tensor, " batch"], start: Int[Tensor, " batch"], rng: torch.Generator) -> Window:
        """The same windows, each of a random copy or as it is.

        Args:
            sample: trajectories.
            start: first frames.
            rng: source of all randomness, on the CPU.

        Raises:
            IndexError: as `Windows.gather`.
        """
        uniform = torch.rand(2, len(sample), generator=rng, dtype=torch.float64)
        window = self.windows.gather(sample, start)
        usable = self.valid[:, sample.cpu(), start.cpu()]  # (copies, batch)
        count = usable.sum(0)
        rows = ((uniform[0] < self.probability) & (count > 0)).nonzero().flatten()
        if not len(rows):
            return window
        # The n-th of the usable copies.
        wanted = (uniform[1, rows] * count[rows]).long().clamp(max=count[rows] - 1)
        copy = (usable[:, rows].long().cumsum(0) > wanted).long().argmax(0)
        device = self._u.device
        frames = self.windows.frames_in + self.windows.frames_out
        frame = start[rows].to(device)[:, None] + torch.arange(frames, device=device)
        trajectory = copy.to(device) * self.samples + sample[rows].to(device)
        index = trajectory[:, None] * self._u.shape[2] + frame
        moved = self._u.flatten(0, 2).index_select(0, index.flatten()).unflatten(0, index.shape)
        u = torch.cat([window.u_in, window.u_out], dim=1).index_copy(0, rows.to(device), moved)
        return Window(u[:, : self.windows.frames_in], u[:, self.windows.frames_in :], window.times)

    def _digest(self) -> str:
        """A short hash of some frames of all copies, so that a run is not continued on others."""
        frames = self._u.flatten(0, 1)[:, :: max(1, self._u.shape[2] // 8)].cpu().contiguous()
        parts = (frames.numpy().tobytes(), self.valid.numpy().tobytes())
        return hashlib.sha256(b"".join(parts)).hexdigest()[:16]


def _check(windows: Windows, copy: MovedTrajectories, number: int) -> None:
    if copy.u.shape != windows.u.shape:
        raise ValueError(
            f"Expected copies of trajectories of shape {tuple(windows.u.shape)}, got {tuple(copy.u.shape)} in copy "
            f"{number}: move the trajectories of these windows."
        )
    times = windows.times.to(copy.times)
    same = torch.allclose(copy.times, times.expand_as(copy.times), rtol=1e-9, atol=0)
    if not same or copy.length is not None:
        raise ValueError(
            f"Expected copies on the times and the box of the windows, got others in copy {number}: leave out the "
            "generators that scale them."
        )
