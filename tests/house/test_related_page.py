"""The page on related ways to symmetry says what was measured."""

import importlib
import importlib.util
import json
import re

import pytest

from experiments.related.page import HERE, STUDIES, page, results_of

README = (HERE / "README.md").read_text(encoding="utf-8")
MEASURED = [study for study in STUDIES if results_of(study) is not None]


def test_the_page_is_written_from_the_results():
    assert page() == README


def test_every_study_with_results_has_its_section():
    missing = [study for study in MEASURED if not (HERE / f"{study}.md").exists()]
    assert missing == []


@pytest.mark.parametrize("study", MEASURED)
def test_the_tables_are_those_of_the_numbers(study):
    path = results_of(study)
    report = importlib.import_module(f"experiments.related.{study}_table").report
    assert report(json.loads(path.read_text(encoding="utf-8"))) == path.with_suffix(".md").read_text(encoding="utf-8")


@pytest.mark.parametrize("link", re.findall(r"\]\((?!http|#)([^)#]+)\)", README))
def test_every_link_leads_somewhere(link):
    assert (HERE / link).exists()


@pytest.mark.parametrize("module", re.findall(r"-m (experiments\.\w+\.\w+)", README))
def test_every_command_has_its_script(module):
    assert importlib.util.find_spec(module) is not None
