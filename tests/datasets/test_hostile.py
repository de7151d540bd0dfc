"""Hostile input ends in one sentence: quickly, with nothing run, nothing written elsewhere and little memory."""

import re
import shutil
from pathlib import Path

import pytest

from pdesym.datasets import GenerationError, Recipe, Windows, generate, import_dataset, load_recipe, open_dataset
from pdesym.datasets.verification import verify
from tests.datasets.hostile_guard import assert_one_sentence, guarded, refusal
from tests.datasets.hostile_hdf5 import CASES as FILES
from tests.datasets.hostile_hdf5 import SOUND
from tests.datasets.hostile_recipes import CASES as RECIPES
from tests.datasets.hostile_recipes import GOOD, OVERRIDES, SOURCES
from tests.datasets.hostile_stores import CASES as STORES

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


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    """A complete dataset, to be copied and damaged."""
    entries = {
        "equation": "u_t = -u*u_x + nu*u_xx",
        "parameters": {"nu": {"uniform": [0.1, 0.2]}},
        "splits": {"train": 4, "valid": 2},
    }
    recipe = Recipe.model_validate({**GOOD, **entries})
    folder = generate(recipe, tmp_path_factory.mktemp("stores") / "sound", progress=False)
    assert verify(folder, progress=False).ok
    Windows.open(folder, "train", 1, 1)
    return folder


# What is much like another case, or is made in test_verify.py too, is left to the slow tests.
@pytest.mark.parametrize(
    "case",
    [pytest.param(case, id=case.name, marks=[pytest.mark.slow] * case.seldom) for case in STORES],
)
def test_a_hostile_store_is_refused_or_found(case, sound, place, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(place / "out"))
    folder = Path(shutil.copytree(sound, place / "data"))
    case.change(folder)
    if not case.opens:
        said = refusal(lambda: open_dataset(folder, "train"), REFUSALS, place, place / "out")
        assert re.search(case.mention, said), said
    with guarded(place, place / "out"):
        try:
            Windows.open(folder, "train", 1, 1)
        except REFUSALS as refused:
            assert_one_sentence(str(refused))
    with guarded(place, place / "out"):
        try:
            found = verify(folder, samples=0, progress=False)
        except REFUSALS as refused:
            findings = (str(refused),)
        else:
            findings = found.findings
            assert not found.ok
    for finding in findings:
        assert_one_sentence(finding)
    assert re.search(case.mention, "\n".join(findings)), findings


@pytest.mark.parametrize("suffix", SOUND)
def test_what_the_hostile_files_start_from_is_imported(suffix, place):
    SOUND[suffix](place / f"sound{suffix}")
    folder = import_dataset(place / f"sound{suffix}", place / "out", progress=False)
    assert open_dataset(folder, "train").sizes == {"sample": 4, "time": 3, "x": 8}
    assert verify(folder, progress=False).findings == ()


@pytest.mark.parametrize("case", FILES, ids=lambda case: case.name)
def test_a_hostile_file_is_not_imported(case, place):
    file = place / f"hostile{case.suffix}"
    case.make(file)
    said = refusal(lambda: import_dataset(file, place / "out", progress=False), REFUSALS, place, place / "out")
    assert re.search(case.mention, said), said
    assert "hostile" in said
    assert not (place / "out" / "manifest.json").exists()
