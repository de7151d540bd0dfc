"""The commutator table of a Lie algebra."""

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from pdesym.report.brackets import OUTSIDE, bracket_table
from pdesym.report.figures.house_style import FAINT, GRID, INK, house_style, shortened

# A tint for each generator, in turn; dark text is read on all of them.
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#6e7781", "#f0e442")
TINT = 0.32

# Inches.
ROW, CHARACTER, LEAST_CELL, MARGIN, BETWEEN, HEADING = 0.34, 0.082, 0.5, 0.2, 0.2, 0.42
LONGEST_ENTRY, LONGEST_GENERATOR = 26, 64


def commutators_figure(algebra: Mapping[str, Any]) -> Figure:
    """The generators and, beside them, [v_i, v_j] in the row of v_i and the column of v_j.

    An entry has the colour of the generator that it is a multiple of, the first one of a sum; zeros have none, nor have
    brackets that leave the span, which are `outside`.

    Args:
        algebra: loaded JSON of `Algebra.to_json`, `Determined.to_json` or `Discovery.to_json`.
    """
    generators = [f"v{k} = {text}" for k, text in enumerate(algebra["generators"], start=1)]
    listed = [shortened(text, LONGEST_GENERATOR) for text in generators] or ["no generators"]
    brackets = bracket_table(algebra) or []
    entries = [[shortened(entry, LONGEST_ENTRY) for entry in row] for row in brackets]
    left = CHARACTER * max(map(len, listed)) + 0.35
    cells = [max(LEAST_CELL, CHARACTER * max(map(len, column)) + 0.2) for column in zip(*entries, strict=True)]
    table = LEAST_CELL + sum(cells) if cells else CHARACTER * 30
    width = max(2 * MARGIN + left + BETWEEN + table, 5.6)
    height = 2 * MARGIN + HEADING + ROW * (len(listed) + 1)
    with house_style():
        figure = Figure(figsize=(width, height))
        axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
        axes.set_axis_off()
        axes.set(xlim=(0.0, width), ylim=(height, 0.0))
        axes.text(MARGIN, MARGIN + 0.12, _title(algebra), weight="bold", va="center")
        top = MARGIN + HEADING
        _draw_generators(axes, listed if generators else [], MARGIN, top + ROW)
        start = MARGIN + left + BETWEEN
        if entries:
            _draw_brackets(axes, entries, brackets, cells, start, top)
        else:
            axes.text(start, top + 1.5 * ROW, "no brackets to show", color=FAINT, va="center")
    return figure


def generator_colour(number: int) -> str:
    """The tint of generator v1, v2, …."""
    red, green, blue = (1 - TINT * (1 - part) for part in to_rgb(COLOURS[(number - 1) % len(COLOURS)]))
    return to_hex((red, green, blue))


def _title(algebra: Mapping[str, Any]) -> str:
    about = algebra.get("equation") or algebra.get("subject") or "Lie algebra"
    return shortened(f"{about}: [row, column]", 70)


def _draw_generators(axes: Axes, listed: Sequence[str], left: float, top: float) -> None:
    for k, text in enumerate(listed):
        _tile(axes, left, top + k * ROW, 0.18, generator_colour(k + 1))
        axes.text(left + 0.28, top + (k + 0.5) * ROW, text, va="center_baseline", size=9.5)


def _draw_brackets(
    axes: Axes,
    entries: Sequence[Sequence[str]],
    brackets: Sequence[Sequence[str]],
    cells: Sequence[float],
    left: float,
    top: float,
) -> None:
    edges = [left + LEAST_CELL]
    for cell in cells:
        edges.append(edges[-1] + cell)
    for k, (start, cell) in enumerate(zip(edges, cells, strict=False)):
        axes.text(start + cell / 2, top + ROW / 2, f"v{k + 1}", ha="center", va="center_baseline", weight="bold")
        axes.text(
            left + LEAST_CELL - 0.12,
            top + (k + 1.5) * ROW,
            f"v{k + 1}",
            ha="right",
            va="center_baseline",
            weight="bold",
        )
    for i, row in enumerate(entries):
        for j, entry in enumerate(row):
            middle = edges[j] + cells[j] / 2, top + (i + 1.5) * ROW
            if entry in ("0", OUTSIDE):
                axes.text(*middle, entry, ha="center", va="center_baseline", color=FAINT, size=9.5)
                continue
            colour = generator_colour(_first_generator(brackets[i][j]))
            axes.add_patch(
                Rectangle((edges[j], top + (i + 1) * ROW), cells[j], ROW, facecolor=colour, edgecolor="none")
            )
            axes.text(*middle, entry, ha="center", va="center_baseline", color=INK, size=9.5)
    for k in range(len(entries) + 1):
        axes.plot([edges[0], edges[-1]], [top + (k + 1) * ROW] * 2, color=GRID, linewidth=0.8)
    for edge in edges:
        axes.plot([edge, edge], [top + ROW, top + (len(entries) + 1) * ROW], color=GRID, linewidth=0.8)


def _tile(axes: Axes, left: float, top: float, side: float, colour: str) -> None:
    axes.add_patch(Rectangle((left, top + (ROW - side) / 2), side, side, facecolor=colour, edgecolor="none"))


def _first_generator(bracket: str) -> int:
    """The number of the generator in the first term: 3 for `-2 v3 + v4`."""
    return int(next(part for part in bracket.split() if part.lstrip("-").startswith("v")).lstrip("-")[1:])
