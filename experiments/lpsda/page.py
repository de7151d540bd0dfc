"""Writes this folder's README.md from the results: no number in it is typed.

    .venv/bin/python -m experiments.lpsda.page

Takes results/*-laptop.json and published.yaml. Seconds.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from string import Template
from typing import Any

from experiments.forecasting.bars import fewer_bar, harm_bar, no_gain_bar, ratio_bars
from experiments.forecasting.results import published, results
from experiments.forecasting.setting import EQUATIONS, settings_text
from experiments.forecasting.settings import load_treatments
from experiments.forecasting.table import Row, found, ratios, spread_text
from experiments.lpsda import moved_test
from pdesym.report.number_text import measured_text

HERE = Path(__file__).parent
# The paper's name of a treatment.
NAMES = {
    "aligned": "∅",
    "none": "g1",
    "shift": "g1 g2",
    "exact": "g1 g3",
    "shift-exact": "g1 g2 g3",
    "lift": "g1 and no symmetry",
    "reversed": "g1 and no symmetry",
}


def page() -> str:
    """The README."""
    sample, combining, paper = results(HERE, "sample_efficiency"), results(HERE, "combining"), published(HERE)
    rows = sample["rows"]
    expected = ratio_bars(rows, ("kdv", "ks"), (8, 32), "exact")
    template = Template((HERE / "page.md").read_text(encoding="utf-8"))
    return template.substitute(
        settings_text(sample),
        sample_table="\n".join(sample_table(rows, paper)),
        bars="\n".join([*expected, fewer_bar(rows, "kdv", 32, 128, "exact")]),
        combining_table="\n".join(combining_table(combining["rows"], paper)),
        combining_samples=", ".join(sorted({str(row["samples"]) for row in combining["rows"]}, key=int)) or "–",
        combining_bars="\n".join(combining_bars(combining["rows"])),
        moved_table="\n".join(moved_test.table(results(HERE, "moved_test")["rows"])),
        arms=str(sum(len(row["seeds"]) for row in rows)),
        paper=paper_size(),
    )


def paper_size() -> str:
    """What is to be said about the preset of the paper's size."""
    if results(HERE, "sample_efficiency", "paper")["rows"]:
        return "* The paper's size: see the tables of the preset paper in results/."
    return "* **The paper's size**: the preset is there and has not been run."


def sample_table(rows: Sequence[Row], paper: Mapping[str, Any]) -> list[str]:
    """Ours beside the published, by equation and number of trajectories."""
    lines = [
        "| equation | N | none | with the boost | ratio | of the first block | published: ∅ | all symmetries | ratio "
        "| block to block: ∅ | all symmetries | ratio |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for equation, name in EQUATIONS.items():
        mine = {row["samples"] for row in rows if row["equation"] == equation}
        for samples in sorted({*mine, *paper["samples"]}):
            none, exact = (found(rows, equation, samples, treatment) for treatment in ("none", "exact"))
            both = [ratios(rows, exact, error=error) if exact else [] for error in ("nmse", "nmse_first_block")]
            cells = [name, str(samples)]
            cells += [spread_text(row["nmse"]) if row else "" for row in (none, exact)]
            cells += [spread_text(each) if each else "" for each in both]
            for table in ("sample_efficiency", "autoregressive"):
                cells += _published(paper[table].get(equation), paper["samples"], samples)
            lines.append(f"| {' | '.join(cells)} |")
    return lines


def combining_table(rows: Sequence[Row], paper: Mapping[str, Any]) -> list[str]:
    """Each combination, as a share of the error of the first; the published ones at the same number."""
    lines = [
        "| shown | | NMSE | each seed | NMSE / ∅ | NMSE / g1 | published | / ∅ |",
        "| --- | --- | ---: | --- | ---: | ---: | ---: | ---: |",
    ]
    theirs: dict[str, list[float]] = dict(paper["combining"])
    for row in rows:
        name = NAMES[row["treatment"]]
        shares = [spread_text(each) if (each := ratios(rows, row, base)) else "" for base in ("aligned", "none")]
        cells = [name, row["meaning"], spread_text(row["nmse"]), ", ".join(map(measured_text, row["nmse"])), *shares]
        values = theirs.pop(name, None)
        lines.append(f"| {' | '.join(cells + _share(values, paper, row['samples']))} |")
    for name, values in theirs.items():
        for samples in dict.fromkeys(row["samples"] for row in rows):
            lines.append(f"| {' | '.join([name, '', '', '', '', '', *_share(values, paper, samples)])} |")
    return lines


def combining_bars(rows: Sequence[Row]) -> list[str]:
    """What was expected of the combinations."""
    lines = []
    for row in rows:
        moves = load_treatments()[row["treatment"]].moves
        if row["treatment"] in ("shift", "shift-exact"):
            lines.append(no_gain_bar(rows, row, "none" if len(moves) == 1 else "exact"))
        if row["treatment"] in ("lift", "reversed"):
            lines.append(harm_bar(rows, row, "none"))
    return lines or ["* Not run yet."]


def _published(pair: Mapping[str, Any] | None, sizes: Sequence[int], samples: int) -> list[str]:
    if pair is None or samples not in sizes:
        return ["", "", ""]
    place = sizes.index(samples)
    texts = []
    for key in ("none", "augmented"):
        bar = pair[f"{key}_bar"][place]
        texts.append(f"{pair[key][place]:g}" + (f" ± {bar:g}" if bar is not None else ""))
    return [*texts, f"{pair['augmented'][place] / pair['none'][place]:.2f}"]


def _share(values: Sequence[float] | None, paper: Mapping[str, Any], samples: int) -> list[str]:
    if values is None or samples not in paper["samples"]:
        return ["", ""]
    place = paper["samples"].index(samples)
    return [f"{values[place]:g}", f"{values[place] / paper['combining']['∅'][place]:.2f}"]


def main() -> None:
    """Writes it."""
    (HERE / "README.md").write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
