"""The Fourier neural operator, from frames to frames."""

from dataclasses import dataclass, fields
from typing import Any, ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn

from pdesym.operators.fourier_tangent import fourier_tangent
from pdesym.operators.neuralop_import import neuralop_models
from pdesym.operators.pointwise import replace_pointwise_convolutions
from pdesym.operators.registry import register
from pdesym.operators.spectral_convolution import SpectralConvolution


@register
@dataclass(frozen=True)
class FNOConfig:
    """All that determines a new FNO, its initial weights included.

    Args:
        frames_in: frames that it is given.
        frames_out: frames that it gives.
        fields: dependent variables in each frame.
        modes: highest wavenumber K that its convolutions keep, |k| ≤ K along each axis.
        width: channels between the layers.
        layers: spectral convolutions.
        dims: space dimensions, 1 to 3.
        seed: of the initial weights.
        increment: the size of the change from the last frame in to a frame out, in units of the field: the network then
            gives that change in this unit, F(u)ⱼ = u_last + increment · G(u)ⱼ. None where it gives the frames
            themselves.
        parameters: names of positive numbers that each sample comes with, such as ("duration", "nu").
        reference: of each of them a value, in its own unit, at which the network sees 0.

    Raises:
        ValueError: for a number that is no positive integer (the seed: none at least 0), dims above 3, an increment
            that is not positive and finite, or parameters without a positive reference each.
    """

    kind: ClassVar[str] = "fno"

    frames_in: int
    frames_out: int
    fields: int = 1
    modes: int = 24
    width: int = 48
    layers: int = 4
    dims: int = 1
    seed: int = 0
    increment: float | None = None
    parameters: tuple[str, ...] = ()
    reference: tuple[int | float, ...] = ()

    def __post_init__(self) -> None:
        for field in fields(self):
            if field.name in ("increment", "parameters", "reference"):
                continue
            value, least = getattr(self, field.name), 0 if field.name == "seed" else 1
            if isinstance(value, bool) or not isinstance(value, int) or value < least:
                raise ValueError(f"Expected {field.name} of an FNO to be an integer from {least} on, got {value!r}.")
        if self.dims > 3:
            raise ValueError(f"Expected dims of an FNO to be 1, 2 or 3, got {self.dims}.")
        if self.increment is not None and not 0 < self.increment < float("inf"):
            raise ValueError(f"Expected the increment of an FNO to be positive and finite, got {self.increment}.")
        if (
            len(self.reference) != len(self.parameters)
            or len(set(self.parameters)) < len(self.parameters)
            or not all(0 < value < float("inf") for value in self.reference)
        ):
            raise ValueError(
                f"Expected different parameters of an FNO with a positive reference each, got {self.parameters} with "
                f"{self.reference}."
            )

    def build(self) -> "FourierOperator":
        """The operator with its initial weights."""
        return FourierOperator(self)


class FourierOperator(nn.Module):
    """F: (batch, frames_in, channel, *space) → (batch, frames_out, channel, *space), a Fourier neural operator.

        v₀ = P u,    vₗ₊₁ = σ(Wₗ vₗ + Sₗ vₗ) for l < L,    G(u) = Q₂ σ(Q₁ v_L),

    F = G or, with an increment s, F(u)ⱼ = u_last + s G(u)ⱼ. The frames of u are channels, and so are the logarithms of
    the parameters over their references, constant in space; P, Wₗ and Q pointwise linear,
    Sₗ spectral convolutions and σ the GELU. It knows no coordinates, so that it commutes with translations by whole
    cells to round-off; with finer ones as far as the fields and σ stay within the grid's band.

    It is neuralop's FNO with this package's `SpectralConvolution`. Its state dict holds tensors alone.

    Raises:
        ValueError: from a call, when the shape does not fit the configuration.

    Source: Li et al., Fourier Neural Operator for Parametric PDEs (ICLR 2021), section 4.
    """

    def __init__(self, config: FNOConfig):
        super().__init__()
        self.config = config
        with torch.device("cpu"), torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(config.seed)
            self.fno = neuralop_models().FNO(
                n_modes=(2 * config.modes,) * config.dims,
                in_channels=config.frames_in * config.fields + len(config.parameters),
                out_channels=config.frames_out * config.fields,
                hidden_channels=config.width,
                n_layers=config.layers,
                positional_embedding=None,
                use_channel_mlp=False,
                lifting_channel_ratio=0,
                projection_channel_ratio=2,
                fno_skip="linear",
                norm=None,
                conv_module=SpectralConvolution,
            )
        self.fno.fno_blocks = _Activated(self.fno.fno_blocks)
        replace_pointwise_convolutions(self.fno)
        self.register_state_dict_post_hook(_without_metadata)

    def forward(
        self,
        u: Float[Tensor, "batch frames_in channel *space"],
        parameters: Float[Tensor, "batch parameter"] | None = None,
    ) -> Float[Tensor, "batch frames_out channel *space"]:
        """The frames that follow those of u; parameters in the order of the configuration, None for the reference."""
        return self._frames(u, self.fno(self._channels(u, parameters)))

    def tangent(
        self, u: Float[Tensor, "batch frames_in channel *space"], w: Float[Tensor, "tangents ..."]
    ) -> tuple[Float[Tensor, "batch frames_out channel *space"], Float[Tensor, "tangents ..."]]:
        """F(u) and dF[u]·w for every direction `(tangents, *u.shape)`, at the reference parameters."""
        channels = self._channels(u, None)
        d = torch.cat((w.flatten(2, 3), w.new_zeros(*w.shape[:2], len(self.config.parameters), *w.shape[4:])), 2)
        given, pushed = fourier_tangent(self.fno, channels, d)
        pushed = pushed.unflatten(2, (self.config.frames_out, self.config.fields))
        if self.config.increment is not None:
            pushed = w[:, :, -1:] + self.config.increment * pushed
        return self._frames(u, given), pushed

    def _frames(
        self, u: Float[Tensor, "batch frames_in channel *space"], given: Float[Tensor, "batch channels *space"]
    ) -> Float[Tensor, "batch frames_out channel *space"]:
        config = self.config
        frames = given.unflatten(1, (config.frames_out, config.fields))
        return frames if config.increment is None else u[:, -1:] + config.increment * frames

    def _channels(
        self, u: Float[Tensor, "batch frames_in channel *space"], parameters: Float[Tensor, "batch parameter"] | None
    ) -> Float[Tensor, "batch channels *space"]:
        """Frames, fields and parameters as the channels of the network."""
        config = self.config
        if u.ndim != 3 + config.dims or tuple(u.shape[1:3]) != (config.frames_in, config.fields):
            raise ValueError(
                f"This FNO takes fields of shape (batch, {config.frames_in} frames, {config.fields} fields, "
                f"{config.dims} space axes), got {tuple(u.shape)}."
            )
        names, fields = self.config.parameters, u.flatten(1, 2)
        if parameters is not None and tuple(parameters.shape) != (len(u), len(names)):
            raise ValueError(
                f"This FNO takes parameters of shape ({len(u)}, {len(names)}), those of ({', '.join(names)}) for each "
                f"sample, got {tuple(parameters.shape)}."
            )
        if not names:
            return fields
        shape = (len(u), len(names), *u.shape[3:])
        if parameters is None:
            return torch.cat((fields, u.new_zeros(shape)), 1)
        logarithms = (parameters / parameters.new_tensor(self.config.reference)).log().to(u.dtype)
        return torch.cat((fields, logarithms.reshape(*shape[:2], *(1,) * self.config.dims).expand(shape)), 1)


class _Activated(nn.Module):
    """neuralop's blocks with σ once after each: of themselves they have it twice in a row, and not after the last."""

    def __init__(self, blocks: Any):
        super().__init__()
        blocks.non_linearity = _unchanged
        self.blocks = blocks

    def forward(
        self, v: Float[Tensor, "batch channel *space"], index: int, output_shape: None = None
    ) -> Float[Tensor, "batch channel *space"]:
        return nn.functional.gelu(self.blocks(v, index, output_shape))


def _unchanged(v: Float[Tensor, "batch channel *space"]) -> Float[Tensor, "batch channel *space"]:
    return v


def fno(
    frames_in: int,
    frames_out: int,
    fields: int = 1,
    modes: int = 24,
    width: int = 48,
    layers: int = 4,
    dims: int = 1,
    seed: int = 0,
    increment: float | None = None,
    parameters: tuple[str, ...] = (),
    reference: tuple[int | float, ...] = (),
) -> FourierOperator:
    """A new Fourier neural operator in float32 on the CPU; the arguments are those of `FNOConfig`.

    The weights depend on the seed alone, and torch's global random state is left as it was.
    """
    return FNOConfig(
        frames_in, frames_out, fields, modes, width, layers, dims, seed, increment, parameters, reference
    ).build()


def _without_metadata(module: nn.Module, state: dict[str, object], prefix: str, local_metadata: object) -> None:
    # neuralop adds the arguments of the model, functions among them, as if they were a tensor named _metadata.
    state.pop("_metadata", None)


def the_fno(operator: nn.Module) -> tuple[str, FourierOperator]:
    """The Fourier neural operator that a module is or has inside, and what its parameters' names begin with there.

    Raises:
        ValueError: for none, or several.
    """
    found = [(name, each) for name, each in operator.named_modules() if isinstance(each, FourierOperator)]
    if len(found) != 1:
        raise ValueError(
            f"Expected one FNO or a module around one, got {type(operator).__name__} with {len(found)} of them."
        )
    ((name, fno),) = found
    return f"{name}." if name else "", fno
