"""Writes this folder's README.md from the results: no number in it is typed.

    .venv/bin/python -m experiments.learned_generators.page

Takes results/augmentation-laptop.json, published.yaml, and results/algebras.md where there is one. Seconds.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import mean, stdev
from string import Template
from typing import Any

from experiments.forecasting.bars import BAR, ratio_bars
from experiments.forecasting.results import published, results
from experiments.forecasting.setting import EQUATIONS, settings_text
from experiments.forecasting.settings import load_treatments
from experiments.forecasting.table import Row, found, ratios, spread_text
from pdesym.report.number_text import measured_text
from pdesym.symmetry.augment.augment import TOLERANCE

HERE = Path(__file__).parent
TRUE_DIMENSION = 3
TREATMENTS = ("none", "exact", "learned")


def page() -> str:
    """The README."""
    record = results(HERE, "augmentation")
    rows = record["rows"]
    expected = [
        *ratio_bars(rows, tuple(EQUATIONS), (8, 32), "exact"),
        *ratio_bars(rows, tuple(EQUATIONS), (8, 32), "learned"),
        *as_good(rows),
    ]
    template = Template((HERE / "page.md").read_text(encoding="utf-8"))
    return template.substitute(
        settings_text(record) | learned_settings(),
        augmentation_table="\n".join(augmentation_table(rows, published(HERE))),
        bar=f"{BAR:g}",
        bars="\n".join(dict.fromkeys(expected)),
        learned=learned_in_arms(rows),
        algebras=algebras(HERE / "results" / "algebras.md"),
        arms=str(sum(len(row["seeds"]) for row in rows)),
        paper=paper_size(),
    )


def learned_settings() -> dict[str, str]:
    """How the third treatment moves the trajectories."""
    learned = load_treatments()["learned"].learned
    assert learned is not None, "it is the treatment that has this section"
    return {
        "copies": str(learned.copies),
        "scales": " and ".join(f"{scale:g} ({EQUATIONS[name]})" for name, scale in learned.scales.items()),
        "learned_share": f"{learned.probability:g}",
    }


def paper_size() -> str:
    """What is to be said about the preset of the paper's size."""
    if results(HERE, "augmentation", "paper")["rows"]:
        return "* The paper's size: see the tables of the preset paper in results/."
    return "* **The paper's size**: the preset is there and has not been run."


def algebras(path: Path) -> str:
    """The section on what was learned, as the script that looks at it wrote it; nothing before it has run."""
    return f"\n{path.read_text(encoding='utf-8').strip()}\n" if path.is_file() else ""


def augmentation_table(rows: Sequence[Row], others: Mapping[str, Any]) -> list[str]:
    """The three treatments side by side, and those of others."""
    lines = [
        "| equation | N | none | exact | learned | exact / none | learned / none | learned / exact |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for equation, samples in dict.fromkeys((row["equation"], row["samples"]) for row in rows):
        arms = [found(rows, equation, samples, treatment) for treatment in TREATMENTS]
        pairs = ((arms[1], "none"), (arms[2], "none"), (arms[2], "exact"))
        cells = [EQUATIONS[equation], str(samples), *(spread_text(row["nmse"]) if row else "" for row in arms)]
        cells += [spread_text(each) if row and (each := ratios(rows, row, base)) else "" for row, base in pairs]
        lines.append(f"| {' | '.join(cells)} |")
    for equation, values in others["rerun"].items():
        none, exact, learned = (values[treatment] for treatment in TREATMENTS)
        cells = [f"{EQUATIONS[equation]}, by others", str(others["samples"]), f"{none:g}", f"{exact:g}", f"{learned:g}"]
        cells += [f"{exact / none:.2f}", f"{learned / none:.2f}", f"{learned / exact:.2f}"]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def learned_in_arms(rows: Sequence[Row]) -> str:
    """What the arms learned before they trained, and how much of it they could use."""
    arms = [(row, *pair) for row in rows for pair in zip(row["seeds"], row.get("learned", ()), strict=False)]
    if not arms:
        return "No arm has learned generators yet."
    right = [account for *_, account in arms if account["dimension"] == TRUE_DIMENSION]
    others = [
        f"In the arm {row['equation']}, N = {row['samples']}, seed {seed}, {account['dimension']} were found, with the "
        f"words: {'; '.join(account['flags']) or 'none'}."
        for row, seed, account in arms
        if account["dimension"] != TRUE_DIMENSION
    ]
    angle = max(account["angles"][0] for account in right)
    accepted, windows = (mean(account[key] for *_, account in arms) for key in ("accepted", "valid_windows"))
    return " ".join(
        [
            f"{len(right)} of {len(arms)} arms learned {TRUE_DIMENSION} generators, as many as there are, at most "
            f"{measured_text(angle)}° from the exact ones (translations in x and t, boost).",
            *others,
            f"Of the moved trajectories {accepted:.1%} solve the equation (residual at most {TOLERANCE:g}), and "
            f"{windows:.0%} of their windows lie inside the data after the motion in time.",
        ]
    )


def as_good(rows: Sequence[Row]) -> list[str]:
    """One line for each learned arm: whether it is at most a standard deviation of the exact ones worse than these."""
    lines = []
    for row in rows:
        exact = found(rows, row["equation"], row["samples"], "exact")
        if row["treatment"] != "learned" or exact is None or len(exact["nmse"]) < 2:
            continue
        verdict = "met" if mean(row["nmse"]) <= mean(exact["nmse"]) + stdev(exact["nmse"]) else "**missed**"
        text = f"{row['equation']}, N = {row['samples']}: learned {spread_text(row['nmse'])}"
        each = ", ".join(f"{value:.2f}" for value in ratios(rows, row, "exact"))
        lines.append(f"* {text}, exact {spread_text(exact['nmse'])} (ratio of each seed: {each}): {verdict}.")
    return lines


def main() -> None:
    """Writes it."""
    (HERE / "README.md").write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
