"""The pages of the experiments are written from their results, and what they point to is there."""

import importlib
import importlib.util
import json
import re
from pathlib import Path

import pytest

from experiments.discovery import data, equations, operators, torus, trained
from experiments.forecasting import table
from experiments.learned_generators import algebras
from experiments.lpsda import moved_test
from experiments.mirror import channels, collapse, gates, homogeneous, linear, modes_table, two_neurons
from experiments.related import page as related
from experiments.relaxed import page as relaxed
from experiments.unified import dynamics_table, operators_table, polynomials_table, rotated_flow

EXPERIMENTS = Path(__file__).parents[2] / "experiments"
FOLDERS = sorted(path.parent.name for path in EXPERIMENTS.glob("*/page.py"))
READMES = {folder: (EXPERIMENTS / folder / "README.md").read_text(encoding="utf-8") for folder in FOLDERS}
TOLD = {
    "discovery": {
        "data": data.report,
        "equations": equations.report,
        "operators": operators.report,
        "torus": torus.report,
        "trained": trained.page,
    },
    "learned_generators": {"algebras": algebras.section},
    "unified": {
        "operators-laptop": operators_table.report,
        "loop-laptop": operators_table.loop_report,
        "rotated_flow": rotated_flow.report,
        "spring_mass": dynamics_table.spring_report,
        "pendulum": dynamics_table.pendulum_report,
        "polynomials": lambda record: polynomials_table.table(record["trials"]),
    },
    "lpsda": {"moved_test-laptop": moved_test.report},
    "mirror": {
        "two_neurons": two_neurons.report,
        "collapse": collapse.report,
        "homogeneous": homogeneous.report,
        "modes-laptop": modes_table.report,
        "modes-narrow": modes_table.report,
        "channels-laptop": channels.report,
        "gates-laptop": gates.report,
        "linear-laptop": linear.report,
    },
}
REPORTS = {
    EXPERIMENTS / folder / "results" / f"{name}.json": report
    for folder, reports in TOLD.items()
    for name, report in reports.items()
}
REPORTS |= {
    path: table.report
    for script in ("sample_efficiency", "combining", "augmentation")
    for path in EXPERIMENTS.glob(f"*/results/{script}-*.json")
}
REPORTS |= {relaxed.path_of(name): report for name, (_, report) in relaxed.REPORTS.items()}
REPORTS |= {
    path: importlib.import_module(f"experiments.related.{study}_table").report
    for study in related.STUDIES
    if (path := related.results_of(study)) is not None
}


def found(pattern):
    """What all pages have of a kind, with the folder in which it stands."""
    return [(folder, each) for folder, text in READMES.items() for each in dict.fromkeys(re.findall(pattern, text))]


def test_there_are_pages_to_look_at():
    assert {"discovery", "learned_generators", "lpsda", "mirror", "related", "relaxed", "unified"} <= set(FOLDERS)
    assert len(found(r"\]\((?!http|#)([^)#]+)\)")) > 20


@pytest.mark.parametrize("folder", FOLDERS)
def test_the_page_is_written_from_the_results(folder):
    assert importlib.import_module(f"experiments.{folder}.page").page() == READMES[folder]


@pytest.mark.parametrize(("folder", "link"), found(r"\]\((?!http|#)([^)#]+)\)"))
def test_every_link_leads_somewhere(folder, link):
    assert (EXPERIMENTS / folder / link).exists()


@pytest.mark.parametrize(("folder", "module"), found(r"-m (experiments\.\w+\.\w+)"))
def test_every_module_that_a_page_runs_is_there(folder, module):
    assert importlib.util.find_spec(module) is not None


@pytest.mark.parametrize(("folder", "script"), found(r"python (experiments/\w+/\w+\.py)"))
def test_every_script_that_a_page_runs_is_there(folder, script):
    assert (EXPERIMENTS.parent / script).is_file()


@pytest.mark.parametrize("path", REPORTS, ids=lambda path: f"{path.parents[1].name}-{path.stem}")
def test_the_tables_are_those_of_the_numbers(path):
    record = json.loads(path.read_text(encoding="utf-8"))
    assert REPORTS[path](record) == path.with_suffix(".md").read_text(encoding="utf-8")


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_result_has_its_table(folder):
    results = EXPERIMENTS / folder / "results"
    told = {path for path in results.glob("*.json") if path.with_suffix(".md").exists()}
    assert told <= set(REPORTS)
