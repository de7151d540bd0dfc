"""Whether mirrors of a network are true: its outputs at parameters drawn at random, and at their reflections."""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.utils._pytree import tree_leaves

from pdesym.symmetry.mirror.symmetry import MirrorSymmetry
from pdesym.symmetry.mirror.tracing import AxisTrace, OperationNames

TOLERANCE = 1e-9
"""A mirror counts as true when no sample's output changes by more than this, relative to its size, in float64."""

SCALES = (1.0, 1.0, 1.0, 8.0, 64.0)
"""Noise at each θ that is tried, in sizes of the parameters: large enough that corners far from 0 are reached."""
BRANCHES = 32
"""How many θ are drawn to see whether the operations depend on them."""

Example = Tensor | tuple[Tensor, ...]


class Confirmation:
    """Whether mirrors leave a network's output as it is, at several θ drawn at random.

    θ are the given parameters with noise of `SCALES` times their size (at least 0.1) added: a mirror that holds only
    where a bias is 0, for one branch of a condition, or as long as no corner of an activation is reached, is none. Of
    the θ after the first those are left out at which outputs are not finite, or rounding alone changes them.

    Where the operations of a call differ between θ, the network takes branches: many more θ are tried then.

    Args:
        module: the network; a copy in float64 and in evaluation mode is asked.
        example: its argument or arguments, with the samples as first axis.
        seed: of all θ.

    Raises:
        TypeError: for what is no module, or an example of anything but tensors.
        ValueError: for no samples, complex parameters, or outputs from which nothing can be told: none that are
            tensors, ones that are not finite, or others at every call.
    """

    def __init__(self, module: nn.Module, example: Example, seed: int = 0):
        given = example if isinstance(example, tuple) else (example,)
        require_network(module, given)
        self.module = deepcopy(module).double().eval()
        self.example = tuple(each.double() if each.is_floating_point() else each for each in given)
        for name, p in self.module.named_parameters():
            if p.is_complex():
                raise ValueError(
                    f"Expected real parameters, got {name} of {p.dtype}: keep it as torch.view_as_real does, with a "
                    "last axis of real and imaginary part."
                )
        generator = torch.Generator().manual_seed(seed)
        self.parameters = self._drawn(SCALES[0], generator)
        value = self.outputs(self.parameters)
        self._require_telling(value)
        self._tried = [(self.parameters, value)]
        for scale in SCALES[1:]:
            self._add(self._drawn(scale, generator))
        further = [self._drawn(1.0, generator, (-1.0) ** number) for number in range(BRANCHES)]
        if len({self._operations(θ) for θ in (self.parameters, *further)}) > 1:
            for θ in further:
                self._add(θ)
        self._effective: dict[tuple[str, ...], bool] = {}

    @torch.no_grad()
    def outputs(self, parameters: Mapping[str, Tensor]) -> list[Tensor]:
        """What the network gives, all tensors of it."""
        given = functional_call(self.module, dict(parameters), self.example)
        return [leaf for leaf in tree_leaves(given) if isinstance(leaf, Tensor)]

    def holds(self, mirror: MirrorSymmetry, tolerance: float = TOLERANCE) -> bool:
        """Whether ‖f(x; Rθ) − f(x; θ)‖ ≤ tolerance · ‖f(x; θ)‖ for all x at all θ, and it touches what matters."""
        return self._matters(mirror.names) and all(
            self._change(self.outputs(mirror.reflect(θ)), value) <= tolerance for θ, value in self._tried
        )

    def trace(self) -> AxisTrace:
        """The axes of the parameters, followed through the calls at all θ: they may take different branches."""
        trace = AxisTrace(self.parameters)
        for each in self.example:
            trace.fix(each)
        for θ, _ in self._tried:
            trace.same(θ)
            with trace:
                outputs = self.outputs(θ)
            for output in outputs:
                trace.fix(output)
        return trace

    def _add(self, θ: dict[str, Tensor]) -> None:
        value = self.outputs(θ)
        rounded = {name: p * (1 + 2**-52) for name, p in θ.items()}
        if all(map(_finite, value)) and self._change(self.outputs(rounded), value) <= TOLERANCE / 10:
            self._tried.append((θ, value))

    def _operations(self, θ: dict[str, Tensor]) -> tuple[str, ...]:
        with OperationNames() as operations:
            self.outputs(θ)
        return tuple(operations.names)

    def _drawn(self, scale: float, generator: torch.Generator, sign: float = 1.0) -> dict[str, Tensor]:
        drawn = {}
        for name, p in self.module.named_parameters():
            noise = torch.randn(p.shape, generator=generator, dtype=torch.float64).to(p.device)
            drawn[name] = sign * p.detach() + scale * max(float(p.detach().square().mean().sqrt()), 0.1) * noise
        return drawn

    def _matters(self, names: tuple[str, ...]) -> bool:
        """Whether other values of some parameters give another output at any θ: where they do not, nothing is told."""
        if names not in self._effective:
            self._effective[names] = any(
                not self._change(self.outputs(θ | {name: -2 * θ[name].roll(1) + 0.5 for name in names}), value)
                <= TOLERANCE
                for θ, value in self._tried
            )
        return self._effective[names]

    def _change(self, outputs: list[Tensor], value: list[Tensor]) -> float:
        if [each.shape for each in outputs] != [each.shape for each in value]:
            return float("inf")
        changes = []
        for one, other in zip(outputs, value, strict=True):
            difference, size = _sizes(_wide(one) - _wide(other)), _sizes(_wide(other))
            changes.append((difference / size.clamp_min(torch.finfo(size.dtype).tiny)).max())
        return float(torch.stack(changes).max())  # nan where one is

    def _require_telling(self, value: list[Tensor]) -> None:
        """Refuses what would make every mirror look true, or every one false."""
        given = f"Expected {type(self.module).__name__} to give"
        if not value:
            raise ValueError(f"{given} tensors, in tuples, lists or dicts, got none: wrap it in a module that does.")
        if any(not each.numel() for each in value):
            shapes = [tuple(each.shape) for each in value]
            raise ValueError(f"{given} an output for one sample at least, got shapes {shapes}: give a few samples.")
        if not all(map(_finite, value)):
            raise ValueError(
                f"{given} finite outputs at parameters drawn at random, got others: give another seed, or samples for "
                "which they are finite."
            )
        if not self._change(self.outputs(self.parameters), value) <= TOLERANCE:
            raise ValueError(f"{given} the same output twice, got others: take out what it draws at random.")


def require_network(module: Any, example: Sequence[Any]) -> None:
    """Refuses what is no network, or no example for one.

    Raises:
        TypeError: in one sentence.
    """
    if not isinstance(module, nn.Module):
        raise TypeError(
            f"Expected a torch.nn.Module, whose parameters have mirrors, got a {type(module).__name__}: wrap it in one."
        )
    for each in example:
        if not isinstance(each, Tensor):
            raise TypeError(
                f"Expected tensors as example, one or a tuple of arguments, got a {type(each).__name__}: convert it "
                "with torch.as_tensor."
            )


def _finite(x: Tensor) -> bool:
    return bool(x.isfinite().all())


def _wide(x: Tensor) -> Tensor:
    return x.to(torch.complex128 if x.is_complex() else torch.float64)


def _sizes(x: Tensor) -> Tensor:
    """The norm of each sample; a number is one sample."""
    norms: Tensor = torch.linalg.vector_norm(x.reshape(len(x) if x.ndim else 1, -1), dim=1)
    return norms
