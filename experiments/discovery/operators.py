"""Symmetry algebras of solution maps that are only called: heat, Burgers, KdV and Kuramoto-Sivashinsky.

    .venv/bin/python experiments/discovery/operators.py

A map is the solver, seen through its values and derivatives alone, on random periodic fields. Generators with x do not
close on a periodic box; they are seen through a window a tenth of the box wide, which holds for short times only.
Expected: with all polynomials of degree 2 and horizons up to T = 0.2, the right dimension and at most 1e-3 degrees for
each of three draws of the fields, on boxes of 40 (KdV 80) or longer. Beyond that it fails somewhere: KdV loses its
scaling on short boxes and at long times, to dispersion that reaches the window; Burgers its projective generator, to
fronts that the grid does not resolve, so that four times the points were added for it. The tables say where, what is
lost, whether anything false is found, and whether that was flagged. A wrong generator must never be found; this and
the bar are missed for heat on the longest box at the shortest time, where a false generator is broken by less than
most symmetries are elsewhere, and a flag says that the result is no algebra.

The fields (seed 2026) are none of those with which the method was set up. Burgers ends at T = 1.2, where it has failed,
KdV at 2.4. Ten minutes on one CPU core. Writes results/operators.json and the tables results/operators.md beside
itself.
"""

import math
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch

from pdesym.report.rendered import write_rendered
from pdesym.solvers import AccuracyWarning, Equation, FlowMap, Grid, RandomSinusoids, burgers, heat, kdv, ks
from pdesym.symmetry import Generator
from pdesym.symmetry.angles import largest_angle
from pdesym.symmetry.discover import Discovery, discover_from_operator
from pdesym.symmetry.library import Library

SEED, DRAWS, SAMPLES = 2026, 3, 8
POINTS_PER_LENGTH = 6.4
LENGTHS = (20.0, 40.0, 80.0, 160.0)
TIMES = (0.05, 0.1, 0.2, 0.4, 0.6, 1.2, 2.4, 9.6)
LAST_TIME = {"heat": 9.6, "ks": 9.6, "kdv": 2.4, "burgers": 1.2}
# The longest horizon; the others are a half and a quarter of it.
STEPS = (1, 2, 4)
RTOL = 1e-10
# The bar: up to this horizon, on boxes from this length on.
BAR_TIME, BAR_LENGTHS = 0.2, {"heat": 40.0, "burgers": 40.0, "kdv": 80.0, "ks": 40.0}
BAR_ANGLE = 1e-3
# In degrees: what is further outside is another vector field.
APART = 1.0
DRAWN, DRAWN_LENGTH = ("burgers", "kdv"), 80.0

# The equation and the largest wavenumber of its fields.
EQUATIONS: dict[str, tuple[Equation, float]] = {
    "heat": (heat(nu=0.1), 1.3),
    "ks": (ks(), 1.3),
    "kdv": (kdv(), 1.0),
    "burgers": (burgers(nu=0.1), 1.3),
}
TRANSLATIONS_AND_BOOST = ("d_x", "d_t", "t*d_x + d_u")
HEAT = ("d_x", "d_t", "u*d_u", "x*d_x + 2*t*d_t", "0.2*t*d_x - x*u*d_u", "d_u", "x*d_u", "(x**2 + 0.2*t)*d_u")
# Written by hand, by the degree of the library.
ALGEBRAS: dict[tuple[str, int], tuple[str, ...]] = {
    ("heat", 2): HEAT,
    ("heat", 3): (*HEAT, "0.4*t*x*d_x + 0.4*t**2*d_t - (x**2 + 0.2*t)*u*d_u", "(x**3 + 0.6*x*t)*d_u"),
    ("burgers", 2): (*TRANSLATIONS_AND_BOOST, "x*d_x + 2*t*d_t - u*d_u", "x*t*d_x + t**2*d_t + (x - t*u)*d_u"),
    ("kdv", 2): (*TRANSLATIONS_AND_BOOST, "x*d_x + 3*t*d_t - 2*u*d_u"),
    ("ks", 2): TRANSLATIONS_AND_BOOST,
}
WRONG = {
    "heat": ("t*d_x + d_u", "x*d_x + t*d_t", "x**2*d_u", "0.1*t*d_x - x*u*d_u"),
    "burgers": ("t*d_x - d_u", "u*d_u", "x*d_x + 3*t*d_t - 2*u*d_u"),
    "kdv": ("t*d_x - d_u", "u*d_u", "x*d_x + 2*t*d_t - u*d_u", "x*t*d_x + t**2*d_t + (x - t*u)*d_u"),
    "ks": ("t*d_x - d_u", "u*d_u", "x*d_x + 4*t*d_t - 3*u*d_u"),
}


def algebra_of(name: str, degree: int) -> list[Generator]:
    """What is true within polynomials of a degree; but for heat no more than within degree 2."""
    return [Generator(text) for text in ALGEBRAS.get((name, degree), ALGEBRAS[name, 2])]


def looked_at(name: str, length: float, end: float, draw: int, degree: int = 2, finer: int = 1) -> Discovery:
    """What is discovered of the solver on one draw of fields."""
    equation, wavenumber = EQUATIONS[name]
    grid = Grid(round(finer * POINTS_PER_LENGTH * length), length=length)
    waves = (1, int(wavenumber * length / (2 * math.pi)))
    u = RandomSinusoids(waves=waves).sample(grid, range(SAMPLES * draw, SAMPLES * (draw + 1)), seed=SEED)
    flow = FlowMap(equation, grid, (0.0, end / max(STEPS)), rtol=RTOL)
    library = Library.polynomial(degree)
    return discover_from_operator(flow, u, grid, library, horizons=STEPS, name=f"solver, T = {end:g}, L = {length:g}")


def row(name: str, length: float, end: float, draw: int, degree: int = 2, finer: int = 1) -> dict[str, Any]:
    """What was found, beside what is true."""
    start = time.process_time()
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        found = looked_at(name, length, end, draw, degree, finer)
    seconds = time.process_time() - start
    algebra = algebra_of(name, degree)
    right = found.dimension == len(algebra)
    return {
        "equation": name,
        "length": length,
        "end": end,
        "draw": draw,
        "degree": degree,
        "finer": finer,
        "dimension": found.dimension,
        "true": len(algebra),
        "angle": found.angle_to(algebra) if right else None,
        "angle at the true dimension": largest_angle(
            found.spectrum.null_space(len(algebra)), found.library.matrix(algebra)
        ),
        "outside": outside(found, algebra),
        "uncertainty": math.degrees(found.uncertainty),
        "margin": found.margin,
        "spectrum": found.singular_values[: len(algebra) + 3].tolist(),
        "lost": [str(generator) for generator in algebra if angle_outside(found, generator) > APART],
        "wrong": [text for text in WRONG[name] if found.contains(Generator(text))],
        "generators": [str(generator) for generator in (*found.generators, *found.superposition)],
        "flags": list(found.flags),
        "unresolved": any(issubclass(each.category, AccuracyWarning) for each in said),
        "cpu_seconds": seconds,
    }


def outside(found: Discovery, algebra: list[Generator]) -> float:
    """The largest angle, in degrees, between a symmetry that was found and the algebra: 0 when all found are true."""
    true = np.linalg.qr(found.library.matrix(algebra).T)[0]
    rest = found.null_space - found.null_space @ true @ true.T
    return math.degrees(math.asin(min(1.0, float(np.linalg.norm(rest, 2))))) if len(rest) else 0.0


def angle_outside(found: Discovery, generator: Generator) -> float:
    """The angle, in degrees, between a generator and what was found."""
    row = found.library.matrix((generator,))[0]
    rest = row - found.null_space.T @ (found.null_space @ row)
    return math.degrees(math.asin(min(1.0, float(np.linalg.norm(rest) / np.linalg.norm(row)))))


def all_rows() -> list[dict[str, Any]]:
    """Every equation, box and horizon; larger libraries; and finer grids for fronts."""
    cells: list[tuple[Any, ...]] = [
        (name, length, end, 2, 1) for name in EQUATIONS for length in LENGTHS for end in TIMES if end <= LAST_TIME[name]
    ]
    cells += [(name, 80.0, end, 3, 1) for name in EQUATIONS for end in (0.05, 0.2)]
    cells += [("burgers", 40.0, end, 2, 4) for end in (0.2, 0.6, 1.2)]
    rows = []
    for name, length, end, degree, finer in cells:
        rows += [row(name, length, end, draw, degree, finer) for draw in range(DRAWS)]
        print(_line(rows[-DRAWS:]), flush=True)
    return rows


def cells_of(rows: list[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """The rows of each cell together."""
    cells: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for each in rows:
        key = tuple(each[name] for name in ("equation", "length", "end", "degree", "finer"))
        cells.setdefault(key, []).append(each)
    return list(cells.values())


def within_the_bar(row: dict[str, Any]) -> bool:
    """Whether the bar speaks of it."""
    plain = row["degree"] == 2 and row["finer"] == 1
    return plain and row["end"] <= BAR_TIME and row["length"] >= BAR_LENGTHS[row["equation"]]


def summary(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """What the rows say together."""
    bar = [each for each in rows if within_the_bar(each)]
    bad = [each for each in rows if each["dimension"] != each["true"]]
    return {
        "runs": len(rows),
        "runs in the bar": len(bar),
        "right in the bar": sum(each["angle"] is not None and each["angle"] <= BAR_ANGLE for each in bar),
        "largest angle in the bar": max((each["angle"] for each in bar if each["angle"] is not None), default=None),
        "wrong dimensions": len(bad),
        "wrong dimensions that are flagged": sum(bool(each["flags"]) for each in bad),
        "wrong dimensions that are too small": sum(each["dimension"] < each["true"] for each in bad),
        "runs that hold a wrong generator of the list": sum(bool(each["wrong"]) for each in rows),
        "runs that find something false": len(false := [each for each in rows if each["outside"] > APART]),
        "of these flagged": sum(bool(each["flags"]) for each in false),
        "CPU seconds, median": float(np.median([each["cpu_seconds"] for each in rows])),
        "CPU seconds, most": max(each["cpu_seconds"] for each in rows),
        "CPU seconds, all": sum(each["cpu_seconds"] for each in rows),
    }


def grid_table(rows: list[dict[str, Any]]) -> list[str]:
    """Right dimensions of all draws, and the largest angle of those, by box and horizon."""
    plain = [each for each in rows if each["degree"] == 2 and each["finer"] == 1]
    ends = sorted({each["end"] for each in plain})
    lines = ["| equation | box | " + " | ".join(f"T = {end:g}" for end in ends) + " |"]
    lines += ["| --- | ---: |" + " ---: |" * len(ends)]
    by = {(c[0]["equation"], c[0]["length"], c[0]["end"]): c for c in cells_of(plain)}
    for name in EQUATIONS:
        for length in sorted({each["length"] for each in plain}):
            written = [_cell(by[name, length, end]) if (name, length, end) in by else "" for end in ends]
            lines.append(f"| {name} | {length:g} | {' | '.join(written)} |")
    return lines


def other_table(rows: list[dict[str, Any]]) -> list[str]:
    """Larger libraries and finer grids."""
    lines = ["| equation | box | T | degree | points | dimension | angle | margin | CPU time |"]
    lines += ["| --- |" + " ---: |" * 8]
    for cell in cells_of([each for each in rows if each["degree"] > 2 or each["finer"] > 1]):
        one = cell[0]
        angles = [each["angle"] for each in cell]
        angle = "" if None in angles else f"{max(angles):.1e}°"
        points = round(one["finer"] * POINTS_PER_LENGTH * one["length"])
        lines.append(
            f"| {one['equation']} | {one['length']:g} | {one['end']:g} | {one['degree']} | {points} | "
            f"{_dimensions(cell)} of {one['true']} | {angle} | {min(each['margin'] for each in cell):.0e} | "
            f"{max(each['cpu_seconds'] for each in cell):.1f} s |"
        )
    return lines


def failures(rows: list[dict[str, Any]]) -> list[str]:
    """Cells where a dimension is wrong: what is lost, what is false, what was said."""
    lines = ["| equation | box | T | dimension | lost | what was found, from the algebra | at the true dimension |"]
    lines[0] += " margin | flagged |"
    lines += ["| --- | ---: | ---: | ---: | --- | ---: | ---: | ---: | ---: |"]
    for cell in cells_of(rows):
        bad = [each for each in cell if each["dimension"] != each["true"]]
        if not bad:
            continue
        one = bad[0]
        lost = list(dict.fromkeys(text for each in bad for text in each["lost"]))
        kind = f"{one['equation']}{', degree 3' if one['degree'] == 3 else ''}{', finer' if one['finer'] > 1 else ''}"
        short = "; ".join(lost) if len(lost) < one["true"] else "all"
        lines.append(
            f"| {kind} | {one['length']:g} | {one['end']:g} | {_dimensions(cell)} of {one['true']} | {short} | "
            f"{max(each['outside'] for each in bad):.1e}° | "
            f"{max(each['angle at the true dimension'] for each in bad):.1e}° | "
            f"{min(each['margin'] for each in bad):.0e} | {sum(bool(each['flags']) for each in bad)} of {len(bad)} |"
        )
    return lines


def report(record: dict[str, Any]) -> str:
    """All tables as Markdown."""
    rows = record["rows"]
    lines = [f"Right dimensions of {DRAWS} draws of the fields, and the largest angle of those to the exact algebra."]
    lines += ["", *grid_table(rows), "", "Larger libraries, and finer grids:", "", *other_table(rows), ""]
    lines += ["Where the dimension is wrong:", "", *failures(rows), "", "Together:", ""]
    return "\n".join([*lines, *(f"* {name}: {_number(value)}" for name, value in record["summary"].items()), ""])


def _cell(cell: list[dict[str, Any]]) -> str:
    right = [each for each in cell if each["angle"] is not None]
    angle = f", {max(each['angle'] for each in right):.1e}°" if right else f", {_dimensions(cell)}"
    return f"{len(right)}/{len(cell)}{angle}"


def _dimensions(cell: list[dict[str, Any]]) -> str:
    return "/".join(map(str, sorted({each["dimension"] for each in cell})))


def _line(cell: list[dict[str, Any]]) -> str:
    one = cell[0]
    names = " ".join(f"{one[name]}" for name in ("equation", "length", "end", "degree", "finer"))
    return f"{names}: {_cell(cell)}, {sum(each['cpu_seconds'] for each in cell):.1f} s"


def _number(value: float | None) -> str:
    return f"{value:.2g}" if isinstance(value, float) else str(value)


def main() -> None:
    """Measures everything and writes it."""
    torch.set_num_threads(1)
    rows = all_rows()
    record = {
        "settings": {"seed": SEED, "samples": SAMPLES, "points per length": POINTS_PER_LENGTH, "rtol": RTOL},
        "summary": summary(rows),
        "rows": rows,
        "spectra": {name: looked_at(name, DRAWN_LENGTH, BAR_TIME, 0).to_json() for name in DRAWN},
    }
    write_rendered(Path(__file__).parent / "results" / "operators.json", record, report(record))
    print(report(record))


if __name__ == "__main__":
    main()
