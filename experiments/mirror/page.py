"""Writes this folder's README.md from the results: no number in it is typed.

    .venv/bin/python -m experiments.mirror.page

Each study has a text, sections/<study>.md, in which $table stands for the tables of its results, $figure for its
figure where there is one, and $name for a number of its preset. A study without results is left out. Seconds.
"""

import json
from pathlib import Path
from string import Template
from typing import Any

from pdesym.report.number_text import given_text

HERE = Path(__file__).parent
RESULTS = {
    "two_neurons": "two_neurons",
    "collapse": "collapse",
    "homogeneous": "homogeneous",
    "modes": "modes-laptop",
    "channels": "channels-laptop",
    "gates": "gates-laptop",
    "linear": "linear-laptop",
}
"""The studies in the order of the page, and the names of their results."""


def page() -> str:
    """The README."""
    template = Template((HERE / "page.md").read_text(encoding="utf-8"))
    there = [study for study in RESULTS if _there(study)]
    return template.substitute(sections="\n".join(section(study) for study in there))


def section(study: str) -> str:
    """The text of a study with its table, and with the numbers of its preset under their names."""
    record = _record(study)
    numbers = record.get("preset") or record.get("settings", {})
    named = {name: _text(value) for name, value in numbers.items()}
    table = (HERE / "results" / f"{RESULTS[study]}.md").read_text(encoding="utf-8")
    text = (HERE / "sections" / f"{study}.md").read_text(encoding="utf-8")
    picture = Path("results") / f"{RESULTS[study]}.png"
    heading = text.splitlines()[0].lstrip("# ")
    figure = f"![{heading}]({picture})\n" if (HERE / picture).exists() else ""
    return Template(text).substitute(named, table=table, figure=figure)


def _text(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(_text(each) for each in value)
    return given_text(float(value)) if isinstance(value, int | float) and not isinstance(value, bool) else str(value)


def _there(study: str) -> bool:
    return (HERE / "results" / f"{RESULTS[study]}.json").exists() and (HERE / "sections" / f"{study}.md").exists()


def _record(study: str) -> dict[str, Any]:
    return dict(json.loads((HERE / "results" / f"{RESULTS[study]}.json").read_text(encoding="utf-8")))


def main() -> None:
    """Writes it."""
    (HERE / "README.md").write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
