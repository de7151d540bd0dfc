"""Windows of frames for training, cut from trajectories that are decoded once."""

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import torch
import xarray
from jaxtyping import Float, Int
from torch import Tensor

from pdesym.datasets.decoded import cache_room, decode_into, decoded_file, decoded_shape, kept_samples
from pdesym.datasets.free_memory import free_memory
from pdesym.datasets.normaliser import Normaliser
from pdesym.datasets.open import open_dataset
from pdesym.datasets.stored import (
    drawn_parameters,
    fields_of_data,
    grid_of_data,
    lengths_of_data,
    stretch_of_data,
)
from pdesym.solvers import Grid

Place = Literal["auto", "memory", "memmap", "device"]

_SHARE = 0.5
"""Of the free memory that `auto` takes: training needs some too."""

_FINGERPRINT = 16
"""At least so many numbers of a frame go into the digest, where it has them."""


@dataclass(frozen=True)
class Window:
    """A batch of windows: the frames that go in, the frames that should come out, and the times of both.

    `times` holds the times of `u_in` and then those of `u_out`, float64; each window has those of its own trajectory.
    `length` holds the box of each window along each axis, float64; None where it is that of the grid. `parameters` has
    what each trajectory drew of the parameters of its equation, float64, by name.
    """

    u_in: Float[Tensor, "batch frames_in channel *space"]
    u_out: Float[Tensor, "batch frames_out channel *space"]
    times: Float[Tensor, "batch frames"]
    length: Float[Tensor, "batch dims"] | None = None
    parameters: Mapping[str, Float[Tensor, " batch"]] = field(default_factory=dict)


@dataclass(frozen=True)
class Windows:
    """All windows of `frames_in + frames_out` successive frames of some trajectories.

    Args:
        u: the trajectories `(sample, time, channel, *space)`.
        times: of the frames, float64.
        grid: of the last axes.
        frames_in: frames that an operator is given.
        frames_out: frames that it should give.
        fields: names of the channels.
        stretch: the times of trajectory i are `stretch[i] * times`; None where all have the same.
        length: the box of each trajectory along each axis; None where all have that of the grid.
        index: the positions of the trajectories in their split, from which those that failed were left out; None for
            0, 1, 2, ….
        normaliser: is applied to every window when it is cut; `u` stays as it is.
        device: where windows are given; None for that of `u`.
        parameters: of the equation that every trajectory drew for itself, by name.

    Raises:
        ValueError: when the shapes do not fit, or a trajectory is shorter than a window.
    """

    u: Float[Tensor, "sample time channel *space"]
    times: Float[Tensor, " frame"]
    grid: Grid
    frames_in: int
    frames_out: int
    fields: tuple[str, ...] = ("u",)
    stretch: Float[Tensor, " sample"] | None = None
    length: Float[Tensor, "sample dims"] | None = None
    index: Int[Tensor, " sample"] | None = None
    normaliser: Normaliser | None = None
    device: torch.device | None = None
    parameters: Mapping[str, Float[Tensor, " sample"]] = field(default_factory=dict)

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
        expected_of = {name: ((), values) for name, values in self.parameters.items()}
        expected_of |= {name: ((), getattr(self, name)) for name in ("stretch", "index")}
        for name, (shape, values) in {**expected_of, "length": ((self.grid.dims,), self.length)}.items():
            if values is not None and tuple(values.shape) != (self.samples, *shape):
                raise ValueError(
                    f"Expected {name} of shape {(self.samples, *shape)} for these trajectories, got "
                    f"{tuple(values.shape)}."
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
        place: Place = "auto",
    ) -> "Windows":
        """The windows of a split of a dataset on disk, decoded once; samples that failed are left out.

        Args:
            directory: the folder of the dataset.
            split: `train`, `valid` or `test`.
            frames_in: frames that an operator is given.
            frames_out: frames that it should give.
            device: where windows are given.
            dtype: of their numbers.
            place: where the trajectories lie. `device`: in the memory of the device. `memory`: in that of the computer.
                `memmap`: in a cache file, from which only what is asked for is read; it is made at the first call and
                shared by all processes. `auto`: the first of these in whose free memory they take less than half.

        Raises:
            FileNotFoundError: when there is no dataset in the folder.
            ValueError: when the split is missing, damaged or not complete, its grid is not periodic, its trajectories
                are shorter than a window, or its values are beyond the range of `dtype`.
            OSError: when a cache file cannot be written.
        """
        directory, device = Path(directory), torch.device(device)
        with open_dataset(directory, split) as data:
            grid, fields = grid_of_data(data), fields_of_data(data)
            kept = torch.from_numpy(kept_samples(data))
            _require_frames(data, frames_in, frames_out)
            chosen = _place(data, dtype, device) if place == "auto" else place
            if chosen == "memmap":
                u = decoded_file(directory, split, data, dtype).mapped()
            elif chosen in ("memory", "device"):
                u = torch.empty(decoded_shape(data), dtype=dtype)
                decode_into(u, data)
                u = u.to(device) if chosen == "device" else u
            else:
                raise ValueError(f"Expected place to be auto, memory, memmap or device, got {place!r}.")
            stretch, length = stretch_of_data(data), lengths_of_data(data)
            return cls(
                u,
                torch.tensor(data["time"].values, dtype=torch.float64, device=device),
                grid,
                frames_in,
                frames_out,
                fields,
                None if stretch is None else stretch[kept].to(device),
                None if length is None else length[kept].to(device),
                None if len(kept) == data.sizes["sample"] else kept,
                device=None if u.device.type == device.type else device,
                parameters={
                    name: torch.tensor(data[name].values, dtype=torch.float64)[kept].to(device)
                    for name in drawn_parameters(data)
                },
            )

    @property
    def samples(self) -> int:
        """Number of trajectories."""
        return len(self.u)

    @property
    def starts(self) -> int:
        """Number of windows in each trajectory: their first frames are 0 .. starts - 1."""
        return len(self.times) - self.frames_in - self.frames_out + 1

    def digest(self) -> str:
        """A short hash of what decides the windows, for telling these from others; the device is no part of it.

        Of the values it takes some of the first and of the last frame of every trajectory: the first alone may be the
        same initial field for other parameters.
        """
        shape = (tuple(self.u.shape), self.grid.points, self.grid.length, self.frames_in, self.frames_out, self.fields)
        scale = None if self.normaliser is None else self.normaliser.to_dict()
        hashed = hashlib.blake2b(repr((shape, str(self.u.dtype), scale)).encode(), digest_size=8)
        step = max(1, math.prod(self.u.shape[2:]) // _FINGERPRINT)
        for frame in (0, len(self.times) - 1):
            hashed.update(_bytes(self.u[:, frame].flatten(1)[:, ::step]))
        others = {name: getattr(self, name) for name in ("times", "stretch", "length", "index")}
        for name, values in {**others, **self.parameters}.items():
            hashed.update(name.encode() + (b"" if values is None else _bytes(values)))
        return hashed.hexdigest()

    def normalised(self, normaliser: Normaliser) -> "Windows":
        """The same windows, every field with mean 0 and standard deviation 1 over the training data.

        Raises:
            ValueError: for a normaliser of other fields or dimensions, or windows that have one already.
        """
        if self.normaliser is not None:
            raise ValueError("These windows are normalised already: give those that are not.")
        normaliser.require(self.fields, self.grid.dims)
        return replace(self, normaliser=normaliser)

    def require_plain(self, who: str) -> None:
        """Refuses windows that are normalised, stretched in time, in boxes of their own, or given elsewhere than kept.

        Raises:
            ValueError: saying which, and that `who` cannot use them.
        """
        for stands, what, instead in (
            (self.normaliser is not None, "are normalised", "give windows of the fields themselves"),
            (self.stretch is not None, "have times of their own", "generate without times.stretch"),
            (self.length is not None, "have boxes of their own", "generate with one grid.length"),
            (self.device is not None, "are kept elsewhere than given", "open them with place='device'"),
        ):
            if stands:
                raise ValueError(f"{who} cannot use windows that {what}: {instead}.")

    def gather(self, sample: Int[Tensor, " batch"], start: Int[Tensor, " batch"]) -> Window:
        """The windows of the given trajectories from the given first frames on.

        Raises:
            IndexError: for a trajectory or a first frame that is not there.
        """
        for name, index, size in (("sample", sample, self.samples), ("start", start, self.starts)):
            if len(index) and (int(index.min()) < 0 or int(index.max()) >= size):
                raise IndexError(f"Expected every {name} to be in 0 .. {size - 1}, got {index.tolist()}.")
        kept, given = self.u.device, self.times.device
        frame = start.to(kept)[:, None] + torch.arange(self.frames_in + self.frames_out, device=kept)
        row = sample.to(kept)[:, None] * len(self.times) + frame
        # Selecting rows copies whole frames; indexing with (sample, frame) would copy number by number.
        u = self.u.flatten(0, 1).index_select(0, row.flatten()).unflatten(0, row.shape)
        if self.device is not None:
            u = u.to(self.device)
        if self.normaliser is not None:
            u = self.normaliser.apply(u)
        of = sample.to(given)
        times = self.times[frame.to(given)]
        if self.stretch is not None:
            times = times * self.stretch[of, None]
        length = None if self.length is None else self.length[of]
        parameters = {name: values[of] for name, values in self.parameters.items()}
        return Window(u[:, : self.frames_in], u[:, self.frames_in :], times, length, parameters)


def _bytes(values: Tensor) -> bytes:
    return values.cpu().contiguous().view(torch.uint8).numpy().tobytes()


def _require_frames(data: xarray.Dataset, frames_in: int, frames_out: int) -> None:
    """Whether windows fit, before anything is decoded; `Windows` says it with other words for other arguments."""
    frames = data.sizes["time"]
    if min(frames_in, frames_out) >= 1 and frames_in + frames_out > frames:
        raise ValueError(
            f"A window of {frames_in} + {frames_out} frames does not fit into trajectories of {frames}: ask for fewer "
            "frames, or generate with a larger times.count."
        )


def _place(data: xarray.Dataset, dtype: torch.dtype, device: torch.device) -> Place:
    """Where trajectories fit."""
    size = torch.Size(decoded_shape(data)).numel() * dtype.itemsize
    host = free_memory()
    if device.type != "cpu" and size <= min(_SHARE * free_memory(device), _SHARE * host):
        return "device"
    if size <= _SHARE * host:
        return "memory"
    if size > (room := cache_room()):
        raise ValueError(
            f"The trajectories take {size / 2**30:.1f} GiB, and there are {host / 2**30:.1f} GiB of free memory and "
            f"{room / 2**30:.1f} GiB for a cache file: set XDG_CACHE_HOME to a larger disk, or ask for "
            "float16 numbers where they reach as far as the values."
        )
    return "memmap"
