"""The rows that a script gathered, as tables; every ratio is of two arms of the same seed."""

from collections.abc import Iterable, Mapping, Sequence
from statistics import mean, stdev
from typing import Any

from pdesym.report.number_text import measured_text

BASELINE = "none"
Row = Mapping[str, Any]


def report(record: Mapping[str, Any]) -> str:
    """The table of a script as Markdown."""
    title = "Rendered from the JSON of the same name; not written by hand."
    return "\n".join([title, "", record["metric"], "", *table(record["rows"]), ""])


def table(rows: Sequence[Row]) -> list[str]:
    """One line a row: the error of every seed, and the ratio to the arm without augmentation."""
    lines = [
        "| equation | N | treatment | steps | NMSE | each seed | NMSE / none | each seed | first block | / none |",
        "| --- | ---: | --- | ---: | ---: | --- | ---: | --- | ---: | ---: |",
    ]
    for row in rows:
        ratio, first = (ratios(rows, row, error=error) for error in ("nmse", "nmse_first_block"))
        cells = [
            row["equation"],
            str(row["samples"]),
            f"{row['treatment']}: {row['meaning']}",
            str(row["steps"]),
            spread_text(row["nmse"]),
            ", ".join(map(measured_text, row["nmse"])),
            spread_text(ratio) if ratio else "",
            ", ".join(f"{value:.2f}" for value in ratio),
            spread_text(row["nmse_first_block"]),
            spread_text(first) if first else "",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def found(rows: Iterable[Row], equation: str, samples: int, treatment: str) -> Row | None:
    """The row of these arms, or None where there is none."""
    key = (equation, samples, treatment)
    return next((row for row in rows if (row["equation"], row["samples"], row["treatment"]) == key), None)


def ratios(rows: Sequence[Row], row: Row, baseline: str = BASELINE, error: str = "nmse") -> list[float]:
    """The error over that of another treatment, seed by seed; empty for the baseline itself and where it is missing."""
    base = found(rows, row["equation"], row["samples"], baseline)
    if base is None or row["treatment"] == baseline:
        return []
    theirs = dict(zip(base["seeds"], base[error], strict=True))
    return [value / theirs[seed] for seed, value in zip(row["seeds"], row[error], strict=True) if seed in theirs]


def spread_text(values: Sequence[float]) -> str:
    """Mean ± standard deviation over the seeds."""
    if len(values) < 2:
        return ", ".join(map(measured_text, values))
    return f"{measured_text(mean(values))} ± {measured_text(stdev(values))}"
