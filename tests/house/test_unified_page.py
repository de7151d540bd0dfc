"""The page on enforcing and promoting says what was measured."""

import importlib.util
import json
import re

import pytest

from experiments.unified import dynamics_table, operators_table, polynomials_table
from experiments.unified.page import HERE, page

README = (HERE / "README.md").read_text(encoding="utf-8")
REPORTS = {
    "operators-laptop": operators_table.report,
    "loop-laptop": operators_table.loop_report,
    "spring_mass": dynamics_table.spring_report,
    "pendulum": dynamics_table.pendulum_report,
    "polynomials": lambda record: polynomials_table.table(record["trials"]),
}


def test_the_page_is_written_from_the_results():
    assert page() == README


@pytest.mark.parametrize("name", REPORTS)
def test_the_tables_are_those_of_the_numbers(name):
    path = HERE / "results" / f"{name}.json"
    record = json.loads(path.read_text(encoding="utf-8"))
    assert REPORTS[name](record) == path.with_suffix(".md").read_text(encoding="utf-8")


@pytest.mark.parametrize("link", re.findall(r"\]\((?!http)([^)#]+)\)", README))
def test_every_link_leads_somewhere(link):
    assert (HERE / link).exists()


@pytest.mark.parametrize("module", re.findall(r"-m (experiments\.\w+\.\w+)", README))
def test_every_command_has_its_script(module):
    assert importlib.util.find_spec(module) is not None
