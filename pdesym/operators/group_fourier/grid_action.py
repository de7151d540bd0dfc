"""Turning fields on a periodic grid, exactly."""

from jaxtyping import Float
from torch import Tensor

from pdesym.operators.group_fourier.field_representation import field_representation
from pdesym.operators.group_fourier.plane_group import PlaneGroup


def act_on_grid(
    u: Float[Tensor, "*batch channel points points"],
    element: int,
    group: PlaneGroup,
    fields: tuple[str, ...] = ("scalar",),
) -> Float[Tensor, "*batch channel points points"]:
    """g·u, (g·u)(x) = ρ(g) u(g⁻¹x), on a square periodic grid: values move between points, none is interpolated.

    g fixes the point 0, so that −x stands for the index −i mod N.

    Args:
        u: fields, their last two axes x and y.
        element: number of g in the group.
        group: "p4" or "p4m".
        fields: what the channels are, see `field_representation`.

    Raises:
        ValueError: for an element that the group does not have, a grid that is not square, or other channels than those
            of the fields.
    """
    if not 0 <= element < group.order:
        raise ValueError(
            f"Expected an element of {group.name} in 0 .. {group.order - 1}, got {element}: choose one of these."
        )
    if u.shape[-1] != u.shape[-2]:
        raise ValueError(f"Expected a square grid, got {tuple(u.shape[-2:])}: quarter turns leave no other as it is.")
    rho = field_representation(fields, group)[element].to(u)
    if u.shape[-3] != len(rho):
        raise ValueError(
            f"Expected {len(rho)} channels for the fields {fields!r}, got {u.shape[-3]}: name the fields of all."
        )
    inverse = group.matrices[element].T
    for axis in (0, 1):  # (g⁻¹x)ⱼ is the one entry ±1 of row j times a coordinate
        if int(inverse[axis].sum()) < 0:
            u = u.flip(axis - 2).roll(1, axis - 2)
    if int(inverse[0, 0]) == 0:
        u = u.transpose(-1, -2)
    return (rho @ u.flatten(-2)).unflatten(-1, u.shape[-2:])
