"""Result files and published numbers of a folder of experiments, for its page and figures."""

import json
from pathlib import Path
from typing import Any

from pdesym.datasets.recipe_file import parse


def results(folder: Path, script: str, preset: str = "laptop") -> dict[str, Any]:
    """What a script wrote; no rows where it has not run."""
    path = folder / "results" / f"{script}-{preset}.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {"rows": []}


def published(folder: Path) -> dict[str, Any]:
    """The numbers of others."""
    return parse((folder / "published.yaml").read_text(encoding="utf-8"), "published.yaml")
