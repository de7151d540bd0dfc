"""The tables of the experiment on sparse Fourier modes, and whether what was expected came."""

from collections.abc import Mapping, Sequence
from statistics import mean
from typing import Any

from experiments.verdict import met
from pdesym.report.number_text import given_text, measured_text

BAR = 0.05
"""Largest relative rise of the test NMSE."""
LEAST = 0.6
"""Least share of the spectral weights that is to be removed."""
UNCHANGED = 1e-5
"""Relative change of the output that counts as none in single precision."""
FAMILIES = {
    "plain": ("constrained", "pruned", "pruned and tuned", "highest modes cut and tuned"),
    "decayed": ("decayed, constrained", "decayed, pruned and tuned"),
}
"""Arms that remove weights, the constraint first, by the arm that removes none and is trained alike."""
Row = Mapping[str, Any]


def found(rows: Sequence[Row], arm: str, per: str = "", strength: float = 0.0) -> list[Row]:
    """The rows of an arm, one a seed."""
    return [row for row in rows if (row["arm"], row["per"], row["strength"]) == (arm, per, strength)]


def average(rows: Sequence[Row], name: str) -> float:
    """The mean of a number over seeds."""
    return mean(row[name] for row in rows)


def rise(rows: Sequence[Row], reference: Sequence[Row], split: str = "test") -> float:
    """How much the mean NMSE over the seeds of both is above that of others, relative to it."""
    seeds = {row["seed"] for row in rows} & {row["seed"] for row in reference}
    ours, theirs = ([row for row in some if row["seed"] in seeds] for some in (rows, reference))
    return average(ours, split) / average(theirs, split) - 1


def yardstick(rows: Sequence[Row], family: str) -> list[Row]:
    """What nothing is removed from; of the plain operator's two schedules the one that is better on the test pairs."""
    arms = ("plain", "one cycle") if family == "plain" else (family,)
    measured = [some for arm in arms if (some := found(rows, arm))]
    return min(measured, key=lambda some: average(some, "test"), default=[])


def chosen(rows: Sequence[Row], family: str, per: str, strengths: Sequence[float]) -> float | None:
    """The κ that validation chooses: the one that removes most at half the allowed rise of the validation NMSE."""
    reference, arm = yardstick(rows, family), FAMILIES[family][0]
    allowed = [
        strength
        for strength in strengths
        if (some := found(rows, arm, per, strength)) and rise(some, reference, "validation") <= BAR / 2
    ]
    return max(allowed, key=lambda each: average(found(rows, arm, per, each), "share"), default=None)


def report(record: Mapping[str, Any]) -> str:
    """The page of the results."""
    rows, settings = record["rows"], record["settings"]
    if not found(rows, "plain"):
        return "Nothing is measured yet.\n"
    lines = [
        "| trained without a constraint | NMSE ×10⁴ on test pairs, each seed | on validation pairs | on training "
        "pairs |",
        "| --- | ---: | ---: | ---: |",
    ]
    for arm, name in (("plain", "in two phases"), ("one cycle", "in one"), ("decayed", "in two, with weight decay")):
        some = found(rows, arm)
        if some:
            decay = f" γ = {given_text(some[0]['decay'])}" if "decay" in some[0] else ""
            others = " | ".join(f"{average(some, split) * 1e4:.2f}" for split in ("validation", "train"))
            lines.append(f"| {name}{decay} | {errors(some)} | {others} |")
    for family in FAMILIES:
        for per in ("mode", "part"):
            if found_any(rows, FAMILIES[family][0], per) and yardstick(rows, family):
                lines += ["", *_ladder(rows, family, per, settings[f"per_{per}"])]
    lines += ["", *bars(record)]
    return "\n".join(lines) + "\n"


def errors(rows: Sequence[Row], split: str = "test") -> str:
    """The mean NMSE in units of 10⁻⁴, and each seed's."""
    each = " ".join(f"{row[split] * 1e4:.2f}" for row in rows)
    return f"{average(rows, split) * 1e4:.2f} ({each})"


def _ladder(rows: Sequence[Row], family: str, per: str, strengths: Sequence[float]) -> list[str]:
    reference, arms = yardstick(rows, family), FAMILIES[family]
    named = " | ".join(f"{arm}; on validation pairs | against whole" for arm in arms)
    lines = [
        f"| κ, a unit per {per} | removed | output changes by | {named} |",
        "| ---: " * (3 + 2 * len(arms)) + "|",
    ]
    for strength in strengths:
        ours = found(rows, arms[0], per, strength)
        if not ours:
            continue
        change = measured_text(max(row["change"] for row in ours))
        cells = [f"{given_text(strength)} | {average(ours, 'share'):.1%} | {change}"]
        for arm in arms:
            some = found(rows, arm, per, strength)
            other = f"; {average(some, 'validation') * 1e4:.2f}" if some and "validation" in some[0] else ""
            cells.append(f"{errors(some)}{other} | {rise(some, reference):+.1%}" if some else " | ")
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def bars(record: Mapping[str, Any]) -> list[str]:
    """What was expected of the κ that validation chose, and how it went against pruning."""
    return [
        line
        for family in FAMILIES
        for per in ("mode", "part")
        if found_any(record["rows"], FAMILIES[family][0], per) and yardstick(record["rows"], family)
        for line in _bar(record["rows"], family, per, record["settings"][f"per_{per}"])
    ]


def _bar(rows: Sequence[Row], family: str, per: str, strengths: Sequence[float]) -> list[str]:
    reference, (arm, *others) = yardstick(rows, family), FAMILIES[family]
    strength, name = chosen(rows, family, per, strengths), f"{arm[0].upper()}{arm[1:]} per {per}"
    if strength is None:
        return [f"* {name}: no κ of the ladder is good enough on the validation pairs: **missed**."]
    ours = found(rows, arm, per, strength)
    share, loss, change = average(ours, "share"), rise(ours, reference), max(row["change"] for row in ours)
    reached = share >= LEAST and loss < BAR and change <= UNCHANGED
    seeds = ", ".join(
        f"{row['share']:.1%} at {row['test'] / plain['test'] - 1:+.1%}"
        for row in ours
        for plain in reference
        if plain["seed"] == row["seed"]
    )
    lines = [
        f"* {name}, κ = {given_text(strength)} by validation: {share:.1%} of the spectral weights removed, which "
        f"changes the output by {measured_text(change)}, and a test NMSE {loss:+.1%} from that of the whole operator "
        f"trained alike ({seeds}); expected at least {LEAST:.0%}, at most {measured_text(UNCHANGED)} and less than "
        f"{BAR:+.0%}: "
        f"{met(reached)}."
    ]
    return lines + [
        f"  * {other}, at the same share: {rise(some, reference):+.1%}."
        for other in others
        if (some := found(rows, other, per, strength))
    ]


def found_any(rows: Sequence[Row], arm: str, per: str) -> bool:
    """Whether an arm with this unit has been measured."""
    return any(row["arm"] == arm and row["per"] == per for row in rows)
