"""What the study of learned widths says, as text and as a figure."""

from collections.abc import Mapping, Sequence
from statistics import mean
from typing import Any

from matplotlib.figure import Figure

from pdesym.report.figures.house_style import FURTHER, GRID, OPERATORS, house_style, new_figure
from pdesym.report.number_text import measured_text

_COLOURS = (OPERATORS["exact solver"], OPERATORS["boosted FNO"], OPERATORS["plain FNO"], FURTHER[1])
_WAYS = {
    "plain": "plain",
    "learned": "averaged, reward",
    "unrewarded": "averaged, no reward",
    "enforced": "translation and boost enforced",
}


def report(record: Mapping[str, Any]) -> str:
    """Widths beside the truth, and errors."""
    rows, candidates, settings = record["rows"], record["candidates"], record["settings"]
    lines = [
        f"| setting | way | {' | '.join(candidates)} |",
        f"| --- | --- | {'---: | ' * len(candidates)}".rstrip(),
    ]
    for setting, known in settings.items():
        truth = " | ".join("free" if width is None else f"{width}" for width in known["truth"])
        lines.append(f"| {setting} | **truth** | {truth} |")
        for way in ("learned", "unrewarded"):
            some = found(rows, setting, way)
            if some:
                widths = zip(*(row["widths"][-1] for row in some), strict=True)
                lines.append(f"| | {_WAYS[way]} | {' | '.join(_each(each) for each in widths)} |")
    right, asked = verdicts(rows, settings)
    lines += [
        "",
        f"Widths after training, one number for each seed. Of the {asked} widths with the reward whose truth the data "
        f"show, {right} are on its side of one half.",
        "",
        "| setting | way | seen, 1 draw | seen, most draws | far, 1 draw | far, most draws |",
        "| --- | --- | ---: | ---: | ---: | ---: |",
    ]
    for setting in settings:
        for way, name in _WAYS.items():
            some = found(rows, setting, way)
            if some:
                cells = [
                    measured_text(mean(list(row[test].values())[place] for row in some))
                    if place == 0 or averaged
                    else ""
                    for averaged in [len(some[0]["seen"]) > 1]
                    for test in ("seen", "far")
                    for place in (0, -1)
                ]
                lines.append(f"| {setting} | {name} | {' | '.join(cells)} |")
    most, (least, largest) = record["preset"]["test_draws"][-1], record["far"]
    lines += [
        "",
        "Relative L2 errors of the fluctuation, means over seeds: on fields as in training, and on fields whose means "
        f"are {least:g} to {largest:g} times the fluctuation, with one draw of the motion and with {most}.",
    ]
    return "\n".join(lines) + "\n"


def verdicts(rows: Sequence[Mapping[str, Any]], settings: Mapping[str, Any]) -> tuple[int, int]:
    """How many of the rewarded widths are on the side of the truth, and how many have one."""
    pairs = [
        (width, true)
        for row in rows
        if row["way"] == "learned"
        for width, true in zip(row["widths"][-1], settings[row["setting"]]["truth"], strict=True)
        if true is not None
    ]
    return sum((width > 0.5) == bool(true) for width, true in pairs), len(pairs)


def found(rows: Sequence[Mapping[str, Any]], setting: str, way: str) -> list[Mapping[str, Any]]:
    """The rows of a setting and a way, by seed."""
    return [row for row in rows if (row["setting"], row["way"]) == (setting, way)]


def figure(rows: Sequence[Mapping[str, Any]], candidates: Sequence[str]) -> Figure:
    """The widths along training with the reward, a line for each seed."""
    settings = list(dict.fromkeys(row["setting"] for row in rows))
    with house_style():
        drawn = new_figure(8.4, 2.7)
        panels = drawn.subplots(1, len(settings), sharey=True, squeeze=False)[0]
        for axes, setting in zip(panels, settings, strict=True):
            for seed, row in enumerate(found(rows, setting, "learned")):
                for name, colour, path in zip(candidates, _COLOURS, zip(*row["widths"], strict=True), strict=True):
                    share = [place / (len(path) - 1) for place in range(len(path))]
                    axes.plot(share, path, color=colour, label=name if seed == 0 else "")
            axes.set(title=setting, xlabel="share of the training", ylim=(-0.03, 1.05))
            axes.grid(axis="y", color=GRID, linewidth=0.8)
        panels[0].set(ylabel="width")
        handles, labels = panels[0].get_legend_handles_labels()
        drawn.legend(handles, labels, loc="outside upper left", ncols=len(labels), frameon=False)
    return drawn


def _each(values: Sequence[float]) -> str:
    return " ".join(f"{value:.2f}" for value in values)
