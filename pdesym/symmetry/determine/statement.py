"""What is to be determined: an equation with some of its parameters as numbers and the others as symbols."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import sympy
import torch

from pdesym.solvers.declaration import Constraint, Declaration, constraints, declared, right_hand_sides
from pdesym.solvers.equation import Equation
from pdesym.solvers.expression import CONSTANTS, ELEMENTARY, tokenize
from pdesym.solvers.grid import AXES
from pdesym.solvers.jets import JetSpace
from pdesym.symmetry.vector_field import Number, exact, variable

_KNOWN = {*AXES, "t", "lap", *(f"d{axis}" for axis in AXES), *ELEMENTARY, *CONSTANTS}


@dataclass(frozen=True)
class Statement:
    """u_t = N, and the relations of auxiliary fields.

    Attributes:
        text: the equation as it was written.
        space: the jets of its fields, and after them of its auxiliary fields.
        sides: N, in jet symbols.
        constraints: the relations of auxiliary fields.
        parameters: names of the constants without a value.
    """

    text: str
    space: JetSpace
    sides: tuple[sympy.Expr, ...]
    constraints: tuple[Constraint, ...]
    parameters: tuple[str, ...]

    @property
    def coordinates(self) -> tuple[str, ...]:
        """Names of the space coordinates."""
        return AXES[: self.space.dims]

    @property
    def constants(self) -> tuple[sympy.Symbol, ...]:
        """The symbols of the constants without a value."""
        return tuple(variable(name) for name in self.parameters)

    def where(self, values: Mapping[sympy.Symbol, sympy.Expr]) -> "Statement":
        """The same with values, or combinations of the other constants, in place of some constants."""
        changed = [
            Constraint(
                c.field,
                {orders: a.subs(values) for orders, a in c.operator.items()},
                tuple({orders: a.subs(values) for orders, a in source.items()} for source in c.sources),
                c.expression.subs(values),
            )
            for c in self.constraints
        ]
        sides = tuple(sympy.expand(side.subs(values)) if values else side for side in self.sides)
        left = tuple(name for name in self.parameters if variable(name) not in values)
        return Statement(self.text, self.space, sides, tuple(changed), left)


def statement_of(
    equation: Equation | str | Sequence[str],
    where: str | Sequence[str],
    dims: int | None,
    symbolic: bool | Iterable[str],
    values: Mapping[str, Number],
) -> Statement:
    """The statement of an equation, or of its text, in which a name without a meaning is a parameter.

    Raises:
        ExpressionError: for text that cannot be read.
        ValueError: for names of parameters that the equation does not have, and for parameters with one value a sample.
    """
    if isinstance(equation, Equation):
        declaration, own = equation.declaration, dict(equation.parameters)
    else:
        texts = (equation,) if isinstance(equation, str) else tuple(equation)
        declaration, own = _declared(texts, (where,) if isinstance(where, str) else tuple(where)), {}
    names = declaration.parameters
    kept = set(names) if symbolic is True else set() if symbolic is False else set(symbolic)
    if unknown := sorted({*kept, *values} - set(names)):
        raise ValueError(
            f"The equation has no parameter {', '.join(unknown)}; its parameters: {', '.join(names) or 'none'}."
        )
    numbers: dict[sympy.Symbol, sympy.Expr] = {}
    for name in names:
        if name in values:
            numbers[variable(name)] = exact(values[name])
        elif name in own and name not in kept:
            value = own[name]
            if isinstance(value, torch.Tensor) and value.ndim:
                raise ValueError(
                    f"The parameter {name!r} has one value a sample: keep it symbolic, or pass values={{...}}."
                )
            numbers[variable(name)] = exact(float(value))
    size = declaration.least_dims if dims is None else dims
    whole = Statement(
        declaration.statement,
        declaration.space(size),
        right_hand_sides(declaration, size),
        constraints(declaration, size),
        names,
    )
    return whole.where(numbers)


def _declared(texts: tuple[str, ...], relations: tuple[str, ...]) -> Declaration:
    """The declaration of texts in which every name that is no field and no derivative is a parameter."""
    fields = {text.partition("=")[0].strip().removesuffix("_t") for text in texts}
    fields |= _names(*(relation.partition("=")[0] for relation in relations)) - _KNOWN
    used = _names(*(text.partition("=")[2] for text in texts))
    parameters = {name for name in used - _KNOWN - fields if not (name.rpartition("_")[0] in fields and "_" in name)}
    return declared(texts, relations, tuple(sorted(parameters)))


def _names(*texts: str) -> set[str]:
    return {token.text for text in texts for token in tokenize(text) if token.kind == "name"}
