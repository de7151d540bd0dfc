"""The result files of a run, read whole; what is missing is named in one sentence."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pdesym.report.example import Example, read_example

JSON_FILES = ("forecast", "defects", "learning", "discovery", "data", "training", "run")


@dataclass(frozen=True)
class Results:
    """What a run left in `results/`: seven JSON files as dictionaries, and the example fields as arrays."""

    forecast: dict[str, Any]
    defects: dict[str, Any]
    learning: dict[str, Any]
    discovery: dict[str, Any]
    data: dict[str, Any]
    training: dict[str, Any]
    run: dict[str, Any]
    example: Example


def read_results(folder: Path) -> Results:
    """Reads `folder/results/`.

    Raises:
        FileNotFoundError: a file is missing.
        ValueError: a file is not what its name says.
    """
    results = folder / "results"
    names = [*(f"{name}.json" for name in JSON_FILES), "example.npz"]
    absent = [name for name in names if not (results / name).is_file()]
    if absent:
        raise FileNotFoundError(
            f"{results} has no {', '.join(absent)}, which the report is drawn from: run the lab on {folder} to its end."
        )
    return Results(
        **{name: _read_json(results / f"{name}.json") for name in JSON_FILES},
        example=read_example(results / "example.npz"),
    )


def _read_json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path} is not JSON ({error}): delete it and run the lab again.") from None
    if not isinstance(content, dict):
        raise ValueError(f"Expected a JSON object in {path}, got {type(content).__name__}.")
    return content
