"""What densities over transformations say of datasets, as a table and as a figure."""

import math
from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

from matplotlib.figure import Figure

from experiments.related.transformation_model_data import DATASETS
from experiments.verdict import met
from pdesym.report.figures.house_style import FAINT, GRID, OPERATORS, house_style, new_figure
from pdesym.report.number_text import measured_text

Rows = Sequence[Mapping[str, Any]]
UNIFORM = math.log(2 * math.pi)


def report(record: Mapping[str, Any]) -> str:
    """A line for each dataset, and how often the test was right."""
    rows, alpha = record["rows"], record["preset"]["alpha"]
    lines = [
        "Means over seeds, in nats. Gained: log p(η|x̂) of unseen samples over that of the uniform law, with the spread "
        "that one seed has by sampling; learned: the divergence of the learned law from the uniform one.",
        "",
        "| dataset | symmetric | divergence, known | learned | gained | flagged | by the mean direction |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for name, data in DATASETS.items():
        each = [row for row in rows if row["data"] == name]
        if each and data.motion == "shift":
            gained = fmean(row["log_likelihood"] + UNIFORM for row in each)
            spread = fmean(row["log_likelihood_error"] for row in each)
            cells = [
                "yes" if data.symmetric else "no",
                "" if data.divergence is None else measured_text(data.divergence),
                measured_text(fmean(row["divergence"] for row in each)),
                f"{gained:.3f} ± {spread:.3f}",
                *(f"{_flagged(each, level, alpha)} of {len(each)}" for level in ("level", "marginal_level")),
            ]
            lines.append(f"| {name} | {' | '.join(cells)} |")
    lines += [
        "",
        "Boosts and scales, whose law is known: log p(η|x̂) of unseen samples, and by how much the true law has more.",
        "",
        "| dataset | η says nothing of x̂ | log likelihood | short of the truth | flagged |",
        "| --- | --- | ---: | ---: | ---: |",
    ]
    for name, data in DATASETS.items():
        each = [row for row in rows if row["data"] == name]
        if each and data.motion != "shift":
            cells = [
                "yes" if data.symmetric else "no",
                f"{fmean(row['log_likelihood'] for row in each):.3f} ± "
                f"{fmean(row['log_likelihood_error'] for row in each):.3f}",
                measured_text(fmean(row["short_of_truth"] for row in each)),
                f"{_flagged(each, 'level', alpha)} of {len(each)}",
            ]
            lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join([*lines, "", *_verdicts(rows, alpha), ""])


def _flagged(rows: Rows, level: str, alpha: float) -> int:
    return sum(row[level] <= alpha for row in rows)


def _verdicts(rows: Rows, alpha: float) -> list[str]:
    whole = [row for row in rows if DATASETS[row["data"]].symmetric]
    broken = [row for row in rows if not DATASETS[row["data"]].symmetric]
    allowed = most_false_alarms(len(whole), alpha)
    false, right = _flagged(whole, "level", alpha), _flagged(broken, "level", alpha)
    lines = [
        f"* False alarms at the level {alpha:g}: {false} of {len(whole)} symmetric datasets, expected at most "
        f"{allowed} in 99 of 100 such studies: {met(false <= allowed)}.",
        f"* Broken datasets flagged: {right} of {len(broken)}, expected all: {met(right == len(broken))}.",
    ]
    defects = [row["prototype_defect"] for row in rows if "prototype_defect" in row]
    if defects:
        lines.append(
            f"* Prototypes of moved fields differ by {measured_text(max(defects))} at most, expected at most 1e-8: "
            f"{met(max(defects) <= 1e-8)}."
        )
    return lines


def most_false_alarms(tests: int, alpha: float) -> int:
    """The number that a binomial law of that level exceeds in at most one of a hundred cases."""
    total, count = 0.0, -1
    while total < 0.99:
        count += 1
        total += math.comb(tests, count) * alpha**count * (1 - alpha) ** (tests - count)
    return count


def density_figure(rows: Rows) -> Figure:
    """The shifts of unseen samples of the first seed, and the learned density of them over all prototypes."""
    names = [name for name, data in DATASETS.items() if data.motion == "shift"]
    with house_style():
        figure = new_figure(8.4, 4.4)
        panels = figure.subplots(2, math.ceil(len(names) / 2), sharex=True, sharey=True).flatten()
        colours = list(OPERATORS.values())
        for axes, name in zip(panels, names, strict=False):
            row = next((row for row in rows if row["data"] == name), None)
            axes.set(title=name, xlim=(0, 2 * math.pi))
            axes.grid(color=GRID, linewidth=0.8)
            if row is None:
                continue
            counts, width = row["histogram"], 2 * math.pi / len(row["histogram"])
            places = [(number + 0.5) * width for number in range(len(counts))]
            heights = [count / sum(counts) / width for count in counts]
            axes.bar(places, heights, width, color=GRID, edgecolor="white", label="shifts of unseen samples")
            angles = [2 * math.pi * number / len(row["density"]) for number in range(len(row["density"]))]
            axes.plot(angles, row["density"], color=colours[2], linewidth=1.6, label="learned, over all prototypes")
            axes.axhline(1 / (2 * math.pi), color=FAINT, linewidth=1, linestyle=":", label="uniform")
        for axes in panels[len(names) // 2 :]:
            axes.set_xlabel("shift, angle")
        figure.legend(*panels[0].get_legend_handles_labels(), loc="outside upper left", frameon=False, ncols=3)
    return figure
