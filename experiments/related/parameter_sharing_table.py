"""What the study of parameter sharing says, as text and as a figure."""

from collections.abc import Mapping, Sequence
from statistics import mean
from typing import Any

from matplotlib.figure import Figure

from pdesym.report.figures.house_style import FURTHER, GRID, OPERATORS, house_style, new_figure, show_decades
from pdesym.report.number_text import measured_text

_GIVEN, _FOUND = ("dense", "circulant", "dihedral"), ("clustered", "gradient", "turns")
_COLOURS = {
    "dense": OPERATORS["plain FNO"],
    "circulant": OPERATORS["exact solver"],
    "dihedral": FURTHER[3],
    "clustered": FURTHER[1],
    "gradient": FURTHER[0],
    "turns": OPERATORS["boosted FNO"],
}


def report(record: Mapping[str, Any]) -> str:
    """Two tables: the partitions that were found, and the errors."""
    rows = record["rows"]
    cells = list(dict.fromkeys((row["equation"], row["pairs"]) for row in rows))
    true = record["true_classes"]
    lines = [
        f"| step | pairs | true classes | {' | '.join(f'{way}: classes, index, bits' for way in _FOUND)} | "
        f"{' | '.join(f'{way}: shares' for way in _FOUND)} |",
        f"| --- | ---: | ---: | {'---: | ' * 2 * len(_FOUND)}".rstrip(),
    ]
    for equation, pairs in cells:
        some = [row for row in rows if (row["equation"], row["pairs"]) == (equation, pairs)]
        found = [
            f"{_mean(some, way, 'classes'):.1f}, {_mean(some, way, 'rand'):.2f}, {_mean(some, way, 'information'):.2f}"
            for way in _FOUND
        ]
        found += [f"{sum(row[way]['shares'] for row in some)} of {len(some)}" for way in _FOUND]
        lines.append(f"| {equation} | {pairs} | {true.get(equation, 'none')} | {' | '.join(found)} |")
    lines += [
        "",
        "Means over seeds: classes found, adjusted Rand index (1 is the true partition, 0 chance) and variation of "
        "information. The control is measured against the partition of constant speed. *Shares*: in how many seeds the "
        "scheme is better than no sharing on the last quarter of the pairs.",
        "",
        f"| step | pairs | {' | '.join((*_GIVEN, *_FOUND))} |",
        f"| --- | ---: | {'---: | ' * len((*_GIVEN, *_FOUND))}".rstrip(),
    ]
    for equation, pairs in cells:
        some = [row for row in rows if (row["equation"], row["pairs"]) == (equation, pairs)]
        errors = [measured_text(_mean(some, way, "error")) for way in (*_GIVEN, *_FOUND)]
        lines.append(f"| {equation} | {pairs} | {' | '.join(errors)} |")
    lines += ["", "Relative L2 errors of a step on white inputs without noise, all weights fitted to all pairs; means."]
    return "\n".join(lines) + "\n"


def figure(rows: Sequence[Mapping[str, Any]]) -> Figure:
    """Above the agreement with the truth, below the errors, against the number of pairs."""
    equations = list(dict.fromkeys(row["equation"] for row in rows))
    with house_style():
        drawn = new_figure(8.4, 4.6)
        all_axes = drawn.subplots(2, len(equations), sharex=True, sharey="row")
        for column, equation in enumerate(equations):
            some = [row for row in rows if row["equation"] == equation]
            pairs = sorted({row["pairs"] for row in some})
            for axes, quantity, ways in (
                (all_axes[0][column], "rand", _FOUND),
                (all_axes[1][column], "error", (*_GIVEN, *_FOUND)),
            ):
                for way in ways:
                    means = [_mean([row for row in some if row["pairs"] == n], way, quantity) for n in pairs]
                    dashes = (0, (4, 2)) if way in _GIVEN else "-"
                    axes.plot(pairs, means, color=_COLOURS[way], linestyle=dashes, label=way)
                    for n in pairs:
                        each = [row[way][quantity] for row in some if row["pairs"] == n]
                        axes.plot([n] * len(each), each, ".", markersize=3, color=_COLOURS[way])
                axes.set_xscale("log")
                axes.set_xticks(pairs, [f"{n}" for n in pairs])
                axes.set_xticks([], minor=True)
                axes.grid(axis="y", color=GRID, linewidth=0.8)
            all_axes[0][column].set(title=equation, ylim=(-0.05, 1.05))
            show_decades(all_axes[1][column])
            all_axes[1][column].set(xlabel="pairs")
        all_axes[0][0].set(ylabel="adjusted Rand index")
        all_axes[1][0].set(ylabel="relative error")
        handles, labels = all_axes[1][0].get_legend_handles_labels()
        drawn.legend(handles, labels, loc="outside upper left", ncols=len(labels), frameon=False)
    return drawn


def _mean(rows: Sequence[Mapping[str, Any]], way: str, quantity: str) -> float:
    return mean(row[way][quantity] for row in rows)
