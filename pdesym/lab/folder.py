"""Where a run of the lab keeps what."""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Folder:
    """The folder of one run: recipe, data, arms, results, page."""

    root: Path

    @property
    def recipe(self) -> Path:
        """The resolved recipe of the run."""
        return self.root / "recipe.yaml"

    @property
    def data(self) -> Path:
        """The dataset."""
        return self.root / "data"

    def arm(self, operator: str, seed: int) -> Path:
        """The training run of one operator."""
        return self.root / "arms" / f"{operator}-{seed}"

    def result(self, name: str) -> Path:
        """A result file; figures and tables are made from these."""
        return self.root / "results" / name

    def read(self, name: str) -> Any:
        """A JSON result, or None while there is none."""
        path = self.result(name)
        return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None

    def write(self, name: str, value: Any) -> None:
        """A JSON result, whole or not at all."""
        self.write_text(self.result(name), json.dumps(value, indent=1, ensure_ascii=False) + "\n")

    def write_arrays(self, name: str, **arrays: np.ndarray) -> None:
        """A result in NumPy's format, whole or not at all."""
        path = self.result(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".partial")
        with partial.open("wb") as file:
            np.savez_compressed(file, **arrays)  # type: ignore[arg-type]  # its stub takes the names for options
        os.replace(partial, path)

    def write_text(self, path: Path, text: str) -> None:
        """A text file, whole or not at all."""
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(path.name + ".partial")
        partial.write_text(text, encoding="utf-8")
        os.replace(partial, path)
