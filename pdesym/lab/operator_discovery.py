"""The symmetries of a trained operator, and of the exact solver beside it, on the fields of a dataset."""

from collections.abc import Callable
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from pdesym.datasets import Windows, open_dataset
from pdesym.datasets.problem import first_equation, grid_of
from pdesym.datasets.store import recipe_in
from pdesym.lab.dataset_discovery import refuse_drawn_parameters
from pdesym.lab.search import Search
from pdesym.operators import load_operator
from pdesym.operators.storage import LAST, last_checkpoint, read_config
from pdesym.solvers import FlowMap, Grid
from pdesym.symmetry.discover import Discovery, discover_from_operator

_FIELDS, _PAIRS, _AT_ONCE = 16, 1024, 64
_SOLVER_RTOL = 1e-10
# Twice the error counts as zero, and singular values are 1 where nothing cancels.
_MEANINGLESS = 0.5


def operator_job(folder: Path, search: Search) -> Callable[[], Discovery]:
    """What discovers the symmetries of the operator in a folder; all that can be wrong is said before it is called.

    The operator must take one frame and give the next one. It is looked at in float64 on fields of the split, and
    its error is measured there: ‖F u(t) − u(t + h)‖ / ‖u(t + h) − u(t)‖ over pairs of successive frames. So the split
    should be one that it was not trained on.

    Raises:
        FileNotFoundError: when a folder does not hold what is expected.
        ValueError: for an operator of other frames, fields or dimensions, and a dataset whose samples solve
            different equations; when called, for an operator whose error is half of what it should predict.
    """
    data, grid, fields = _fields_to_look_at(f"the operator in {folder}", search)
    config = read_config(last_checkpoint(folder) if (folder / LAST).is_file() else folder)["operator"]
    frames = config.get("frames_in"), config.get("frames_out")
    if frames != (1, 1):
        raise ValueError(
            f"The operator in {folder} takes {frames[0]} frames and gives {frames[1]}: discovery needs one that takes "
            "1 and gives 1, train it with frames_in=1 and frames_out=1."
        )
    if (config["fields"], config["dims"]) != (len(fields), grid.dims):
        raise ValueError(
            f"The operator in {folder} is for {config['fields']} fields in {config['dims']} dimensions, the dataset in "
            f"{data} has {len(fields)} in {grid.dims}: give the data that it was trained for."
        )
    library = search.library(fields, grid.axes)

    def job() -> Discovery:
        model = load_operator(folder).double()

        def operator(u: Tensor) -> Tensor:
            return model(u[:, None])[:, 0]

        windows = Windows.open(data, search.split, 1, 1, dtype=torch.float64)
        with torch.no_grad():
            error = increment_error(operator, windows, search.seed)
            if error >= _MEANINGLESS:
                raise ValueError(
                    f"The operator in {folder} is wrong by {error:.2g} times the change from frame to frame in {data}, "
                    "so that its symmetries mean nothing: train it further, or give the data that it was trained for."
                )
            return discover_from_operator(
                operator,
                drawn_fields(windows, search.seed),
                grid,
                library,
                step=step_of(windows),
                error=error,
                seed=search.seed,
                name=str(folder),
            )

    return job


def solver_job(search: Search) -> Callable[[], Discovery]:
    """What discovers the symmetries of the exact solution map of a dataset's equation, on the fields of the dataset.

    Raises:
        FileNotFoundError: when there is no dataset.
        ValueError: for a dataset whose samples solve different equations.
    """
    data, grid, fields = _fields_to_look_at("the solver", search)
    library = search.library(fields, grid.axes)

    def job() -> Discovery:
        windows = Windows.open(data, search.split, 1, 1, dtype=torch.float64)
        equation = first_equation(recipe_in(data))
        flow = FlowMap(equation, grid, (0.0, step_of(windows)), rtol=_SOLVER_RTOL)
        u = drawn_fields(windows, search.seed)
        return discover_from_operator(
            flow, u, grid, library, seed=search.seed, name=f"exact solver of {equation.statement}"
        )

    return job


def increment_error(operator: Callable[[Tensor], Tensor], windows: Windows, seed: int) -> float:
    """‖F u(t) − u(t + h)‖ / ‖u(t + h) − u(t)‖ over at most a thousand pairs of successive frames; dimensionless."""
    sample, start = _drawn(windows, _PAIRS, seed)
    missed = moved = 0.0
    for rows, first in zip(sample.split(_AT_ONCE), start.split(_AT_ONCE), strict=True):
        window = windows.gather(rows, first)
        u, following = window.u_in[:, 0], window.u_out[:, 0]
        missed += float((operator(u) - following).square().sum())
        moved += float((following - u).square().sum())
    if moved == 0:
        raise ValueError("The frames of the dataset do not change, so that no error can be relative to their change.")
    return float((missed / moved) ** 0.5)


def drawn_fields(windows: Windows, seed: int) -> Float[Tensor, "batch channel *space"]:
    """A few fields, from different trajectories as far as there are enough, at times that are drawn."""
    sample, start = _drawn(windows, _FIELDS, seed)
    return windows.gather(sample, start).u_in[:, 0]


def step_of(windows: Windows) -> float:
    """The time from one frame to the next.

    Raises:
        ValueError: when frames are not equidistant.
    """
    steps = torch.diff(windows.times)
    if not torch.allclose(steps, steps.mean().expand_as(steps), rtol=1e-6, atol=0.0):
        raise ValueError("Expected frames at equal steps of time, which an operator from frame to frame needs.")
    return float(steps.mean())


def _drawn(windows: Windows, most: int, seed: int) -> tuple[Tensor, Tensor]:
    """Samples, each once before any comes again, and first frames: at most `most` different pairs."""
    generator = torch.Generator().manual_seed(seed)
    count = min(most, windows.samples * windows.starts)
    sample = torch.randperm(windows.samples, generator=generator).repeat(-(-count // windows.samples))[:count]
    starts = torch.rand(windows.samples, windows.starts, generator=generator).argsort(1)
    return sample, starts[sample, torch.arange(count) // windows.samples]


def _fields_to_look_at(who: str, search: Search) -> tuple[Path, Grid, tuple[str, ...]]:
    """The dataset, its grid and its fields."""
    if search.data is None:
        raise ValueError(
            f"Discovery looks at {who} where it is used: add --data with the folder of a dataset, which gives the "
            "fields, the grid and the time step."
        )
    open_dataset(search.data, search.split).close()
    recipe = recipe_in(search.data)
    refuse_drawn_parameters(search.data, recipe)
    return search.data, grid_of(recipe), first_equation(recipe).fields
