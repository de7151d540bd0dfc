"""The page on mirrors says what was measured."""

import importlib
import json
import re

import pytest

from experiments.mirror.page import HERE, RESULTS, page

README = (HERE / "README.md").read_text(encoding="utf-8")
OURS = ("two_neurons", "collapse", "homogeneous")


def test_the_page_is_written_from_the_results():
    assert page() == README


@pytest.mark.parametrize("study", OURS)
def test_the_tables_are_those_of_the_numbers(study):
    path = HERE / "results" / f"{RESULTS[study]}.json"
    record = json.loads(path.read_text(encoding="utf-8"))
    module = importlib.import_module(f"experiments.mirror.{study}")
    assert module.report(record) == path.with_suffix(".md").read_text(encoding="utf-8")


@pytest.mark.parametrize("link", re.findall(r"\]\((?!http)([^)#]+)\)", README))
def test_every_link_leads_somewhere(link):
    assert (HERE / link).exists()


@pytest.mark.parametrize("module", re.findall(r"-m (experiments\.\w+\.\w+)", README))
def test_every_command_has_its_script(module):
    assert importlib.util.find_spec(module) is not None
