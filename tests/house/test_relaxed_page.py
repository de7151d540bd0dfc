"""The page on outcomes of less symmetry says what was measured, and shows it."""

import importlib.util
import json
import re

import pytest

from experiments.relaxed.page import HERE, REPORTS, page, path_of

README = (HERE / "README.md").read_text(encoding="utf-8")


def test_the_page_is_written_from_the_results():
    assert page() == README


@pytest.mark.parametrize("name", REPORTS)
def test_the_tables_are_those_of_the_numbers(name):
    path = path_of(name)
    report = REPORTS[name][1]
    assert report(json.loads(path.read_text(encoding="utf-8"))) == path.with_suffix(".md").read_text(encoding="utf-8")


@pytest.mark.parametrize("link", re.findall(r"\]\((?!http)([^)#]+)\)", README))
def test_every_link_leads_somewhere(link):
    assert (HERE / link).exists()


@pytest.mark.parametrize("module", re.findall(r"-m (experiments\.\w+\.\w+)", README))
def test_every_command_has_its_script(module):
    assert importlib.util.find_spec(module) is not None
