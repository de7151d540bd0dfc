"""Which symmetries the operators learned: their whole spectra beside those of the equation and the exact solver."""

from dataclasses import replace
from typing import Any

import torch

from pdesym.datasets import Windows
from pdesym.lab.arms import operators_of
from pdesym.lab.defects import SOLVER, SolverOnWindows, interpolated
from pdesym.lab.folder import Folder
from pdesym.lab.forecast import operator_name
from pdesym.lab.increments import MEANINGLESS, increment_error
from pdesym.lab.recipe import LabRecipe, Polynomials
from pdesym.operators import load_operator
from pdesym.solvers import Equation, FlowMap, Grid
from pdesym.symmetry import Library
from pdesym.symmetry.discover import Discovery, discover_from_equation, discover_from_windows
from pdesym.symmetry.pushforward import Operator

EQUATION = "equation"
METHOD = (
    "Singular values of the condition dF[u]·Q_in[u] = Q_out[F u] for all vector fields of a library at once, "
    "Q = φ − ξ uₓ − τ u_t of each frame at its own time, counted from the last input frame; 0 for a symmetry of F, "
    "1 when nothing cancels; dimensionless. The u_t of the input frames is the right-hand side of the equation, that "
    "of the output frames is what F makes of it, so that d_t counts as a symmetry of every F. Coefficients that depend "
    "on x are cut off far from a window in the middle of the box, in which all is compared."
)


def library_of(polynomials: Polynomials, equation: Equation, grid: Grid) -> Library:
    """Polynomials in time, the fields and, where asked for, the coordinates."""
    return Library.polynomial(polynomials.degree, equation.fields, grid.axes, space=polynomials.space)


def measure_learned(folder: Folder, recipe: LabRecipe, equation: Equation) -> None:
    """Writes discovery.json.

    Of each kind of operator that of the first seed is looked at; those of the other seeds tell its error along every
    direction. Where there are none, and for the solver, it is the error of its frames on the same windows, relative to
    what changes after the last input frame.
    """
    settings, into = recipe.discovery, recipe.frames.into
    windows = Windows.open(folder.data, "test", into, recipe.frames.out, dtype=torch.float64)
    count = min(settings.windows, windows.samples)
    window = windows.gather(torch.arange(count), torch.full((count,), settings.start))
    times = window.times[0] - window.times[0, into - 1]
    step = float(times[into])
    fine = windows.grid.refined([n * settings.refine for n in windows.grid.points])
    solver = SolverOnWindows(equation, fine, times, into, settings.rtol)
    coarser = SolverOnWindows(equation, windows.grid, times, into, settings.rtol)
    solver_error = increment_error(coarser, [window])
    refined = interpolated(window.u_in, windows.grid, fine)
    arms: dict[str, list[Operator]] = {
        operator: [load_operator(folder.arm(operator, seed)).double() for seed in recipe.seeds]
        for operator in operators_of(recipe)
    }
    libraries = []
    for polynomials in settings.libraries:
        library = library_of(polynomials, equation, windows.grid)
        found = {
            EQUATION: (discover_from_equation(equation, library), None),
            SOLVER: (
                discover_from_windows(
                    solver,
                    refined,
                    fine,
                    library,
                    step=step,
                    rhs=_right_hand_side(equation, fine),
                    error=solver_error,
                    name=SOLVER,
                ),
                solver_error,
            ),
        }
        for operator, (first, *others) in arms.items():
            error = increment_error(first, [window])
            discovery = discover_from_windows(
                first,
                window.u_in,
                windows.grid,
                library,
                step=step,
                rhs=_right_hand_side(equation, windows.grid),
                error=None if others else error,
                others=others,
                name=operator_name(operator),
            )
            if error >= MEANINGLESS:
                flag = f"untrained: with an error of {error:.0%} of what changes, what is found means nothing"
                discovery = replace(discovery, flags=(flag, *discovery.flags))
            found[operator_name(operator)] = (discovery, error)
        libraries.append(
            {
                "name": polynomials.text,
                "columns": len(library),
                "sources": [_entry(name, *each) for name, each in found.items()],
            }
        )
    folder.write(
        "discovery.json",
        {
            "method": METHOD,
            "windows": count,
            "step": step,
            "seeds": list(recipe.seeds),
            "solver": {"points": list(fine.points), "rtol": settings.rtol},
            "libraries": libraries,
        },
    )


def _right_hand_side(equation: Equation, grid: Grid) -> Any:
    return FlowMap(equation, grid, (0.0, 1.0)).rhs


def _entry(name: str, discovery: Discovery, error: float | None) -> dict[str, Any]:
    """A discovery as JSON, with the singular values on both sides of its decision."""
    values, count = discovery.singular_values, discovery.dimension
    return discovery.to_json() | {
        "name": name,
        "error": error,
        "last_zero": float(values[count - 1]) if count else None,
        "first_other": float(values[count]) if count < len(values) else None,
    }
