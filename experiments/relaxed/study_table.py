"""What the arms of a study gave, as a table for each problem and as verdicts."""

from collections.abc import Mapping, Sequence
from itertools import chain
from statistics import fmean
from typing import Any

from experiments.relaxed.arms import ARMS, DRAWN
from experiments.relaxed.problems import TITLES
from experiments.verdict import met
from pdesym.report.number_text import measured_text

Rows = Sequence[Mapping[str, Any]]

EQUIVARIANT = ("strict", "enforced")
HEADS = ("best draw", "mean of draws", "drawn outcome", "generic inputs")
BELOW, AS_GOOD = 5.0, 2.0
ROUNDING = 1e-5
"""Of errors of networks in single precision, in units of ‖y‖²."""


def report(record: Mapping[str, Any]) -> str:
    """Tables and verdicts, as Markdown."""
    parts = []
    for problem, limits in record["bounds"].items():
        rows = chosen([row for row in record["rows"] if row["problem"] == problem])
        parts += [f"**{TITLES[problem]}.**", "", *table(rows, record["orders"][problem], limits)]
        parts += ["", *levels(record["rows"], problem), "", *verdicts(rows, limits), ""]
    return "\n".join(parts)


def chosen(rows: Rows) -> list[Mapping[str, Any]]:
    """Without the levels of the noise that validation did not take."""
    tried = [row for row in rows if row["arm"] == "noise"]
    if not tried:
        return list(rows)
    seed = min(row["seed"] for row in tried)
    level = min((row for row in tried if row["seed"] == seed), key=lambda row: row["validation"])["level"]
    return [row for row in rows if row["arm"] != "noise" or row["level"] == level]


def table(rows: Rows, orders: Sequence[int], limits: Sequence[float]) -> list[str]:
    """A line for each arm, below that of the bound."""
    kinds = sorted(set(orders), key=lambda order: order or float("inf"))
    names = [f"order {order or '∞'}" for order in kinds]
    by_order = [fmean(part(limits, orders, order)) for order in kinds]
    heads = ["operator", "weights", "symmetric inputs", *names, *HEADS]
    empty = [""] * len(HEADS)
    lines = [
        f"| {' | '.join(heads)} |",
        "| --- |" + " ---: |" * (len(heads) - 1),
        f"| {' | '.join(['bound', '', measured_text(fmean(limits)), *map(measured_text, by_order), *empty])} |",
    ]
    for arm in ARMS:
        found = of(rows, arm)
        if not found:
            continue
        errors = " ".join(measured_text(row["symmetric"]["error"]) for row in found)
        samples = [row["symmetric"]["per_sample"] for row in found]
        parts = [fmean(chain(*(part(each, orders, order) for each in samples))) for order in kinds]
        drawn = [mean(found, "symmetric", name) for name in ("best", "averaged")] if arm in DRAWN else [None, None]
        values = [*parts, *drawn, mean(found, "symmetric", "unaligned"), mean(found, "generic", "error")]
        cells = ["" if value is None else measured_text(value) for value in values]
        lines.append(f"| {arm} | {found[0]['parameters']:,} | {errors} | {' | '.join(cells)} |")
    return lines


def levels(rows: Rows, problem: str) -> list[str]:
    """What validation said of the levels of the noise."""
    tried = [row for row in rows if row["problem"] == problem and row["arm"] == "noise"]
    if not tried:
        return []
    seed = min(row["seed"] for row in tried)
    said = [f"{row['level']:g}: {measured_text(row['validation'])}" for row in tried if row["seed"] == seed]
    return [f"Noise by its level, the mean of the validation errors of both kinds, first seed: {', '.join(said)}."]


def verdicts(rows: Rows, limits: Sequence[float]) -> list[str]:
    """Whether what was expected came."""
    lines = []
    for arm in EQUIVARIANT:
        found = of(rows, arm)
        if found:
            least = min(gaps(found, limits))
            lines.append(
                f"* {arm}: of {len(found) * len(limits)} errors the smallest minus its bound is {signed(least)}, "
                f"expected none below −{ROUNDING:g}: {met(least >= -ROUNDING)}."
            )
    for arm in ARMS:
        found = of(rows, arm)
        if arm in EQUIVARIANT or not found:
            continue
        factors = [fmean(limits) / row["symmetric"]["error"] for row in found]
        below = fmean(gap < 0 for gap in gaps(found, limits))
        text = f"* {arm}: {', '.join(map(times_text, factors))} times below the bound, on {below:.0%} of the samples"
        asked = (
            f", expected at least {BELOW:g} for every seed: {met(min(factors) >= BELOW)}" if arm == "relaxed" else ""
        )
        lines.append(f"{text}{asked}.")
    if of(rows, "relaxed") and of(rows, "strict"):
        ratio = mean(of(rows, "relaxed"), "generic", "error") / mean(of(rows, "strict"), "generic", "error")
        lines.append(
            f"* Control, generic inputs: relaxed has {ratio:.2f} of the error of strict, expected at most {AS_GOOD:g}: "
            f"{met(ratio <= AS_GOOD)}."
        )
    return lines


def gaps(rows: Rows, limits: Sequence[float]) -> list[float]:
    """Error minus bound, sample by sample, for all seeds."""
    return [error - limit for row in rows for error, limit in zip(row["symmetric"]["per_sample"], limits, strict=True)]


def of(rows: Rows, arm: str) -> list[Mapping[str, Any]]:
    """The seeds of one arm."""
    return sorted((row for row in rows if row["arm"] == arm), key=lambda row: row["seed"])


def part(values: Sequence[float], orders: Sequence[int], order: int) -> list[float]:
    """Those of one order."""
    return [value for value, each in zip(values, orders, strict=True) if each == order]


def mean(rows: Rows, kind: str, name: str) -> float:
    """Over seeds."""
    return fmean(row[kind][name] for row in rows)


def times_text(factor: float) -> str:
    """How many times one error is another."""
    return f"{factor:,.0f}" if factor >= 10 else f"{factor:.1f}"


def signed(value: float) -> str:
    """With a sign that is no hyphen."""
    return f"−{measured_text(-value)}" if value < 0 else measured_text(value)
