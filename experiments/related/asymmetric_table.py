"""What lies between networks, as a table and as a figure."""

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

from matplotlib.figure import Figure

from experiments.verdict import met
from pdesym.report.figures.house_style import FURTHER, GRID, OPERATORS, house_style, new_figure, show_decades
from pdesym.report.number_text import measured_text

Rows = Sequence[Mapping[str, Any]]

LINES = (
    ("plain", "two seeds", "plain"),
    ("plain", "aligned", "plain, aligned by a permutation"),
    ("asymmetric", "two seeds", "asymmetric"),
    ("unshared", "two seeds", "asymmetric, each with fixed entries of its own (control)"),
    ("plain", "same start", "plain, same initial weights (control)"),
    ("asymmetric", "same start", "asymmetric, same initial weights (control)"),
    ("plain", "permuted", "plain and its own permutation (control)"),
    ("plain", "permuted, aligned", "the same, aligned (control)"),
)
"""Way, what is at the other end, and what the table calls it."""


def strengths(rows: Rows, way: str) -> list[float]:
    """Of the fixed entries of a way."""
    return sorted({row["strength"] for row in rows if row["way"] == way})


def found(rows: Rows, way: str, other: str, strength: float) -> list[Mapping[str, Any]]:
    """The lines between two networks, pair by pair."""
    return [row[other] for row in rows if (row["way"], row["strength"]) == (way, strength) and other in row]


def report(record: Mapping[str, Any]) -> str:
    """A line for each kind of ends: errors there, and the barrier between them, pair by pair."""
    rows = record["rows"]
    lines = [
        "| two networks | error at the ends | barrier, pair by pair | excess halfway over the ends' error |",
        "| --- | ---: | ---: | ---: |",
    ]
    for way, other, name in LINES:
        for strength in strengths(rows, way):
            each = found(rows, way, other, strength)
            if not each:
                continue
            label = f"{name}, strength {strength:g}" if len(strengths(rows, way)) > 1 else name
            cells = [
                label,
                measured_text(fmean(one["ends"] for one in each)),
                " ".join(measured_text(one["barrier"]) for one in each),
                measured_text(fmean(one["halfway"] / one["ends"] for one in each)),
            ]
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join([*lines, "", *_verdicts(rows), ""])


def _verdicts(rows: Rows) -> list[str]:
    lines = []
    for strength in strengths(rows, "asymmetric"):
        each = found(rows, "asymmetric", "two seeds", strength)
        for other, name in (("two seeds", "plain ones"), ("aligned", "aligned plain ones")):
            against = found(rows, "plain", other, 0.0)
            pairs = list(zip(each, against, strict=False))
            if pairs:
                here, there = (fmean(pair[side]["barrier"] for pair in pairs) for side in (0, 1))
                lower = sum(one["barrier"] < two["barrier"] for one, two in pairs)
                lines.append(
                    f"* Barrier of asymmetric networks of strength {strength:g}, mean: {measured_text(here)}, of "
                    f"{name} {measured_text(there)}; lower in {lower} of {len(pairs)} pairs, expected in all: "
                    f"{met(lower == len(pairs))}."
                )
    return lines


def barrier_figure(rows: Rows) -> Figure:
    """The error along the line, one thin line a pair."""
    with house_style():
        figure = new_figure(6.8, 5.6)
        axes = figure.add_subplot()
        show_decades(axes)
        axes.set(xlabel="share of the second network", ylabel="mean ‖F(u) − y‖²/‖y‖²")
        colours = (*OPERATORS.values(), *FURTHER)
        shown = [line for line in LINES if not line[1].startswith("permuted")]
        for (way, other, name), colour in zip(shown, colours, strict=False):
            for strength in strengths(rows, way):
                label = f"{name}, strength {strength:g}" if len(strengths(rows, way)) > 1 else name
                line = "-" if strength == strengths(rows, way)[0] else "--"
                for number, one in enumerate(found(rows, way, other, strength)):
                    shares = [place / (len(one["errors"]) - 1) for place in range(len(one["errors"]))]
                    axes.plot(
                        shares,
                        one["errors"],
                        color=colour,
                        linestyle=line,
                        linewidth=1.3,
                        label=label if number == 0 else None,
                    )
        axes.grid(color=GRID, linewidth=0.8)
        figure.legend(loc="outside upper left", frameon=False, ncols=1)
    return figure
