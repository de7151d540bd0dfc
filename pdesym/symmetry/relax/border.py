"""What actions, modules and defects are given, checked where it comes in: one sentence for what they cannot take."""

import torch
from torch import Tensor


def require_samples(x: object, axes: int = 0) -> None:
    """Refuse what is no batch of at least one sample.

    Args:
        x: what was given.
        axes: of space, at the end of each sample.

    Raises:
        TypeError: for what is no tensor.
        ValueError: for no sample, or no batch axis before those of space.
    """
    if not isinstance(x, Tensor):
        raise TypeError(f"Expected a tensor with the batch as its first axis, got {_kind(x)}: make it one first.")
    if x.ndim < 1 + max(axes, 1):
        wanted = f"and {axes} of space at the end" if axes else "and one of entries behind it"
        raise ValueError(f"Expected a batch axis {wanted}, got shape {tuple(x.shape)}: add it with unsqueeze(0).")
    if not len(x):
        raise ValueError(f"Expected at least one sample, got an empty batch of shape {tuple(x.shape)}: leave it out.")


def require_outputs(y: object, samples: int) -> None:
    """Refuse what a network gives that is not one output for each sample.

    Raises:
        TypeError: for what is no tensor, such as a tuple.
        ValueError: for another number of outputs.
    """
    if not isinstance(y, Tensor):
        raise TypeError(
            f"Expected a network that gives one tensor, got {_kind(y)}: wrap it in a module that picks one."
        )
    if not y.ndim or len(y) != samples:
        raise ValueError(f"Expected a network that gives {samples} outputs for as many samples, got {tuple(y.shape)}.")


def require_generator(generator: object) -> None:
    """Refuse what draws nothing.

    Raises:
        TypeError: for what is no generator, such as a seed.
    """
    if not isinstance(generator, torch.Generator):
        raise TypeError(
            f"Expected a torch.Generator, got {_kind(generator)}: give torch.Generator().manual_seed(seed)."
        )


def require_pattern(z0: Tensor, x: Tensor, axis: int) -> None:
    """Refuse z₀ that does not stand beside the samples along one axis.

    Raises:
        ValueError: for other axes or sizes, such as a batch axis.
    """
    place = axis % x.ndim if -x.ndim <= axis < x.ndim else 0
    mine, given = list(x.shape[1:]), list(z0.shape)
    fits = place > 0 and len(mine) == len(given)
    if fits:
        del mine[place - 1], given[place - 1]
    if not fits or mine != given:
        raise ValueError(
            f"Expected z0 of the shape of one sample, {tuple(x.shape[1:])} but for the axis {axis} of the batch, along "
            f"which both are put together, got {tuple(z0.shape)}: give z0 without the batch axis."
        )


def require_is(value: object, kind: type, what: str) -> None:
    """Refuse a value of another class; `what` says what was expected.

    Raises:
        TypeError: for one.
    """
    if not isinstance(value, kind):
        raise TypeError(f"Expected {what}, got {_kind(value)}.")


def _kind(value: object) -> str:
    return f"{value!r}" if isinstance(value, str | int | float | None) else type(value).__name__
