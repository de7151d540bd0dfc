"""Writes this folder's README.md from the results: no number in it is typed.

    .venv/bin/python -m experiments.unified.page

Takes the tables in results/ and the sizes beside them. Seconds.
"""

import json
from pathlib import Path
from string import Template
from typing import Any

from experiments.unified.operators_arm import UNSEEN

HERE = Path(__file__).parent
TABLES = {
    "operators": "operators-laptop",
    "loop": "loop-laptop",
    "rotated": "rotated_flow",
    "polynomials": "polynomials",
    "springs": "spring_mass",
    "pendulum": "pendulum",
}


def page() -> str:
    """The README."""
    sizes, pendulum = _record("operators")["sizes"], _record("pendulum")["preset"]
    template = Template((HERE / "page.md").read_text(encoding="utf-8"))
    return template.substitute(
        {name: (HERE / "results" / f"{file}.md").read_text(encoding="utf-8") for name, file in TABLES.items()},
        fno=f"a Fourier neural operator of width {sizes['width']}, {sizes['layers']} layers and {sizes['modes']} modes",
        steps=str(sizes["steps"]),
        batch=str(sizes["batch"]),
        seeds=str(len(sizes["seeds"])),
        unseen=" to ".join(f"{value:g}" for value in UNSEEN),
        pendulum_repeats=str(pendulum["repeats"]),
        pendulum_steps=str(pendulum["steps"]),
        pendulum_first=str(pendulum["chunks"][0]),
    )


def _record(name: str) -> dict[str, Any]:
    path = HERE / "results" / f"{TABLES[name]}.json"
    return dict(json.loads(path.read_text(encoding="utf-8")))


def main() -> None:
    """Writes it."""
    (HERE / "README.md").write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
