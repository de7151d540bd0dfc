"""Fixed tensors of a layer that keep their precision."""

from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor, nn


class Bases(nn.Module):
    """Float64 tensors that follow the device and dtype of a layer and are no part of its state dict.

    A buffer that has been float32 once has lost its digits; here `.double()` brings all of them back, because the
    tensors are rounded anew from their float64 values on every move.
    """

    def __init__(self, tensors: Sequence[Tensor]):
        super().__init__()
        self._exact = tuple(tensor.detach().double().cpu() for tensor in tensors)
        self._names = tuple(f"basis{number}" for number in range(len(tensors)))
        for name, tensor in zip(self._names, tensors, strict=True):
            self.register_buffer(name, tensor.detach().to(torch.get_default_dtype()), persistent=False)

    def __getitem__(self, number: int) -> Tensor:
        return self.get_buffer(self._names[number])

    def __iter__(self) -> Iterator[Tensor]:
        return iter([self.get_buffer(name) for name in self._names])

    def __len__(self) -> int:
        return len(self._names)

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> "Bases":
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        for name, exact in zip(self._names, self._exact, strict=True):
            self.register_buffer(name, exact.to(self.get_buffer(name)), persistent=False)
        return self
