"""The symmetries of the equation behind a dataset."""

from collections.abc import Callable
from pathlib import Path

import torch

from pdesym.datasets import Windows, open_dataset
from pdesym.datasets.problem import first_equation, grid_of
from pdesym.datasets.recipe import Recipe, Uniform
from pdesym.datasets.store import recipe_in
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
    open_dataset(folder, search.split).close()
    recipe = recipe_in(folder)
    grid, fields = grid_of(recipe), first_equation(recipe).fields
    if grid.dims != 1 or len(fields) != 1:
        raise ValueError(
            f"The dataset in {folder} has {len(fields)} field{'s' * (len(fields) > 1)} in {grid.dims} dimension"
            f"{'s' * (grid.dims > 1)}: an equation is identified from data of one field in one dimension so far."
        )
    if recipe.times.count < LEAST_FRAMES or grid.points[0] < LEAST_POINTS:
        raise ValueError(
            f"The dataset in {folder} has {recipe.times.count} frames of {grid.points[0]} points, an equation is "
            f"identified from {LEAST_FRAMES} of {LEAST_POINTS} on: generate one with a larger times.count or "
            "grid.points."
        )
    refuse_drawn_parameters(folder, recipe)
    library = search.library(fields, grid.axes)

    def job() -> Discovery:
        windows = Windows.open(folder, search.split, 1, 1, dtype=torch.float64)
        return discover_from_data(windows.u, library, grid=windows.grid, times=windows.times, seed=search.seed)

    return job


def refuse_drawn_parameters(folder: Path, recipe: Recipe) -> None:
    """ValueError for a dataset whose samples solve different equations."""
    drawn = [name for name, law in recipe.parameters.items() if isinstance(law, Uniform)]
    if drawn:
        raise ValueError(
            f"Each sample of the dataset in {folder} draws its own {', '.join(drawn)}, so that there is no one "
            f"equation behind it: generate one with a number for {', '.join(drawn)}."
        )
