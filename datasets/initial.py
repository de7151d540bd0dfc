"""The initial fields that the law of a recipe draws."""

import math
from collections.abc import Mapping, Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from pdesym import solvers
from pdesym.datasets import laws
from pdesym.datasets.errors import RecipeError
from pdesym.solvers import Equation, Grid

# Lists of wavevectors, and of bumps on a grid, that are longer than this fill the memory before anything is said.
_MOST_NUMBERS = 2**27


def sampled(
    law: laws.InitialLaw, equation: Equation, grid: Grid, samples: Sequence[int], seed: tuple[int, ...]
) -> Float[Tensor, "sample channel *space"]:
    """The fields of some samples on one grid, float64; field j draws from the seed (*seed, j).

    Raises:
        RecipeError: for a law that does not fit the fields, or the parameters, of the equation.
        ValueError: when the grid has too few points for the law.
    """
    if isinstance(law, laws.Specks):
        if len(equation.fields) != 2:
            raise RecipeError(
                f"The law specks draws two fields, the equation has {', '.join(equation.fields)}: choose another."
            )
        return _solver_law(law, equation, grid).sample(grid, samples, (*seed, 0))
    channels = [
        _solver_law(one, equation, grid).sample(grid, samples, (*seed, field))
        for field, one in enumerate(_of_fields(law, equation.fields))
    ]
    return torch.cat(channels, dim=1)


def _of_fields(law: laws.InitialLaw, fields: Sequence[str]) -> list[laws.InitialLaw]:
    if not isinstance(law, laws.Each):
        return [law] * len(fields)
    _refuse_other_names(law.fields, fields)
    return [law.fields[field] for field in fields]


def _refuse_other_names(given: Mapping[str, object], fields: Sequence[str]) -> None:
    if set(given) != set(fields):
        raise RecipeError(
            f"initial.fields has laws for {', '.join(given) or 'none'}, the fields of the equation are "
            f"{', '.join(fields)}: give a law for each."
        )


def _solver_law(law: laws.InitialLaw, equation: Equation, grid: Grid) -> solvers.InitialLaw:
    keys = law.model_dump(exclude={"law"})
    match law:
        case laws.Sinusoids():
            _refuse_too_many("initial.waves", (2 * max(law.waves) + 1) ** grid.dims if grid.dims > 1 else 1)
            return solvers.RandomSinusoids(**keys)
        case laws.GaussianField():
            _refuse_too_many("initial.modes", 8 * (2 * law.modes + 1) ** grid.dims)
            return solvers.GaussianField(**keys)
        case laws.Specks():
            _refuse_too_many("initial.count", law.count * math.prod(grid.points))
            return solvers.Specks(**keys)
        case laws.UniformField():
            return solvers.Uniform(**keys)
        case laws.HeatPotential():
            return solvers.HeatPotential(**keys)
        case laws.ColeHopf():
            if "nu" not in equation.parameters:
                raise RecipeError("The law cole_hopf takes ν from parameters.nu, and the recipe has no such parameter.")
            return solvers.ColeHopf(nu=equation.parameters["nu"], **keys)
        case _:
            raise AssertionError(law)


def _refuse_too_many(key: str, numbers: int) -> None:
    if numbers > _MOST_NUMBERS:
        raise RecipeError(f"{key} is too large for this grid: the law would hold {numbers} numbers at once; lower it.")
