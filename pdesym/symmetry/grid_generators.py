"""Elements that generate the finite groups that equations have."""

from collections.abc import Sequence

from pdesym.symmetry.grid_element import Element, Matrix

SCALAR, PSEUDOSCALAR, VECTOR = "scalar", "pseudoscalar", "vector"

_Axes = tuple[tuple[int, ...], ...]
_QUARTER: _Axes = ((0, -1), (1, 0))
_MIRROR: _Axes = ((-1, 0), (0, 1))


def axis_reflection(parities: Sequence[int] = (-1,), axis: int = 0, dims: int = 1) -> Element:
    """x → −x along one axis with u → parity · u for each field.

    Args:
        parities: 1 or −1 for each channel.
        axis: the one that is reflected.
        dims: number of space axes.

    Raises:
        ValueError: for an axis that is not there, or parities other than 1 and −1.
    """
    if not 0 <= axis < dims or not parities or any(parity not in (1, -1) for parity in parities):
        raise ValueError(
            f"Expected an axis of {dims} and a parity 1 or -1 for each channel, got axis {axis}, {tuple(parities)}."
        )
    space = tuple(tuple((-1 if row == axis else 1) * (row == column) for column in range(dims)) for row in range(dims))
    channels = tuple(
        tuple(float(parity * (row == column)) for column in range(len(parities))) for row, parity in enumerate(parities)
    )
    return Element(space, channels)


def quarter_turn(kinds: Sequence[str] = (SCALAR,)) -> Element:
    """The rotation of the square by a right angle.

    Args:
        kinds: "scalar", "pseudoscalar" or "vector" in the order of the channels; a vector takes two, that of x first.

    Raises:
        ValueError: for another kind.
    """
    return Element(_QUARTER, _channels(_QUARTER, kinds))


def mirror(kinds: Sequence[str] = (SCALAR,)) -> Element:
    """The mirror x → −x of the square; a pseudoscalar changes sign.

    Args:
        kinds: as `quarter_turn` takes them.

    Raises:
        ValueError: for another kind.
    """
    return Element(_MIRROR, _channels(_MIRROR, kinds))


def _channels(space: _Axes, kinds: Sequence[str]) -> Matrix:
    determinant = float(space[0][0] * space[1][1] - space[0][1] * space[1][0])
    vector: Matrix = tuple(tuple(float(entry) for entry in row) for row in space)
    blocks: dict[str, Matrix] = {SCALAR: ((1.0,),), PSEUDOSCALAR: ((determinant,),), VECTOR: vector}
    if not kinds or isinstance(kinds, str) or any(kind not in blocks for kind in kinds):
        raise ValueError(f"Expected kinds of fields among {', '.join(blocks)}, such as ('scalar',), got {kinds!r}.")
    chosen = [blocks[kind] for kind in kinds]
    size, rows, before = sum(map(len, chosen)), [], 0
    for block in chosen:
        rows += [(*(0.0,) * before, *row, *(0.0,) * (size - before - len(block))) for row in block]
        before += len(block)
    return tuple(rows)
