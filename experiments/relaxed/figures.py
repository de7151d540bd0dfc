"""The figures of this folder's page, drawn from the results alone.

    .venv/bin/python -m experiments.relaxed.figures

Writes errors.png and examples.png beside itself. Seconds.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.relaxed.arms import ARMS
from experiments.relaxed.examples import SHOWN, STUDIES
from experiments.relaxed.problems import TITLES
from experiments.relaxed.study_table import chosen, of
from pdesym.report.figures.house_style import (
    FAINT,
    FURTHER,
    GRID,
    INK,
    OPERATORS,
    house_style,
    new_figure,
    show_decades,
    wrapped,
)
from pdesym.report.figures.png import png

HERE = Path(__file__).parent
PRESET = "laptop"
STRICT, RELAXED, NOISE = OPERATORS["plain FNO"], OPERATORS["boosted FNO"], OPERATORS["self-boosted FNO"]
COLOURS = {
    "strict": STRICT,
    "enforced": FURTHER[1],
    "noise": NOISE,
    "breaking input": FURTHER[2],
    "symmetrised": FURTHER[0],
    "relaxed": RELAXED,
}
INPUTS = {
    "allen_cahn": "landscape a(x)",
    "swift_hohenberg": "growth r(x)",
    "folded_burgers": "folded observation",
    "coarse_energy": "mean of u² in cells",
}
DOTS_PER_INCH = 110


def results(name: str) -> dict[str, Any]:
    """One of the result files."""
    return dict(json.loads((HERE / "results" / f"{name}.json").read_text(encoding="utf-8")))


def error_figure(records: Mapping[str, Mapping[str, Any]]) -> Figure:
    """Error over bound for every symmetric test input and seed, a column for each arm, a panel for each problem."""
    panels = [(record, problem) for record in records.values() for problem in record["bounds"]]
    with house_style():
        figure = new_figure(9.6, 6.6)
        axes = np.atleast_1d(figure.subplots(2, (len(panels) + 1) // 2, sharey=True)).flatten()
        for each, (record, problem) in zip(axes, panels, strict=False):
            _draw_errors(each, record, problem)
        for each in axes[:: (len(panels) + 1) // 2]:
            each.set_ylabel("error / bound, sample by sample")
    return figure


def _draw_errors(axes: Axes, record: Mapping[str, Any], problem: str) -> None:
    rows = chosen([row for row in record["rows"] if row["problem"] == problem])
    limits = np.array(record["bounds"][problem])
    for place, arm in enumerate(ARMS):
        for number, row in enumerate(of(rows, arm)):
            ratio = np.array(row["symmetric"]["per_sample"]) / limits
            offset = place + 0.24 * (number - 1) + 0.16 * (np.arange(len(ratio)) / len(ratio) - 0.5)
            axes.plot(offset, ratio, ".", color=COLOURS[arm], markersize=2.5, alpha=0.7)
            axes.plot(place + 0.24 * (number - 1), ratio.mean(), "_", color=INK, markersize=11)
    axes.axhline(1.0, color=INK, linewidth=0.8)
    axes.set_title(TITLES[problem])
    axes.set_xlim(-0.6, len(ARMS) - 0.4)
    axes.set_xticks(range(len(ARMS)), [arm.replace(" ", "\n") for arm in ARMS], fontsize=8)
    show_decades(axes)
    axes.grid(axis="y", color=GRID, linewidth=0.8)


def example_figure(record: Mapping[str, Any]) -> Figure:
    """An input of each problem above its outcome, the mean of the orbit, and what arms give."""
    rows = record["rows"]
    colours = {"strict": STRICT, "noise": NOISE, "relaxed": RELAXED}
    with house_style():
        figure = new_figure(11.2, 4.6)
        axes = figure.subplots(2, len(rows), sharex="col", height_ratios=(1, 2))
        for column, row in enumerate(rows):
            x = np.array(row["x"])
            above, below = axes[0, column], axes[1, column]
            above.plot(x, row["input"], color=INK, linewidth=1.2)
            above.set_title(wrapped(TITLES[row["problem"]], 26))
            above.set_ylabel(INPUTS[row["problem"]], fontsize=8)
            below.plot(x, row["outcome"], color=FAINT, linewidth=3, alpha=0.5, label="drawn outcome")
            below.plot(x, row["orbit"], color=INK, linewidth=1, linestyle=":", label="mean of the orbit")
            for arm in SHOWN:
                below.plot(x, row["outputs"][arm], color=colours[arm], linewidth=1.2, label=arm)
            below.set_xlabel("x")
        figure.legend(*axes[1, 0].get_legend_handles_labels(), loc="outside lower center", frameon=False, ncols=5)
    return figure


def main() -> None:
    """Draws both."""
    records = {study: results(f"{study}-{PRESET}") for study in STUDIES}
    files = ", ".join(f"results/{study}-{PRESET}.json" for study in STUDIES)
    (HERE / "errors.png").write_bytes(png(error_figure(records), files, DOTS_PER_INCH))
    (HERE / "examples.png").write_bytes(
        png(example_figure(results("examples")), "results/examples.json", DOTS_PER_INCH)
    )


if __name__ == "__main__":
    main()
