"""Symmetry algebras of equations, by numbers and exactly, beside those written by hand; and one that is broken.

    .venv/bin/python experiments/discovery/equations.py

Expected: the right dimension for every equation, numerically and exactly, an angle of at most 1e-10 degrees between
the null space, before anything is rounded, and the algebra by hand, no larger one between null space and exact algebra,
and under 1 s each in one dimension with one field; for KdV + eps*u_xx a fourth singular value proportional to eps, with
a slope of 1 within 0.02. Half a minute on one CPU core. Writes results/equations.json and the tables
results/equations.md beside itself.
"""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from pdesym.report.rendered import write_rendered
from pdesym.solvers import Equation, burgers, ckdv, heat, kdv, ks, mkdv, nkdv, nls, shallow_water
from pdesym.symmetry import Generator
from pdesym.symmetry.determine import determine
from pdesym.symmetry.discover import Discovery, Jets, discover_from_equation
from pdesym.symmetry.library import Library

SEEDS = range(5)
BROKEN = (1e-4, 1e-3, 1e-2, 1e-1)
# Whose spectra are drawn beside those from operators and data.
DRAWN = ("burgers", "kdv")


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
        """All symmetries, those of the superposition part last."""
        return [self.read(text) for text in (*self.symmetries, *self.superposition)]

    def read(self, text: str) -> Generator:
        """A generator of the equation's variables."""
        return Generator(text, fields=self.library.fields, coordinates=self.library.coordinates)


QUADRATIC = Library.polynomial(2)
TRANSLATIONS = ("d_x", "d_t")
BOOST = "t*d_x + d_u"
# Functions of time that stand in the symmetries of the equations with explicit time, among others.
NKDV_TERMS = ("1", "x", "u", "exp(t/50)", "exp(-t/50)")
CKDV_TERMS = ("1", "x", "u", "t", "sqrt(t+1)", "1/sqrt(t+1)", "(t+1)*sqrt(t+1)", "x*sqrt(t+1)", "x/sqrt(t+1)")
CKDV_TERMS += ("u*sqrt(t+1)",)
HEAT = (*TRANSLATIONS, "u*d_u", "x*d_x + 2*t*d_t", "2*0.1*t*d_x - x*u*d_u")

# Written by hand, from tables in the literature; none of it comes from this package.
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
        jets=Jets(time=(-50.0, 50.0)),
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
        jets=Jets(time=(0.0, 3.0)),
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


def measure(name: str) -> dict[str, Any]:
    """Dimension, the largest angle over several draws of the jets, the spectrum around the gap, and the time."""
    case, found, seconds = KNOWN[name], [], []
    for seed in SEEDS:
        start = time.process_time()
        found.append(discover_from_equation(case.equation, case.library, jets=case.jets, seed=seed))
        _ = found[-1].algebra.closure
        seconds.append(time.process_time() - start)
    d = len(case.generators())
    return {
        "columns": len(case.library),
        "dimensions": [one.dimension for one in found],
        "right": d,
        "angle": max(one.angle_to(case.generators()) for one in found),
        "zero": max(float(one.singular_values[d - 1]) for one in found),
        "next": min(float(one.singular_values[d]) for one in found),
        "closure": max(one.closure for one in found),
        "fractions": all(one.closed_forms.startswith("accepted") for one in found),
        "first_seconds": seconds[0],
        "seconds": float(np.median(seconds)),
        "generators": [str(generator) for generator in found[0].generators],
        "superposition": [str(generator) for generator in found[0].superposition],
        "exact": exact(case, found),
    }


def exact(case: Case, found: list[Discovery]) -> dict[str, Any]:
    """The algebra by the determining equations, and the angle of what was found to the part that the library holds."""
    start = time.process_time()
    determined = determine(case.equation, symbolic=False, special=False)
    closure = float(determined.closure)
    seconds = time.process_time() - start
    members = determined.ideal.members if determined.ideal else ()
    held = [generator for generator in (*determined.algebra, *members) if holds(case.library, generator)]
    return {
        "dimension": determined.dimension,
        "superposition": str(determined.ideal) if determined.ideal else None,
        "held by the library": len(held),
        "angle": max(one.angle_to(held) for one in found),
        "closure": closure,
        "seconds": seconds,
    }


def holds(library: Library, generator: Generator) -> bool:
    """Whether a generator is a combination of the library's columns."""
    try:
        library.coefficients(generator)
    except ValueError:
        return False
    return True


def broken() -> dict[str, Any]:
    """The first five singular values of KdV + eps*u_xx, and the slope of the fourth."""
    spectra = []
    for eps in BROKEN:
        found = discover_from_equation(Equation("u_t = -u*u_x - u_xxx + eps*u_xx", eps=eps))
        spectra.append(found.singular_values[:5].tolist())
    slope = float(np.polyfit(np.log(BROKEN), np.log([spectrum[3] for spectrum in spectra]), 1)[0])
    return {"eps": list(BROKEN), "spectra": spectra, "slope": slope}


def report(record: dict[str, Any]) -> str:
    """All tables as Markdown."""
    lines = [f"The worst of {len(SEEDS)} draws of the jets.", "", *numeric(record["equations"]), ""]
    lines += [EXACT, "", *side_by_side(record["equations"]), ""]
    ladder = record["broken"]
    lines += [f"KdV + eps*u_xx: the fourth singular value has slope {ladder['slope']:.4f} in eps.", ""]
    return "\n".join([*lines, *rungs(ladder), ""])


EXACT = (
    "Beside the determining equations, solved exactly with coefficients of any degree in t: S where every solution of "
    "a linear equation is a symmetry as well; held: how many of all these the library of the numerical route can say."
)


def numeric(equations: dict[str, Any]) -> list[str]:
    """What the jets give, against the algebra by hand."""
    lines = ["| equation | columns | dimension | angle | σ_d | σ_(d+1) | closure | CPU time |"]
    lines += ["| --- |" + " ---: |" * 7]
    for name, row in equations.items():
        lines.append(
            f"| {name} | {row['columns']} | {dimensions(row)} of {row['right']} | {row['angle']:.1e}° | "
            f"{row['zero']:.0e} | {row['next']:.1e} | {row['closure']:.0e} | {row['seconds']:.2f} s |"
        )
    return lines


def side_by_side(equations: dict[str, Any]) -> list[str]:
    """What the jets give, against what is determined exactly."""
    lines = ["| equation | exactly | of these held | jets | angle between both | closure, exactly | jets |"]
    lines[0] += " CPU time, exactly | jets |"
    lines += ["| --- |" + " ---: |" * 8]
    for name, row in equations.items():
        other = row["exact"]
        linear = " + S" if other["superposition"] else ""
        lines.append(
            f"| {name} | {other['dimension']}{linear} | {other['held by the library']} | {dimensions(row)} | "
            f"{other['angle']:.1e}° | {other['closure']:.0f} | {row['closure']:.0e} | {other['seconds']:.2f} s | "
            f"{row['seconds']:.2f} s |"
        )
    return lines


def rungs(ladder: dict[str, Any]) -> list[str]:
    """The singular values around the broken symmetry."""
    lines = ["| eps | σ_3 | σ_4 | σ_5 |", "| ---: | ---: | ---: | ---: |"]
    lines += [
        f"| {eps:g} | {spectrum[2]:.0e} | {spectrum[3]:.3e} | {spectrum[4]:.2e} |"
        for eps, spectrum in zip(ladder["eps"], ladder["spectra"], strict=True)
    ]
    return lines


def dimensions(row: dict[str, Any]) -> str:
    """One number where all draws agree."""
    return "/".join(map(str, sorted(set(row["dimensions"]))))


def main() -> None:
    """Measures everything and writes it."""
    torch.set_num_threads(1)
    record = {
        "equations": {name: measure(name) for name in KNOWN},
        "broken": broken(),
        "spectra": {name: discover_from_equation(KNOWN[name].equation).to_json() for name in DRAWN},
    }
    write_rendered(Path(__file__).parent / "results" / "equations.json", record, report(record))
    print(report(record))


if __name__ == "__main__":
    main()
