"""An operator with symmetries that no training can break."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn

from pdesym.operators.group_fourier.field_representation import field_channels
from pdesym.operators.group_fourier.group_fourier_operator import GroupFNOConfig
from pdesym.operators.registry import configuration, describe_operator, register
from pdesym.operators.symmetric.choose import Symmetry, layers
from pdesym.operators.symmetric.described import layer_of
from pdesym.operators.symmetric.layered import layered
from pdesym.operators.symmetric.setting import Layer, Parameters, Setting
from pdesym.operators.symmetric.verify import require_together
from pdesym.solvers.grid import Grid


@register
@dataclass(frozen=True)
class EquivariantConfig:
    """All that determines a new equivariant operator, ready for JSON.

    Args:
        inner: what `describe_operator` says of the network inside.
        symmetries: what was enforced, the outermost first.
        points: of the grid.
        length: of the grid.
        times_in: of the frames that it is given.
        times_out: of the frames that it gives.
        parameters: names of its parameters.
        reference: their values to which the times and the length belong.
    """

    kind: ClassVar[str] = "equivariant"

    inner: dict[str, Any]
    symmetries: tuple[dict[str, Any], ...]
    points: tuple[int, ...]
    length: tuple[float, ...]
    times_in: tuple[float, ...]
    times_out: tuple[float, ...]
    parameters: tuple[str, ...] = ()
    reference: tuple[int | float, ...] = ()

    @property
    def setting(self) -> Setting:
        """Grid, times and parameters."""
        grid = Grid(*self.points, length=self.length)
        return Setting(grid, self.times_in, self.times_out, self.parameters, self.reference)

    def build(self) -> "EquivariantOperator":
        """The operator with its initial weights."""
        inner = configuration(self.inner, "the equivariant operator").build()
        return EquivariantOperator(self, inner, tuple(layer_of(entry) for entry in self.symmetries))


class EquivariantOperator(nn.Module):
    """F: (batch, frames_in, channel, *space) → (batch, frames_out, channel, *space), made by `enforce`.

    It is any network inside layers, one for each symmetry. Its weights are those of the network. Under autocast the
    network alone computes in the smaller precision, the layers in that of the frames, float32 at least. Where the grid
    of a call has other points than that of the configuration, its length is the same.

    Raises:
        ValueError: for layers and a network of different numbers of channels; from a call, for frames of another shape.
    """

    def __init__(self, config: EquivariantConfig, inner: nn.Module, layers: Sequence[Layer]):
        super().__init__()
        self.config = config
        self.inner = inner
        self.layers = tuple(layers)
        """The symmetries, the outermost first."""
        self.channels = _channels(self.layers, inner)
        """Of the frames; None where neither the symmetries nor the network's configuration say how many."""

    def forward(
        self,
        u: Float[Tensor, "batch frames_in channel *space"],
        parameters: Float[Tensor, "batch parameter"] | None = None,
    ) -> Float[Tensor, "batch frames_out channel *space"]:
        """The frames that follow those of u; parameters in the order of the configuration, None for the reference."""
        setting, given = self.config.setting, None if parameters is None else tuple(parameters.shape)
        if u.ndim != 3 + setting.grid.dims or u.shape[1] != len(setting.times_in):
            raise ValueError(
                f"This operator takes frames of shape (batch, {len(setting.times_in)} frames, channels, "
                f"{setting.grid.dims} space axes), got {tuple(u.shape)}."
            )
        if self.channels not in (None, u.shape[2]):
            raise ValueError(
                f"This operator acts on frames of {self.channels} channel{'s' * (self.channels != 1)}, got {u.shape[2]}"
                ": give frames of as many, or ask for symmetries of all of them, as in p4(('vector',)) for a velocity."
            )
        if given is not None and given != (len(u), len(setting.parameters)):
            raise ValueError(
                f"This operator takes parameters of shape ({len(u)}, {len(setting.parameters)}), those of "
                f"({', '.join(setting.parameters)}) for each sample, got {given}."
            )
        device = u.device.type
        if not torch.is_autocast_enabled(device):
            return layered(self.layers, self._network, setting, u, parameters)
        smaller = torch.get_autocast_dtype(device)
        u = u if u.dtype == torch.float64 else u.float()

        def network(v: Tensor, values: Parameters) -> Tensor:
            with torch.autocast(device, dtype=smaller):
                return self._network(v, values).to(v.dtype)

        with torch.autocast(device, enabled=False):
            return layered(self.layers, network, setting, u, parameters)

    def _network(self, u: Tensor, parameters: Parameters) -> Tensor:
        v: Tensor = self.inner(u) if parameters is None else self.inner(u, parameters)
        return v


def enforce(
    inner: nn.Module,
    symmetries: Sequence[Symmetry],
    grid: Grid,
    times_in: Sequence[int | float],
    times_out: Sequence[int | float],
    parameters: Mapping[str, int | float] | None = None,
) -> EquivariantOperator:
    """An operator that has the symmetries exactly, around any network, and trains as the network does.

    The layers are ordered so that they hold together: the mean over finite groups outside, then boosts, scalings,
    phases, and translations inside. A section must be invariant under the symmetries inside it, up to motions by them;
    whether that holds is tried at once, on random frames.

    Args:
        inner: (batch, frames_in, channel, *space) → (batch, frames_out, channel, *space); with parameters it is called
            as `inner(u, parameters)`, parameters `(batch, p)`.
        symmetries: generators that `Generator.act` can apply, `MovingFrame`, `Translation`, `Scaling`, `FiniteGroup`.
        grid: of the frames, in the equation's unit of length.
        times_in: of the frames that it is given, in the equation's unit of time.
        times_out: of the frames that it gives.
        parameters: names and reference values of the network's parameters; None for those of its configuration. The
            reference of "duration" is the time to the last frame out, from the first or the last frame in, that of
            "length" the length of the grid: called with others, times and lengths change in proportion.

    Raises:
        ValueError: for a symmetry that cannot be enforced here, symmetries that do not hold together, or references
            that do not belong to the grid and the times.
    """
    if not symmetries:
        raise ValueError("Expected at least one symmetry to enforce, got none: the network alone has none to lose.")
    if parameters is None:
        own = getattr(inner, "config", None)
        names, values = getattr(own, "parameters", ()), getattr(own, "reference", ())
    else:
        names, values = tuple(parameters), tuple(map(float, parameters.values()))
    setting = Setting(grid, tuple(map(float, times_in)), tuple(map(float, times_out)), tuple(names), tuple(values))
    setting.require_reference()
    found = layers(tuple(symmetries), setting)
    require_together(found, setting, _channels(found, inner) or 1)
    config = EquivariantConfig(
        describe_operator(inner),
        tuple(layer.described() for layer in found),
        grid.points,
        grid.length,
        setting.times_in,
        setting.times_out,
        setting.parameters,
        setting.reference,
    )
    return EquivariantOperator(config, inner, found)


def _channels(layers: Sequence[Layer], inner: nn.Module) -> int | None:
    """How many the symmetries and the network act on; a translation says nothing of them, nor do most networks."""
    counts = {layer.channels for layer in layers} | {_channels_of(inner)}
    counts.discard(None)
    if len(counts) > 1:
        raise ValueError(
            f"Expected symmetries and a network of one number of fields, got {sorted(filter(None, counts))}."
        )
    return counts.pop() if counts else None


def _channels_of(network: nn.Module) -> int | None:
    if isinstance(network, EquivariantOperator):
        return network.channels
    config = getattr(network, "config", None)
    if isinstance(config, GroupFNOConfig):
        return field_channels(config.fields)
    fields = getattr(config, "fields", None)
    return fields if isinstance(fields, int) else None
