"""The symmetries of an equation, from its conditions at random jets."""

from pdesym.solvers.equation import Equation
from pdesym.symmetry.discover.assemble import assembled
from pdesym.symmetry.discover.closure import independent_columns
from pdesym.symmetry.discover.jets_numeric import Jets, conditions
from pdesym.symmetry.discover.result import Discovery
from pdesym.symmetry.discover.spectrum import by_rounding, scaled_spectrum
from pdesym.symmetry.library import Library


def discover_from_equation(
    equation: Equation, library: Library | None = None, *, jets: Jets | None = None, seed: int = 0
) -> Discovery:
    """The symmetries of an equation among the vector fields of a library, by linear algebra on numbers.

    The condition D_t Q = K'[u] Q is evaluated at random jets and decomposed; its null space is the algebra. No
    determining equation is formed, so that this checks the symbolic route, and is checked by it.

    Args:
        equation: with a number for each parameter and without auxiliary fields.
        library: where to look; polynomials of degree 2 when not given.
        jets: the intervals from which jets are drawn.
        seed: of the draw.

    Raises:
        ValueError: for equations and libraries that do not fit, and jets outside the domain of the functions.
    """
    library = library or standard_library(equation)
    refuse_dependent_columns(library, jets, seed)
    found = conditions(equation, library, jets, seed)
    spectrum = scaled_spectrum(found.matrix, found.size)
    return assembled(
        spectrum,
        by_rounding(spectrum.singular_values),
        library,
        linear=found.linear,
        jets=jets,
        seed=seed,
        source="equation",
        subject=equation.statement,
    )


def standard_library(equation: Equation, degree: int = 2) -> Library:
    """Polynomials in the variables of an equation, on as many axes as its text needs."""
    return Library.polynomial(degree, equation.fields, ("x", "y", "z")[: equation.least_dims])


def refuse_dependent_columns(library: Library, jets: Jets | None = None, seed: int = 0) -> None:
    """Raises ValueError when a combination of the library's functions is zero."""
    if not independent_columns(library, jets, seed):
        raise ValueError(
            "A combination of the library's functions is zero, or nearly so where jets are drawn, so that it would "
            "pass as a symmetry: leave one of them out, or draw from longer intervals with jets=Jets(...)."
        )
