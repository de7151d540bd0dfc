"""The solutions: computed once for each equation at full resolution, and what the operators see of them."""

from collections.abc import Iterable
from pathlib import Path

import torch
from torch import Tensor

from experiments.forecasting.settings import Preset, Stride, fingerprint
from pdesym.datasets import Recipe, Windows, generate, open_dataset
from pdesym.datasets.problem import first_equation, grid_of
from pdesym.solvers import Equation, Grid


def dataset_of(runs: Path, recipe: Recipe) -> Path:
    """The folder of the solutions of a recipe."""
    return runs / "data" / f"{recipe.name}-{fingerprint(recipe.model_dump(mode='json'))}"


def solve_all(runs: Path, preset: Preset, equations: Iterable[str], workers: int) -> None:
    """Computes what is not there yet."""
    for equation in equations:
        recipe = preset.recipe(equation)
        generate(recipe, dataset_of(runs, recipe), workers=workers)


class Solutions:
    """Some solutions at full resolution, `u` (sample, time, channel, space) in float64.

    Args:
        runs: folder of all that is computed.
        recipe: of the dataset.
        split: of the dataset.
        samples: which of its solutions.
    """

    def __init__(self, runs: Path, recipe: Recipe, split: str, samples: slice):
        data = open_dataset(dataset_of(runs, recipe), split).isel(sample=samples)
        self.name: str = recipe.name
        self.equation: Equation = first_equation(recipe)
        self.grid: Grid = grid_of(recipe)
        self.times: Tensor = torch.tensor(data["time"].values)
        self.u: Tensor = torch.stack([torch.tensor(data[field].values) for field in self.equation.fields], 2)

    def windows(self, stride: Stride, frames_in: int, frames_out: int, device: str) -> Windows:
        """What the operators see of them, in float32."""
        u = self.u[:, :: stride.time, :, :: stride.space].float().to(device)
        grid = self.grid.refined([points // stride.space for points in self.grid.points])
        return Windows(u, self.times[:: stride.time].to(device), grid, frames_in, frames_out, self.equation.fields)
