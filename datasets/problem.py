"""From a recipe to the initial value problems it stands for, and to their solutions in memory."""

import inspect
import itertools
import re
import warnings
import zlib
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from pdesym.datasets import initial
from pdesym.datasets.distributions import Distribution
from pdesym.datasets.errors import RecipeError
from pdesym.datasets.recipe import SPLITS, Recipe
from pdesym.datasets.recipe_problem import did_you_mean, shown
from pdesym.datasets.singular_times import refuse_singular_coefficients
from pdesym.datasets.stretched import STRETCH, refuse_time, stretched
from pdesym.solvers import CATALOGUE, AccuracyWarning, Equation, ExpressionError, Grid, Trajectories, solve
from pdesym.solvers.grid import AXES
from pdesym.solvers.solve import check_arguments

# The names under which what is drawn has its own random numbers; a parameter has those of its name.
_LENGTH_STREAM, _STRETCH_STREAM = "grid.length", "times.stretch"


def grid_of(recipe: Recipe) -> Grid:
    """The grid of the stored points; where the length is drawn, that of the middle of its law.

    Raises:
        ValueError: for points or lengths that make no grid.
    """
    length = recipe.grid.length
    return Grid(*recipe.grid.shape, length=length.centre if isinstance(length, Distribution) else length)


def times_of(recipe: Recipe) -> Float[Tensor, " time"]:
    """The times of the stored frames, float64; before they are stretched, where they are."""
    times = recipe.times
    return torch.linspace(times.first, times.last, times.count, dtype=torch.float64)


def drawn_parameters(recipe: Recipe, split: str, samples: Sequence[int]) -> dict[str, Float[Tensor, " sample"]]:
    """The parameters that every sample draws for itself, float64.

    The draw depends on the seed, the split, the index of the sample and the parameter's name alone.
    """
    return {name: _draws(recipe, split, samples, name, law) for name, law in recipe.laws.items()}


def drawn_lengths(recipe: Recipe, split: str, samples: Sequence[int]) -> Float[Tensor, " sample"] | None:
    """The length of the box of each sample along every axis, float64; None where it is not drawn."""
    law = recipe.grid.length
    return _draws(recipe, split, samples, _LENGTH_STREAM, law) if isinstance(law, Distribution) else None


def time_stretch(recipe: Recipe, split: str, samples: Sequence[int]) -> Float[Tensor, " sample"] | None:
    """The factor on the times of each sample, float64; None where the recipe has none."""
    law = recipe.times.stretch
    if isinstance(law, float):
        return torch.full((len(samples),), law, dtype=torch.float64)
    return None if law is None else _draws(recipe, split, samples, _STRETCH_STREAM, law)


def sample_variables(recipe: Recipe) -> dict[str, dict[str, Any]]:
    """What is drawn for each sample, by name, with what a dataset says about it: the keys that `solve_samples` gives.

    Raises:
        RecipeError: when a parameter that is drawn has the name of another thing that is.
    """
    variables: dict[str, dict[str, Any]] = {}
    for name, law in recipe.laws.items():
        variables[name] = {"long_name": f"parameter {name}", "distribution": law.text}
    length = recipe.grid.length
    lengths: tuple[str, ...] = ()
    if isinstance(length, Distribution):
        lengths = _length_names(recipe)
        for name, axis in zip(lengths, AXES, strict=False):
            variables[name] = {"long_name": f"length of the box along {axis}", "distribution": length.text}
    if (stretch := recipe.times.stretch) is not None:
        text = stretch.text if isinstance(stretch, Distribution) else f"{stretch:g} for all"
        variables[STRETCH] = {
            "long_name": "factor by which the times of the frames are stretched",
            "distribution": text,
        }
    for name in (*lengths, *([STRETCH] if stretch is not None else [])):
        if name in recipe.parameters:
            raise RecipeError(f"The name {name} is taken twice in the dataset: rename the parameter {name}.")
    return variables


def _length_names(recipe: Recipe) -> tuple[str, ...]:
    dims = len(recipe.grid.shape)
    return ("length",) if dims == 1 else tuple(f"length_{axis}" for axis in AXES[:dims])


def _draws(
    recipe: Recipe, split: str, samples: Sequence[int], name: str, law: Distribution
) -> Float[Tensor, " sample"]:
    stream = zlib.crc32(name.encode())

    def one(sample: int) -> float:
        key = (SPLITS.index(split), sample, stream)
        return law.draw(np.random.default_rng(np.random.SeedSequence(recipe.seed, spawn_key=key)))

    return torch.tensor([one(sample) for sample in samples], dtype=torch.float64)


def equation_of(recipe: Recipe, drawn: dict[str, Float[Tensor, " sample"]]) -> Equation:
    """The equation, with the numbers of the recipe and the given per-sample values as parameters.

    Raises:
        ValueError: for an unknown name, a parameter too many or too few, or text that is no equation.
    """
    parameters: dict[str, Any] = {name: law for name, law in recipe.parameters.items() if isinstance(law, float)}
    parameters |= drawn
    texts = recipe.equations
    if len(texts) > 1 or "=" in texts[0]:
        if taken := sorted({"where", "card"} & set(parameters)):
            raise RecipeError(f"A parameter cannot be called {taken[0]}: rename parameters.{taken[0]}.")
        try:
            return Equation(*texts, where=recipe.relations, **parameters)
        except ExpressionError as error:
            sentence = re.sub(r"pass (\w+)=… to Equation", r"add parameters.\1 to the recipe", error.sentence)
            raise RecipeError(
                f"The equation {shown(error.text)} cannot be read at character {error.position + 1}: {sentence}"
            ) from None
    name = texts[0]
    if name not in CATALOGUE:
        raise RecipeError(
            f"No equation is named {name}{did_you_mean(name, list(CATALOGUE))}: the catalogue has "
            f"{', '.join(CATALOGUE)}, and a text like 'u_t = -u*u_x - u_xxx' works too."
        )
    if recipe.relations:
        raise RecipeError(f"The equation {name} of the catalogue has its own relations: remove where from the recipe.")
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
            initial law cannot be, or a coefficient is singular at a time between the burn-in and the last frame.
    """
    ends = {name: law.ends for name, law in recipe.laws.items()}
    corners = torch.tensor(list(itertools.product(*ends.values())), dtype=torch.float64).unbind(-1) if ends else ()
    equation = equation_of(recipe, dict(zip(ends, corners, strict=True)))
    grid, start = grid_of(recipe), -recipe.times.burn_in
    check_arguments(equation, grid, times_of(recipe), recipe.rtol, recipe.dt, start=start)
    if recipe.times.stretch is not None:
        refuse_time(equation, grid.dims)
    refuse_singular_coefficients(equation, grid.dims, (start, recipe.times.last))
    sample_variables(recipe)
    split = next(iter(recipe.splits.sizes))
    length = recipe.grid.length
    for extent in length.ends if isinstance(length, Distribution) else (length,):
        _fields_on(recipe, split, [0], Grid(*grid.points, length=extent), first_equation(recipe))


def initial_fields(recipe: Recipe, split: str, samples: Sequence[int]) -> Float[Tensor, "sample channel *space"]:
    """What the law draws, on the stored points, float64; every field is drawn for itself.

    Raises:
        ValueError: when the grid has too few points for the law, or the law does not fit the equation.
    """
    return _initial_fields(recipe, split, samples, equation_of(recipe, drawn_parameters(recipe, split, samples)))


def _initial_fields(
    recipe: Recipe, split: str, samples: Sequence[int], equation: Equation
) -> Float[Tensor, "sample channel *space"]:
    grid, lengths = grid_of(recipe), drawn_lengths(recipe, split, samples)
    if lengths is None:
        return _fields_on(recipe, split, samples, grid, equation)
    return torch.cat(
        [
            _fields_on(recipe, split, [sample], Grid(*grid.points, length=length), equation.select([row]))
            for row, (sample, length) in enumerate(zip(samples, lengths.tolist(), strict=True))
        ]
    )


def _fields_on(
    recipe: Recipe, split: str, samples: Sequence[int], grid: Grid, equation: Equation
) -> Float[Tensor, "sample channel *space"]:
    return initial.sampled(recipe.initial, equation, grid, samples, (recipe.seed, SPLITS.index(split)))


def solve_samples(
    recipe: Recipe, split: str, samples: Sequence[int], device: torch.device | str = "cpu"
) -> tuple[Trajectories, dict[str, Float[Tensor, " sample"]]]:
    """The trajectories of some samples of a split, as one batch, and what they drew (see `sample_variables`).

    No files and no state: any engine may call this anywhere. The trajectories are said at the times of the recipe,
    with the equation of the recipe, also where the frames of a sample lie at times of its own (`time_stretch`).

    Raises:
        ValueError: when the recipe does not describe a solvable problem.
        BlowUpError: when a solution leaves every bound; its `sample` is the position in the batch.
    """
    drawn = drawn_parameters(recipe, split, samples)
    equation = equation_of(recipe, {name: values.to(device) for name, values in drawn.items()})
    grid, times = grid_of(recipe), times_of(recipe)
    u0 = _initial_fields(recipe, split, samples, equation).to(device)
    options: dict[str, Any] = {"rtol": recipe.rtol} if recipe.dt is None else {"dt": recipe.dt}
    options["method"] = recipe.method
    lengths, factors = drawn_lengths(recipe, split, samples), time_stretch(recipe, split, samples)
    solved = equation
    if lengths is not None:
        drawn |= dict.fromkeys(_length_names(recipe), lengths)
        options["length"] = lengths.to(device)
    if factors is not None:
        drawn[STRETCH] = factors
        solved = stretched(equation, factors.to(device), grid.dims)
    if recipe.times.burn_in > 0:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", AccuracyWarning)  # whatever comes out is the initial field
            u0 = solve(solved, u0, grid, [0.0], start=-recipe.times.burn_in, **options).u[:, 0]
    return replace(solve(solved, u0, grid, times, **options), equation=equation), drawn
