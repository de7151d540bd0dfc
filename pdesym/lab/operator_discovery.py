"""The symmetries of a trained operator, and of the exact solver beside it, on the fields of a dataset."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor, nn

from pdesym.datasets import Window, Windows, open_dataset
from pdesym.datasets.stored import equation_of_data, fields_of_data, grid_of_data
from pdesym.lab.dataset_discovery import refuse_different_equations
from pdesym.lab.defects import interpolated
from pdesym.lab.increments import MEANINGLESS, increment_error
from pdesym.lab.search import Search
from pdesym.operators import load_operator
from pdesym.operators.storage import LAST, last_checkpoint, read_config
from pdesym.solvers import FlowMap, Grid
from pdesym.symmetry import Library
from pdesym.symmetry.discover import Discovery, discover_from_operator, discover_from_windows

_LOOKED_AT, _WINDOWS, _AT_ONCE = 16, 1024, 64
_SOLVER_RTOL = 1e-10
_SHARES = (1.0, 0.25, 0.0625)
# Datasets are stored on few points, on which solutions need not end.
_FINER = 4


def discover_checkpoint(
    folder: str | Path,
    data: str | Path,
    library: Library | None = None,
    *,
    alike: Sequence[str | Path] = (),
    split: str = "test",
    seed: int = 0,
) -> Discovery:
    """Which symmetries a trained operator learned: its checkpoint, and data to look at it on.

        discover_checkpoint("runs/fno-0", "runs/data", alike=["runs/fno-1", "runs/fno-2"]).generators

    The operator is evaluated in float64, on windows of trajectories that it was not trained on. How much of a singular
    value is error is told by operators `alike`, or by the error of its frames; see `discover_from_windows`.

    Args:
        folder: of a checkpoint, or of a training run, whose last checkpoint it is.
        data: the folder of a dataset, which gives fields, grid and the time between frames.
        library: where to look; all polynomials of degree 2 when not given.
        alike: folders of operators that were trained alike from other seeds; two or more tell most.
        split: of the dataset.
        seed: of the windows that are drawn and of the choices of pivots.

    Raises:
        FileNotFoundError: when a folder does not hold what is expected.
        ValueError: for an operator that does not fit the data or those trained alike, and one whose error is half of
            what it should predict.
    """
    search = Search(data=Path(data), split=split, seed=seed, alike=tuple(map(Path, alike)))
    return operator_job(Path(folder), search, library)()


def operator_job(folder: Path, search: Search, library: Library | None = None) -> Callable[[], Discovery]:
    """What discovers the symmetries of the operator in a folder; all that can be wrong is said before it is called.

    It is looked at in float64 on windows of the split, and its error is measured there, see `increment_error`. So the
    split should be one that it was not trained on.

    Raises:
        FileNotFoundError: when a folder does not hold what is expected.
        ValueError: for an operator of other fields or dimensions than the data, or of other frames than those trained
            alike, a dataset whose samples solve different equations, and trajectories shorter than a window; when
            called, for an operator whose error is half of what it should predict.
    """
    data, grid, fields = _fields_to_look_at(f"the operator in {folder}", search)
    frames = _frames_of(folder, data, grid, fields)
    for other in search.alike:
        if _frames_of(other, data, grid, fields) != frames:
            raise ValueError(f"The operator in {other} takes or gives other frames than the one in {folder}.")
    windows = Windows.open(data, search.split, *frames, dtype=torch.float64)
    step = step_of(windows)
    chosen = search.library(fields, grid.axes) if library is None else library

    def job() -> Discovery:
        operator, *others = (_operator(each) for each in (folder, *search.alike))
        error = increment_error(operator, held_out(windows, search.seed))
        if error >= MEANINGLESS:
            raise ValueError(
                f"The operator in {folder} is wrong by {error:.2g} times the change from frame to frame in {data}, "
                "so that its symmetries mean nothing: train it further, or give the data that it was trained for."
            )
        return discover_from_windows(
            operator,
            drawn_windows(windows, search.seed),
            grid,
            chosen,
            step=step,
            error=None if others else error,
            others=others,
            seed=search.seed,
            name=str(folder),
        )

    return job


def _operator(folder: Path) -> nn.Module:
    return load_operator(folder).double()


def _frames_of(folder: Path, data: Path, grid: Grid, fields: tuple[str, ...]) -> tuple[int, int]:
    """How many frames the operator in a folder takes and gives, after it was found to fit the data."""
    config = read_config(last_checkpoint(folder) if (folder / LAST).is_file() else folder)["operator"]
    missing = [key for key in ("frames_in", "frames_out", "fields", "dims") if key not in config]
    if missing:
        raise ValueError(
            f"{folder} holds a {config['kind']} that does not say which frames it takes: open it yourself and call "
            "pdesym.symmetry.discover.discover_from_windows."
        )
    if (config["fields"], config["dims"]) != (len(fields), grid.dims):
        raise ValueError(
            f"The operator in {folder} is for {config['fields']} fields in {config['dims']} dimensions, the dataset in "
            f"{data} has {len(fields)} in {grid.dims}: give the data that it was trained for."
        )
    return config["frames_in"], config["frames_out"]


def solver_job(search: Search) -> Callable[[], Discovery]:
    """What discovers the symmetries of the exact solution map of a dataset's equation, on the fields of the dataset.

    The fields are interpolated to a finer grid, so that solutions end on it. A solution map can be had for any time: of
    a few up to the step of the dataset, short enough that little travels and long enough that much changes, the one
    that leaves the fewest doubts is taken.

    Raises:
        FileNotFoundError: when there is no dataset.
        ValueError: for a dataset whose samples solve different equations.
    """
    data, grid, fields = _fields_to_look_at("the solver", search)
    library = search.library(fields, grid.axes)

    def job() -> Discovery:
        windows = Windows.open(data, search.split, 1, 1, dtype=torch.float64)
        with open_dataset(data, search.split) as stored:
            equation = equation_of_data(stored)
        if equation is None:
            raise ValueError(f"The dataset in {data} does not say which equation it solves: there is no solver of it.")
        fine = grid.refined([_FINER * points for points in grid.points])
        u = interpolated(drawn_windows(windows, search.seed)[:, 0], grid, fine)
        name = f"exact solver of {equation.statement}"
        tried = [
            discover_from_operator(
                FlowMap(equation, fine, (0.0, step_of(windows) * share), rtol=_SOLVER_RTOL),
                u,
                fine,
                library,
                seed=search.seed,
                name=name,
            )
            for share in _SHARES
        ]
        return max(tried, key=lambda found: (-len(found.flags), found.margin))

    return job


def held_out(windows: Windows, seed: int) -> Iterator[Window]:
    """At most a thousand windows, a few at a time."""
    sample, start = _drawn(windows, _WINDOWS, seed)
    for rows, first in zip(sample.split(_AT_ONCE), start.split(_AT_ONCE), strict=True):
        yield windows.gather(rows, first)


def drawn_windows(windows: Windows, seed: int) -> Float[Tensor, "batch frames channel *space"]:
    """A few windows, from different trajectories as far as there are enough, at times that are drawn."""
    sample, start = _drawn(windows, _LOOKED_AT, seed)
    return windows.gather(sample, start).u_in


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
    with open_dataset(search.data, search.split) as data:
        refuse_different_equations(search.data, data)
        return search.data, grid_of_data(data), fields_of_data(data)
