"""Devices and processes. A run started by torchrun is several processes that train one model together."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
import torch.distributed as dist


def local_device(name: str = "auto") -> torch.device:
    """The device for this process: a name that torch knows, or "auto" for a GPU where there is one, else the CPU.

    "cuda" and "auto" give each process of a torchrun its own GPU.

    Raises:
        ValueError: for a name torch does not know, or CUDA where there is none.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise ValueError(f"Expected a device like auto, cpu, cuda or cuda:1, got {name!r}.") from error
    if device.type == "cuda":
        if not torch.cuda.is_available():
            raise ValueError(f"The device {name!r} was asked for, and torch sees no CUDA here: use cpu.")
        if device.index is None:
            device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
    return device


@dataclass(frozen=True)
class Processes:
    """This process among those that train together."""

    rank: int = 0
    world: int = 1

    @property
    def leads(self) -> bool:
        """Whether this is the one that writes."""
        return self.rank == 0

    def share(self, batch: int) -> slice:
        """This process's part of a batch that all of them drew.

        Raises:
            ValueError: when the batch does not divide evenly, so that the mean of means would not be the mean.
        """
        if batch % self.world:
            raise ValueError(
                f"A batch of {batch} windows does not divide among {self.world} processes: take a multiple of "
                f"{self.world}."
            )
        size = batch // self.world
        return slice(self.rank * size, (self.rank + 1) * size)

    def wait(self) -> None:
        """Returns when all of them are here."""
        if self.world > 1:
            dist.barrier()


@contextmanager
def joined_processes(device: torch.device) -> Iterator[Processes]:
    """The processes of a torchrun, joined by gloo on CPUs and nccl on GPUs; without torchrun, this one alone."""
    if int(os.environ.get("WORLD_SIZE", "1")) == 1 and not dist.is_initialized():
        yield Processes()
        return
    joins = not dist.is_initialized()
    if joins:
        if device.type == "cuda":
            dist.init_process_group("nccl", device_id=device)
        else:
            dist.init_process_group("gloo")
    try:
        yield Processes(dist.get_rank(), dist.get_world_size())
    finally:
        if joins:
            dist.destroy_process_group()
