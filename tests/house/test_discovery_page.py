"""The page on discovery says what was measured, and shows it."""

import json
import re

import pytest

from experiments.discovery import data, equations, operators, torus
from experiments.discovery.page import HERE, page

README = (HERE / "README.md").read_text(encoding="utf-8")


def test_the_page_is_written_from_the_results():
    assert page() == README


@pytest.mark.parametrize("script", [data, equations, operators, torus])
def test_the_tables_are_those_of_the_numbers(script):
    path = HERE / "results" / f"{script.__name__.rsplit('.', 1)[1]}.json"
    record = json.loads(path.read_text(encoding="utf-8"))
    assert script.report(record) == path.with_suffix(".md").read_text(encoding="utf-8")


@pytest.mark.parametrize("link", re.findall(r"\]\((?!http)([^)#]+)\)", README))
def test_every_link_leads_somewhere(link):
    assert (HERE / link).exists()


@pytest.mark.parametrize("script", re.findall(r"experiments/discovery/(\w+)\.py  ", README))
def test_every_command_has_its_script(script):
    assert (HERE / f"{script}.py").is_file()
