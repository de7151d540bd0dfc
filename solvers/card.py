"""What is known about an equation beyond its text."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Card:
    """What is known about an equation beyond its text.

    Attributes:
        name: the name people use.
        formula: the equation in Unicode.
        behaviour: what its solutions do.
        good_values: grid, domain, horizon that work well.
        dims: the numbers of space dimensions in which the equation goes by this name.
        ill_posed: for which values it has no solution that depends continuously on its initial condition.
        evidence: what shows that its solutions are computed right, where no closed form covers them.
        invariants: densities whose integral over the torus is conserved for every value of the parameters, by name, as
            text in jets, parameters and t.
        exact_solutions: what is known in closed form, by the name of the function that evaluates it.
        vectors: the fields that are the components of one vector, along the axes in order, by its name; all others are
            scalars.
    """

    name: str
    formula: str
    behaviour: str
    good_values: str
    dims: tuple[int, ...] = (1,)
    ill_posed: str = "for no values"
    evidence: str = ""
    invariants: Mapping[str, str] = field(default_factory=dict)
    exact_solutions: Mapping[str, str] = field(default_factory=dict)
    vectors: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
