"""The defect table as bars on a logarithmic axis."""

import math
from collections.abc import Mapping
from typing import Any, TypeGuard

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from pdesym.report.figures.house_style import INK, house_style, new_figure, operator_colours, shortened, wrapped
from pdesym.report.number_text import largest_text, measured_text, power_of_ten_text
from pdesym.report.record import Record
from pdesym.report.table import OTHERS, SYMMETRIES, Cell, DefectTable, defect_table

# Heights, in bars.
BETWEEN_GENERATORS = 0.7
HEADING = 1.3
LEGEND = 1.6
ONE_ROW = 45  # letters of a legend that fit beside each other


def defect_figure(defects: Mapping[str, Any]) -> Figure:
    """Relative defects of every operator for every generator, from a loaded `defects.json`."""
    table = defect_table(defects)
    with house_style():
        bars = len(table.columns) * (len(table.rows) + BETWEEN_GENERATORS) + len(table.groups) * HEADING
        figure = new_figure(8.6, 0.7 + 0.24 * (bars + LEGEND))
        axes = figure.add_subplot()
        draw_defects(axes, table, largest_defect(defects))
        axes.set_xlabel("relative defect")
    return figure


def largest_defect(defects: Mapping[str, Any]) -> float:
    """The largest value that a relative defect can have, as the file says."""
    found = Record("defects.json", (), defects)["maximum"].number
    if not _on_axis(found):
        raise ValueError(f"Expected a positive number at maximum of results/defects.json, got {found}.")
    return found


def draw_defects(
    axes: Axes, table: DefectTable, maximum: float, value_room: float = 0.13, label_width: int = 30
) -> None:
    """Draws a group of bars a generator, the true symmetries above the others, each bar with its value.

    Args:
        axes: where to draw.
        table: what to draw.
        maximum: the largest value that a defect can have; a dashed line marks it.
        value_room: share of the axis' width that the text of a value takes.
        label_width: characters on a line of a generator's name.
    """
    colours = operator_colours(row.operator for row in table.rows)
    values = [cell.mean.number for row in table.rows for cell in row.cells]
    left = 10.0 ** math.floor(math.log10(min([value for value in values if _on_axis(value)] + [0.01])) - 0.5)
    span = math.log(maximum / left) / (1.0 - value_room)
    gap = math.exp(0.015 * span)
    axes.set_xscale("log")
    axes.set_xlim(left, left * math.exp(span))

    height, ticks = 0.0, []
    for index, column in enumerate(table.columns):
        if index == 0 or column.symmetry != table.columns[index - 1].symmetry:
            heading = SYMMETRIES if column.symmetry else OTHERS
            axes.text(left, height, heading, weight="bold", va="center")
            height += HEADING
        middle = height + (len(table.rows) - 1) / 2
        ticks.append((middle, f"{wrapped(column.meaning, label_width)}\n{shortened(column.text)}"))
        for row in table.rows:
            end = _draw_bar(axes, height, row.cells[index], colours[row.operator], left)
            text = measured_text(row.cells[index].mean.number)
            width = value_room * span * len(text) / len("3.8e-07")
            fits = math.log(maximum / end) > width
            axes.text(gap * (end if fits else max(end, maximum)), height, text, va="center_baseline", size=9)
            height += 1.0
        height += BETWEEN_GENERATORS
    names = [shortened(name, 18) for name in colours]
    rows = 1 if sum(map(len, names)) <= ONE_ROW else 2
    axes.set_ylim(height - BETWEEN_GENERATORS, -rows * LEGEND)
    axes.set_yticks(*zip(*ticks, strict=True))
    axes.tick_params(axis="y", length=0)
    _mark_decades(axes, left, maximum)
    axes.spines["left"].set_visible(False)
    axes.plot([maximum, maximum], [height, -0.7], color=INK, linewidth=1.0, linestyle=(0, (4, 2)), zorder=0.5)
    legend = axes.legend(
        handles=[Patch(color=colour, label=name) for name, colour in zip(names, colours.values(), strict=True)],
        loc="upper left",
        ncols=-(-len(names) // rows),
        frameon=False,
        borderaxespad=0.0,
        borderpad=0.0,
        handlelength=1.0,
        handleheight=1.0,
        handletextpad=0.5,
        columnspacing=1.4,
    )
    legend.set_in_layout(False)  # it has its row inside the axes


def _mark_decades(axes: Axes, left: float, maximum: float) -> None:
    """Ticks at a few powers of ten and at the largest defect, beyond which there is nothing to read."""
    lowest = math.ceil(math.log10(left))
    step = max(1, math.ceil(-lowest / 6))
    decades = [10.0**exponent for exponent in range(-step, lowest - 1, -step)]
    axes.set_xticks([maximum, *decades], [largest_text(maximum), *(power_of_ten_text(decade) for decade in decades)])
    axes.set_xticks([], minor=True)


def _draw_bar(axes: Axes, height: float, cell: Cell, colour: str, left: float) -> float:
    """Draws a bar and, where seeds differ, a line from the smallest to the largest; gives back where it ends."""
    mean, low, high = cell.mean.number, cell.low.number, cell.high.number
    end = left
    if _on_axis(mean):
        axes.barh(height, mean - left, height=0.86, left=left, color=colour)
        end = mean
    if cell.varies and _on_axis(low) and _on_axis(high):
        axes.plot([low, high], [height, height], color=INK, linewidth=1.2, solid_capstyle="butt")
        end = max(end, high)
    return end


def _on_axis(value: float | None) -> TypeGuard[float]:
    return value is not None and math.isfinite(value) and value > 0.0
