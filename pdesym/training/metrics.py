"""The log of a training: one JSON object a line."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

METRICS = "metrics.jsonl"


def read_metrics(directory: str | Path) -> list[dict[str, Any]]:
    """The lines of the log in the folder of a run, in the order of the steps; none before the first is written.

    A last line that a killed process left unfinished is left out.
    """
    path = Path(directory) / METRICS
    if not path.exists():
        return []
    text = path.read_text(encoding="utf-8")
    return [json.loads(line) for line in text[: text.rfind("\n") + 1].splitlines()]


class MetricsLog:
    """Appends to the log in the folder of a run, from a given step on.

    Lines of later steps, which a killed process wrote after its last checkpoint, are dropped at first: the steps
    will be made again.
    """

    def __init__(self, directory: str | Path, step: int):
        self._path = Path(directory) / METRICS
        kept = [line for line in read_metrics(directory) if line["step"] <= step]
        partial = self._path.with_suffix(".partial")
        partial.write_text("".join(json.dumps(line) + "\n" for line in kept), encoding="utf-8")
        os.replace(partial, self._path)

    def write(self, line: Mapping[str, Any]) -> None:
        """Appends one object, at once on disk for every reader."""
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
