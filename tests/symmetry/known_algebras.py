"""Symmetry algebras by hand, from tables in the literature: Olver (1993), Ibragimov's handbook, Gazeau-Winternitz."""

from dataclasses import dataclass

from pdesym.solvers import Equation, burgers, ckdv, heat, kdv, ks, mkdv, nkdv, nls, shallow_water
from pdesym.symmetry import Generator
from pdesym.symmetry.discover.jets_numeric import Jets
from pdesym.symmetry.library import Library


@dataclass(frozen=True)
class Case:
    """An equation, its symmetries in a library, what is none, and where jets are drawn."""

    equation: Equation
    symmetries: tuple[str, ...]
    wrong: tuple[str, ...]
    library: Library
    superposition: tuple[str, ...] = ()
    jets: Jets | None = None

    def generators(self) -> list[Generator]:
        return [self.read(text) for text in (*self.symmetries, *self.superposition)]

    def read(self, text: str) -> Generator:
        return Generator(text, fields=self.library.fields, coordinates=self.library.coordinates)


QUADRATIC = Library.polynomial(2)
TRANSLATIONS = ("d_x", "d_t")
BOOST = "t*d_x + d_u"
# Functions of time that stand in the symmetries of the equations with explicit time, among others.
NKDV_TERMS = ("1", "x", "u", "exp(t/50)", "exp(-t/50)")
CKDV_TERMS = ("1", "x", "u", "t", "sqrt(t+1)", "1/sqrt(t+1)", "(t+1)*sqrt(t+1)", "x*sqrt(t+1)", "x/sqrt(t+1)")
CKDV_TERMS += ("u*sqrt(t+1)",)
HEAT = (*TRANSLATIONS, "u*d_u", "x*d_x + 2*t*d_t", "2*0.1*t*d_x - x*u*d_u")

KNOWN = {
    "heat": Case(
        heat(nu=0.1),
        HEAT,
        (BOOST, "x*d_x + t*d_t", "x**2*d_u", "0.1*t*d_x - x*u*d_u"),
        QUADRATIC,
        ("d_u", "x*d_u", "(x**2 + 2*0.1*t)*d_u"),
    ),
    "heat, cubic": Case(
        heat(nu=0.1),
        (*HEAT, "4*0.1*t*x*d_x + 4*0.1*t**2*d_t - (x**2 + 2*0.1*t)*u*d_u"),
        (BOOST, "x**3*d_u"),
        Library.polynomial(3),
        ("d_u", "x*d_u", "(x**2 + 2*0.1*t)*d_u", "(x**3 + 6*0.1*x*t)*d_u"),
    ),
    "burgers": Case(
        burgers(nu=0.1),
        (*TRANSLATIONS, BOOST, "x*d_x + 2*t*d_t - u*d_u", "x*t*d_x + t**2*d_t + (x - t*u)*d_u"),
        ("t*d_x - d_u", "u*d_u", "x*d_x + 3*t*d_t - 2*u*d_u"),
        QUADRATIC,
    ),
    "kdv": Case(
        kdv(),
        (*TRANSLATIONS, BOOST, "x*d_x + 3*t*d_t - 2*u*d_u"),
        ("t*d_x - d_u", "u*d_u", "x*d_x + 2*t*d_t - u*d_u"),
        QUADRATIC,
    ),
    "mkdv": Case(mkdv(), (*TRANSLATIONS, "x*d_x + 3*t*d_t - u*d_u"), (BOOST, "u*d_u"), QUADRATIC),
    "ks": Case(ks(), (*TRANSLATIONS, BOOST), ("t*d_x - d_u", "x*d_x + 4*t*d_t - 3*u*d_u"), QUADRATIC),
    "fisher": Case(Equation("u_t = u_xx + u*(1 - u)"), TRANSLATIONS, (BOOST, "u*d_u"), QUADRATIC),
    "allen-cahn": Case(Equation("u_t = u_xx + u - u**3"), TRANSLATIONS, (BOOST, "u*d_u"), QUADRATIC),
    "cubic reaction": Case(
        Equation("u_t = u_xx + c*u**3", c=2.0),
        (*TRANSLATIONS, "x*d_x + 2*t*d_t - u*d_u"),
        (BOOST, "x*d_x + 2*t*d_t - 2*u*d_u"),
        QUADRATIC,
    ),
    "nkdv": Case(
        nkdv(),
        ("d_x", "exp(-t/50)*d_t", "50*exp(t/50)*d_x + d_u", "x*d_x + 3*50*(1 - exp(-t/50))*d_t - 2*u*d_u"),
        ("d_t", "exp(t/50)*d_t", "50*exp(t/50)*d_x - d_u"),
        Library.of_terms(NKDV_TERMS),
        jets=Jets(time=(0.0, 100.0)),
    ),
    "ckdv": Case(
        ckdv(),
        (
            "d_x",
            "sqrt(t + 1)*d_x + 1/(2*sqrt(t + 1))*d_u",
            "x*d_x + 3*(t + 1)*d_t - 2*u*d_u",
            "x*sqrt(t + 1)*d_x + 2*(t + 1)*sqrt(t + 1)*d_t + (x/(2*sqrt(t + 1)) - 2*u*sqrt(t + 1))*d_u",
        ),
        ("d_t", "sqrt(t + 1)*d_x + d_u"),
        Library.of_terms(CKDV_TERMS),
    ),
    "potential burgers": Case(
        Equation("u_t = u_xx + u_x**2"),
        (
            *TRANSLATIONS,
            "d_u",
            "x*d_x + 2*t*d_t",
            "2*t*d_x - x*d_u",
            "4*t*x*d_x + 4*t**2*d_t - (x**2 + 2*t)*d_u",
        ),
        (BOOST, "u*d_u", "2*t*d_x + x*d_u"),
        QUADRATIC,
    ),
    "nls": Case(
        nls(),
        (
            *TRANSLATIONS,
            "v*d_u - u*d_v",
            "2*t*d_x - x*v*d_u + x*u*d_v",
            "x*d_x + 2*t*d_t - u*d_u - v*d_v",
        ),
        ("v*d_u + u*d_v", "2*t*d_x + x*v*d_u - x*u*d_v"),
        Library.polynomial(2, ("u", "v")),
    ),
    "shallow water": Case(
        shallow_water(),
        (
            "d_x",
            "d_y",
            "d_t",
            "t*d_x + d_u",
            "t*d_y + d_v",
            "y*d_x - x*d_y + v*d_u - u*d_v",
            "x*d_x + y*d_y + t*d_t",
            "x*d_x + y*d_y + u*d_u + v*d_v + 2*(h + 1)*d_h",
            "t**2*d_t + t*x*d_x + t*y*d_y + (x - t*u)*d_u + (y - t*v)*d_v - 2*t*(h + 1)*d_h",
        ),
        ("t*d_x - d_u", "y*d_x - x*d_y", "h*d_h"),
        Library.polynomial(2, ("h", "u", "v"), ("x", "y")),
    ),
}
