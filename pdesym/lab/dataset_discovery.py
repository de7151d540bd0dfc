"""The symmetries of the equation behind a dataset."""

from collections.abc import Callable
from pathlib import Path

import torch
import xarray

from pdesym.datasets import Windows, open_dataset
from pdesym.datasets.stored import OWN_SCALES, drawn_parameters, fields_of_data, grid_of_data
from pdesym.lab.search import Search
from pdesym.symmetry.discover import Discovery, discover_from_data
from pdesym.symmetry.discover.identify import LEAST_FRAMES, LEAST_POINTS


def dataset_job(folder: Path, search: Search) -> Callable[[], Discovery]:
    """What discovers the symmetries from a split of a dataset; all that can be wrong is said before it is called.

    Raises:
        FileNotFoundError: when the folder holds no dataset.
        ValueError: for a split that is missing or not complete, and for data that no single equation of one field on a
            line has made.
    """
    with open_dataset(folder, search.split) as data:
        grid, fields, frames = grid_of_data(data), fields_of_data(data), data.sizes["time"]
        refuse_different_equations(folder, data)
    if grid.dims != 1 or len(fields) != 1:
        raise ValueError(
            f"The dataset in {folder} has {len(fields)} field{'s' * (len(fields) > 1)} in {grid.dims} dimension"
            f"{'s' * (grid.dims > 1)}: an equation is identified from data of one field in one dimension so far."
        )
    if frames < LEAST_FRAMES or grid.points[0] < LEAST_POINTS:
        raise ValueError(
            f"The dataset in {folder} has {frames} frames of {grid.points[0]} points, an equation is "
            f"identified from {LEAST_FRAMES} of {LEAST_POINTS} on: generate one with a larger times.count or "
            "grid.points."
        )
    library = search.library(fields, grid.axes)

    def job() -> Discovery:
        windows = Windows.open(folder, search.split, 1, 1, dtype=torch.float64)
        return discover_from_data(windows.u, library, grid=windows.grid, times=windows.times, seed=search.seed)

    return job


def refuse_different_equations(folder: Path, data: xarray.Dataset) -> None:
    """ValueError for a dataset whose samples solve different equations, or each in its own box or time."""
    own = [name for name in (*drawn_parameters(data), *OWN_SCALES) if name in data.data_vars]
    if own:
        raise ValueError(
            f"Each sample of the dataset in {folder} draws its own {', '.join(own)}, so that there is no one "
            f"equation behind it: generate one with a number for {', '.join(own)}."
        )
