"""The figure of this folder's page, drawn from the results alone.

    .venv/bin/python -m experiments.lpsda.figures

Writes sample_efficiency.png beside itself. Seconds.
"""

from collections.abc import Sequence
from pathlib import Path
from statistics import mean, stdev
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullFormatter

from experiments.forecasting.results import published, results
from experiments.forecasting.table import ratios
from pdesym.report.figures.house_style import GRID, INK, OPERATORS, house_style, new_figure, show_decades
from pdesym.report.figures.png import png

HERE = Path(__file__).parent
COLOURS = {"none": OPERATORS["plain FNO"], "exact": OPERATORS["boosted FNO"]}
TITLES = {"kdv": "Korteweg-de Vries", "ks": "Kuramoto-Sivashinsky"}
LABELS = {"none": "without", "exact": "with the boost"}
DOTS_PER_INCH = 110


def sample_figure(rows: Sequence[dict[str, Any]], paper: dict[str, Any]) -> Figure:
    """Error over the number of trajectories, ours and published, and below the ratio of the two treatments."""
    with house_style():
        figure = new_figure(7.6, 5.6)
        axes = figure.subplots(2, 2, sharex=True)
        for column, (equation, title) in enumerate(TITLES.items()):
            above, below = axes[0, column], axes[1, column]
            above.set(title=title, xscale="log")
            show_decades(above)
            for key, treatment in (("none", "none"), ("augmented", "exact")):
                theirs, bars = (paper["sample_efficiency"][equation][name] for name in (key, f"{key}_bar"))
                colour = COLOURS[treatment]
                label = f"published: {'without' if key == 'none' else 'all symmetries'}"
                look = {"color": colour, "marker": "s", "markerfacecolor": "white", "linestyle": "--", "linewidth": 1.0}
                above.errorbar(paper["samples"], theirs, bars, label=label, **look)
                mine = [row for row in rows if (row["equation"], row["treatment"]) == (equation, treatment)]
                _ours(above, mine, colour, f"ours: {LABELS[treatment]}")
            for key, label, look in (
                ("sample_efficiency", "published: one shot", {"marker": "s", "linestyle": "--"}),
                ("autoregressive", "published: block to block", {"marker": "D", "linestyle": ":"}),
            ):
                if pair := paper[key].get(equation):
                    theirs = [with_ / without for with_, without in zip(pair["augmented"], pair["none"], strict=True)]
                    below.plot(paper["samples"], theirs, color=INK, markerfacecolor="white", label=label, **look)
            for row in rows:
                each = ratios(rows, row) if (row["equation"], row["treatment"]) == (equation, "exact") else []
                if each:
                    below.errorbar(row["samples"], mean(each), _deviation(each), color=COLOURS["exact"], marker="o")
                    below.plot([row["samples"]] * len(each), each, ".", color=COLOURS["exact"], alpha=0.5)
            below.set(xlabel="trajectories to train on", ylim=(0, 1.1))
            below.axhline(1.0, color=GRID, linewidth=0.8, zorder=0)
            every = sorted({*paper["samples"], *(row["samples"] for row in rows)})
            below.xaxis.set_major_locator(FixedLocator(every))
            below.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
            below.xaxis.set_minor_formatter(NullFormatter())
        axes[0, 0].set_ylabel("NMSE")
        axes[1, 0].set_ylabel("with / without")
        for each in axes.flat:
            each.grid(axis="y", color=GRID, linewidth=0.8)
        axes[1, 0].legend(frameon=False, fontsize=8, loc="upper right")
        handles, labels = axes[0, 0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside upper left", frameon=False, ncols=2)
    return figure


def _ours(axes: Axes, rows: Sequence[dict[str, Any]], colour: str, label: str) -> None:
    rows = sorted(rows, key=lambda row: row["samples"])
    middles, spreads = [mean(row["nmse"]) for row in rows], [_deviation(row["nmse"]) for row in rows]
    sizes = [row["samples"] for row in rows]
    axes.errorbar(sizes, middles, spreads, color=colour, marker="o", linewidth=1.6, label=label)
    for row in rows:
        axes.plot([row["samples"]] * len(row["nmse"]), row["nmse"], ".", color=colour, alpha=0.5)


def _deviation(values: Sequence[float]) -> float:
    return stdev(values) if len(values) > 1 else 0.0


def main() -> None:
    """Draws it."""
    figure = sample_figure(results(HERE, "sample_efficiency")["rows"], published(HERE))
    source = "results/sample_efficiency-laptop.json, published.yaml"
    (HERE / "sample_efficiency.png").write_bytes(png(figure, source, DOTS_PER_INCH))


if __name__ == "__main__":
    main()
