"""Steps that are alike, recorded once on buffers of their own and then replayed.

On a GPU the small kernels of a step are done sooner than Python has launched them; a recording launches all at once.
"""

import warnings
from collections.abc import Callable, Mapping

import torch
from torch import Tensor

State = tuple[Tensor, ...]
Recorder = Callable[[Callable[[], None], torch.device], Callable[[], object]]
"""`(body, device) → what does again the operations of body on the same memory`; it may call the body several times."""

# To record takes about as long as so many steps launched one kernel at a time.
ENOUGH = 32
# Libraries make plans and workspaces in the first calls, which cannot be recorded.
_WARM_UPS = 3


def cuda_graph(body: Callable[[], None], device: torch.device) -> Callable[[], object]:
    """The body as a CUDA graph.

    Raises:
        RuntimeError: when the body waits for the device, or its memory does not suffice.
    """
    with torch.cuda.device(device):
        current, side, graph = torch.cuda.current_stream(), torch.cuda.Stream(), torch.cuda.CUDAGraph()
        side.wait_stream(current)
        try:
            # A capture that fails leaves its own stream the current one: the outer context puts that right.
            with torch.cuda.stream(side):
                for _ in range(_WARM_UPS):
                    body()
                with torch.cuda.graph(graph, stream=side, capture_error_mode="thread_local"):
                    body()
        finally:
            current.wait_stream(side)
    return graph.replay


RECORDERS: Mapping[str, Recorder] = {"cuda": cuda_graph}
"""By type of device; on others steps are taken one by one."""


class StepGraph:
    """Takes steps `state ↦ state` many at a time, where enough of them are alike.

    A recording holds for states of the same shapes, and for as long as steps are made from the same object.
    """

    def __init__(self, device: torch.device):
        self._device, self._recorder = device, RECORDERS.get(device.type)
        self._replay: Callable[[], object] | None = None
        self._buffers: State = ()
        self._holds_for: tuple[object, list[torch.Size]] = (None, [])
        self._alike = 0

    def steps(self, step: Callable[..., State], source: object, state: State, count: int) -> State | None:
        """The state after so many steps, in buffers that the next call writes to; None to take them one by one.

        Args:
            step: `(*state) → state` by operations on the device alone, none of which writes to its arguments.
            source: what the step is made from, and reads besides the state.
            state: where to start.
            count: how many.

        Warns:
            RuntimeWarning: when steps could not be recorded; no other attempt is made.
        """
        if self._recorder is None:
            return None
        shapes = [each.shape for each in state]
        if self._holds_for[0] is not source or self._holds_for[1] != shapes:
            self._replay, self._buffers, self._alike = None, (), 0
            self._holds_for = source, shapes
        # As many steps are expected to come as there were.
        self._alike += count
        if self._replay is None and self._alike >= ENOUGH:
            self._record(step, state, self._recorder)
        if self._replay is None:
            return None
        for buffer, value in zip(self._buffers, state, strict=True):
            if buffer is not value:
                buffer.copy_(value)
        for _ in range(count):
            self._replay()
        return self._buffers

    def _record(self, step: Callable[..., State], state: State, recorder: Recorder) -> None:
        self._buffers = buffers = tuple(each.clone() for each in state)

        def body() -> None:
            for buffer, value in zip(buffers, step(*buffers), strict=True):
                if buffer is not value:
                    buffer.copy_(value)

        try:
            self._replay = recorder(body, self._device)
        except RuntimeError as error:
            self._recorder, self._buffers = None, ()
            warnings.warn(
                "The steps cannot be recorded on this device and are launched kernel by kernel, which is slower: "
                + str(error).partition("\n")[0],
                RuntimeWarning,
                stacklevel=2,
            )
