"""What became of C, as a table and as a figure."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from matplotlib.figure import Figure
from torch import Tensor

from experiments.verdict import met
from pdesym.report.figures.house_style import FAINT, FURTHER, GRID, INK, OPERATORS, house_style, new_figure
from pdesym.report.number_text import measured_text

Rows = Sequence[Mapping[str, Any]]
LAST = 4
"""The last one in so many of the measurements counts as the end."""


def drift(row: Mapping[str, Any], name: str, of: str) -> float:
    """The largest distance of C from a prediction over the times, in parts of ‖U‖² + ‖V‖²; root mean square of runs."""
    told = row["told"]
    distance = (_of(told[name]["C"]) - _of(told[name][of])) / _of(told["size"])
    return float(distance.abs().amax(0).square().mean().sqrt())


def departure(row: Mapping[str, Any], name: str, of: str) -> float:
    """Root mean square of C minus a prediction over that of C minus its first value, over runs and times."""
    values, predicted = (_of(row["told"][name][key]) for key in ("C", of))
    return float((values - predicted).square().mean().sqrt() / (values - values[0]).square().mean().sqrt())


def spread(values: Sequence[float], starts: int) -> float:
    """Largest minus least over the starts of a seed, the mean over seeds."""
    each = _of(values).reshape(-1, starts)
    return float((each.amax(1) - each.amin(1)).mean())


def at_end(row: Mapping[str, Any], values: Sequence[Sequence[float]]) -> list[float]:
    """The mean over the end of each run."""
    each = _of(values)
    mean: list[float] = each[-(len(each) // LAST) :].mean(0).tolist()
    return mean


def report(record: Mapping[str, Any]) -> str:
    """Conservation without noise, the theory with it, and whether the starts meet."""
    rows, starts = record["rows"], len(record["preset"]["starts"])
    lines = [
        "Without noise: the largest distance of C from e^(−4γt) C(0), in parts of ‖U‖² + ‖V‖², and the same for a "
        "scaling that is no symmetry.",
        "",
        "| descent | η | γ | C of the symmetry | of no symmetry |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    for row in rows:
        if not row["batch"]:
            cells = [f"{row['rate']:g}", f"{row['decay']:g}"]
            cells += [measured_text(drift(row, name, "theory")) for name in ("symmetry", "no symmetry")]
            lines.append(f"| whole set | {' | '.join(cells)} |")
    lines += [
        "",
        "With noise: the error of C as predicted along the run, as a part of the change of C (root mean squares over "
        "runs and times); the same with what a step of finite length adds beside the noise; and for a scaling that is "
        "no symmetry. Then how far apart C is over the starts of a seed, first and at the end; and at the end the mean "
        "of C over runs beside that of the fixed points of their orbits.",
        "",
        "| γ | error of the theory | with the length of a step | of no symmetry | starts apart, first | at the end "
        "| C at the end | fixed point |",
        "| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for row in rows:
        if row["batch"]:
            errors = [departure(row, *which) for which in WHICH]
            ends = [at_end(row, each) for each in (row["told"]["symmetry"]["C"], row["told"]["fixed"])]
            apart = [spread(each, starts) for each in (row["told"]["symmetry"]["C"][0], ends[0])]
            values = [*errors, *apart, *(float(_of(each).mean()) for each in ends)]
            lines.append(f"| {row['decay']:g} | {' | '.join(map(measured_text, values))} |")
    return "\n".join([*lines, "", *_verdicts(rows, starts), ""])


WHICH = (("symmetry", "theory"), ("symmetry", "stepped"), ("no symmetry", "theory"))


def _verdicts(rows: Rows, starts: int) -> list[str]:
    lines = []
    whole = {row["rate"]: row for row in rows if not row["batch"] and not row["decay"]}
    if len(whole) == 2:
        coarse, fine = (drift(whole[rate], "symmetry", "theory") for rate in sorted(whole, reverse=True))
        lines.append(
            f"* Halving the step divides the drift of the conserved C by {coarse / fine:.2f}, expected 2 in the limit "
            f"of short steps: {met(1.5 <= coarse / fine <= 3)}."
        )
    for row in rows:
        if row["batch"] and row["decay"]:
            told = row["told"]
            first, last = spread(told["symmetry"]["C"][0], starts), spread(at_end(row, told["symmetry"]["C"]), starts)
            value, fixed = (float(_of(at_end(row, each)).mean()) for each in (told["symmetry"]["C"], told["fixed"]))
            lines += [
                f"* With decay the starts end {first / last:.0f} times nearer to each other than they began, expected "
                f"at least 10: {met(first / last >= 10)}.",
                f"* Their C at the end is {value / fixed:.2f} of the fixed point, expected within a tenth of it: "
                f"{met(abs(value / fixed - 1) <= 0.1)}.",
            ]
    return lines


def balance_figure(rows: Rows, starts: Sequence[float]) -> Figure:
    """C over the time of a run, for the starts of the first seed, beside the theory and the fixed point."""
    chosen = {
        "whole set, no decay": [row for row in rows if not row["batch"] and not row["decay"]][:1],
        "noise, no decay": [row for row in rows if row["batch"] and not row["decay"]],
        "noise and decay": [row for row in rows if row["batch"] and row["decay"]],
    }
    colours = (*list(OPERATORS.values())[1:], *FURTHER)
    with house_style():
        figure = new_figure(8.4, 3.8)
        panels = figure.subplots(1, len(chosen))
        for axes, (title, found) in zip(panels, chosen.items(), strict=True):
            axes.set(title=title, xlabel="time, η × steps")
            axes.grid(color=GRID, linewidth=0.8)
            for row in found:
                told = row["told"]
                for number, (start, colour) in enumerate(zip(starts, colours, strict=False)):
                    line, theory = (_of(told["symmetry"][key])[:, number] for key in ("C", "theory"))
                    axes.plot(told["time"], line, color=colour, linewidth=1.8, label=f"start λ = {start:g}")
                    label = "theory" if number == 0 else None
                    axes.plot(told["time"], theory, color=INK, linewidth=1, linestyle="--", label=label)
                if told["fixed"]:
                    fixed = _of(told["fixed"])[:, : len(starts)].mean(1)
                    axes.plot(told["time"], fixed, color=FAINT, linewidth=1, linestyle=":", label="fixed point")
        panels[0].set_ylabel("C = ‖U‖² − ‖V‖²")
        panels[0].set_ylim(panels[-1].get_ylim())
        figure.legend(*panels[-1].get_legend_handles_labels(), loc="outside upper left", frameon=False, ncols=5)
    return figure


def _of(values: Sequence[Any]) -> Tensor:
    return torch.tensor(values, dtype=torch.float64)
