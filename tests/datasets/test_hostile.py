"""Hostile input ends in one sentence: quickly, with nothing run, nothing written elsewhere and little memory."""

import pytest

from pdesym.datasets import GenerationError, Recipe, generate, load_recipe
from tests.datasets.hostile_guard import refusal
from tests.datasets.hostile_recipes import CASES as RECIPES
from tests.datasets.hostile_recipes import GOOD, OVERRIDES, SOURCES

REFUSALS = (ValueError, FileNotFoundError, GenerationError)


@pytest.fixture(scope="module", autouse=True)
def warm(tmp_path_factory):
    """Everything slow is imported, and what the cases start from works."""
    generate(Recipe.model_validate(GOOD), tmp_path_factory.mktemp("warm") / "data", progress=False)


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder with a file that must stay, in which the process stands."""
    (tmp_path / "stays").write_text("as it is")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("case", RECIPES, ids=lambda case: case.name)
def test_a_hostile_recipe_is_refused(case, place):
    import re

    file = place / "hostile.yaml"
    file.write_bytes(case.content)
    loaded = []

    def use() -> None:
        loaded.append(load_recipe(file))
        generate(loaded[0], place / "out", progress=False)

    said = refusal(use, REFUSALS, place, place / "out")
    assert re.search(case.mention, said), said
    assert loaded or "hostile.yaml" in said
    assert not (place / "out" / "data.zarr").exists()


@pytest.mark.parametrize("source", SOURCES)
def test_a_hostile_name_of_a_recipe_is_refused(source, place):
    said = refusal(lambda: load_recipe(source), REFUSALS, place, place / "out")
    assert "recipe" in said.lower()


@pytest.mark.parametrize("override", OVERRIDES)
def test_a_hostile_override_is_refused(override, place):
    refusal(lambda: load_recipe("kdv", [override]), REFUSALS, place, place / "out")
