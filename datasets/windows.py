"""Windows of frames for training, cut from trajectories that lie decoded in memory."""

from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Float, Int
from torch import Tensor

from pdesym.datasets import problem, store
from pdesym.datasets.open import open_dataset
from pdesym.solvers import Grid


@dataclass(frozen=True)
class Window:
    """A batch of windows: the frames that go in, the frames that should come out, and the times of both.

    `times` holds the times of `u_in` and then those of `u_out`, float64.
    """

    u_in: Float[Tensor, "batch frames_in channel *space"]
    u_out: Float[Tensor, "batch frames_out channel *space"]
    times: Float[Tensor, "batch frames"]


@dataclass(frozen=True)
class Windows:
    """All windows of `frames_in + frames_out` successive frames of some trajectories.

    Args:
        u: the trajectories `(sample, time, channel, *space)`, on the device where they are used.
        times: of the frames, float64.
        grid: of the last axes.
        frames_in: frames that an operator is given.
        frames_out: frames that it should give.
        fields: names of the channels.

    Raises:
        ValueError: when the shapes do not fit, or a trajectory is shorter than a window.
    """

    u: Float[Tensor, "sample time channel *space"]
    times: Float[Tensor, " frame"]
    grid: Grid
    frames_in: int
    frames_out: int
    fields: tuple[str, ...] = ("u",)

    def __post_init__(self) -> None:
        expected = (len(self.times), len(self.fields), *self.grid.points)
        if tuple(self.u.shape[1:]) != expected:
            raise ValueError(
                f"Expected trajectories of shape (sample, {', '.join(map(str, expected))}) from the times, fields and "
                f"grid, got {tuple(self.u.shape)}."
            )
        if self.frames_in < 1 or self.frames_out < 1:
            raise ValueError(
                f"A window needs at least 1 frame in and 1 out, got {self.frames_in} and {self.frames_out}."
            )
        if self.starts < 1:
            raise ValueError(
                f"A window of {self.frames_in} + {self.frames_out} frames does not fit into trajectories of "
                f"{len(self.times)}: ask for fewer frames, or generate with a larger times.count."
            )

    @classmethod
    def open(
        cls,
        directory: str | Path,
        split: str,
        frames_in: int,
        frames_out: int,
        device: torch.device | str = "cpu",
        dtype: torch.dtype = torch.float32,
    ) -> "Windows":
        """The windows of a split of a dataset on disk, decoded once into memory of the device.

        Raises:
            FileNotFoundError: when there is no dataset in the folder.
            ValueError: when the split is missing or not complete, or its trajectories are shorter than a window.
        """
        data = open_dataset(directory, split)
        recipe = store.recipe_in(Path(directory))
        grid, fields = problem.grid_of(recipe), problem.first_equation(recipe).fields
        samples, frames = data.sizes["sample"], data.sizes["time"]
        u = torch.empty((samples, frames, len(fields), *grid.points), dtype=dtype)
        for first in range(0, samples, recipe.shard):  # whole shards, so that each is decoded once
            part = slice(first, first + recipe.shard)
            for channel, field in enumerate(fields):
                u[part, :, channel] = torch.from_numpy(data[field][part].values)
        times = torch.tensor(data["time"].values)
        return cls(u.to(device), times.to(device), grid, frames_in, frames_out, fields)

    @property
    def samples(self) -> int:
        """Number of trajectories."""
        return len(self.u)

    @property
    def starts(self) -> int:
        """Number of windows in each trajectory: their first frames are 0 .. starts - 1."""
        return len(self.times) - self.frames_in - self.frames_out + 1

    def gather(self, sample: Int[Tensor, " batch"], start: Int[Tensor, " batch"]) -> Window:
        """The windows of the given trajectories from the given first frames on.

        Raises:
            IndexError: for a trajectory or a first frame that is not there.
        """
        for name, index, size in (("sample", sample, self.samples), ("start", start, self.starts)):
            if len(index) and (int(index.min()) < 0 or int(index.max()) >= size):
                raise IndexError(f"Expected every {name} to be in 0 .. {size - 1}, got {index.tolist()}.")
        frames = torch.arange(self.frames_in + self.frames_out, device=self.u.device)
        frame = start.to(self.u.device)[:, None] + frames
        row = sample.to(self.u.device)[:, None] * len(self.times) + frame
        # Selecting rows copies whole frames; indexing with (sample, frame) would copy number by number.
        u = self.u.flatten(0, 1).index_select(0, row.flatten()).unflatten(0, row.shape)
        return Window(u[:, : self.frames_in], u[:, self.frames_in :], self.times[frame])
