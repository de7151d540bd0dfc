"""Finite groups that equations have, by name."""

from collections.abc import Sequence

from pdesym.operators.symmetric.finite_group import FiniteGroup
from pdesym.symmetry.grid_generators import SCALAR, axis_reflection, mirror, quarter_turn


def reflection(parities: Sequence[int] = (-1,), axis: int = 0, dims: int = 1) -> FiniteGroup:
    """x → −x along one axis with u → parity · u for each field: (x, u) → (−x, −u) for Burgers and Kuramoto-Sivashinsky.

    Args:
        parities: 1 or −1 for each channel.
        axis: the one that is reflected.
        dims: number of space axes.

    Raises:
        ValueError: for an axis that is not there, or parities other than 1 and −1.
    """
    return FiniteGroup((axis_reflection(parities, axis, dims),))


def p4(kinds: Sequence[str] = (SCALAR,)) -> FiniteGroup:
    """Rotations of the square by right angles, 4 elements.

    Args:
        kinds: "scalar", "pseudoscalar" or "vector" in the order of the channels; a vector takes two, that of x first.

    Raises:
        ValueError: for another kind.
    """
    return FiniteGroup((quarter_turn(kinds),))


def p4m(kinds: Sequence[str] = (SCALAR,)) -> FiniteGroup:
    """Rotations and mirrors of the square, 8 elements; a pseudoscalar such as the vorticity changes sign in mirrors.

    Args:
        kinds: as `p4` takes them.

    Raises:
        ValueError: for another kind.
    """
    return FiniteGroup((quarter_turn(kinds), mirror(kinds)))
