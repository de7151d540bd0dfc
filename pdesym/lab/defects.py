"""Which symmetries the operators have: their Lie derivatives beside those of the exact solver."""

from collections.abc import Sequence
from math import sqrt
from typing import Any

import torch
from torch import Tensor

from pdesym.datasets import Windows
from pdesym.lab.arms import operators_of
from pdesym.lab.folder import Folder
from pdesym.lab.forecast import operator_name
from pdesym.lab.recipe import LabRecipe
from pdesym.operators import load_operator
from pdesym.solvers import Equation, FlowMap, Grid
from pdesym.solvers.spectrum import resize
from pdesym.symmetry import Defect, Generator, lie_derivatives

SOLVER = "exact solver"
METRIC = (
    "Relative equivariance defect δ = ‖dF[u]·Q_in[u] − Q_out[F u]‖ / √(‖dF[u]·Q_in[u]‖² + ‖Q_out[F u]‖²), "
    "Q = φ − ξ uₓ of each frame at its own time, counted from the first frame of the window; norms over all windows, "
    "frames and points; 0 for a symmetry of F, 1 when the two are unrelated, at most √2; dimensionless."
)


class SolverOnWindows:
    """The exact solution operator as a map from frames to frames: it looks at the last frame that it is given."""

    def __init__(self, equation: Equation, grid: Grid, times: Tensor, frames_in: int, rtol: float):
        self._flow = FlowMap(equation, grid, times[frames_in - 1 :], rtol=rtol)

    def __call__(self, u: Tensor) -> Tensor:
        """The frames that follow."""
        return self._flow(u[:, -1])

    def tangent(self, u: Tensor, w: Tensor) -> tuple[Tensor, Tensor]:
        """The frames that follow, and their derivative along several directions."""
        return self._flow.tangent(u[:, -1], w[:, :, -1])


def measure_defects(folder: Folder, recipe: LabRecipe, equation: Equation) -> None:
    """Writes defects.json."""
    settings, into = recipe.defects, recipe.frames.into
    windows = Windows.open(folder.data, "test", into, recipe.frames.out, dtype=torch.float64)
    count = min(settings.windows, windows.samples)
    window = windows.gather(torch.arange(count), torch.full((count,), settings.start))
    times = window.times[0] - window.times[0, 0]
    generators = [Generator(each.text, windows.fields, windows.grid.axes) for each in settings.generators]

    fine = windows.grid.refined([n * settings.refine for n in windows.grid.points])
    solver = SolverOnWindows(equation, fine, times, into, settings.rtol)
    refined = interpolated(window.u_in, windows.grid, fine)
    exact = lie_derivatives(solver, generators, refined, fine, times[:into], times[into:])
    forecast = folder.read("forecast.json")
    rows = [_row(SOLVER, [exact], recipe, forecast["solver_nmse"])]
    for operator in operators_of(recipe):
        measured = []
        for seed in recipe.seeds:
            model = load_operator(folder.arm(operator, seed)).double()
            with torch.no_grad():
                defects = lie_derivatives(model, generators, window.u_in, windows.grid, times[:into], times[into:])
            measured.append(defects)
        errors = [arm["nmse_unrolled"] for arm in forecast["arms"] if arm["operator"] == operator_name(operator)]
        rows.append(_row(operator_name(operator), measured, recipe, sum(errors) / len(errors)))
    folder.write(
        "defects.json",
        {
            "metric": METRIC,
            "maximum": sqrt(2),
            "windows": count,
            "seeds": list(recipe.seeds),
            "solver": {"points": list(fine.points), "rtol": settings.rtol},
            "generators": [each.model_dump() for each in settings.generators],
            "operators": rows,
        },
    )


def _row(name: str, measured: Sequence[Sequence[Defect]], recipe: LabRecipe, nmse: float) -> dict[str, Any]:
    """One operator: for each generator the mean over seeds, and the lowest and highest."""
    defects = {}
    for index, each in enumerate(recipe.defects.generators):
        values = [float(run[index]) for run in measured]
        defects[each.text] = {"mean": sum(values) / len(values), "low": min(values), "high": max(values)}
    return {"name": name, "nmse": nmse, "defects": defects}


def interpolated(u: Tensor, grid: Grid, fine: Grid) -> Tensor:
    """The trigonometric interpolant of the frames on a finer grid."""
    axes = tuple(range(-grid.dims, 0))
    spectrum = resize(torch.fft.rfftn(u, dim=axes, norm="forward"), grid.points, fine.points)
    return torch.fft.irfftn(spectrum, s=fine.points, dim=axes, norm="forward")
