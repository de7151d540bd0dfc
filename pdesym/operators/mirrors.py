"""The mirror symmetries of a Fourier neural operator, and what they have caught in it."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from pdesym.operators.fourier_operator import the_fno
from pdesym.operators.spectral_convolution import SpectralConvolution
from pdesym.symmetry.mirror import Axis, ChannelGroup, MirrorSymmetry, effective_rank

_BLOCKS = "fno.fno_blocks.blocks"


def fno_channels(operator: nn.Module) -> list[ChannelGroup]:
    """The groups of channels that an operator may exchange: those between its layers, and those inside its projection.

    The pointwise path beside each spectral convolution has weights of its own, so that the channels of every layer are
    free: L + 1 groups of `width` channels, from the lifting to the projection, and one of 2 · `width` inside the
    projection. After the lifting nothing stands between linear maps, so that these channels may be rotated; all others
    only exchanged, as the GELU is neither odd nor homogeneous.

    Args:
        operator: an FNO, or a module around one, with its parameters under their plain names.

    Raises:
        ValueError: for a module without an FNO or with several.
    """
    prefix, inner_operator = the_fno(operator)
    shapes = {name: tuple(p.shape) for name, p in operator.named_parameters()}
    config = inner_operator.config
    groups = []
    for layer in range(config.layers + 1):
        axes: list[tuple[str, int]] = []
        if layer == 0:
            axes += [("fno.lifting.fcs.0.weight", 0), ("fno.lifting.fcs.0.bias", 0)]
        else:
            axes += [(f"{_BLOCKS}.convs.{layer - 1}.weight", config.dims + 1)]
            axes += [(f"{_BLOCKS}.convs.{layer - 1}.bias", 0), (f"{_BLOCKS}.fno_skips.{layer - 1}.conv.weight", 0)]
        if layer < config.layers:
            axes += [(f"{_BLOCKS}.convs.{layer}.weight", config.dims), (f"{_BLOCKS}.fno_skips.{layer}.conv.weight", 1)]
        else:
            axes += [("fno.projection.fcs.0.weight", 1)]
        kinds = ("permutation",) if layer else ("permutation", "sign", "rotation")
        groups.append(
            ChannelGroup(tuple(Axis(prefix + name, axis) for name, axis in axes), config.width, shapes, kinds)
        )
    inner = [("fno.projection.fcs.0.weight", 0), ("fno.projection.fcs.0.bias", 0), ("fno.projection.fcs.1.weight", 1)]
    groups.append(
        ChannelGroup(
            tuple(Axis(prefix + name, axis) for name, axis in inner), 2 * config.width, shapes, ("permutation",)
        )
    )
    return [group for group in groups if group.size > 1]


def fno_mirrors(operator: nn.Module) -> list[MirrorSymmetry]:
    """Mirrors of an operator's parameters: those of `fno_channels` that generate the others.

    They are true by construction; `pdesym.symmetry.mirror.confirmed` confirms them by numbers. Errors as of
    `fno_channels`.
    """
    return [mirror for group in fno_channels(operator) for mirror in group.mirrors()]


def mode_ranks(operator: nn.Module) -> list[Float[Tensor, "*modes"]]:
    """The effective rank of the matrix W(k) between channels, for every mode of each layer.

    It is from 1 to `width`, and 0 where W(k) = 0.

    Raises:
        ValueError: for a module without spectral convolutions.
    """
    layers = [each for each in operator.modules() if isinstance(each, SpectralConvolution)]
    if not layers:
        raise ValueError(f"Expected an operator with a SpectralConvolution, got {type(operator).__name__} without.")
    return [effective_rank(torch.view_as_complex(layer.weight.detach().contiguous())) for layer in layers]
