"""A network inside symmetries."""

from collections.abc import Sequence

from jaxtyping import Float
from torch import Tensor

from pdesym.operators.symmetric.setting import Layer, Network, Parameters, Setting
from pdesym.symmetry.nyquist import without_nyquist


def layered(
    layers: Sequence[Layer],
    network: Network,
    setting: Setting,
    u: Float[Tensor, "batch frames_in channel *space"],
    parameters: Parameters,
) -> Float[Tensor, "batch frames_out channel *space"]:
    """The network inside all layers, the first of them outermost.

    Along the axes on which any of them shifts frames the mode N/2 is dropped at once: the sections of the others would
    see it change with the shift.
    """
    shifted = sorted({axis - setting.grid.dims for layer in layers for axis in layer.shifted_axes})
    return _inside(layers, network, setting, without_nyquist(u, shifted), parameters)


def _inside(layers: Sequence[Layer], network: Network, setting: Setting, u: Tensor, parameters: Parameters) -> Tensor:
    if not layers:
        return network(u, parameters)
    first, *rest = layers
    return first(lambda v, given: _inside(rest, network, setting, v, given), setting, u, parameters)
