"""Whether symmetries hold together."""

from collections.abc import Sequence

import torch
from torch import Tensor

from pdesym.operators.symmetric.choose import probe
from pdesym.operators.symmetric.layered import layered
from pdesym.operators.symmetric.setting import Layer, Network, Parameters, Setting

_TOLERANCE = 1e-6


def require_together(layers: Sequence[Layer], setting: Setting, channels: int) -> None:
    """Refuse, in one sentence, layers of which one undoes what another enforces.

    One element of every group is tried on random frames with a network that has no symmetry: what it makes of the moved
    frames must be what it makes of the frames, moved, to 10⁻⁶.

    Raises:
        ValueError: naming the element and the size of the difference.
    """
    u = probe(setting, channels)
    parameters = torch.tensor([setting.reference] * len(u), dtype=u.dtype) if setting.parameters else None
    network = _without_symmetry(setting, channels)
    value = layered(layers, network, setting, u, parameters)
    for layer in layers:
        for name, trial in layer.trials():
            expected, _ = trial(value, parameters, setting, True)
            difference = layered(layers, network, setting, *trial(u, parameters, setting, False)) - expected
            defect = float(difference.norm() / expected.norm())
            if not defect < _TOLERANCE:
                raise ValueError(_sentence(name, [n for other in layers for n, _ in other.trials()], defect))


def _sentence(failed: str, names: Sequence[str], defect: float) -> str:
    others = ", ".join(name for name in names if name != failed)
    if not others:
        return (
            f"Expected a section that vanishes once on every orbit of {failed}, and with this one it fails by "
            f"{defect:.1e}: give MovingFrame(generator, section=...) another function of frames and times."
        )
    return (
        f"Expected symmetries that hold together, and {failed} fails beside {others} by {defect:.1e}: the motion by "
        "one leaves what the section of another fixes, so leave one of them out or add those that they generate."
    )


def _without_symmetry(setting: Setting, channels: int) -> Network:
    """Frames to frames by sums with random coefficients of u, tanh u and functions of the place."""
    rng = torch.Generator().manual_seed(1)
    inside, outside = len(setting.times_in), len(setting.times_out)
    mix = torch.randn(2, outside * channels, inside * channels, generator=rng, dtype=torch.float64)
    places = torch.rand(setting.grid.points, generator=rng, dtype=torch.float64)
    powers = torch.randn(outside * channels, len(setting.parameters), generator=rng, dtype=torch.float64)

    def network(u: Tensor, parameters: Parameters) -> Tensor:
        given = u.flatten(1, 2)
        v = torch.einsum("oi,bi...->bo...", mix[0], given) + torch.einsum(
            "oi,bi...->bo...", mix[1], torch.tanh(given) * places
        )
        v = v + places
        if parameters is not None:
            v = v * (parameters.log() @ powers.T).cos().reshape(len(u), -1, *(1,) * len(setting.grid.points))
        return v.unflatten(1, (outside, channels))

    return network
