"""Mirror symmetries by hand: permutations, signs, rotations and rescalings of the axes of parameters."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import isclose

import torch
from jaxtyping import Float, Int
from torch import Tensor

from pdesym.symmetry.mirror.block import Along, Block, Rows
from pdesym.symmetry.mirror.symmetry import MirrorSymmetry

Direction = tuple[Int[Tensor, " k"], Float[Tensor, " k"]]


@dataclass(frozen=True)
class Axis:
    """An axis of a parameter, along which channels are numbered.

    Args:
        parameter: its name.
        axis: of the view.
        view: how the parameter is read, with axes split; None for its own shape. Heads of attention are axis 0 of the
            view (heads, size, width).
        at: other axis of the view → positions that alone belong to the channels, of the axes of which not all do.
    """

    parameter: str
    axis: int
    view: tuple[int, ...] | None = None
    at: Mapping[int, tuple[int, ...]] = field(default_factory=dict)


Axes = Sequence[Axis | tuple[str, int]]


def permutation(parameters: Mapping[str, Tensor], axes: Axes, i: int, j: int) -> MirrorSymmetry:
    """Exchange of the channels i and j: O = (e_i − e_j)/√2 along every one of the axes, so that Oᵀθ = 0 is θ_i = θ_j.

    Args:
        parameters: with the shapes; a superset of what the mirror touches.
        axes: all axes of parameters along which these channels are numbered: what makes them and what reads them. A
            parameter may have two such axes, as that of a recurrence has.
        i: a channel.
        j: another one.

    Raises:
        ValueError: for i = j, or channels or axes that are not there.
    """
    if i == j:
        raise ValueError(f"Expected two different channels to exchange, got {i} twice.")
    half = torch.full((2,), 0.5**0.5, dtype=torch.float64)
    n: Direction = (torch.tensor([i, j]), half * torch.tensor([1.0, -1.0]))
    return MirrorSymmetry(f"permutation {i}↔{j} of {_text(axes)}", _reflected(parameters, axes, n, (n[0], half)))


def sign(parameters: Mapping[str, Tensor], axes: Axes, i: int) -> MirrorSymmetry:
    """Change of sign of the channel i: O = e_i along every one of the axes, so that Oᵀθ = 0 removes the channel.

    It is a symmetry where the channel passes through odd functions alone. Arguments and errors as of `permutation`.
    """
    n: Direction = (torch.tensor([i]), torch.ones(1, dtype=torch.float64))
    return MirrorSymmetry(f"sign {i} of {_text(axes)}", _reflected(parameters, axes, n, None))


def rotation(
    parameters: Mapping[str, Tensor], axis: Axis | tuple[str, int], n: Float[Tensor, " size"]
) -> MirrorSymmetry:
    """ℓ(W) = ℓ(QW) for orthogonal Q, such as for Q = I − 2nnᵀ: Oᵀθ = nᵀW along the axis, and its loss is one of rank.

    Args:
        parameters: with the shapes.
        axis: of W.
        n: a unit vector; one in another precision than float64 is normalised.

    Raises:
        ValueError: when n is no unit vector of the axis' size.
    """
    return _rotation(parameters, (axis,), n)


def double_rotation(
    parameters: Mapping[str, Tensor],
    first: Axis | tuple[str, int],
    second: Axis | tuple[str, int],
    n: Float[Tensor, " size"],
) -> MirrorSymmetry:
    """ℓ(U, V) = ℓ(UQᵀ, QV), as of a product UV: Oᵀθ = (Un, nᵀV). Arguments and errors as of `rotation`."""
    return _rotation(parameters, (first, second), n)


def rescaling(parameters: Mapping[str, Tensor], u: str, w: str) -> list[MirrorSymmetry]:
    """The mirrors in ℓ(u, w) = ℓ(ρu, w/ρ) for ρ ≠ 0.

    For scalars: (u, w) ↔ (w, u) and (u, w) ↔ (−w, −u), with O = (1, ∓1)/√2. For anything larger: ρ = −1, with O = I on
    both, so that Oᵀθ = 0 is u = w = 0. Where only ρ > 0 is a symmetry, as for a ReLU between u and w, the last one is
    none.

    Args:
        parameters: with the shapes.
        u: name of the one factor.
        w: name of the other.

    Raises:
        ValueError: when u is w, or one is not there.
    """
    shapes = [_shape(parameters, name) for name in (u, w)]
    if u == w:
        raise ValueError(f"Expected two different factors, got {u} twice.")
    if parameters[u].numel() == parameters[w].numel() == 1:
        half, zero = torch.full((1,), 0.5**0.5, dtype=torch.float64), torch.tensor([0])
        found = []
        for other, text in ((-half, f"exchange of {u} and {w}"), (half, f"exchange of {u} and −{w}")):
            pairs = zip((u, w), shapes, (half, other), strict=True)
            found.append(
                MirrorSymmetry(text, tuple(Along(name, shape, 0, (1,), {0: (zero, n)}) for name, shape, n in pairs))
            )
        return found
    one = torch.zeros(1, dtype=torch.int64), torch.ones(1, dtype=torch.float64)
    blocks = Along(u, shapes[0], 0, (1, parameters[u].numel()), {0: one})
    rest = Along(w, shapes[1], blocks.rank, (1, parameters[w].numel()), {0: one})
    return [MirrorSymmetry(f"sign of {u} and {w}", (blocks, rest))]


def dense(parameters: Mapping[str, Tensor], names: Sequence[str], basis: Float[Tensor, "d r"]) -> MirrorSymmetry:
    """The mirror of a given matrix O.

    Args:
        parameters: with the shapes.
        names: of those that O acts on; its rows are their entries, one parameter after the other.
        basis: O, with orthonormal columns.

    Raises:
        ValueError: when O has another number of rows or OᵀO is not the identity.
    """
    shapes = [_shape(parameters, name) for name in names]
    sizes = [parameters[name].numel() for name in names]
    if basis.shape[0] != sum(sizes):
        raise ValueError(f"Expected O with {sum(sizes)} rows, the entries of {', '.join(names)}, got {len(basis)}.")
    rows = basis.detach().double().split(sizes)
    blocks = (Rows(name, shape, 0, part) for name, shape, part in zip(names, shapes, rows, strict=True))
    return MirrorSymmetry(f"matrix on {', '.join(names)}", tuple(blocks))


def _rotation(parameters: Mapping[str, Tensor], axes: Axes, n: Float[Tensor, " size"]) -> MirrorSymmetry:
    length = float(n.double().norm())
    if n.dtype != torch.float64 and isclose(length, 1.0, rel_tol=1e-6):
        n, length = n.double() / length, 1.0
    if not isclose(length, 1.0, rel_tol=1e-12):
        raise ValueError(f"Expected a unit vector n in float64, got one of length {length:.15g}: divide by it.")
    for each in map(_axis, axes):
        size = (each.view or _shape(parameters, each.parameter))[each.axis]
        if size != len(n):
            raise ValueError(f"Expected n with {size} entries, the size of {_text((each,))}, got {len(n)}.")
    kept = n.detach().nonzero().squeeze(1)
    return MirrorSymmetry(f"rotation of {_text(axes)}", _reflected(parameters, axes, (kept, n.detach()[kept]), None))


def _reflected(parameters: Mapping[str, Tensor], axes: Axes, n: Direction, even: Direction | None) -> tuple[Block, ...]:
    """The directions that change sign when every axis is reflected at n; `even` spans the rest where n is not 0."""
    by_parameter: dict[str, list[Axis]] = {}
    for each in map(_axis, axes):
        by_parameter.setdefault(each.parameter, []).append(each)
    blocks: list[Block] = []

    def add(axis: Axis, directions: dict[int, Direction], at: Mapping[int, Tensor]) -> None:
        shape = _shape(parameters, axis.parameter)
        first = blocks[-1].first + blocks[-1].rank if blocks else 0
        within = {a: torch.tensor(positions) for a, positions in axis.at.items()} | dict(at)
        blocks.append(Along(axis.parameter, shape, first, axis.view or shape, directions, within))

    for name, places in by_parameter.items():
        if len(places) == 1 or len({(place.view, tuple(place.at.items())) for place in places}) > 1:
            for place in places:
                add(place, {place.axis: n}, {})
            continue
        if len(places) > 2 or (even is None and len(n[0]) > 1):
            raise ValueError(
                f"Expected at most two axes of {name}, and a permutation or a sign where there are two, got "
                f"{_text(places)}: declare this mirror with `dense`."
            )
        one, other = places
        for here, there in ((one, other), (other, one)):
            size = (there.view or _shape(parameters, name))[there.axis]
            others = torch.tensor([k for k in range(size) if k not in n[0].tolist()], dtype=torch.int64)
            add(here, {here.axis: n}, {there.axis: others})
            if even is not None:
                add(here, {here.axis: n, there.axis: even}, {})
    return tuple(blocks)


def _axis(axis: Axis | tuple[str, int]) -> Axis:
    return axis if isinstance(axis, Axis) else Axis(*axis)


def _shape(parameters: Mapping[str, Tensor], name: str) -> tuple[int, ...]:
    if name not in parameters:
        raise ValueError(f"Expected a parameter's name, got {name!r}: there are {', '.join(parameters)}.")
    return tuple(parameters[name].shape)


def _text(axes: Axes) -> str:
    return ", ".join(f"{each.parameter}[{each.axis}]" for each in map(_axis, axes))
