"""Writes this folder's README.md from the results: no number in it is typed.

    .venv/bin/python -m experiments.related.page

A section for each study whose results are there, from its template `<study>.md`, in which `$table` stands for the table
in results/. Seconds.
"""

import json
from pathlib import Path
from string import Template
from typing import Any

from pdesym.report.number_text import seconds_text

HERE = Path(__file__).parent
STUDIES = (
    "augerino",
    "parameter_sharing",
    "layerwise_evidence",
    "transformation_model",
    "asymmetric",
    "noise_equilibrium",
)


def page() -> str:
    """The README."""
    there = [study for study in STUDIES if (HERE / f"{study}.md").exists() and results_of(study) is not None]
    sections = {study: section(study) for study in there}
    width = max(map(len, there), default=0)
    lines = [
        f"    .venv/bin/python -m experiments.related.{study:{width}}    # {seconds_text(cpu_seconds(study))}"
        for study in there
    ]
    template = Template((HERE / "page.md").read_text(encoding="utf-8"))
    return template.substitute(
        contents="\n".join(f"* [{title(text)}](#{anchor(title(text))})" for text in sections.values()),
        sections="\n".join(sections.values()),
        commands="\n".join(lines),
    )


def section(study: str) -> str:
    """The section of a study, with its table."""
    path = results_of(study)
    table = "" if path is None else path.with_suffix(".md").read_text(encoding="utf-8")
    return Template((HERE / f"{study}.md").read_text(encoding="utf-8")).substitute(table=table)


def results_of(study: str) -> Path | None:
    """The JSON of the preset for laptops, None where it is not there."""
    path = HERE / "results" / f"{study}-laptop.json"
    return path if path.exists() else None


def cpu_seconds(study: str) -> float | None:
    """What all trials of a study took, of one thread."""
    path = results_of(study)
    if path is None:
        return None
    rows: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["rows"]
    return float(sum(row["cpu_seconds"] for row in rows))


def title(text: str) -> str:
    """Of a section: its first heading."""
    return next(line for line in text.splitlines() if line.startswith("## ")).removeprefix("## ")


def anchor(heading: str) -> str:
    """The link that a heading has."""
    return "".join(letter for letter in heading.lower().replace(" ", "-") if letter.isalnum() or letter == "-")


def main() -> None:
    """Writes it."""
    (HERE / "README.md").write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
