"""The vector fields among which symmetries are looked for, with unknown functions of time before them."""

import sympy

from pdesym.symmetry.determine.statement import Statement
from pdesym.symmetry.determine.superposition import Superposition
from pdesym.symmetry.library import Column, monomials
from pdesym.symmetry.vector_field import variable


def ansatz(statement: Statement, degree: int, ideal: Superposition | None) -> tuple[Column, ...]:
    """Monomials in x… and u…: up to `degree` in ξ and τ, one more in φ, and x… times g(u) for a superposition."""
    dims = statement.space.dims
    x = [variable(name) for name in statement.coordinates]
    u = [variable(name) for name in statement.space.fields]
    columns: list[Column] = []
    for component in range(dims + 1 + len(u)):
        columns += [(component, f) for f in monomials([*x, *u], degree + (component > dims))]
    for field, g in enumerate(ideal.directions if ideal else ()):
        if g != 1:
            columns += [(dims + 1 + field, sympy.expand(f * g)) for f in monomials(x, degree + 1)]
    return tuple(dict.fromkeys(columns))
