"""One function for all sources."""

from typing import Any

from pdesym.solvers.equation import Equation
from pdesym.solvers.trajectories import Trajectories
from pdesym.symmetry.discover.from_data import discover_from_data
from pdesym.symmetry.discover.from_equation import discover_from_equation
from pdesym.symmetry.discover.from_operator import discover_from_operator
from pdesym.symmetry.discover.from_windows import discover_from_windows
from pdesym.symmetry.discover.result import Discovery
from pdesym.symmetry.library import Library


def discover(source: Any, library: Library | None = None, **options: Any) -> Discovery:
    """The symmetry algebra of an equation, of trajectories or of a solution map, with the evidence for it.

        discover("u_t = -u*u_x - u_xxx").generators       # d_x, d_t, t*d_x + d_u, x*d_x + 3*t*d_t - 2*u*d_u
        discover(trajectories)                            # the same, from data with noise
        discover(flow, u=u, grid=grid)                    # the same, from a FlowMap or any callable on fields

    Args:
        source: an equation or its text (`discover_from_equation`); trajectories (`discover_from_data`); a `FlowMap` or
            a callable on field batches (`discover_from_operator`) or on windows of frames (`discover_from_windows`),
            with the fields or windows `u` at which to look and their grid.
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
    if callable(source):
        if missing := [name for name in ("u", "grid") if name not in options]:
            raise TypeError(f"A solution map is looked at where it is used: give {' and '.join(missing)} as well.")
        frames = options["u"].ndim == options["grid"].dims + 3
        return (discover_from_windows if frames else discover_from_operator)(source, library=library, **options)
    raise TypeError(
        f"Expected an equation, its text, trajectories or a callable, got {type(source).__name__}: for arrays of "
        "numbers call discover_from_data(u, library, times=..., grid=...)."
    )
