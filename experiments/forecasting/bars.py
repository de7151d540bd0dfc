"""What was expected of the results before they were there, and whether it came."""

from collections.abc import Sequence
from statistics import mean, stdev

from experiments.forecasting.table import Row, found, ratios, spread_text

BAR = 0.6


def ratio_bars(rows: Sequence[Row], equations: Sequence[str], samples: Sequence[int], treatment: str) -> list[str]:
    """One line for each arm that should have at most `BAR` times the error of that without augmentation."""
    lines = []
    for equation in equations:
        for size in samples:
            row = found(rows, equation, size, treatment)
            each = ratios(rows, row) if row else []
            if each:
                verdict = "met" if mean(each) <= BAR else "**missed**"
                seeds = ", ".join(f"{value:.2f}" for value in each)
                text = f"{equation}, N = {size}: {treatment} / none = {spread_text(each)} (seeds: {seeds})"
                lines.append(f"* {text}, expected at most {BAR}: {verdict}.")
    return lines or ["* Not run yet."]


def fewer_bar(rows: Sequence[Row], equation: str, few: int, many: int, treatment: str) -> str:
    """Whether a few trajectories with the treatment beat many without, seed by seed."""
    mine, theirs = found(rows, equation, few, treatment), found(rows, equation, many, "none")
    if mine is None or theirs is None:
        return "* Not run yet."
    by_seed = dict(zip(theirs["seeds"], theirs["nmse"], strict=True))
    pairs = [(nmse, by_seed[seed]) for seed, nmse in zip(mine["seeds"], mine["nmse"], strict=True) if seed in by_seed]
    won = sum(one < other for one, other in pairs)
    better = mean(one for one, _ in pairs) < mean(other for _, other in pairs)
    seeds = "; ".join(f"{one:.2f} and {other:.2f}" for one, other in pairs)
    text = f"{equation}, N = {few} with {treatment} beats N = {many} without: {spread_text(mine['nmse'])} and"
    verdict = "met" if better else "**missed**"
    return f"* {text} {spread_text(theirs['nmse'])} (seeds: {seeds}; {won} of {len(pairs)}): {verdict}."


def no_gain_bar(rows: Sequence[Row], row: Row, baseline: str) -> str:
    """Whether a treatment changes nothing: the mean ratio is 1 up to two standard errors over the seeds."""
    each = ratios(rows, row, baseline)
    if len(each) < 2:
        return "* Not run yet."
    verdict = "met" if abs(mean(each) - 1) <= 2 * stdev(each) / len(each) ** 0.5 else "**missed**"
    return f"* {_ratio_text(row, baseline, each)}, no change expected: {verdict}."


def harm_bar(rows: Sequence[Row], row: Row, baseline: str) -> str:
    """Whether a treatment harms every seed."""
    each = ratios(rows, row, baseline)
    if not each:
        return "* Not run yet."
    verdict = "met" if min(each) > 1 else "**missed**"
    return f"* {_ratio_text(row, baseline, each)}, harm expected for every seed: {verdict}."


def _ratio_text(row: Row, baseline: str, each: Sequence[float]) -> str:
    seeds = ", ".join(f"{value:.2f}" for value in each)
    meaning = f"{row['treatment']} ({row['meaning']}) / {baseline}"
    return f"{row['equation']}, N = {row['samples']}: {meaning} = {spread_text(each)} (seeds: {seeds})"
