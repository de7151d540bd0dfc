"""One function for all sources."""

from typing import Any

from pdesym.solvers.equation import Equation
from pdesym.solvers.trajectories import Trajectories
from pdesym.symmetry.discover.from_data import discover_from_data
from pdesym.symmetry.discover.from_equation import discover_from_equation
from pdesym.symmetry.discover.result import Discovery
from pdesym.symmetry.library import Library


def discover(source: Any, library: Library | None = None, **options: Any) -> Discovery:
    """The symmetry algebra of an equation or of trajectories, with the evidence for it.

        discover("u_t = -u*u_x - u_xxx").generators       # d_x, d_t, t*d_x + d_u, x*d_x + 3*t*d_t - 2*u*d_u
        discover(trajectories)                            # the same, from data with noise

    Args:
        source: an equation or its text (`discover_from_equation`); trajectories (`discover_from_data`).
        library: the vector fields among which to look; all polynomials of degree 2 when not given.
        **options: what the function of that source takes.

    Raises:
        TypeError: for a source of another kind.
        ValueError: as the function of that source.
    """
    if isinstance(source, str):
        source = Equation(source)
    if isinstance(source, Equation):
        return discover_from_equation(source, library, **options)
    if isinstance(source, Trajectories):
        return discover_from_data(source, library, **options)
    raise TypeError(
        f"Expected an equation, its text or trajectories, got {type(source).__name__}: for arrays of numbers call "
        "discover_from_data(u, library, times=..., grid=...)."
    )
