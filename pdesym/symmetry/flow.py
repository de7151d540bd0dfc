"""One-parameter groups in closed form."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import sympy
import torch
from jaxtyping import Float
from sympy.utilities.iterables import strongly_connected_components
from torch import Tensor

from pdesym.solvers.torch_function import torch_function
from pdesym.symmetry.numerical_flow import Points, as_points
from pdesym.symmetry.vector_field import VectorField

EPSILON = sympy.Symbol("epsilon", real=True)

Solution = dict[sympy.Symbol, sympy.Expr]


class NoClosedForm(ValueError):
    """A vector field whose differential equation is none of those solved here."""


@dataclass(frozen=True)
class Flow:
    """The one-parameter group exp(εv): (x, t, u) ↦ (x', t', u').

    Attributes:
        epsilon: the symbol ε.
        variables: the symbols x…, t, u….
        image: x'…, t', u'…, expressions in the variables and ε.
        dims: number of space coordinates.
    """

    epsilon: sympy.Symbol
    variables: tuple[sympy.Symbol, ...]
    image: tuple[sympy.Expr, ...]
    dims: int

    @property
    def x(self) -> tuple[sympy.Expr, ...]:
        """x', one for each coordinate."""
        return self.image[: self.dims]

    @property
    def t(self) -> sympy.Expr:
        """t'."""
        return self.image[self.dims]

    @property
    def u(self) -> tuple[sympy.Expr, ...]:
        """u', one for each field."""
        return self.image[self.dims + 1 :]

    def __call__(self, point: Points, epsilon: float) -> tuple[Float[Tensor, "..."], ...]:
        """The image (x'…, t', u'…) of points (x…, t, u…), float64; they broadcast against each other.

        Args:
            point: values of the variables, in their order.
            epsilon: ε.

        Raises:
            ValueError: for another number of values, or parameters without a value.
        """
        strangers = set().union(*(z.free_symbols for z in self.image)) - {*self.variables, self.epsilon}
        if strangers:
            raise ValueError(
                f"The flow contains {', '.join(sorted(map(str, strangers)))}: give values to the generator."
            )
        tensors = as_points(point, self.variables)
        parameter = torch.tensor(epsilon, dtype=torch.float64)
        values = torch_function((*self.variables, self.epsilon), self.image)(*tensors, parameter)
        shape = tensors[0].shape
        return tuple(torch.as_tensor(value, dtype=torch.float64).expand(shape) for value in values)


@lru_cache(maxsize=256)
def closed_form_flow(vector_field: VectorField) -> Flow:
    """Solve dz/dε = v(z), z = (x, t, u), z(0) given.

    The variables are taken in the order in which their equations depend on each other. One that depends only on those
    already solved and, itself, affinely or by Bernoulli's equation z' = a z + b zᵖ, is integrated by quadrature; a
    group of variables that depend on each other by an affine map with constant matrix, by the matrix exponential.
    This covers translations, boosts, scalings, rotations and the projective transformations. Every result is put back
    into the differential equation before it is returned.

    Raises:
        NoClosedForm: (a ValueError) when an equation is none of these, or a quadrature has no elementary form.
    """
    s = sympy.Dummy("s", real=True)
    velocity = dict(zip(vector_field.variables, vector_field.components, strict=True))
    solved: Solution = {}
    try:
        for group in _solving_order(velocity):
            solved |= _solve_group(group, [velocity[z].subs(solved) for z in group], s)
        image = [sympy.simplify(solved[z]) for z in vector_field.variables]
        if not _satisfies(velocity, image, s):
            raise NoClosedForm
    except NoClosedForm:
        raise NoClosedForm(
            f"No closed form of the flow of {vector_field.text} was found: integrate its ordinary differential "
            "equation numerically, or use the generator infinitesimally."
        ) from None
    image = [expression.subs(s, EPSILON) for expression in image]
    return Flow(EPSILON, vector_field.variables, tuple(image), len(vector_field.coordinates))


def _solving_order(velocity: Mapping[sympy.Symbol, sympy.Expr]) -> Sequence[Sequence[sympy.Symbol]]:
    """Groups of variables that depend on each other, each group after those that it depends on."""
    variables = list(velocity)
    edges = [(z, other) for z in variables for other in variables if other in velocity[z].free_symbols]
    return strongly_connected_components((variables, edges))  # type: ignore[no-any-return]


def _solve_group(group: Sequence[sympy.Symbol], velocity: Sequence[sympy.Expr], s: sympy.Symbol) -> Solution:
    if len(group) == 1:
        return {group[0]: _solve_scalar(group[0], velocity[0], s)}
    return _solve_affine(group, velocity, s)


def _solve_scalar(z: sympy.Symbol, velocity: sympy.Expr, s: sympy.Symbol) -> sympy.Expr:
    """Bernoulli's equation z' = b + a z, or z' = a z + b zᵖ, with a and b functions of s."""
    powers: dict[sympy.Expr, sympy.Expr] = {}
    for term in sympy.Add.make_args(sympy.expand(velocity)):
        factor, power = term.as_independent(z, as_Add=False)
        base, exponent = power.as_base_exp() if power.has(z) else (z, sympy.Integer(0))
        if base != z or not exponent.is_Rational:
            raise NoClosedForm
        powers[exponent] = powers.get(exponent, sympy.Integer(0)) + factor
    growth = sympy.exp(_integral(powers.pop(sympy.Integer(1), sympy.Integer(0)), s))
    if not powers:
        return z * growth
    if len(powers) > 1:
        raise NoClosedForm
    (p, factor), *_ = powers.items()
    if p == 0:
        return growth * (z + _integral(sympy.simplify(factor / growth), s))
    # z^(1-p) solves a linear equation; written with z in front, the result keeps the sign of z.
    drift = (p - 1) * z ** (p - 1) * _integral(sympy.simplify(factor * growth ** (p - 1)), s)
    return z * growth * (1 - drift) ** (1 / (1 - p))


def _solve_affine(group: Sequence[sympy.Symbol], velocity: Sequence[sympy.Expr], s: sympy.Symbol) -> Solution:
    """z' = A z + b(s): z = e^{As} (z₀ + ∫ e^{-Ar} b(r) dr)."""
    start = sympy.Matrix(group)
    matrix = sympy.Matrix(velocity).jacobian(start)
    if matrix.free_symbols & {*group, s}:
        raise NoClosedForm
    offset = (sympy.Matrix(velocity) - matrix * start).applyfunc(sympy.expand)
    try:
        growth = _real_form((matrix * s).exp())
        decay = _real_form((matrix * -s).exp())
    except (NotImplementedError, ValueError) as error:
        raise NoClosedForm from error
    source = (decay * offset).applyfunc(lambda entry: _integral(sympy.simplify(entry), s))
    return dict(zip(group, growth * (start + source), strict=True))


def _real_form(matrix: sympy.Matrix) -> sympy.Matrix:
    return matrix.applyfunc(lambda entry: sympy.simplify(entry.rewrite(sympy.cos) if entry.has(sympy.I) else entry))


def _integral(integrand: sympy.Expr, s: sympy.Symbol) -> sympy.Expr:
    """∫₀ˢ integrand, in elementary functions."""
    if integrand == 0:
        return sympy.Integer(0)
    primitive = sympy.integrate(integrand, s)
    if primitive.has(sympy.Integral):
        raise NoClosedForm
    # log(a(s)) - log(a(0)) would be a difference of complex numbers where a(0) < 0; log(a(s)/a(0)) is real near s = 0.
    rest = [sympy.Integer(0)]
    for term in sympy.Add.make_args(sympy.expand(primitive, log=False)):
        factor, logarithm = term.as_independent(sympy.log, as_Add=False)
        if isinstance(logarithm, sympy.log) and s not in factor.free_symbols and logarithm.args[0].subs(s, 0) != 0:
            argument = logarithm.args[0]
            rest.append(factor * sympy.log(sympy.cancel(argument / argument.subs(s, 0))))
        else:
            rest.append(term - term.subs(s, 0))
    return sympy.Add(*rest)


def _satisfies(velocity: Mapping[sympy.Symbol, sympy.Expr], image: Sequence[sympy.Expr], s: sympy.Symbol) -> bool:
    """Whether the image starts at the identity and moves with the velocity, at two points of small positive values."""
    moved = dict(zip(velocity, image, strict=True))
    for shift in (1, 2):
        constants = sorted(set().union(*(v.free_symbols for v in velocity.values())) - set(velocity), key=str)
        point = {z: sympy.Rational(3 * k + 2 * shift, 7 * k + 11) for k, z in enumerate((*velocity, *constants))}
        now = point | {s: sympy.Rational(shift, 13)}
        for z, expression in moved.items():
            start = expression.subs(s, 0).subs(point) - point[z]
            rate = sympy.diff(expression, s).subs(now) - velocity[z].subs(moved, simultaneous=True).subs(now)
            if not all(_vanishes(difference) for difference in (start, rate)):
                return False
    return True


def _vanishes(number: sympy.Expr) -> bool:
    value = sympy.N(number, 30)
    return bool(value.is_number and abs(complex(value)) < 1e-12)
