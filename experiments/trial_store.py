"""Results of trials in one JSON file that is written after each: a run that was stopped continues."""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from experiments.benchmarks.speed.machine import facts
from pdesym.report.rendered import write_rendered

Key = Mapping[str, Any]


def run_trials(
    path: Path,
    header: Mapping[str, Any],
    keys: Sequence[Key],
    trial: Callable[[Key], Mapping[str, Any]],
    report: Callable[[Mapping[str, Any]], str],
) -> list[dict[str, Any]]:
    """Runs the trials that are not in the file, one after the other, and writes the file after each.

    Args:
        path: of the JSON file, `{**header, "machine": ..., "rows": [{**key, **result, "seconds", "cpu_seconds"}]}`.
        header: what all trials have in common; rows of a file with another header are not taken over.
        keys: what tells a trial from the others.
        trial: from a key to its result.
        report: from the content of the file to the page that is written beside it.

    Returns:
        The rows, in the order of the keys.
    """
    stored = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    common = json.loads(json.dumps(header))
    same = all(stored.get(name) == value for name, value in common.items())
    rows: list[dict[str, Any]] = stored.get("rows", []) if same else []
    for number, key in enumerate(keys, 1):
        label = " ".join(f"{name}={value}" for name, value in key.items())
        if find(rows, key) is not None:
            print(f"[{number}/{len(keys)}] {label}: there already", flush=True)
            continue
        wall, cpu = time.monotonic(), time.process_time()
        result = trial(key)
        took = {
            "seconds": round(time.monotonic() - wall, 1),
            "cpu_seconds": round(time.process_time() - cpu, 1),
        }
        rows.append({**key, **result, **took})
        print(f"[{number}/{len(keys)}] {label}: {took['cpu_seconds']} CPU-s", flush=True)
        ordered = [row for each in keys if (row := find(rows, each)) is not None]
        content = {**common, "machine": facts(), "rows": ordered}
        write_rendered(path, content, report(json.loads(json.dumps(content))))
    return [row for each in keys if (row := find(rows, each)) is not None]


def find(rows: Sequence[dict[str, Any]], key: Key) -> dict[str, Any] | None:
    """The row of a trial, if it is there."""
    return next((row for row in rows if all(row.get(name) == value for name, value in key.items())), None)
