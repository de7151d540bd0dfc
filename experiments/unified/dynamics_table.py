"""The tables of the springs and of the pendulum, from their rows."""

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

SPRING_ARMS = {
    "plain": "least squares",
    "thresholds": "sequential thresholds (SINDy)",
    "l1": "1-norm of the coefficients",
    "promoted": "nuclear norm over SE(3), the largest weight that fits",
    "exact": "nuclear norm over SE(3), data met exactly",
    "enforced": "the true algebra enforced",
    "enforced_all": "all of SE(3) enforced (wrong)",
}
PENDULUM_ARMS = {"mlp": "perceptron", "epnn": "EPNN"}


def spring_report(record: Mapping[str, Any]) -> str:
    """One line a way, one number a seed."""
    lines = [
        "| way | training error | error of A | outside its blocks | velocity in space | motion in space | "
        "σ₃/σ₂ of the six | angle to the algebra, degrees |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    columns = (
        "training_error",
        "coefficient_error",
        "outside_blocks",
        "velocity_error_space",
        "motion_error_space",
        "gap_after_4",
        "angle_to_true_degrees",
    )
    for arm, name in SPRING_ARMS.items():
        rows = [row for row in record["rows"] if row["arm"] == arm]
        if rows:
            cells = [name, *(" ".join(f"{row[column]:.1e}" for row in rows) for column in columns)]
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join([*lines, ""])


def pendulum_report(record: Mapping[str, Any]) -> str:
    """The test error of each way by the number of pieces, the median of the repeats."""
    chunks = record["preset"]["chunks"]
    head = " | ".join(f"{count} pieces" for count in chunks)
    lines = [f"| network | {head} |", f"| --- |{' ---: |' * len(chunks)}"]
    for arm in record["preset"]["arms"]:
        cells = [_median(record["rows"], arm, count) for count in chunks]
        name = PENDULUM_ARMS.get(arm, f"EPNN, promoted over {arm}")
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join([*lines, ""])


def _median(rows: Sequence[Mapping[str, Any]], arm: str, chunks: int) -> str:
    found = [row["test_mse"] for row in rows if row["arm"] == arm and row["chunks"] == chunks]
    return f"{median(found[0]):.1e}" if found else ""
