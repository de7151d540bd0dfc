"""Finds the mirror symmetries of a network: proposed by its structure, confirmed by numbers."""

import warnings
from collections.abc import Mapping, Sequence

from torch import nn

from pdesym.symmetry.mirror.channel_group import ChannelGroup
from pdesym.symmetry.mirror.confirmation import TOLERANCE, Confirmation, Example
from pdesym.symmetry.mirror.declared import Axis, rescaling
from pdesym.symmetry.mirror.fused_attention import fused_attention
from pdesym.symmetry.mirror.symmetry import MirrorSymmetry
from pdesym.symmetry.mirror.tracing import AxisTrace

KINDS = ("permutation", "sign", "rotation")


class IncompleteSearch(UserWarning):
    """Channels of a network were left out, so that mirrors that are not found may be there."""


def confirmed(
    module: nn.Module, example: Example, mirrors: Sequence[MirrorSymmetry], tolerance: float = TOLERANCE, seed: int = 0
) -> list[MirrorSymmetry]:
    """Those of the given mirrors that hold: f(x; Rθ) = f(x; θ) for every sample, at several random θ in float64.

    One that touches only parameters without any effect does not count.

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

    Calls at several θ are followed operation by operation, and axes of parameters are joined where they meet: by a
    matrix product, a sum, a pointwise function. Axes whose order an input, an output or an unknown operation knows are
    left out, the last with a warning, `IncompleteSearch`. Of each group that remains an exchange, a sign and a rotation
    of channels are tried. The network is asked in evaluation mode: channels that have a buffer of their own, such as
    running statistics of a batch norm, are exchanged only as long as it is the same for all.

    Args:
        module: the network. Its parametrisations are followed down to the original parameters.
        example: its argument or arguments, with the samples as first axis; a few samples are enough.
        tolerance: largest change of a sample's output that counts as none, relative, in float64.
        seed: of the parameters at which it is tried.

    Raises:
        ValueError: as `confirmed`.
    """
    test = Confirmation(module, example, seed)
    return _found_channels(test, test.trace(), tolerance)


def _found_channels(test: Confirmation, trace: AxisTrace, tolerance: float) -> list[ChannelGroup]:
    fused = fused_attention(test.module, test.parameters)
    known = {axis.parameter for group in fused for axis in group.axes}
    if trace.stopped:
        warnings.warn(
            f"The search for mirrors stopped at {', '.join(sorted(trace.stopped))}: mirrors of the channels that go "
            "through are not found, so declare them and let `confirmed` try them.",
            IncompleteSearch,
            stacklevel=3,
        )
    proposed = [g for g in _proposed(trace, test) if not {axis.parameter for axis in g.axes} <= known]
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
    trace = test.trace()
    claimed = [mirror for group in _found_channels(test, trace, tolerance) for mirror in group.mirrors()]
    for u, w in dict.fromkeys(trace.products):
        claimed += rescaling(test.parameters, u, w)
    return [mirror for mirror in claimed if test.holds(mirror, tolerance)]


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
