"""Writes this folder's README.md from the results: no number in it is typed.

    .venv/bin/python -m experiments.discovery.page

Takes results/*.json, and results/trained.md where there is one. Seconds.
"""

from collections.abc import Iterable
from pathlib import Path
from string import Template
from typing import Any

import numpy as np

from experiments.discovery import data, equations, operators, torus
from experiments.discovery.figures import RESULTS, results
from pdesym.symmetry import Generator
from pdesym.symmetry.library import Library

HERE = Path(__file__).parent
# Stands before what trained.py writes.
NETWORKS = """## Trained networks

Fourier neural operators, asked what the solver is asked: values and derivatives alone. Each was trained on 1000
trajectories from random smooth fields and, at each of their states, on the solver's derivative along one random
direction. Their errors are larger than the gaps that decide for an exact map, so the dimension comes from operators
that were trained alike from other seeds: a singular value counts as zero when it is at most twice their spread along
the same direction. This rule, the states and the horizons were set up on networks of other seeds and were fixed
before any of those below was looked at. "At the true dimension" is the angle when the right number of values is
taken, whatever the rule said.

Burgers: the whole algebra, from every network, its projective generator among it. Korteweg-de Vries: without x all of
it, from every network. Its scaling is not obtained. On the box of 20 what is scaled far out runs into the window, and
the exact solver loses the scaling as well. On the box of 128 there is room, but the projective generator of Burgers
is nearly a symmetry of waves so long, and the next singular value of the solver lies close above those of the
algebra; the networks on that box are several times worse than on the short one, their errors cover both, and the rule
counts one too many, with a margin that is flagged. More training, and shorter waves on a box as long, would be next.
"""


def page() -> str:
    """The README."""
    text = Template((HERE / "page.md").read_text(encoding="utf-8"))
    return text.substitute(
        of_equations(results("equations"))
        | of_operators(results("operators"))
        | of_torus(results("torus"))
        | of_data(results("data"))
        | of_networks(RESULTS / "trained.md")
    )


def of_equations(record: dict[str, Any]) -> dict[str, str]:
    """Tables and numbers from equations."""
    rows = record["equations"].values()
    return {
        "side_by_side": _block(equations.side_by_side(record["equations"])),
        "equations_right": f"{sum(set(row['dimensions']) == {row['right']} for row in rows)} of {len(rows)}",
        "equations_angle": f"{max(row['angle'] for row in rows):.0e}",
        "both_angle": f"{max(row['exact']['angle'] for row in rows):.0e}",
        "ladder": _block(equations.rungs(record["broken"])),
        "slope": f"{record['broken']['slope']:.4f}",
        "equations_minutes": _minutes(
            len(equations.SEEDS) * row["seconds"] + row["exact"]["seconds"] for row in rows
        ),
    }  # fmt: skip


def of_operators(record: dict[str, Any]) -> dict[str, str]:
    """Tables and numbers from solution maps."""
    rows, together = record["rows"], record["summary"]
    bad = [row for row in rows if row["dimension"] != row["true"]]
    false = [row for row in rows if row["outside"] > operators.APART]
    near = [row for row in bad if row["angle at the true dimension"] <= operators.APART]
    silent = [row for row in bad if not row["flags"]]
    right = [row for row in rows if operators.within_the_bar(row) and row["angle"] is not None]
    missed = [row for row in rows if operators.within_the_bar(row) and row["angle"] is None]
    return {
        "maps": _block(operators.grid_table(rows)),
        "other_maps": _block(operators.other_table(rows)),
        "failures": _block(operators.failures(rows)),
        "bar_time": f"{operators.BAR_TIME:g}",
        "bar_angle": f"{operators.BAR_ANGLE:g}",
        "map_runs": str(together["runs"]),
        "bar_right": f"{together['right in the bar']} of {together['runs in the bar']}",
        "bar_largest": f"{max(row['angle'] for row in right):.0e}",
        "bar_missed": _cells(missed),
        "maps_wrong": str(len(bad)),
        "maps_near": str(len(near)),
        "maps_silent": f"{len(silent)} of {len(bad)}",
        "silent_outside": f"{max((row['outside'] for row in silent), default=0.0):.0e}",
        "maps_false": str(len(false)),
        "false_cells": _cells(false),
        "false_generator": "; ".join(dict.fromkeys(map(_farthest, false))) or "none",
        "false_flagged": f"{sum(bool(row['flags']) for row in false)} of {len(false)}",
        "maps_listed": str(together["runs that hold a wrong generator of the list"]),
        "map_seconds": f"{together['CPU seconds, median']:.1f}",
        "operators_minutes": _minutes([together["CPU seconds, all"]]),
    }


def of_torus(record: dict[str, Any]) -> dict[str, str]:
    """Tables and numbers from periodic boxes without a window."""
    cells = [(column, row) for by in record["pairs"].values() for column, rows in by.items() for row in rows]
    silent = [(column, row) for column, row in cells if not row["right"] and not row["flags"]]
    scaled = [each for by in record["scalings"].values() for each in by.values()]
    return {
        "scalings": _block(torus.scaling_table(record["scalings"])),
        "pairs": _block(torus.pair_table(record["pairs"])),
        "wrong_pairs": _block(torus.what_was_found(record["pairs"])),
        "pairs_silent": str(len(silent)),
        "pairs_silent_where": ", ".join(sorted({column for column, _ in silent})) or "nowhere",
        "torus_minutes": _minutes(
            [*(torus.DRAWS * each["cpu_seconds"] for each in scaled), *(row["cpu_seconds"] for _, row in cells)]
        ),
    }


def of_data(record: dict[str, Any]) -> dict[str, str]:
    """Tables and numbers from trajectories."""
    every = [
        (name, part, level, row)
        for part in ("ten", "one", "others")
        for name, by_level in record[part].items()
        for level, rows in by_level.items()
        for row in rows
    ]
    right = [row for *_, row in every if row["right"]]
    bad = [(f"{name}, {_COUNT[part]}, noise {level}", row) for name, part, level, row in every if not row["right"]]
    most = max(map(float, record["ten"]["heat"]))
    rough = [row for _, part, level, row in every if part == "ten" and float(level) == most]
    return {
        "ten": _block(data.table(record["ten"])),
        "one": _block(data.table(record["one"])),
        "others": _block(data.table(record["others"])),
        "no_equation": _block(data.no_equation_table(record["no equation"])),
        "data_right": f"{len(right)} of {len(every)}",
        "data_wrong": "; ".join(dict.fromkeys(where for where, _ in bad)) or "none",
        "data_flagged": f"{sum(bool(row['flags']) for _, row in bad)} of {len(bad)}",
        "noise_most": f"{most:g}",
        "noise_right": f"{sum(row['right'] for row in rough)} of {len(rough)}",
        "noise_angle": f"{max(row['angle'] for row in rough if row['right']):.2f}",
        "over": f"{sum(row['angle'] > row['uncertainty'] for row in right if row['uncertainty'])} of {len(right)}",
        "over_most": f"{max(row['angle'] / row['uncertainty'] for row in right if row['uncertainty']):.1f}",
        "over_rough": f"{sum(row['angle'] > row['uncertainty'] for row in rough if row['right'])} of {len(rough)}",
        "data_minutes": _minutes(row["cpu_seconds"] for *_, row in every),
    }


_COUNT = {"ten": "ten trajectories", "one": "one trajectory", "others": "one trajectory"}


def of_networks(path: Path) -> dict[str, str]:
    """The section on trained networks, as the script that looks at them wrote it; nothing before it has run."""
    if not path.is_file():
        return {"networks": "", "network_figure": ""}
    _, *lines = path.read_text(encoding="utf-8").strip().splitlines()
    body = "\n".join(f"#{line}" if line.startswith("#") else line for line in lines).strip()
    return {
        "networks": f"\n{NETWORKS}\n{body}\n",
        "network_figure": " With them as many trained networks, by seed, as the figure can tell apart; their\n"
        "equations may have other parameters and stand on other boxes, see below.",
    }


def _block(lines: Iterable[str]) -> str:
    return "\n".join(lines)


def _cells(rows: list[dict[str, Any]]) -> str:
    cells = (f"{row['equation']}, box {row['length']:g}, T = {row['end']:g}" for row in rows)
    return "; ".join(dict.fromkeys(cells)) or "none"


def _farthest(row: dict[str, Any]) -> str:
    """The generator that was found farthest from the algebra."""
    library = Library.polynomial(row["degree"])
    true = np.linalg.qr(library.matrix(operators.algebra_of(row["equation"], row["degree"])).T)[0]
    found = library.matrix([Generator(text) for text in row["generators"]])
    rest = found - found @ true @ true.T
    share = np.linalg.norm(rest, axis=1) / np.linalg.norm(found, axis=1)
    return f"`{row['generators'][int(share.argmax())]}`"


def _minutes(seconds: Iterable[float]) -> str:
    total = sum(seconds)
    return f"{total:.0f} s" if total < 90 else f"{total / 60:.0f} min"


def main() -> None:
    """Writes it."""
    (HERE / "README.md").write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
