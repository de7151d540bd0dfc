"""The figures of the studies of constraints, drawn from their results alone.

    .venv/bin/python -m experiments.mirror.constraint_figures

Writes results/<study>-laptop.png for each of modes, channels, gates and linear that has results. Seconds.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import mean
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.mirror import channels, gates_problems, linear, modes_table
from experiments.trial_store import find
from pdesym.report.figures.house_style import (
    FURTHER,
    GRID,
    INK,
    OPERATORS,
    house_style,
    new_figure,
    show_decades,
)
from pdesym.report.figures.png import save_figure
from pdesym.report.number_text import given_text

HERE = Path(__file__).parent
OURS, PLAIN, TUNED = OPERATORS["boosted FNO"], OPERATORS["plain FNO"], OPERATORS["self-boosted FNO"]
ARMS = {
    "constrained": (OURS, "o-"),
    "pruned and tuned": (TUNED, "s-"),
    "pruned": (PLAIN, "x-"),
    "highest modes cut and tuned": (FURTHER[0], "^-"),
    "decayed, constrained": (OURS, "o--"),
    "decayed, pruned and tuned": (TUNED, "s--"),
}
DOTS_PER_INCH = 110
Record = Mapping[str, Any]


def modes_figure(record: Record) -> Figure:
    """Test NMSE against the share of spectral weights that were removed: a panel a unit, points for seeds."""
    rows = record["rows"]
    with house_style():
        figure = new_figure(9.0, 4.0)
        panels = figure.subplots(1, 2, sharey=True)
        for axes, per in zip(panels, ("mode", "part"), strict=True):
            for arm, (colour, style) in ARMS.items():
                ladder = [
                    some for k in record["settings"][f"per_{per}"] if (some := modes_table.found(rows, arm, per, k))
                ]
                _ladder(axes, ladder, colour, style, arm)
            _levels(
                axes, {"plain": modes_table.yardstick(rows, "plain"), "decayed": modes_table.found(rows, "decayed")}
            )
            axes.set(xlabel="share of the spectral weights removed", title=f"a unit per {per}", xlim=(0, 1))
        panels[0].set_ylabel("NMSE on test pairs")
        _legend(figure, panels)
    return figure


def channels_figure(record: Record) -> Figure:
    """The same for singular values and channels."""
    rows = record["rows"]
    with house_style():
        figure = new_figure(9.0, 4.0)
        panels = figure.subplots(1, 2, sharey=True)
        for axes, what in zip(panels, channels.CONSTRAINTS, strict=True):
            for arm, colour, style in (("constrained", OURS, "o-"), ("cut", PLAIN, "x-")):
                ladder = [some for k in record["settings"][what] if (some := channels.found(rows, arm, what, k))]
                _ladder(axes, ladder, colour, style, {"cut": "plain, cut"}.get(arm, arm))
            _levels(axes, {"plain": channels.found(rows, "plain", "", 0.0)})
            axes.set(xlabel=f"share of the {channels.UNITS[what]} removed", title=what, xlim=(0, 1))
        panels[0].set_ylabel("NMSE on test pairs")
        _legend(figure, panels)
    return figure


def gates_figure(record: Record) -> Figure:
    """What the matrices violate of each symmetry, with gates and by least squares; filled where it is broken."""
    strength = record["settings"]["strength"]
    rows = [row for row in record["rows"] if row["strength"] == strength]
    problems = list(dict.fromkeys(row["problem"] for row in rows))
    floor = 1e-17
    with house_style():
        figure = new_figure(9.0, 4.2)
        panels = figure.subplots(1, 3, sharey=True)
        for number, (axes, name) in enumerate(zip(panels, gates_problems.SYMMETRIES, strict=True)):
            show_decades(axes)
            for row in rows:
                place = problems.index(row["problem"])
                for key, colour, shift in (("violations", OURS, -0.12), ("violations_of_least_squares", PLAIN, 0.12)):
                    face = "white" if row["holds"][number] else colour
                    value = max(row[key][number], floor)
                    axes.plot(place + shift, value, "o", color=colour, markerfacecolor=face, markersize=6)
            axes.set_xticks(range(len(problems)), problems, rotation=35, ha="right")
            axes.set_title(name)
            axes.grid(axis="y", color=GRID, linewidth=0.8)
        panels[0].set_ylabel("‖OᵀW‖/‖W‖")
        panels[0].plot([], [], "o", color=OURS, label=f"gates, κ = {given_text(strength)}")
        panels[0].plot([], [], "o", color=PLAIN, label="least squares")
        panels[0].plot([], [], "o", color=INK, markerfacecolor="white", label="the symmetry holds")
        panels[0].plot([], [], "o", color=INK, label="it is broken")
        _legend(figure, panels)
    return figure


def linear_figure(record: Record) -> Figure:
    """Shares of vanished coefficients and ranks along the ladders of noise and of weight decay."""
    stored = record["settings"]
    product, plain, matrix, residual = (find(record["rows"], key) or {} for key in linear.KEYS)
    count = len(stored["noises"])
    ladders = (
        ("noise σ of the labels", stored["noises"], list(range(count))),
        ("weight decay 2γ", [0.0, *stored["decays"]], [0, *range(count, count + len(stored["decays"]))]),
    )
    with house_style():
        figure = new_figure(9.0, 5.6)
        panels = figure.subplots(2, 2, sharex="col", sharey="row")
        for column, (name, values, indices) in enumerate(ladders):
            for row, name_of_row, curves in (
                (0, "share vanished", ((product, "gone", "u ⊙ v"), (plain, "gone", "w itself"))),
                (1, "rank", ((matrix, "ranks", "U V"), (residual, "ranks", "(I + U)(I + V)"))),
            ):
                axes = panels[row][column]
                for number, (found, key, label) in enumerate(curves):
                    curve = [mean(found[key][index]) for index in indices]
                    axes.plot(range(len(values)), curve, "o-", color=(OURS, FURTHER[1])[number], label=label)
                axes.set_xticks(range(len(values)), [given_text(value) for value in values])
                axes.grid(axis="y", color=GRID, linewidth=0.8)
                axes.set_ylim(0, None)
                if column == 0:
                    axes.set_ylabel(name_of_row)
                    axes.legend(frameon=False)
            panels[1][column].set_xlabel(name)
    return figure


FIGURES: dict[str, Callable[[Record], Figure]] = {
    "modes": modes_figure,
    "channels": channels_figure,
    "gates": gates_figure,
    "linear": linear_figure,
}


def _ladder(axes: Axes, ladder: Sequence[Sequence[Record]], colour: str, style: str, label: str) -> None:
    """The means of the rungs as a line, the seeds as points."""
    if not ladder:
        return
    for some in ladder:
        axes.plot([row["share"] for row in some], [row["test"] for row in some], ".", color=colour, alpha=0.6)
    means = [(mean(row["share"] for row in some), mean(row["test"] for row in some)) for some in ladder]
    axes.plot(*zip(*sorted(means), strict=True), style, color=colour, markersize=5, label=label)


def _levels(axes: Axes, levels: Mapping[str, Sequence[Record]]) -> None:
    """The NMSE of what nothing is removed from."""
    show_decades(axes)
    for (name, rows), style in zip(levels.items(), ("-", "--"), strict=False):
        if rows:
            axes.axhline(
                mean(row["test"] for row in rows), color=INK, linewidth=0.9, linestyle=style, label=f"{name}, whole"
            )
    axes.grid(axis="y", color=GRID, linewidth=0.8)


def _legend(figure: Figure, panels: Sequence[Axes]) -> None:
    entries = {label: line for axes in panels for line, label in zip(*axes.get_legend_handles_labels(), strict=True)}
    figure.legend(entries.values(), entries.keys(), loc="outside upper left", frameon=False, ncols=4)


def main() -> None:
    """Draws those that have results."""
    for study, drawn in FIGURES.items():
        path = HERE / "results" / f"{study}-laptop.json"
        if path.is_file():
            record = json.loads(path.read_text(encoding="utf-8"))
            save_figure(drawn(record), path.with_suffix(".png"), f"results/{path.name}")


if __name__ == "__main__":
    main()
