"""Finds the mirror symmetries of a network: proposed by its structure, confirmed by numbers."""

from collections.abc import Mapping, Sequence
from copy import deepcopy

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.utils._pytree import tree_leaves

from pdesym.symmetry.mirror.channel_group import ChannelGroup
from pdesym.symmetry.mirror.declared import Axis, rescaling
from pdesym.symmetry.mirror.fused_attention import fused_attention
from pdesym.symmetry.mirror.symmetry import MirrorSymmetry
from pdesym.symmetry.mirror.tracing import AxisTrace

KINDS = ("permutation", "sign", "rotation")
TOLERANCE = 1e-9
"""A mirror counts as true when no sample's output changes by more than this, relative to its size, in float64."""

Example = Tensor | tuple[Tensor, ...]


class Confirmation:
    """Whether mirrors leave a network's output as it is, at parameters drawn at random.

    Args:
        module: the network; a copy in float64 and in evaluation mode is asked.
        example: its argument or arguments, with the samples as first axis.
        seed: of the parameters, which are the given ones with noise of their own size (at least 0.1) added: a mirror
            that holds only where a bias is 0 is none.

    Raises:
        ValueError: for no samples, complex parameters, or outputs from which nothing can be told: none that are
            tensors, ones that are not finite, or others at every call.
    """

    def __init__(self, module: nn.Module, example: Example, seed: int = 0):
        self.module = deepcopy(module).double().eval()
        given = example if isinstance(example, tuple) else (example,)
        self.example = tuple(each.double() if each.is_floating_point() else each for each in given)
        generator = torch.Generator().manual_seed(seed)
        self.parameters: dict[str, Tensor] = {}
        for name, p in self.module.named_parameters():
            if p.is_complex():
                raise ValueError(
                    f"Expected real parameters, got {name} of {p.dtype}: keep it as torch.view_as_real does, with a "
                    "last axis of real and imaginary part."
                )
            noise = torch.randn(p.shape, generator=generator, dtype=torch.float64).to(p.device)
            size = max(float(p.detach().square().mean().sqrt()), 0.1)
            self.parameters[name] = p.detach() + size * noise
        self._value = self.outputs(self.parameters)
        self._require_telling()

    @torch.no_grad()
    def outputs(self, parameters: Mapping[str, Tensor]) -> list[Tensor]:
        """What the network gives, all tensors of it."""
        given = functional_call(self.module, dict(parameters), self.example)
        return [leaf for leaf in tree_leaves(given) if isinstance(leaf, Tensor)]

    def change(self, mirror: MirrorSymmetry) -> float:
        """max over samples of ‖f(x; Rθ) − f(x; θ)‖/‖f(x; θ)‖."""
        return self._change(self.outputs(mirror.reflect(self.parameters)))

    def holds(self, mirror: MirrorSymmetry, tolerance: float = TOLERANCE) -> bool:
        """Whether the mirror is true."""
        return self.change(mirror) <= tolerance

    def _change(self, outputs: list[Tensor]) -> float:
        changes = []
        for one, other in zip(outputs, self._value, strict=True):
            difference, size = _sizes(_wide(one) - _wide(other)), _sizes(_wide(other))
            changes.append((difference / size.clamp_min(torch.finfo(size.dtype).tiny)).max())
        return float(torch.stack(changes).max())  # nan where one is

    def _require_telling(self) -> None:
        """Refuses what would make every mirror look true, or every one false."""
        given = f"Expected {type(self.module).__name__} to give"
        if not self._value:
            raise ValueError(f"{given} tensors, in tuples, lists or dicts, got none: wrap it in a module that does.")
        if any(not each.numel() for each in self._value):
            shapes = [tuple(each.shape) for each in self._value]
            raise ValueError(f"{given} an output for one sample at least, got shapes {shapes}: give a few samples.")
        if not all(bool(each.isfinite().all()) for each in self._value):
            raise ValueError(
                f"{given} finite outputs at parameters drawn at random, got others: give another seed, or samples for "
                "which they are finite."
            )
        if not self._change(self.outputs(self.parameters)) <= TOLERANCE:
            raise ValueError(f"{given} the same output twice, got others: take out what it draws at random.")


def confirmed(
    module: nn.Module, example: Example, mirrors: Sequence[MirrorSymmetry], tolerance: float = TOLERANCE, seed: int = 0
) -> list[MirrorSymmetry]:
    """Those of the given mirrors that hold: f(x; Rθ) = f(x; θ) for every sample, at random θ in float64.

    Args:
        module: f.
        example: x.
        mirrors: claimed ones, such as declared by hand.
        tolerance: largest change of a sample's output, relative.
        seed: of θ.

    Raises:
        ValueError: for a network whose outputs tell nothing: no tensors, not finite, or others at every call.
    """
    test = Confirmation(module, example, seed)
    return [mirror for mirror in mirrors if test.holds(mirror, tolerance)]


def find_channels(
    module: nn.Module, example: Example, tolerance: float = TOLERANCE, seed: int = 0
) -> list[ChannelGroup]:
    """The groups of channels of a network that have a mirror, each with the kinds that were confirmed.

    One call is followed operation by operation, and axes of parameters are joined where they meet: by a matrix product,
    a sum, a pointwise function. Axes whose order an input, an output or an unknown operation knows are left out. Of
    each group that remains an exchange, a sign and a rotation of channels are tried.

    Args:
        module: the network. Its parametrisations are followed down to the original parameters.
        example: its argument or arguments, with the samples as first axis; a few samples are enough.
        tolerance: largest change of a sample's output that counts as none, relative, in float64.
        seed: of the parameters at which it is tried.

    Raises:
        ValueError: as `confirmed`.
    """
    test = Confirmation(module, example, seed)
    fused = fused_attention(test.module, test.parameters)
    known = {axis.parameter for group in fused for axis in group.axes}
    proposed = [g for g in _proposed(_traced(test), test) if not {axis.parameter for axis in g.axes} <= known]
    groups = proposed + fused
    found: list[ChannelGroup] = []
    for group in groups:
        kinds = tuple(
            kind for kind in KINDS if _declarable(group, kind) and test.holds(group.candidate(kind), tolerance)
        )
        if kinds:
            found.append(group.with_kinds(kinds))
    return found


def find_mirrors(
    module: nn.Module, example: Example, tolerance: float = TOLERANCE, seed: int = 0
) -> list[MirrorSymmetry]:
    """The mirror symmetries of a network, every one confirmed: f(x; Rθ) = f(x; θ) for all samples at random θ.

    Of each group of channels those that generate all others: exchanges of neighbours, signs, and a rotation where all
    directions are alike. `find_channels` gives the groups themselves, from which any exchange or direction can be had.
    Pairs of parameters that are multiplied entry by entry give rescalings.

    Arguments and errors as of `find_channels`.
    """
    test = Confirmation(module, example, seed)
    claimed = [mirror for group in find_channels(module, example, tolerance, seed) for mirror in group.mirrors()]
    for u, w in dict.fromkeys(_traced(test).products):
        claimed += rescaling(test.parameters, u, w)
    return [mirror for mirror in claimed if test.holds(mirror, tolerance)]


def _traced(test: Confirmation) -> AxisTrace:
    trace = AxisTrace(test.parameters)
    for each in test.example:
        trace.fix(each)
    with trace:
        outputs = test.outputs(test.parameters)
    for each in outputs:
        trace.fix(each)
    return trace


def _wide(x: Tensor) -> Tensor:
    return x.to(torch.complex128 if x.is_complex() else torch.float64)


def _sizes(x: Tensor) -> Tensor:
    """The norm of each sample; a number is one sample."""
    norms: Tensor = torch.linalg.vector_norm(x.reshape(len(x) if x.ndim else 1, -1), dim=1)
    return norms


def _proposed(trace: AxisTrace, test: Confirmation) -> list[ChannelGroup]:
    shapes = {name: tuple(p.shape) for name, p in test.parameters.items()}
    members: dict[int, list[Axis]] = {}
    views: dict[str, tuple[int, ...]] = {}
    resolved: dict[str, tuple[int, ...]] = {}
    for name, p in test.parameters.items():
        resolved[name] = tuple(label for axis in trace.axes(p) for label in trace.labels.resolve(axis))
        views[name] = tuple(trace.labels.size((label,)) for label in resolved[name])
        for place, label in enumerate(resolved[name]):
            if not trace.labels.is_fixed(label):
                members.setdefault(label, []).append(Axis(name, place, views[name]))
    groups = []
    for label, axes in members.items():
        size = trace.labels.size((label,))
        within = _common(label, axes, members, resolved)
        restricted = [
            ChannelGroup(tuple(_at(axis, resolved[axis.parameter].index(other), h) for axis in axes), size, shapes)
            for other in within
            for h in range(trace.labels.size((other,)))
        ]
        # Channels within heads are exchanged head by head where that is true, and in all heads at once elsewhere.
        if restricted and test.holds(restricted[0].candidate("permutation")):
            groups += restricted
        else:
            groups.append(ChannelGroup(tuple(axes), size, shapes))
    return groups


def _common(
    label: int, axes: Sequence[Axis], members: Mapping[int, Sequence[Axis]], resolved: Mapping[str, tuple[int, ...]]
) -> list[int]:
    """Another group of channels that every parameter of the group has too, if there is one."""
    if len({axis.parameter for axis in axes}) < len(axes):
        return []
    shared = set.intersection(*({*resolved[axis.parameter]} for axis in axes)) - {label}
    once = [other for other in shared if all(resolved[axis.parameter].count(other) == 1 for axis in axes)]
    return [other for other in sorted(once) if other in members][:1]


def _at(axis: Axis, place: int, position: int) -> Axis:
    return Axis(axis.parameter, axis.axis, axis.view, {place: (position,)})


def _declarable(group: ChannelGroup, kind: str) -> bool:
    """A rotation of two axes of one parameter at once is no mirror that this package declares."""
    names = [axis.parameter for axis in group.axes]
    return kind != "rotation" or len(set(names)) == len(names)
