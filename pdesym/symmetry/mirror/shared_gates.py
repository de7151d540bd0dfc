"""One gate for all entries of several parameters that belong to a channel: channels vanish as a whole."""

from collections.abc import Sequence

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn.utils import parametrize

from pdesym.symmetry.mirror.constraint import Constraint, owner_of
from pdesym.symmetry.mirror.kinds import power_of_two


class SharedGates(Constraint):
    """θ = s_c v for the entries of channel c of one of several parameters: the same gates s for all of them.

    The decay κ/2 (‖s‖² + Σ_i ‖v_i‖²) costs κ Σ_c ‖(θ_1[c], θ_2[c], …)‖₂: a channel stays in all of them or in none. The
    originals are (s, v) for the first parameter, and (v,) for those that follow it.

    Args:
        axis: of this parameter, along which its channels are numbered.
        dims: how many axes it has.
        gates: s at the beginning, powers of two.
        first: the parametrisation of the parameter that has the gates; None for that one itself.
    """

    def __init__(
        self,
        axis: int,
        dims: int,
        gates: Float[Tensor, " channels"],
        first: parametrize.ParametrizationList | None = None,
    ):
        super().__init__()
        self.axis, self._dims = axis, dims
        # In tuples, so that nothing is registered twice.
        self._first = () if first is None else (first,)
        self._beginning = (gates,)
        self._members: tuple[tuple[parametrize.ParametrizationList, int], ...] = ()

    @property
    def free(self) -> int:
        """0."""
        return 0

    def forward(self, *originals: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
        """s v."""
        return self._along(self._gates(originals)) * originals[-1]

    def right_inverse(self, theta: Float[Tensor, "..."]) -> tuple[Float[Tensor, "..."], ...] | Float[Tensor, "..."]:
        """v = θ/s with the gates as they are, so that the other parameters stay.

        Raises:
            ValueError: when a gate is closed.
        """
        gates = _current(self._members[0][0]) if self._members else self._gates(self._beginning)
        if bool((gates == 0).any()):
            raise ValueError("Expected open gates to give a parameter its value, got closed ones: call remove first.")
        v = theta / self._along(gates.detach().to(theta))
        return v if self._first else (gates.to(theta).clone(), v)

    def units(self, *originals: Float[Tensor, "..."]) -> Float[Tensor, " channels"]:
        """‖(θ_1[c], θ_2[c], …)‖₂ of every channel over all the parameters."""
        squares = []
        for listed, axis in self._all():
            v = list(listed.parameters(recurse=False))[-1]
            squares.append(_squares(v, axis))
        return self._gates(originals).abs() * torch.stack(squares).sum(0).sqrt()

    def without(self, gone: Bool[Tensor, " channels"], *originals: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
        """θ with some channels exactly 0."""
        return self.forward(*originals).masked_fill(self._along(gone), 0.0)

    def cost(self, *originals: Float[Tensor, "..."]) -> Float[Tensor, ""]:
        """Σ_c ‖(θ_1[c], θ_2[c], …)‖₂, counted with the first parameter alone."""
        cost = self.units(*originals).sum()
        return torch.zeros_like(cost) if self._first else cost

    def extra_repr(self) -> str:
        """The axis, and whether the gates are another's, for print and the identity of a training run."""
        return f"gates of axis {self.axis}{', of another parameter' if self._first else ''}"

    def _gates(self, originals: tuple[Tensor, ...]) -> Tensor:
        if not self._first:
            return originals[0]
        return _current(self._first[0])

    def _along(self, gates: Tensor) -> Tensor:
        shape = [1] * self._dims
        shape[self.axis] = len(gates)
        return gates.reshape(shape)

    def _all(self) -> tuple[tuple[parametrize.ParametrizationList, int], ...]:
        if not self._first:
            return self._members
        leader = self._first[0].get_submodule("0")
        assert isinstance(leader, SharedGates)
        return leader._members


def _squares(tensor: Tensor, axis: int) -> Tensor:
    """‖·‖² of every channel."""
    return tensor.movedim(axis, 0).reshape(tensor.shape[axis], -1).square().sum(1)


def _current(listed: parametrize.ParametrizationList) -> Tensor:
    gates = listed.original0  # by its name: in functional_call it is no parameter
    assert isinstance(gates, Tensor)
    return gates


def share_gates(module: nn.Module, places: Sequence[tuple[str, int]], size: float = 1.0) -> nn.Module:
    """Puts gates on the channels of several parameters, the same for all of them, in place: the function stays.

    Train with a decay of the factors and call `remove`, as after `constrain`: channels vanish from all the parameters
    at once. The parameters that read a channel of a layer are enough; what writes it is then of no effect.

    Args:
        module: the network.
        places: (name of a parameter, axis of its channels); as many channels in each.
        size: of the gate of a channel that is 0, dimensionless, positive.

    Raises:
        ValueError: as `constrain`, for no places, or another number of channels in one of them.
    """
    if not places or not 0 < size < float("inf"):
        raise ValueError(f"Expected parameters and a positive size of their gates, got {list(places)} and {size}.")
    owners = [owner_of(module, name) for name, _ in places]
    tensors = [owner.get_parameter(attribute).detach() for owner, attribute in owners]
    counts = {}
    for (name, axis), tensor in zip(places, tensors, strict=True):
        if not 0 <= axis < tensor.ndim:
            raise ValueError(f"Expected an axis of {name} from 0 to {tensor.ndim - 1}, got {axis}.")
        counts[name] = tensor.shape[axis]
    if len(set(counts.values())) > 1 or len(counts) < len(places):
        raise ValueError(f"Expected different parameters with as many channels each, got {counts}.")
    squares = [_squares(tensor, axis) for tensor, (_, axis) in zip(tensors, places, strict=True)]
    units = torch.stack(squares).sum(0).sqrt()
    gates, first, members = power_of_two(units.sqrt().clamp_min(size)), None, []
    for (owner, attribute), tensor, (_, axis) in zip(owners, tensors, places, strict=True):
        constraint = SharedGates(axis, tensor.ndim, gates, first).to(tensor)
        constraint.scale.copy_(units.max())
        parametrize.register_parametrization(owner, attribute, constraint)
        listed = owner.get_submodule(f"parametrizations.{attribute}")
        assert isinstance(listed, parametrize.ParametrizationList)
        first = listed if first is None else first
        members.append((listed, axis))
    assert first is not None
    leader = first.get_submodule("0")
    assert isinstance(leader, SharedGates)
    leader._members = tuple(members)
    return module
