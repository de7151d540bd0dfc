"""The pages on augmentation say what was measured, and show it."""

import importlib
import json
import re
from pathlib import Path

import pytest

from experiments.forecasting.table import report
from experiments.lpsda import moved_test

EXPERIMENTS = Path(__file__).parents[2] / "experiments"
FOLDERS = ("lpsda", "learned_generators")
READMES = {folder: (EXPERIMENTS / folder / "README.md").read_text(encoding="utf-8") for folder in FOLDERS}
SCRIPTS = ("sample_efficiency", "combining", "augmentation")
RESULTS = [path for script in SCRIPTS for path in sorted(EXPERIMENTS.glob(f"*/results/{script}-*.json"))]


@pytest.mark.parametrize("folder", FOLDERS)
def test_the_page_is_written_from_the_results(folder):
    assert importlib.import_module(f"experiments.{folder}.page").page() == READMES[folder]


@pytest.mark.parametrize("path", RESULTS, ids=str)
def test_the_tables_are_those_of_the_numbers(path):
    record = json.loads(path.read_text(encoding="utf-8"))
    assert report(record) == path.with_suffix(".md").read_text(encoding="utf-8")


def test_the_table_of_boosted_tests_is_that_of_its_numbers():
    path = EXPERIMENTS / "lpsda" / "results" / "moved_test-laptop.json"
    record = json.loads(path.read_text(encoding="utf-8"))
    assert moved_test.report(record) == path.with_suffix(".md").read_text(encoding="utf-8")


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_link_leads_somewhere(folder):
    links = re.findall(r"\]\((?!http)([^)#]+)\)", READMES[folder])
    assert [link for link in links if not (EXPERIMENTS / folder / link).exists()] == []


@pytest.mark.parametrize("module", re.findall(r"-m (experiments\.\w+\.\w+)", "\n".join(READMES.values())))
def test_every_command_has_its_script(module):
    assert importlib.util.find_spec(module) is not None
