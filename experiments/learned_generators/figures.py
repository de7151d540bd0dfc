"""The figure of this folder's page, drawn from the results alone.

    .venv/bin/python -m experiments.learned_generators.figures

Writes augmentation.png beside itself. Seconds.
"""

from collections.abc import Sequence
from pathlib import Path
from statistics import mean, stdev
from typing import Any

from matplotlib.figure import Figure

from experiments.forecasting.results import published, results
from experiments.forecasting.table import found, ratios
from pdesym.report.figures.house_style import FURTHER, GRID, INK, OPERATORS, house_style, new_figure
from pdesym.report.figures.png import png

HERE = Path(__file__).parent
COLOURS = {"exact": OPERATORS["boosted FNO"], "learned": FURTHER[0]}
LABELS = {"exact": "exact boost", "learned": "learned generators"}
WIDTH = 0.36
DOTS_PER_INCH = 110


def ratio_figure(rows: Sequence[dict[str, Any]], others: dict[str, Any]) -> Figure:
    """Errors as a share of that without augmentation: bars for the means, points for the seeds, squares for others."""
    cells = list(dict.fromkeys((row["equation"], row["samples"]) for row in rows))
    with house_style():
        figure = new_figure(6.8, 3.8)
        axes = figure.add_subplot()
        for index, (treatment, colour) in enumerate(COLOURS.items()):
            label = LABELS[treatment]
            for place, cell in enumerate(cells):
                row = found(rows, *cell, treatment)
                each = ratios(rows, row) if row else []
                if not each:
                    continue
                x = place + (index - 0.5) * WIDTH
                error = stdev(each) if len(each) > 1 else 0.0
                axes.bar(x, mean(each), 0.9 * WIDTH, yerr=error, color=colour, alpha=0.75, ecolor=INK, label=label)
                axes.plot([x] * len(each), each, ".", color=INK)
                label = ""
            for equation, values in others["rerun"].items():
                place = len(cells) + list(others["rerun"]).index(equation)
                share = values[treatment] / values["none"]
                axes.plot(place + (index - 0.5) * WIDTH, share, "s", color=colour, markerfacecolor="white")
        names = [f"{equation}\nN = {samples}" for equation, samples in cells]
        names += [f"{equation}, N = {others['samples']}\nby others" for equation in others["rerun"]]
        axes.set_xticks(range(len(names)), names)
        axes.axhline(1.0, color=INK, linewidth=0.8)
        axes.set(ylabel="NMSE / that without augmentation", ylim=(0, None))
        axes.grid(axis="y", color=GRID, linewidth=0.8)
        figure.legend(loc="outside upper left", frameon=False, ncols=2)
    return figure


def main() -> None:
    """Draws it."""
    figure = ratio_figure(results(HERE, "augmentation")["rows"], published(HERE))
    source = "results/augmentation-laptop.json, published.yaml"
    (HERE / "augmentation.png").write_bytes(png(figure, source, DOTS_PER_INCH))


if __name__ == "__main__":
    main()
