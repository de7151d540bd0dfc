"""Right-hand sides as a linear operator with constant coefficients, and the rest."""

from dataclasses import dataclass
from functools import lru_cache

import sympy

from pdesym.solvers.declaration import Declaration, right_hand_sides
from pdesym.solvers.jets import TIME, JetSpace, Linear, linear_part

# Stands for t while terms with coefficients of t are told from products: a name that no text can contain.
_ANY_CONSTANT = sympy.Dummy("constant", real=True)


@dataclass(frozen=True)
class Split:
    """Right-hand sides as (constant-coefficient linear operator) + (remainder).

    Attributes:
        space: jets of the fields, and after them of the auxiliary fields.
        linear: `linear[a][b]` is the operator by which field b of the space enters the equation of field a; its
            coefficients contain parameters and numbers only.
        remainder: everything else.
        explicit_linear: the part of the remainder that is linear with coefficients of t, shaped like `linear`.
    """

    space: JetSpace
    linear: tuple[tuple[Linear, ...], ...]
    remainder: tuple[sympy.Expr, ...]
    explicit_linear: tuple[tuple[Linear, ...], ...]


@lru_cache(maxsize=256)
def split(declaration: Declaration, dims: int) -> Split:
    """The split of a declared equation on `dims` space axes.

    Raises:
        ValueError: when the text needs more axes.
    """
    space = declaration.space(dims)
    parts = [linear_part(expression, space) for expression in right_hand_sides(declaration, dims)]
    explicit = tuple(
        tuple(
            {orders: coefficient.xreplace({_ANY_CONSTANT: TIME}) for orders, coefficient in operator.items()}
            for operator in linear_part(rest.xreplace({TIME: _ANY_CONSTANT}), space)[0]
        )
        for _, rest in parts
    )
    return Split(space, tuple(row for row, _ in parts), tuple(rest for _, rest in parts), explicit)
