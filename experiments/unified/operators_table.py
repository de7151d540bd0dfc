"""What the arms gave, gathered over seeds, as tables and as verdicts."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from math import exp
from statistics import fmean
from typing import Any

from experiments.benchmarks.speed.machine import facts
from experiments.unified.operators_problem import BOOST, CANDIDATES, WAYS
from pdesym.symmetry import Generator

Rows = Sequence[Mapping[str, Any]]

NAMES = {"burgers": "Burgers", "kdv": "Korteweg-de Vries", "ks": "Kuramoto-Sivashinsky"}
LOWER, TENFOLD = 5.0, 10.0


def record_of(preset: Any, results: Rows) -> dict[str, Any]:
    """All that was measured, arm by arm."""
    return {"sizes": asdict(preset), "machine": facts(), "rows": list(results)}


def report(record: Mapping[str, Any]) -> str:
    """Tables and verdicts, as Markdown."""
    rows = record["rows"]
    symmetric = [row for row in rows if not row["means"]]
    broken = [row for row in rows if row["breaking"] == record["sizes"]["broken"]]
    parts = [
        "Means over seeds of the relative L2 error on test fields like those of the training (error), with boosts that "
        "no arm has seen (boosted) and on circles of half and twice the length (stretched), and of the defect of "
        "t ∂_x + ∂_u at the test fields. Stretched, an enforced operator is as good as on the circle that it knows, by "
        "construction; the others are not told the length.",
        "",
        *ways_table(symmetric),
        "",
        *verdicts(symmetric),
        "",
        f"With a drag that takes {1 - exp(-record['sizes']['broken']):.0%} of a mean until T; the "
        "defect of the exact solution stands at the end.",
        "",
        *ways_table(broken),
        "",
        "Promotion of all three by strength of the drag: defects of the informed operators, and of the exact solution.",
        "",
        *ladder_table([row for row in rows if row["means"] and row["way"] == "informed"], record["sizes"]["middle"]),
        "",
    ]
    return "\n".join(parts)


def ways_table(rows: Rows) -> list[str]:
    """A line for each equation, number of pairs and way."""
    lines = [
        "| equation | pairs | operator | error | boosted | stretched | boost defect | of the solution |",
        "| --- | ---: | --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for problem, samples in groups(rows):
        for way in WAYS:
            arms = chosen(rows, problem, samples, way)
            if not arms:
                continue
            values = [mean(arms, "error"), mean(arms, "boosted"), mean(arms, "stretched"), defect(arms, BOOST)]
            cells = [NAMES[problem], str(samples), way, *map(text, values), text(defect(arms, BOOST, "exact"))]
            lines.append(f"| {' | '.join(cells)} |")
    return lines


def verdicts(rows: Rows) -> list[str]:
    """Whether the bars are met, for each equation and number of pairs."""
    lines = []
    for problem, samples in groups(rows):
        arms = {way: chosen(rows, problem, samples, way) for way in WAYS}
        if not all(arms.values()):
            continue
        boosted = {way: mean(arms[way], "boosted") for way in WAYS}
        gain = boosted["augmented"] / boosted["enforced"]
        lowered = defect(arms["plain"], BOOST) / defect(arms["promoted"], BOOST)
        cost = mean(arms["promoted"], "error") / mean(arms["plain"], "error")
        worse = boosted["promoted"] / boosted["augmented"]
        lines += [
            f"* {NAMES[problem]}, {samples} pairs: unseen boosts, enforced {gain:.1f} times better than augmented "
            f"({verdict(gain >= LOWER)}), promoted at {worse:.2f} of augmented ({verdict(worse <= 1)}); promotion "
            f"lowers the boost's defect {lowered:.0f} times ({verdict(lowered >= TENFOLD)}), with {cost:.2f} of the "
            f"plain error ({verdict(cost <= 1)}).",
        ]
    return lines


def ladder_table(rows: Rows, samples: int) -> list[str]:
    """The boost's defect against the exact one, by the strength of what breaks it; the others beside."""
    lines = [
        "| equation | drag × T | boost | boost, exact | largest of the others |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    here = [row for row in rows if row["samples"] == samples]
    for problem, breaking in dict.fromkeys((row["problem"], row["breaking"]) for row in sorted_by_breaking(here)):
        arms = [row for row in here if row["problem"] == problem and row["breaking"] == breaking]
        values = [
            defect(arms, BOOST),
            defect(arms, BOOST, "exact"),
            max(defect(arms, generator) for generator in CANDIDATES if generator != BOOST),
        ]
        lines.append(f"| {' | '.join([NAMES[problem], f'{breaking:g}', *map(text, values)])} |")
    return lines


def loop_report(record: Mapping[str, Any]) -> str:
    """What was found in trained operators, and what came of it."""
    lines = [
        "Relative L2 error at boosts that no pair shows, mean over seeds, after what was found in plain operators.",
        "",
        "| equation | drag × T | found in each operator | taken | plain | enforced as found | promoted as found |",
        "| --- | ---: | --- | --- | ---: | ---: | ---: |",
    ]
    for row in record["rows"]:
        found = "; ".join(", ".join(f"`{each}`" for each in texts) or "nothing" for texts in row["found"])
        taken = ", ".join(f"`{each}`" for each in row["taken"]) or "nothing"
        errors = [text(mean(row[way], "boosted")) if row.get(way) else "" for way in LOOP_WAYS]
        lines.append(f"| {NAMES[row['problem']]} | {row['breaking']:g} | {found} | {taken} | {' | '.join(errors)} |")
    return "\n".join([*lines, ""])


LOOP_WAYS = ("plain", "enforced as found", "promoted as found")


def groups(rows: Rows) -> list[tuple[str, int]]:
    """Equations and numbers of pairs, in order."""
    order = list(NAMES)
    found = {(row["problem"], row["samples"]) for row in rows}
    return sorted(found, key=lambda pair: (order.index(pair[0]), pair[1]))


def sorted_by_breaking(rows: Rows) -> list[Mapping[str, Any]]:
    """By equation and strength."""
    order = list(NAMES)
    return sorted(rows, key=lambda row: (order.index(row["problem"]), row["breaking"]))


def chosen(rows: Rows, problem: str, samples: int, way: str) -> list[Mapping[str, Any]]:
    """The seeds of one arm."""
    return [row for row in rows if (row["problem"], row["samples"], row["way"]) == (problem, samples, way)]


def mean(arms: Iterable[Mapping[str, Any]], key: str) -> float:
    """Over seeds; not a number where it was not measured."""
    values = [row[key] for row in arms if key in row]
    return fmean(values) if values else float("nan")


def defect(arms: Iterable[Mapping[str, Any]], generator: Generator, of: str = "defects") -> float:
    """Of the trained operators, or of the exact one, at the test fields; mean over seeds."""
    return fmean(row["at_data"][of][generator.text] for row in arms)


def text(value: float) -> str:
    """Two digits, nothing for what was not measured."""
    return "" if value != value else f"{value:.2g}"


def verdict(met: bool) -> str:
    """In a word."""
    return "met" if met else "**missed**"
