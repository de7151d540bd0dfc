"""An equation whose time runs faster or slower in each sample."""

from typing import Any

from jaxtyping import Float
from torch import Tensor

from pdesym.datasets.errors import RecipeError
from pdesym.solvers import Equation
from pdesym.solvers.jets import TIME

STRETCH = "time_stretch"
"""The name of the factor, as a parameter and in a dataset."""


def stretched(equation: Equation, factors: Float[Tensor, " sample"], dims: int) -> Equation:
    """u_t = s N[u] for u_t = N[u]: its solution at time t is that of the equation at time s t.

    Args:
        equation: on `dims` axes; t does not occur in it.
        factors: s of each sample.
        dims: number of axes.

    Raises:
        RecipeError: for an equation in which t occurs, or that has a name `time_stretch`.
    """
    refuse_time(equation, dims)
    texts = []
    for text in equation.text:
        left, _, right = text.partition("=")
        texts.append(f"{left.strip()} = {STRETCH}*({right.strip()})")
    parameters: dict[str, Any] = {**equation.parameters, STRETCH: factors}
    return Equation(*texts, where=equation.where, **parameters)


def refuse_time(equation: Equation, dims: int) -> None:
    """RecipeError for an equation whose time cannot be stretched.

    Raises:
        RecipeError: naming what is in the way.
    """
    sides = (*equation.right_hand_sides(dims), *(one.expression for one in equation.constraints(dims)))
    if any(TIME in side.free_symbols for side in sides):
        raise RecipeError(
            f"times.stretch is for equations in which t does not occur, and {equation.statement!r} has it: remove "
            "times.stretch."
        )
    if STRETCH in (*equation.fields, *equation.auxiliaries, *equation.parameters):
        raise RecipeError(f"times.stretch needs the name {STRETCH} for itself: rename it in the equation.")
