"""Functions as polynomials: what stands beside x, t, u and their derivatives as a generator of the ring."""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import sympy


@dataclass(frozen=True)
class Atom:
    """A function that is a generator of the ring.

    Attributes:
        kind: "base" for a sum whose powers occur, such as t + 1 in 1/(t + 1); "power" for b**m with a constant m
            without a value; else the name of an elementary function.
        argument: the sum, b, or the argument of the function.
        exponent: m, or 1.
    """

    kind: str
    argument: sympy.Expr
    exponent: sympy.Expr = sympy.S.One

    @property
    def expression(self) -> sympy.Expr:
        """The function itself."""
        if self.kind in ("base", "power"):
            return self.argument**self.exponent
        return getattr(sympy, self.kind)(self.argument)


_PAIRS = {"sin": ("sin", "cos"), "cos": ("sin", "cos"), "sinh": ("sinh", "cosh"), "cosh": ("sinh", "cosh")}
_ALONE = ("tan", "tanh", "log")
_FAMILIES = {"sin": "circular", "tan": "circular", "sinh": "exponential", "tanh": "exponential", "exp": "exponential"}
_FAMILIES |= {"log": "log", "base": "power"}


class Atoms:
    """The atoms of some expressions, closed under differentiation.

    exp(a + 2b) is exp(a) exp(b)², u**(m - 1) is u**m · u⁻¹: no atom is a product of powers of the others.

    Args:
        expressions: of x…, t, the fields and their derivatives.
        constants: the symbols that stand for constants.

    Raises:
        ValueError: for a function that has no place here.
    """

    def __init__(self, expressions: Sequence[sympy.Expr], constants: Sequence[sympy.Symbol]):
        self.constants = set(constants)
        self.numbers: set[sympy.Expr] = set()
        self._scales: dict[tuple[str, sympy.Expr, sympy.Expr], int] = {}
        self._plain: dict[Atom, None] = {}
        self.inverted: set[sympy.Symbol] = set()
        for expression in expressions:
            self._visit(expression)
        scaled = [
            Atom(kind, b, e / q) if kind == "power" else Atom(kind, e / q) for (kind, b, e), q in self._scales.items()
        ]
        self.atoms: tuple[Atom, ...] = (*self._plain, *scaled)

    def power(self, base: sympy.Expr, exponent: sympy.Expr) -> tuple[sympy.Rational, list[tuple[Atom, int]]]:
        """The rational part of an exponent, and atoms with exponents whose product is the rest of base**exponent."""
        result, rational = [], sympy.Integer(0)
        for coefficient, core in terms(exponent):
            if core == 1:
                rational = coefficient
            else:
                scale = self._scales["power", base, core]
                result.append((Atom("power", base, core / scale), int(coefficient * scale)))
        return rational, result

    def exponential(self, argument: sympy.Expr) -> list[tuple[Atom, int]]:
        """The atoms whose product is exp(argument), with their exponents."""
        result = []
        for coefficient, core in terms(argument):
            scale = self._scales["exp", sympy.Integer(1), core]
            result.append((Atom("exp", core / scale), int(coefficient * scale)))
        return result

    def require_independent(self, ignored: set[sympy.Symbol]) -> None:
        """Refuse atoms that are dependent in ways that the ring does not know, such as 1/(u + 1) beside 1/(u + 2).

        Args:
            ignored: symbols whose functions are coefficients, and need not be independent.

        Raises:
            ValueError: naming two of them.
        """
        functions: list[tuple[str, sympy.Expr, sympy.Expr]] = [("power", s, s) for s in self.inverted]
        functions += [
            (_FAMILIES.get(atom.kind, "power"), atom.argument, atom.expression)
            for atom in self.atoms
            if atom.kind not in ("power", "cos", "cosh")
        ]
        for (family, first, name), (other_family, second, other) in itertools.combinations(functions, 2):
            shared = (first.free_symbols & second.free_symbols) - self.constants
            if family != other_family or not shared or shared <= ignored:
                continue
            if family in ("circular", "exponential") and name.func == other.func:
                # exp(x) and exp(k*x) are independent, sin(x) and sin(2*x) are not.
                if not (first / second).is_Rational and len(shared) < 2:
                    continue
                if name.func == sympy.exp:
                    continue
            raise ValueError(
                f"The functions {name} and {other} stand side by side, and the calculation does not know how they "
                "depend on each other: write them by one of them."
            )

    def _scale(self, kind: str, base: sympy.Expr, core: sympy.Expr, coefficient: sympy.Rational) -> None:
        key = (kind, base, core)
        self._scales[key] = math.lcm(self._scales.get(key, 1), int(coefficient.q))

    def _visit(self, e: sympy.Expr) -> None:
        if e.is_Rational or e.is_Symbol:
            return
        if e in (sympy.pi,):
            self.numbers.add(e)
        elif e.is_Add or e.is_Mul:
            for part in e.args:
                self._visit(part)
        elif isinstance(e, sympy.exp):
            for coefficient, core in terms(e.args[0]):
                self._refuse_constant(core, e)
                self._scale("exp", sympy.Integer(1), core, coefficient)
                self._visit(core)
        elif e.is_Pow:
            self._visit_power(*e.args)
        elif isinstance(e, sympy.Function) and e.func.__name__ in (*_PAIRS, *_ALONE):
            self._refuse_constant(e.args[0], e)
            for name in _PAIRS.get(e.func.__name__, (e.func.__name__,)):
                self._plain.setdefault(Atom(name, e.args[0]))
            self._visit(e.args[0])
            if isinstance(e, sympy.log):
                self._visit_base(e.args[0])
        else:
            raise ValueError(
                f"The function {e} has no place among polynomials, powers, exp, log and trigonometric functions, in "
                "which symmetries are determined."
            )

    def _refuse_constant(self, argument: sympy.Expr, e: sympy.Expr) -> None:
        if not argument.free_symbols - self.constants:
            raise ValueError(f"The constant {e} has no place in the exact calculation: name it as a parameter.")

    def _visit_base(self, base: sympy.Expr) -> None:
        """What is raised to a power: a symbol is a generator already, a sum becomes one."""
        self._visit(base)
        if base.is_Symbol:
            self.inverted.add(base)
        elif base != sympy.pi:
            self._plain.setdefault(Atom("base", base))

    def _visit_power(self, base: sympy.Expr, exponent: sympy.Expr) -> None:
        if exponent.is_Integer and exponent > 0:
            self._visit(base)
            return
        self._visit_base(base)
        if exponent.is_Integer:
            return
        self._refuse_constant(base, base**exponent)
        if exponent.free_symbols - self.constants:
            raise ValueError(f"The exponent of {base**exponent} is no constant, so its symmetries are not determined.")
        for coefficient, core in terms(exponent):
            if core != 1:
                self._scale("power", base, core, coefficient)
                self._visit(core)


def terms(expression: sympy.Expr) -> list[tuple[sympy.Rational, sympy.Expr]]:
    """A sum as rational numbers times the rest."""
    return [term.as_coeff_Mul(rational=True) for term in sympy.Add.make_args(sympy.expand(expression))]


def canonical(expression: sympy.Expr) -> sympy.Expr:
    """The expression with whole powers of sums taken of primitive sums: 1/(2t + 2) as 1/(t + 1) times 1/2."""

    def primitive(power: sympy.Expr) -> sympy.Expr:
        content, rest = power.base.primitive()
        return content**power.exp * rest**power.exp

    return expression.replace(lambda e: e.is_Pow and e.base.is_Add and e.exp.is_Integer and e.exp < 0, primitive)
