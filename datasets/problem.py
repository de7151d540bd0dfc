"""From a recipe to the initial value problems it stands for, and to their solutions in memory."""

import inspect
import itertools
import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from pdesym.datasets.errors import RecipeError
from pdesym.datasets.recipe import SPLITS, Recipe, Uniform
from pdesym.datasets.recipe_problem import did_you_mean
from pdesym.solvers import CATALOGUE, Equation, Grid, RandomSinusoids, Trajectories, solve
from pdesym.solvers.solve import check_arguments


def grid_of(recipe: Recipe) -> Grid:
    """The grid of the stored points.

    Raises:
        ValueError: for points or lengths that make no grid.
    """
    points, length = recipe.grid.points, recipe.grid.length
    return Grid(*((points,) if isinstance(points, int) else points), length=length)


def times_of(recipe: Recipe) -> Float[Tensor, " time"]:
    """The times of the stored frames, float64."""
    times = recipe.times
    return torch.linspace(times.first, times.last, times.count, dtype=torch.float64)


def drawn_parameters(recipe: Recipe, split: str, samples: Sequence[int]) -> dict[str, Float[Tensor, " sample"]]:
    """The parameters that every sample draws for itself, float64.

    The draw depends on the seed, the split, the index of the sample and the parameter's name alone.
    """
    laws = {name: law for name, law in recipe.parameters.items() if isinstance(law, Uniform)}
    return {
        name: torch.tensor([_draw(recipe, split, i, name, law) for i in samples], dtype=torch.float64)
        for name, law in laws.items()
    }


def _draw(recipe: Recipe, split: str, sample: int, name: str, law: Uniform) -> float:
    key = (SPLITS.index(split), sample, zlib.crc32(name.encode()))
    return float(np.random.default_rng(np.random.SeedSequence(recipe.seed, spawn_key=key)).uniform(*law.uniform))


def equation_of(recipe: Recipe, drawn: dict[str, Float[Tensor, " sample"]]) -> Equation:
    """The equation, with the numbers of the recipe and the given per-sample values as parameters.

    Raises:
        ValueError: for an unknown name, a parameter too many or too few, or text that is no equation.
    """
    parameters: dict[str, Any] = {name: law for name, law in recipe.parameters.items() if isinstance(law, float)}
    parameters |= drawn
    texts = (recipe.equation,) if isinstance(recipe.equation, str) else recipe.equation
    if len(texts) > 1 or "=" in texts[0]:
        return Equation(*texts, **parameters)
    name = texts[0]
    if name not in CATALOGUE:
        raise RecipeError(
            f"No equation is named {name}{did_you_mean(name, list(CATALOGUE))}: the catalogue has "
            f"{', '.join(CATALOGUE)}, and a text like 'u_t = -u*u_x - u_xxx' works too."
        )
    expected = inspect.signature(CATALOGUE[name]).parameters
    for parameter in parameters:
        if parameter not in expected:
            raise RecipeError(
                f"The equation {name} has no parameter {parameter}{did_you_mean(parameter, list(expected))}: it takes "
                f"{', '.join(expected) or 'none'}."
            )
    for parameter, declared in expected.items():
        if parameter not in parameters and declared.default is inspect.Parameter.empty:
            raise RecipeError(f"The equation {name} needs a value for parameters.{parameter}: add it to the recipe.")
    return CATALOGUE[name](**parameters)


def first_equation(recipe: Recipe) -> Equation:
    """The equation of the first sample: its text and its fields are those of all."""
    split = next(iter(recipe.splits.sizes))
    return equation_of(recipe, drawn_parameters(recipe, split, [0]))


def check(recipe: Recipe) -> None:
    """Builds what the solver is given, so that a recipe that cannot work fails before any file is made.

    Raises:
        ValueError: when the grid, the equation, its parameters at any of their bounds, the times, the tolerance or the
            initial law cannot be.
    """
    laws = {name: law.uniform for name, law in recipe.parameters.items() if isinstance(law, Uniform)}
    corners = torch.tensor(list(itertools.product(*laws.values())), dtype=torch.float64).unbind(-1) if laws else ()
    equation = equation_of(recipe, dict(zip(laws, corners, strict=True)))
    check_arguments(equation, grid_of(recipe), times_of(recipe), recipe.rtol, recipe.dt, start=0.0)
    initial_fields(recipe, next(iter(recipe.splits.sizes)), [0], len(equation.fields))


def initial_fields(
    recipe: Recipe, split: str, samples: Sequence[int], fields: int
) -> Float[Tensor, "sample channel *space"]:
    """u at t = 0 on the stored points, float64; every field is drawn for itself.

    Raises:
        ValueError: when the grid has too few points for the waves of the law.
    """
    law = RandomSinusoids(terms=recipe.initial.terms, amplitude=recipe.initial.amplitude, waves=recipe.initial.waves)
    stream = SPLITS.index(split)
    channels = [law.sample(grid_of(recipe), samples, seed=(recipe.seed, stream, field)) for field in range(fields)]
    return torch.cat(channels, dim=1)


def solve_samples(
    recipe: Recipe, split: str, samples: Sequence[int], device: torch.device | str = "cpu"
) -> tuple[Trajectories, dict[str, Float[Tensor, " sample"]]]:
    """The trajectories of some samples of a split, as one batch, and the parameters they drew.

    No files and no state: any engine may call this anywhere.

    Raises:
        ValueError: when the recipe does not describe a solvable problem.
        BlowUpError: when a solution leaves every bound; its `sample` is the position in the batch.
    """
    drawn = drawn_parameters(recipe, split, samples)
    equation = equation_of(recipe, {name: values.to(device) for name, values in drawn.items()})
    u0 = initial_fields(recipe, split, samples, len(equation.fields)).to(device)
    accuracy = {"rtol": recipe.rtol} if recipe.dt is None else {"dt": recipe.dt}
    return solve(equation, u0, grid_of(recipe), times_of(recipe), **accuracy), drawn
