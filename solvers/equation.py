"""Declaring an evolution equation as text."""

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from numbers import Real
from types import MappingProxyType

import sympy
import torch
from torch import Tensor

from pdesym.solvers.card import Card
from pdesym.solvers.declaration import Constraint, constraints, declared, read, right_hand_sides
from pdesym.solvers.jets import JetSpace
from pdesym.solvers.split import Split, split


class Equation:
    """An evolution equation, or a system of them, from text.

        Equation("u_t = -u*u_x - u_xxx")
        Equation("u_t = Du*lap(u) - u*v**2 + F*(1 - u)", "v_t = Dv*lap(v) + u*v**2 - (F + k)*v", Du=…, Dv=…, F=…, k=…)

        Equation("w_t = psi_x*w_y - psi_y*w_x + nu*lap(w)", where="lap(psi) = -w", nu=…)

    On the right may stand the fields and their derivatives (`u_x`, `u_xxy`), `lap(f)`, `dx(f)`, `dy(f)`, `dz(f)` of
    any expression, the coordinates `x`, `y`, `z` and `t`, parameters, numbers, `pi`, `+ - * / **` and the elementary
    functions. Numbers are exact rationals. The text is never executed.

    A relation `A(ψ) = B(fields)` with polynomials A and B in the derivatives defines an auxiliary field ψ: in Fourier
    space ψ̂ = (B/A) û, and 0 at k = 0 where A vanishes there, so that the mean of such a ψ is 0.

    Args:
        text: one `field_t = …` for each field; their order is the order of the channels.
        where: one relation, or several, each defining one auxiliary field by the fields and those defined before it.
        card: what is known about the equation.
        parameters: a value for every other name in the text: a number, or a tensor `(batch,)` with one value a sample.
            Units are whatever the text implies; the catalogue is dimensionless.

    Raises:
        ExpressionError: (a ValueError) for text that cannot be read, an unknown symbol, a parameter without a value;
            the message points at the character.
        ValueError: for a parameter that the text does not use or whose value is no number.
    """

    def __init__(
        self,
        *text: str,
        where: str | Sequence[str] = (),
        card: Card | None = None,
        **parameters: int | float | Tensor,
    ):
        if not text:
            raise ValueError('An equation needs text, such as Equation("u_t = -u*u_x - u_xxx").')
        relations = (where,) if isinstance(where, str) else tuple(where)
        self.declaration = declared(text, relations, tuple(parameters))
        self.text, self.where, self.card = text, relations, card
        self.fields, self.auxiliaries = self.declaration.fields, self.declaration.auxiliaries
        self.least_dims = self.declaration.least_dims
        self.parameters: Mapping[str, float | Tensor] = MappingProxyType(
            {name: _checked_value(name, value) for name, value in parameters.items()}
        )

    def __repr__(self) -> str:
        arguments = [repr(line) for line in self.text]
        if self.where:
            arguments.append(f"where={(self.where[0] if len(self.where) == 1 else self.where)!r}")
        arguments += [
            f"{name}={value if isinstance(value, float) else f'<{value.numel()} values>'}"
            for name, value in self.parameters.items()
        ]
        return f"Equation({', '.join(arguments)})"

    def __reduce__(self) -> tuple[Callable[[], "Equation"], tuple[()]]:
        # Made anew from its text: worker processes are handed equations.
        return partial(Equation, *self.text, where=self.where, card=self.card, **self.parameters), ()

    @property
    def statement(self) -> str:
        """All texts in one line."""
        return self.declaration.statement

    def require_samples(self, samples: int) -> None:
        """Refuse parameters with one value a sample for another number of samples.

        Raises:
            ValueError: naming the parameter.
        """
        for name, value in self.parameters.items():
            if isinstance(value, Tensor) and value.ndim and len(value) != samples:
                raise ValueError(
                    f"Parameter {name!r} has {len(value)} values, but there are {samples} samples: give one for each."
                )

    def select(self, rows: list[int]) -> "Equation":
        """The same equation for some of the samples: per-sample parameters keep the values of `rows`."""
        if not any(isinstance(value, Tensor) and value.ndim for value in self.parameters.values()):
            return self
        chosen = {n: v[rows] if isinstance(v, Tensor) and v.ndim else v for n, v in self.parameters.items()}
        return Equation(*self.text, where=self.where, card=self.card, **chosen)

    def space(self, dims: int) -> JetSpace:
        """The jets of the equation's fields, and after them of its auxiliary fields, over `dims` space axes.

        Raises:
            ValueError: when the text needs more axes.
        """
        return self.declaration.space(dims)

    def right_hand_sides(self, dims: int) -> tuple[sympy.Expr, ...]:
        """The right-hand sides as sympy expressions in jet symbols, on `dims` space axes.

        Raises:
            ValueError: when the text needs more axes.
        """
        return right_hand_sides(self.declaration, dims)

    def constraints(self, dims: int) -> tuple[Constraint, ...]:
        """The relations that define the auxiliary fields: with the right-hand sides, all that holds on solutions.

        Raises:
            ValueError: when the text needs more axes.
        """
        return constraints(self.declaration, dims)

    def split(self, dims: int) -> Split:
        """The right-hand sides as constant-coefficient linear part plus remainder.

        Raises:
            ValueError: when the text needs more axes.
        """
        return split(self.declaration, dims)

    def density(self, name: str, dims: int) -> sympy.Expr:
        """The density of one of the card's invariants.

        Raises:
            KeyError: for a name that the card does not list.
        """
        invariants = self.card.invariants if self.card else {}
        if name not in invariants:
            known = ", ".join(invariants) or "none"
            raise KeyError(f"No invariant {name!r} is declared for this equation; declared: {known}.")
        return read(invariants[name], self.space(dims), self.declaration.parameters)


def _checked_value(name: str, value: object) -> float | Tensor:
    # A number that is to be differentiated stays a tensor.
    if isinstance(value, Tensor) and value.ndim == 0 and not value.requires_grad:
        value = float(value)
    if isinstance(value, Tensor):
        if value.ndim > 1 or not value.is_floating_point():
            raise ValueError(
                f"Parameter {name!r} must be a number or a float tensor (batch,), got a {value.dtype} tensor of shape "
                f"{tuple(value.shape)}."
            )
        if not torch.isfinite(value).all():
            raise ValueError(f"Parameter {name!r} must be finite, got {value.tolist()}.")
        return value
    if isinstance(value, bool) or not isinstance(value, Real) or not math.isfinite(value):
        raise ValueError(f"Parameter {name!r} must be a finite number or a tensor (batch,), got {value!r}.")
    return float(value)
