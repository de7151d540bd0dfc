"""Boxes with boundaries."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from pdesym.solvers.finite_differences.conditions import Condition, End
from pdesym.solvers.grid import AXES, box_lengths

ORDERS = (2, 4, 6, 8)
SCHEMES = ("central", "weno")
PERIODIC = "periodic"
EVERY_FIELD = ""

Side = Condition | End | Mapping[str, Condition | End]
"""What holds at one end of an axis: for every field, or by field."""
AxisBoundary = str | Side | tuple[Side, Side]
""""periodic", the same at both ends, or (left, right)."""

Ends = tuple[tuple[str, End], ...]
"""The conditions at one end by the name of the field; `EVERY_FIELD` names all others."""


@dataclass(frozen=True, init=False)
class FiniteDifferenceGrid:
    """A box with equidistant nodes and conditions at its boundary, for finite differences.

        FiniteDifferenceGrid(129, length=1.0, boundary=Dirichlet(0))
        FiniteDifferenceGrid(201, length=10.0, boundary=(Dirichlet("sin(t)"), Outflow), order=6)
        FiniteDifferenceGrid(65, 64, length=(1.0, 2.0), boundary=((Neumann(0), Robin(1, 2, 0)), "periodic"))
        FiniteDifferenceGrid(129, length=1.0, boundary={"u": Dirichlet(0), "v": Neumann(0)})

    **Nodes.** With boundaries both ends are nodes: x_j = j L/(N−1), j = 0 … N−1, so that values at the boundary are
    exact. A periodic axis has x_j = j L/N as in `Grid`, without the right end. With `scheme="weno"` an axis with
    boundaries has its nodes in the middle of N cells, x_j = (j + ½) L/N.

    Args:
        points: nodes along each axis, both ends included where there is a boundary.
        length: length of each axis in the equation's own unit; one number serves all axes.
        boundary: with one axis its boundary; with several either one for all axes or a sequence with one an axis. The
            boundary of an axis is "periodic", what holds at both ends, or a pair (left, right); what holds at an end
            is a condition, several joined by &, `Outflow` for none, or a mapping from fields to these.
        order: of accuracy, 2, 4, 6 or 8, boundaries included.
        scheme: "central" differences, or "weno" for conservation laws with shocks.

    Raises:
        ValueError: for too few points, more than three axes, a length that is not positive, an order or a scheme that
            does not exist, a boundary that cannot be read.
    """

    points: tuple[int, ...]
    length: tuple[float, ...]
    boundary: tuple[str | tuple[Ends, Ends], ...]
    order: int
    scheme: str

    def __init__(
        self,
        *points: int,
        length: int | float | Sequence[int | float],
        boundary: AxisBoundary | Mapping[str, object] | Sequence[object] = PERIODIC,
        order: int = 4,
        scheme: str = "central",
    ):
        lengths = box_lengths(points, length, "FiniteDifferenceGrid(129, length=1.0, …)")
        if order not in ORDERS:
            raise ValueError(f"Finite differences have order 2, 4, 6 or 8, got {order!r}.")
        if scheme not in SCHEMES:
            raise ValueError(f"There is no scheme {scheme!r}: choose one of {', '.join(SCHEMES)}.")
        if len(points) == 1 or isinstance(boundary, str | Condition | End | Mapping):
            several: tuple[object, ...] = (boundary,) * len(points)
        else:
            several = tuple(boundary)
        if len(several) != len(points):
            raise ValueError(f"Expected one boundary for each of the {len(points)} axes, got {len(several)}.")
        object.__setattr__(self, "points", points)
        object.__setattr__(self, "length", lengths)
        object.__setattr__(self, "boundary", tuple(map(_axis, several)))
        object.__setattr__(self, "order", order)
        object.__setattr__(self, "scheme", scheme)

    @property
    def dims(self) -> int:
        """Number of space dimensions."""
        return len(self.points)

    @property
    def axes(self) -> tuple[str, ...]:
        """Names of the axes, ("x", "y", "z") as far as they exist."""
        return AXES[: self.dims]

    @property
    def periodic(self) -> tuple[bool, ...]:
        """Which axes have no ends."""
        return tuple(boundary == PERIODIC for boundary in self.boundary)

    @property
    def intervals(self) -> tuple[int, ...]:
        """Number of spacings in the length of each axis."""
        inner = [not periodic and self.scheme == "central" for periodic in self.periodic]
        return tuple(n - less for n, less in zip(self.points, inner, strict=True))

    @property
    def spacing(self) -> tuple[float, ...]:
        """Distance between neighbours along each axis."""
        return tuple(size / n for size, n in zip(self.length, self.intervals, strict=True))

    def coordinates(
        self, device: torch.device | str | None = None, dtype: torch.dtype = torch.float64
    ) -> tuple[Float[Tensor, " points"], ...]:
        """The coordinates of the nodes of each axis, one 1D tensor an axis."""
        shifts = [0.5 if self.scheme == "weno" and not periodic else 0.0 for periodic in self.periodic]
        return tuple(
            (torch.arange(n, device=device, dtype=dtype) + shift) * h
            for n, h, shift in zip(self.points, self.spacing, shifts, strict=True)
        )

    def end(self, axis: int, right: bool, field: str) -> End:
        """The conditions for a field at one end of an axis that is not periodic.

        Raises:
            ValueError: when the boundary names other fields only.
        """
        boundary = self.boundary[axis]
        assert not isinstance(boundary, str), "a periodic axis has no ends"
        ends = dict(boundary[right])
        if field not in ends and EVERY_FIELD not in ends:
            raise ValueError(
                f"The {('left', 'right')[right]} boundary of axis {AXES[axis]} says nothing of the field {field!r} "
                f"(it names {', '.join(map(repr, ends))}): add it, with Outflow where it has no condition."
            )
        result: End = ends.get(field, ends.get(EVERY_FIELD))  # type: ignore[assignment]
        return result

    def refined(self, points: Sequence[int]) -> "FiniteDifferenceGrid":
        """The same box with other numbers of points."""
        result = object.__new__(FiniteDifferenceGrid)
        FiniteDifferenceGrid.__init__(result, *points, length=self.length, order=self.order, scheme=self.scheme)
        object.__setattr__(result, "boundary", self.boundary)
        return result


def _axis(boundary: object) -> str | tuple[Ends, Ends]:
    if isinstance(boundary, str):
        if boundary != PERIODIC:
            raise ValueError(f"A boundary is 'periodic' or made of conditions such as Dirichlet(0), got {boundary!r}.")
        return PERIODIC
    if isinstance(boundary, tuple | list):
        if len(boundary) != 2:
            raise ValueError(f"The boundary of an axis is a pair (left, right), got {len(boundary)} parts.")
        return _ends(boundary[0]), _ends(boundary[1])
    if isinstance(boundary, Mapping) and any(isinstance(value, tuple | list) for value in boundary.values()):
        pairs = {name: value if isinstance(value, tuple | list) else (value,) * 2 for name, value in boundary.items()}
        if any(len(pair) != 2 for pair in pairs.values()):
            raise ValueError("The boundary of a field is a condition or a pair (left, right).")
        return _ends({n: pair[0] for n, pair in pairs.items()}), _ends({n: pair[1] for n, pair in pairs.items()})
    both = _ends(boundary)
    return both, both


def _ends(side: object) -> Ends:
    if isinstance(side, Mapping):
        return tuple(sorted((str(name), _end(value)) for name, value in side.items()))
    return ((EVERY_FIELD, _end(side)),)


def _end(value: object) -> End:
    if isinstance(value, Condition):
        return End((value,))
    if isinstance(value, End):
        return value
    raise ValueError(f"Expected a boundary condition such as Dirichlet(0), Neumann(0), Robin(a, b, g), got {value!r}.")
