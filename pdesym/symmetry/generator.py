"""Generators of point transformations, written as text."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import sympy
import torch
from jaxtyping import Float
from torch import Tensor

from pdesym.solvers.grid import Grid
from pdesym.symmetry.action import act
from pdesym.symmetry.characteristic import RightHandSide, characteristic
from pdesym.symmetry.flow import Flow, NoClosedForm, closed_form_flow
from pdesym.symmetry.frames import Times
from pdesym.symmetry.generator_text import parse_generator
from pdesym.symmetry.numerical_flow import NumericalFlow
from pdesym.symmetry.periodicity import require_periodic
from pdesym.symmetry.prolongation import Prolongation, prolong
from pdesym.symmetry.vector_field import Number, VectorField, exact


@dataclass(frozen=True, init=False, repr=False)
class Generator:
    """A vector field v = ξⁱ ∂_{xᵢ} + τ ∂_t + φᵃ ∂_{uᵃ}, written `Generator("t*d_x + d_u")`.

    The names d_x, d_t, d_u stand for the directions ∂_x, ∂_t, ∂_u. Coefficients are arithmetic in every coordinate,
    time and field, with sin, cos, tan, exp, log, sqrt, sinh, cosh, tanh and pi; numbers are exact (0.1 is 1/10). Two
    generators are equal when their coefficients are, however they were written. Everything is dimensionless.

    Generators add, subtract, and multiply by numbers; `bracket` gives [v, w].

    Args:
        text: the vector field.
        fields: names of the dependent variables, one for each channel of the data, in their order.
        coordinates: names of the space coordinates, one for each axis of the grid. Time is always t.
        parameters: names of constants without a value, as nu in 2*nu*t*d_x - x*u*d_u.

    Raises:
        ExpressionError: a ValueError with a caret under the character that cannot be read.
    """

    text: str = field(compare=False)
    vector_field: VectorField

    def __init__(
        self,
        text: str,
        fields: Sequence[str] = ("u",),
        coordinates: Sequence[str] = ("x",),
        parameters: Sequence[str] = (),
    ):
        for role, names in (("fields", fields), ("coordinates", coordinates), ("parameters", parameters)):
            if isinstance(names, str):
                raise ValueError(f"Expected a tuple of names for {role}, got the text {names!r}: write ({names!r},).")
        object.__setattr__(self, "text", text)
        vector_field = parse_generator(text, tuple(coordinates), tuple(fields), tuple(parameters))
        object.__setattr__(self, "vector_field", vector_field)

    @classmethod
    def of_vector_field(cls, vector_field: VectorField) -> "Generator":
        """The generator with these coefficients, written in canonical form."""
        generator = object.__new__(cls)
        object.__setattr__(generator, "text", vector_field.text)
        object.__setattr__(generator, "vector_field", vector_field)
        return generator

    @property
    def fields(self) -> tuple[str, ...]:
        """Names of the dependent variables."""
        return self.vector_field.fields

    @property
    def coordinates(self) -> tuple[str, ...]:
        """Names of the space coordinates."""
        return self.vector_field.coordinates

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names of the constants without a value."""
        return self.vector_field.parameters

    @property
    def variables(self) -> tuple[sympy.Symbol, ...]:
        """The sympy symbols x…, t, u…, all real."""
        return self.vector_field.variables

    @property
    def xi(self) -> tuple[sympy.Expr, ...]:
        """ξⁱ, one for each coordinate."""
        return self.vector_field.xi

    @property
    def tau(self) -> sympy.Expr:
        """τ."""
        return self.vector_field.tau

    @property
    def phi(self) -> tuple[sympy.Expr, ...]:
        """φᵃ, one for each field."""
        return self.vector_field.phi

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        extra = "" if self.fields == ("u",) else f", fields={self.fields}"
        extra += "" if self.coordinates == ("x",) else f", coordinates={self.coordinates}"
        extra += f", parameters={self.parameters}" if self.parameters else ""
        return f'Generator("{self.text}"{extra})'

    def __add__(self, other: "Generator") -> "Generator":
        return Generator.of_vector_field(self.vector_field + other.vector_field)

    def __sub__(self, other: "Generator") -> "Generator":
        return self + (-1) * other

    def __mul__(self, factor: Number) -> "Generator":
        return Generator.of_vector_field(self.vector_field.scaled(exact(factor)))

    __rmul__ = __mul__

    def __neg__(self) -> "Generator":
        return (-1) * self

    def bracket(self, other: "Generator") -> "Generator":
        """The commutator [v, w]: its coefficients are v(wᵏ) − w(vᵏ).

        Raises:
            ValueError: for generators of different variables.
        """
        return Generator.of_vector_field(self.vector_field.bracket(other.vector_field))

    def at(self, **values: Number) -> "Generator":
        """The generator with values in place of some of its parameters.

        Raises:
            ValueError: for a name that is no parameter, or a value that is no finite constant.
        """
        return Generator.of_vector_field(self.vector_field.at(values))

    def require_periodic(self, grid: Grid) -> None:
        """Refuse, in one sentence, a grid on which the coefficients are not periodic.

        Raises:
            ValueError: naming the coefficient and the forms that do apply.
        """
        require_periodic(self.vector_field, grid)

    def characteristic(
        self, u: Float[Tensor, "..."], grid: Grid, t: Times, rhs: RightHandSide | None = None
    ) -> Float[Tensor, "..."]:
        """Qᵃ = φᵃ − ξⁱ ∂ᵢuᵃ − τ uᵃ_t: the velocity of the graph of u under the flow, u ↦ u + εQ + O(ε²).

        Space derivatives are spectral. The result has the shape, dtype and device of `u`.

        Args:
            u: fields `(batch, channel, *space)` or trajectories `(batch, time, channel, *space)`.
            grid: their grid.
            t: for fields a number or `(batch,)`; for trajectories `(time,)` or `(batch, time)`, each frame at its own.
            rhs: `rhs(u, t)`, u_t of a field batch at a time; needed where τ ≠ 0. Take the solver's own right-hand
                side: with another one the identity of time translation stalls at that difference.

        Raises:
            ValueError: for shapes that do not fit, and for τ ≠ 0 without `rhs`.
        """
        return characteristic(self.vector_field, u, grid, t, rhs)[0]

    def flow(self) -> Flow | NumericalFlow:
        """The one-parameter group exp(εv): in closed form where one is found, else by its differential equation.

        Both map points, `flow(point, epsilon)`; a `Flow` also holds its formulas.

        Raises:
            ValueError: for parameters without a value, where no closed form is found.
        """
        try:
            return closed_form_flow(self.vector_field)
        except NoClosedForm:
            self.vector_field.require_values()
            return NumericalFlow(self.vector_field)

    def prolong(self, order: int) -> Prolongation:
        """The prolonged generator: what it does to the derivatives u_x, u_t, u_xx, … up to the order.

        Raises:
            ValueError: for a negative order.
        """
        return prolong(self.vector_field, order)

    def act(
        self, u: Float[Tensor, "..."], grid: Grid, times: Times, epsilon: int | float | Float[Tensor, "..."]
    ) -> Float[Tensor, "..."]:
        """exp(εv) applied to fields or trajectories, exactly: a Fourier shift of each frame, then a pointwise map.

        For t ∂_x + ∂_u this is u'(x, t) = u(x − εt, t) + ε. Differentiable in `u`, `times` and `epsilon`.

        Args:
            u: fields `(batch, channel, *space)` or trajectories `(batch, time, channel, *space)`.
            grid: their grid.
            times: for fields a number or `(batch,)`; for trajectories `(time,)` or `(batch, time)`.
            epsilon: parameter of the group, a number or one for each sample `(batch,)`.

        Raises:
            ValueError: when the generator moves time, when ξ depends on x or u, when φ is not periodic on the grid,
                when its flow has no closed form, or for shapes that do not fit.
        """
        return act(self.vector_field, u, grid, times, torch.as_tensor(epsilon, dtype=torch.float64, device=u.device))
