"""Long predictions from an operator that is fed its own output, and their error."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

Operator = Callable[[Tensor], Tensor]


def unroll(
    operator: Operator, u_in: Float[Tensor, "batch frames_in channel *space"], blocks: int
) -> Float[Tensor, "batch frames channel *space"]:
    """The `blocks` · frames_out frames that follow u_in, the operator's own output fed back.

    The operator always sees the newest frames_in frames: after each block the window slides on by the frames_out new
    ones. Where these are fewer than frames_in, the window keeps some of the old frames; where they are more, it drops
    the first of the new ones. Gradients flow through all blocks unless the caller switches them off.

    Args:
        operator: (batch, frames_in, channel, *space) → (batch, frames_out, channel, *space).
        u_in: the first window.
        blocks: calls of the operator.

    Raises:
        ValueError: for less than one block, or when the operator changes anything but the number of frames.
    """
    if blocks < 1:
        raise ValueError(f"Expected at least 1 block to unroll, got {blocks}.")
    frames_in, window, result = u_in.shape[1], u_in, []
    for _ in range(blocks):
        new = operator(window)
        if new.shape[:1] != u_in.shape[:1] or new.shape[2:] != u_in.shape[2:]:
            raise ValueError(
                f"An operator that is unrolled must keep batch, channels and space, here (frames aside) "
                f"{(*u_in.shape[:1], *u_in.shape[2:])}; its output has {(*new.shape[:1], *new.shape[2:])}."
            )
        result.append(new)
        window = torch.cat((window, new), 1)[:, -frames_in:]
    return torch.cat(result, 1)


@dataclass(frozen=True)
class UnrolledError:
    """Normalised mean squared errors of unrolled predictions; dimensionless.

    Args:
        frames: of each sample and frame, ⟨(p − y)²⟩ₓ / ⟨y²⟩ₓ.
    """

    frames: Float[Tensor, "batch time"]

    @property
    def per_frame(self) -> Float[Tensor, " time"]:
        """Mean over the samples."""
        return self.frames.mean(0)

    @property
    def per_sample(self) -> Float[Tensor, " batch"]:
        """Sum over the frames."""
        return self.frames.sum(1)

    @property
    def value(self) -> float:
        """Sum over the frames, mean over the samples: the NMSE of the literature."""
        return float(self.per_sample.mean())


def unrolled_nmse(
    prediction: Float[Tensor, "batch time channel *space"], truth: Float[Tensor, "batch time channel *space"]
) -> UnrolledError:
    """The normalised mean squared error of a prediction, frame by frame.

    A frame of several channels counts the mean of their ratios, so that each has its own scale.

    Raises:
        ValueError: when a frame of the truth is zero everywhere, so that nothing can be relative to it.

    Source: Brandstetter, Welling & Worrall, Lie Point Symmetry Data Augmentation for Neural PDE Solvers (ICML 2022),
    whose code sums over the frames.
    """
    size, error = (x.double().flatten(3).square().mean(-1) for x in (truth, prediction - truth))
    zero = (size == 0).nonzero()
    if len(zero):
        sample, frame, channel = zero[0].tolist()
        raise ValueError(
            f"Frame {frame} of sample {sample}, channel {channel}, is zero everywhere in the truth, so no error can be "
            "relative to it: leave such frames out."
        )
    return UnrolledError((error / size).mean(2))
