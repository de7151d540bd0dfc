"""What the study of the evidence says, as text and as a figure."""

from collections.abc import Mapping, Sequence
from statistics import mean
from typing import Any

from matplotlib.figure import Figure

from pdesym.report.figures.house_style import FURTHER, GRID, OPERATORS, house_style, new_figure
from pdesym.report.number_text import measured_text

_COLOURS = (OPERATORS["exact solver"], OPERATORS["boosted FNO"], OPERATORS["plain FNO"], *FURTHER)


def report(record: Mapping[str, Any]) -> str:
    """Effective parameters and precisions of each part, the gain of evidence, and errors."""
    rows, weights = record["rows"], record["weights"]
    waves = range(1, len(weights))
    lines = [
        f"| step | pairs | c, of {weights[0]} | {' | '.join(f'm = {m}, of {weights[m]}' for m in waves)} | gain |",
        f"| --- | ---: | {'---: | ' * (len(weights) + 1)}".rstrip(),
    ]
    for equation, pairs, some in cells(rows):
        effective = [
            f"{mean(row['evidence']['effective'][m] for row in some):.1f} "
            f"({mean(row['evidence']['log_alpha'][m] for row in some):.1f})"
            for m in range(len(weights))
        ]
        gains = " ".join(f"{gain(row):.1f}" for row in some)
        lines.append(f"| {equation} | {pairs} | {' | '.join(effective)} | {gains} |")
    lines += [
        "",
        "Effective parameters of each part, and the logarithm of its prior precision; means over seeds. *Gain*: by how "
        "much the logarithm of the evidence is above that of the convolution alone, one number for each seed.",
        "",
        "| step | pairs | convolution | one precision | evidence |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    for equation, pairs, some in cells(rows):
        errors = [
            measured_text(mean(row[arm]["error"] for row in some)) for arm in ("convolution", "shared", "evidence")
        ]
        lines.append(f"| {equation} | {pairs} | {' | '.join(errors)} |")
    lines += ["", "Relative L2 errors of a step on white inputs without noise, means over seeds."]
    return "\n".join(lines) + "\n"


def cells(rows: Sequence[Mapping[str, Any]]) -> list[tuple[str, int, list[Mapping[str, Any]]]]:
    """Equations and numbers of pairs with their rows."""
    names = dict.fromkeys((row["equation"], row["pairs"]) for row in rows)
    return [(*name, [row for row in rows if (row["equation"], row["pairs"]) == name]) for name in names]


def gain(row: Mapping[str, Any]) -> float:
    """By how much the evidence of all parts is above that of the convolution alone, in natural logarithms."""
    return float(row["evidence"]["log_evidence"] - row["convolution"]["log_evidence"])


def figure(rows: Sequence[Mapping[str, Any]], weights: Sequence[int]) -> Figure:
    """Effective parameters as a share of the weights of a part: a line for each part, a point for each seed."""
    equations = list(dict.fromkeys(row["equation"] for row in rows))
    with house_style():
        drawn = new_figure(9.0, 2.7)
        panels = drawn.subplots(1, len(equations), sharey=True, squeeze=False)[0]
        for axes, equation in zip(panels, equations, strict=True):
            of = [(pairs, some) for name, pairs, some in cells(rows) if name == equation]
            for m in range(len(weights)):
                each = [(pairs, [row["evidence"]["effective"][m] / weights[m] for row in some]) for pairs, some in of]
                label = "convolution" if m == 0 else f"m = {m}"
                axes.plot(*zip(*((pairs, mean(v)) for pairs, v in each), strict=True), color=_COLOURS[m], label=label)
                for pairs, values in each:
                    axes.plot([pairs] * len(values), values, ".", markersize=3, color=_COLOURS[m])
            axes.set(title=equation, xlabel="pairs", xscale="log")
            axes.set_xticks([pairs for pairs, _ in of], [f"{pairs}" for pairs, _ in of])
            axes.set_xticks([], minor=True)
            axes.grid(axis="y", color=GRID, linewidth=0.8)
        panels[0].set(ylabel="effective share")
        handles, labels = panels[0].get_legend_handles_labels()
        drawn.legend(handles, labels, loc="outside upper left", ncols=len(labels), frameon=False)
    return drawn
