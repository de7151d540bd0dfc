"""The layer that enforces what a user names."""

from typing import TypeAlias

import torch
from jaxtyping import Float
from torch import Tensor

from pdesym.operators.symmetric.finite_group import FiniteGroup
from pdesym.operators.symmetric.motion import Motion
from pdesym.operators.symmetric.moving_frame import MovingFrame, mean_rate
from pdesym.operators.symmetric.scaling import Scaling
from pdesym.operators.symmetric.sections import PairPhase, Section, candidates
from pdesym.operators.symmetric.setting import Layer, Setting
from pdesym.operators.symmetric.translation import Translation
from pdesym.symmetry import Generator
from pdesym.symmetry.grid_element import Element

Symmetry: TypeAlias = Generator | MovingFrame | Translation | Scaling | FiniteGroup | Element

# Along an orbit a section that is transversal moves one way, by no less than this part of its greatest speed.
_LEAST_SPEED = 1e-3


def layers(symmetries: tuple[Symmetry, ...], setting: Setting) -> tuple[Layer, ...]:
    """The layers that enforce the symmetries, the outermost first; all finite groups become one.

    Raises:
        ValueError: for a symmetry that cannot be enforced in this setting.
    """
    found: list[Layer] = []
    elements: list[Element] = []
    for symmetry in symmetries:
        if isinstance(symmetry, Element | FiniteGroup):
            elements += [symmetry] if isinstance(symmetry, Element) else symmetry.generators
        elif isinstance(symmetry, Generator | MovingFrame):
            found.append(_framed(symmetry, setting))
        else:
            if isinstance(symmetry, Scaling):
                symmetry.require(setting)
            elif not 0 <= symmetry.axis < setting.grid.dims:
                raise ValueError(f"Expected a translation along one of {setting.grid.dims} axes, got {symmetry.axis}.")
            found.append(symmetry)
    if elements:
        group = FiniteGroup(tuple(elements))
        group.require(setting)
        found.append(group)
    return tuple(sorted(found, key=lambda layer: layer.order))


def _framed(symmetry: Generator | MovingFrame, setting: Setting) -> Layer:
    frame = symmetry if isinstance(symmetry, MovingFrame) else MovingFrame(symmetry)
    generator = frame.generator
    if generator.tau != 0:
        raise ValueError(
            f"The generator {generator.vector_field.text} moves time, which frames at given times do not show: write a "
            "scaling as Scaling(u=-2, t=3, x=1) with the duration as a parameter of the network."
        )
    Motion(generator).require(setting)
    if frame.section is not None:
        return frame
    translation = _translation(generator)
    if translation is not None:
        return translation
    times = torch.tensor(setting.times_in, dtype=torch.float64)
    for section in candidates(generator.vector_field):
        rate = section.rate(generator.vector_field)
        if rate is not None and float(mean_rate(rate, times).abs()) > 1e-9:
            return MovingFrame(generator, section)
    for section in candidates(generator.vector_field):
        if not isinstance(section, PairPhase) and _is_transversal(generator, section, setting):
            return MovingFrame(generator, section)
    raise ValueError(
        f"The generator {generator.vector_field.text} moves none of the mean of a field, the size of its fluctuation, "
        "the phase of a pair of fields and the phase of a Fourier mode one way: give "
        "MovingFrame(generator, section=...) a function of frames and times that it does."
    )


def _translation(generator: Generator) -> Translation | None:
    """Of a generator that moves all frames equally along one axis."""
    moving = [axis for axis, xi in enumerate(generator.xi) if xi != 0]
    if any(generator.phi) or len(moving) != 1 or not generator.xi[moving[0]].is_number:
        return None
    return Translation(moving[0])


def _is_transversal(generator: Generator, section: Section, setting: Setting) -> bool:
    """Whether the section moves one way along the orbits of some fields, for |ε| ≤ 1, and vanishes on them."""
    motion = Motion(generator)
    u = probe(setting, len(generator.fields))
    times = setting.times(u, None, out=False)

    def value(epsilon: Tensor) -> Tensor:
        return section(motion(u, epsilon, setting, None, False), times)

    one = torch.ones(len(u), dtype=u.dtype)
    speed = torch.stack([torch.func.jvp(value, (e * one,), (one,))[1] for e in (-1.0, -0.5, 0.0, 0.5, 1.0)])
    one_way = bool((speed > 0).all()) or bool((speed < 0).all())
    steady = one_way and bool(speed.abs().amin() > _LEAST_SPEED * speed.abs().amax())
    return steady and bool(MovingFrame(generator, section).epsilon(u, setting, None).isfinite().all())


def probe(setting: Setting, channels: int, seed: int = 0) -> Float[Tensor, "batch time channel *space"]:
    """Two samples of smooth random frames, mean and fluctuation of size 1, float64 on the CPU."""
    rng = torch.Generator().manual_seed(seed)
    points, dims = setting.grid.points, setting.grid.dims
    axes = [torch.arange(n, dtype=torch.float64) * (2 * torch.pi / n) for n in points]
    coordinates = torch.stack(torch.meshgrid(*axes, indexing="ij"), -1)
    shape = (2, len(setting.times_in), channels)

    def draw() -> Tensor:
        return torch.randn(shape, generator=rng, dtype=torch.float64).reshape(*shape, *(1,) * dims)

    highest = max(1, min(3, (min(points) - 1) // 2))
    waves = [k * wave for wave in torch.eye(dims, dtype=torch.float64) for k in range(1, highest + 1)]
    u = draw().expand(*shape, *points)
    for wave in [*waves, torch.ones(dims, dtype=torch.float64)]:
        angle = coordinates @ wave
        u = u + (draw() * torch.cos(angle) + draw() * torch.sin(angle)) / len(waves) ** 0.5
    return u
