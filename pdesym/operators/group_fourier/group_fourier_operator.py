"""The Fourier neural operator that commutes with a plane group, from frames to frames."""

from dataclasses import dataclass, fields
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn

from pdesym.operators.group_fourier.field_representation import field_channels, field_representation
from pdesym.operators.group_fourier.group_pointwise import GroupPointwise
from pdesym.operators.group_fourier.group_spectral_convolution import GroupSpectralConvolution
from pdesym.operators.group_fourier.lifting import Lifting, Projection
from pdesym.operators.group_fourier.plane_group import PlaneGroup
from pdesym.operators.registry import register


@register
@dataclass(frozen=True)
class GroupFNOConfig:
    """All that determines a new group-equivariant FNO in 2D, its initial weights included.

    Args:
        frames_in: frames that it is given.
        frames_out: frames that it gives.
        fields: "scalar", "pseudoscalar" or "vector" for each field of a frame, see `field_representation`; the
            vorticity of a plane flow is a pseudoscalar.
        group: "p4", the quarter turns, or "p4m", mirrors too.
        modes: highest wavenumber K that its convolutions keep, |k| ≤ K along both axes.
        width: channels between the layers for each element of the group. An FNO of width w has as many parameters as
            one here of width w/2 in p4 and w/√8 in p4m.
        layers: spectral convolutions.
        seed: of the initial weights.
        increment: the size of the change from the last frame in to a frame out, in units of the field: the network then
            gives that change in this unit, F(u)ⱼ = u_last + increment · G(u)ⱼ. None where it gives the frames
            themselves.

    Raises:
        ValueError: for a number that is no positive integer (the seed: none at least 0), fields or a group that are not
            known, or an increment that is not positive and finite.
    """

    kind: ClassVar[str] = "group_fourier"

    frames_in: int
    frames_out: int
    fields: tuple[str, ...] = ("scalar",)
    group: str = "p4"
    modes: int = 12
    width: int = 10
    layers: int = 4
    seed: int = 0
    increment: float | None = None

    def __post_init__(self) -> None:
        for field in fields(self):
            if field.type is not int:
                continue
            value, least = getattr(self, field.name), 0 if field.name == "seed" else 1
            if isinstance(value, bool) or not isinstance(value, int) or value < least:
                raise ValueError(
                    f"Expected {field.name} of a group FNO to be an integer from {least} on, got {value!r}: give one."
                )
        field_channels(self.fields)
        PlaneGroup(self.group)
        if self.increment is not None and not 0 < self.increment < float("inf"):
            raise ValueError(f"Expected the increment of a group FNO to be positive and finite, got {self.increment}.")

    def build(self) -> "GroupFourierOperator":
        """The operator with its initial weights, in float32 on the CPU."""
        return GroupFourierOperator(self)


class GroupFourierOperator(nn.Module):
    """F: (batch, frames_in, channel, x, y) → (batch, frames_out, channel, x, y) with F(a·u) = a·F(u) for a group.

        v₀ = P u,    vₗ₊₁ = σ(Wₗ vₗ + Sₗ vₗ) for l < L,    G(u) = Q₂ σ(Q₁ v_L),

    F = G or, with an increment s, F(u)ⱼ = u_last + s G(u)ⱼ; this is `FourierOperator` with features on the regular
    representation of the group. P is `Lifting`, Wₗ and Q₁ are `GroupPointwise`, Sₗ is `GroupSpectralConvolution`, Q₂ is
    `Projection` and σ the GELU. It commutes to round-off with the elements a of the group on every square periodic
    grid, as `act_on_grid` moves the fields, and with translations by whole cells.

    Raises:
        ValueError: from a call, when the shape does not fit the configuration, or the grid is not square.

    Source: Helwig et al., Group Equivariant Fourier Neural Operators for Partial Differential Equations (ICML 2023).
    """

    def __init__(self, config: GroupFNOConfig):
        super().__init__()
        self.config = config
        group, width = PlaneGroup(config.group), config.width
        rho = field_representation(config.fields, group)
        with torch.device("cpu"):
            draw = torch.Generator().manual_seed(config.seed)
            self.lifting = Lifting(rho, config.frames_in, width, draw)
            self.convolutions = nn.ModuleList(
                GroupSpectralConvolution(group, width, width, config.modes, draw) for _ in range(config.layers)
            )
            self.skips = nn.ModuleList(GroupPointwise(group, width, width, draw) for _ in range(config.layers))
            self.hidden = GroupPointwise(group, width, 2 * width, draw)
            self.projection = Projection(rho, config.frames_out, 2 * width, draw)

    def forward(
        self, u: Float[Tensor, "batch frames_in channel points points"]
    ) -> Float[Tensor, "batch frames_out channel points points"]:
        """The frames that follow those of u."""
        config, channels = self.config, field_channels(self.config.fields)
        if u.ndim != 5 or tuple(u.shape[1:3]) != (config.frames_in, channels) or u.shape[3] != u.shape[4]:
            raise ValueError(
                f"This group FNO takes fields of shape (batch, {config.frames_in} frames, {channels} channels, N, N), "
                f"got {tuple(u.shape)}: give these, on a square grid."
            )
        v = self.lifting(u)
        for skip, convolution in zip(self.skips, self.convolutions, strict=True):
            v = nn.functional.gelu(skip(v) + convolution(v))
        given = self.projection(nn.functional.gelu(self.hidden(v)))
        return given if config.increment is None else u[:, -1:] + config.increment * given
