"""The determining equations: D_t Q = N'[Q] on solutions, by the unknown coefficients of an ansatz.

With u_t = N and Q = φ − ξ·∇u − τ u_t the vector field v = ξ ∂_x + τ ∂_t + φ ∂_u is a symmetry when the expression
D_t Qᵃ − Σ_J ∂Nᵃ/∂uᵇ_J D_J Qᵇ vanishes on solutions, and so for a relation R = 0 of auxiliary fields Σ_J ∂R/∂uᵇ_J D_J Qᵇ
(Olver, Applications of Lie Groups to Differential Equations, prop. 5.1 and thm 2.31).
"""

from collections.abc import Sequence
from typing import TypeAlias

from pdesym.solvers.jets import Jet
from pdesym.symmetry.determine.jet_ring import JetRing
from pdesym.symmetry.determine.polynomial import Exponents, Polynomial, add_into, product

Column: TypeAlias = tuple[int, Polynomial]
"""The place of a component among x…, t, u…, and its function in the ring."""


class Linearised:
    """Q ↦ D_t Q − N'[Q] and Q ↦ R'[Q] on solutions.

    Args:
        ring: with the equation.
    """

    def __init__(self, ring: JetRing):
        self.ring = ring
        self._slopes = [
            [
                (moving[0], slope)
                for moving, place in ring.jet_places.items()
                if not moving[1] and (slope := ring.partial(side, place))
            ]
            for side in ring.sides
        ]
        for constraint in ring.constraints:
            operators = [(constraint.field, constraint.operator, 1)]
            operators += [(field, source, -1) for field, source in enumerate(constraint.sources)]
            self._slopes.append(
                [
                    (Jet(field, orders), ring.element(sign * coefficient))
                    for field, operator, sign in operators
                    for orders, coefficient in operator.items()
                ]
            )

    def __call__(self, q: Sequence[Polynomial]) -> list[Polynomial]:
        """One expression for each evolving field, then one for each relation."""
        derivatives: dict[Jet, Polynomial] = {}

        def derivative(jet: Jet) -> Polynomial:
            if jet not in derivatives:
                if jet.order == 0:
                    derivatives[jet] = q[jet.field]
                else:
                    axis = next(i for i, n in enumerate(jet.orders) if n)
                    lower = Jet(jet.field, tuple(n - (i == axis) for i, n in enumerate(jet.orders)))
                    derivatives[jet] = self.ring.total(derivative(lower), axis)
            return derivatives[jet]

        result = []
        for index, slopes in enumerate(self._slopes):
            evolving = index < self.ring.evolving
            total = dict(self.ring.total_time(q[index])) if evolving else {}
            for jet, slope in slopes:
                if change := derivative(jet):
                    add_into(total, product(slope, change), -1 if evolving else 1)
            result.append(self.ring.normal(total))
        return result


def characteristic(ring: JetRing, column: Column) -> list[Polynomial]:
    """Q of one column f ∂_z: f ∂_u gives f, f ∂_x gives −f u_x, f ∂_t gives −f u_t."""
    component, function = column
    fields, dims = range(len(ring.space.fields)), ring.space.dims
    zero = (0,) * dims
    if component > dims:
        return [ring.normal(function) if field == component - dims - 1 else {} for field in fields]
    if component == dims:
        motions = [ring.jet(Jet(field, zero), True) for field in fields]
    else:
        motions = [ring.jet(Jet(field, zero).raised(component)) for field in fields]
    return [ring.normal({e: -c for e, c in product(function, motion).items()}) for motion in motions]


def collected(ring: JetRing, element: Polynomial, coefficients: Sequence[int]) -> dict[Exponents, Polynomial]:
    """An element by its monomials in all generators but some: {monomial: polynomial in those}."""
    inside = set(coefficients)
    result: dict[Exponents, Polynomial] = {}
    for exponents, coefficient in element.items():
        outer = tuple(0 if i in inside else n for i, n in enumerate(exponents))
        inner = tuple(n if i in inside else 0 for i, n in enumerate(exponents))
        result.setdefault(outer, {})[inner] = coefficient
    return result
