"""Writes this folder's README.md, and the tables it is made of, from the results: no number in it is typed.

    .venv/bin/python -m experiments.relaxed.page

Seconds.
"""

import json
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from string import Template
from typing import Any

from experiments.relaxed import examples, outcomes, study_table, tables
from experiments.relaxed.patterns import NOISE
from pdesym.report.number_text import given_text
from pdesym.report.rendered import write_rendered

HERE = Path(__file__).parent
REPORTS: dict[str, tuple[str, Callable[[Mapping[str, Any]], str]]] = {
    "tables": ("tables", tables.report),
    "outcomes": ("outcomes", outcomes.report),
    "bifurcation": ("bifurcation-laptop", study_table.report),
    "inverse": ("inverse-laptop", study_table.report),
    "super_resolution": ("super_resolution-laptop", study_table.report),
    "examples": ("examples", examples.report),
}


def page() -> str:
    """The README."""
    records = {name: record(name) for name in REPORTS}
    bifurcation = records["bifurcation"]
    sizes, problems = bifurcation["sizes"], bifurcation["problems"]
    fold = records["inverse"]["problems"]["folded_burgers"]
    energy = records["super_resolution"]["problems"]["coarse_energy"]
    template = Template((HERE / "page.md").read_text(encoding="utf-8"))
    return template.substitute(
        {name: report(records[name]) for name, (_, report) in REPORTS.items()},
        **{f"{name}_cost": cost(records[name]) for name in REPORTS if "rows" in records[name] and name != "outcomes"},
        points=str(problems["allen_cahn"]["grid"]["points"][0]),
        training=str(sizes["symmetric"] + sizes["generic"]),
        noise=given_text(NOISE),
        ac_orders=listed(problems["allen_cahn"]["orders"]),
        ac_duration=given_text(problems["allen_cahn"]["duration"]),
        sh_duration=given_text(problems["swift_hohenberg"]["duration"]),
        g=given_text(problems["swift_hohenberg"]["g"]),
        fold_duration=given_text(fold["duration"]),
        fold_orders=listed(fold["orders"]),
        cells=str(energy["cells"]),
        energy_orders=listed(energy["orders"]),
        draws=str(sizes["draws"]),
        fno=f"a Fourier neural operator of width {sizes['width']}, {sizes['layers']} layers and {sizes['modes']} modes",
        steps=str(sizes["steps"]),
        batch=str(sizes["batch"]),
        seeds=listed(sizes["seeds"]),
        levels=listed(sizes["levels"]),
    )


def record(name: str) -> dict[str, Any]:
    """A result file."""
    return dict(json.loads(path_of(name).read_text(encoding="utf-8")))


def path_of(name: str) -> Path:
    """Where a result file is."""
    return HERE / "results" / f"{REPORTS[name][0]}.json"


def listed(values: list[int | float]) -> str:
    """Numbers with commas between them."""
    return ", ".join(given_text(float(value)) for value in values)


def cost(results: Mapping[str, Any]) -> str:
    """What the trainings took, in CPU-minutes."""
    return f"{math.ceil(sum(row['cpu_seconds'] for row in results['rows']) / 60)} CPU-minutes, one thread"


def main() -> None:
    """Writes all."""
    for name, (_, report) in REPORTS.items():
        found = record(name)
        write_rendered(path_of(name), found, report(found))
    (HERE / "README.md").write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
