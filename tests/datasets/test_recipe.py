"""Recipes: shipped ones, round trips through YAML, overrides, and a sentence for everything that can be wrong."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from pydantic import BaseModel

from pdesym.datasets import Recipe, RecipeError, load_recipe, recipe_file
from pdesym.datasets.problem import check, sample_variables, solve_samples, times_of
from pdesym.datasets.recipe import SPLITS, Uniform, shipped_recipes
from pdesym.solvers.threads import one_thread

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = sorted(path.stem for path in (ROOT / "datasets" / "recipes").glob("*.yaml"))


def test_the_shipped_recipes_are_those_that_an_unknown_name_lists():
    with pytest.raises(RecipeError, match=re.escape(f"shipped are {', '.join(SHIPPED)}, and")):
        load_recipe("nothing-of-the-sort")


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_recipe_survives_the_way_through_yaml(name, tmp_path):
    recipe = load_recipe(name)
    assert recipe.name == name
    file = tmp_path / "again.yaml"
    file.write_text(recipe_file.dump(recipe))
    assert load_recipe(file) == recipe
    assert load_recipe(str(file)) == recipe
    assert load_recipe(file, ["seed=1"]) != recipe


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_recipe_describes_a_problem(name):
    check(load_recipe(name))


# A sample takes more than a few seconds.
COSTLY = {"fno-ns-1e-4", "fno-ns-1e-5", "gfno-ns", "gfno-ns-sym", "gray-scott", "ko-nkdv", "kolmogorov"}


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow if name in COSTLY else ()) for name in SHIPPED]
)
def test_a_shipped_recipe_keeps_its_tolerance(name):
    recipe = load_recipe(name)
    with one_thread():
        solution, drawn = solve_samples(recipe, "test", [0])
    assert (solution.error <= recipe.rtol).all()
    assert solution.u.shape == (1, recipe.times.count, len(solution.equation.fields), *recipe.grid.shape)
    assert solution.u.isfinite().all()
    assert set(drawn) == set(sample_variables(recipe))


def test_the_shipped_recipes_say_what_they_are():
    said = shipped_recipes()
    assert list(said) == SHIPPED
    assert all(line.endswith(".") and 30 < len(line) < 118 for line in said.values())
    assert said["kdv"].startswith("Korteweg-de Vries: random long waves")


@pytest.mark.parametrize(
    ("name", "duration", "of", "kept"),
    [
        ("lpsda-kdv", 100, 250, 140),
        ("lpsda-kdv-easy", 50, 250, 140),
        ("lpsda-ks", 100, 500, 140),
        ("lpsda-burgers", 18, 180, 140),
        ("lpsda-heat", 18, 180, 140),
        ("ko-kdv", 100, 250, 140),
        ("ko-ks", 100, 500, 140),
        ("ko-burgers", 18, 180, 140),
        ("ko-nkdv", 100, 250, 140),
        ("ko-ckdv", 100, 250, 140),
    ],
)
def test_the_frames_are_the_last_of_those_of_the_paper(name, duration, of, kept):
    recipe = load_recipe(name)
    assert np.abs(times_of(recipe).numpy() - np.linspace(0, duration, of)[-kept:]).max() < 1e-12
    assert recipe.splits.sizes == dict.fromkeys(SPLITS, 512) | (
        {"train": 1024, "valid": 1024, "test": 4096} if name.startswith("ko-") else {}
    )


def test_the_kdv_frames_are_every_second_of_the_last_140_of_250():
    times = load_recipe("kdv").times
    expected = np.linspace(0, 100, 250)[110::2]
    assert np.abs(np.linspace(times.first, times.last, times.count) - expected).max() < 1e-12


def test_a_recipe_with_texts_and_laws_survives_the_way_through_yaml(tmp_path):
    changes = ['equation=["u_t = a*u_xx - v", "v_t = u"]', "parameters={a: {uniform: [1e-2, 1]}}", "grid.points=[64]"]
    recipe = load_recipe("kdv", [*changes, "rtol=null", "dt=1e-3"])
    assert recipe.parameters == {"a": Uniform(uniform=(0.01, 1.0))}
    assert (recipe.dt, recipe.rtol) == (1e-3, None)
    file = tmp_path / "again.yaml"
    file.write_text(recipe_file.dump(recipe))
    assert load_recipe(file) == recipe


def test_the_tolerance_has_a_default_only_when_nothing_is_said():
    data = load_recipe("kdv").model_dump(exclude={"rtol"})
    assert Recipe.model_validate(data).rtol == 1e-6
    assert Recipe.model_validate({**data, "dt": 0.1}).rtol is None


KEYS = "name, equation, where, parameters, grid, initial, times, splits, rtol, dt, method, dtype, seed, shard, batch"

OVERRIDE_SENTENCES = [
    ("grid.pints=3", "Unknown key grid.pints in --set grid.pints=3 (did you mean grid.points?): the keys of grid are "
     "points, length."),
    ("points=3", f"Unknown key points in --set points=3 (did you mean grid.points?): the keys are {KEYS}."),
    ("shrad=3", f"Unknown key shrad in --set shrad=3 (did you mean shard?): the keys are {KEYS}."),
    ("quux=3", f"Unknown key quux in --set quux=3: the keys are {KEYS}."),
    ("parameters.nu={unifrm: [1, 2]}", "Unknown key parameters.nu.unifrm in --set parameters.nu={unifrm: [1, 2]} (did "
     "you mean parameters.nu.uniform?): the keys of parameters.nu are uniform, "
     "log_uniform, normal, choice."),
    ("grid.points=many", "grid.points in --set grid.points=many is wrong: expected an integer, got 'many'."),
    ("grid=3", "grid in --set grid=3 is wrong: expected a section of keys and values, got 3."),
    ("splits.train=-1", "splits.train in --set splits.train=-1 is wrong: expected greater than or equal to 0, got -1."),
    ("splits={train: 0}", "splits in --set splits={train: 0} is wrong: one of train, valid and test needs a number of "
     "samples above 0."),
    ("initial.law=gauss", "initial.law in --set initial.law=gauss is wrong: expected one of sinusoids, gaussian_field, "
     "specks, uniform, heat_potential, cole_hopf, each, got 'gauss'."),
    ("initial.waves=[]", "initial.waves in --set initial.waves=[] is wrong: expected at least 1 item, got []."),
    ("initial.waves=[1, 0]", "initial.waves.1 in --set initial.waves=[1, 0] is wrong: expected greater than or equal "
     "to 1, got 0."),
    ("times.last=1", "times in the recipe kdv is wrong: times.last must be after times.first = 44.17670682730924, got "
     "1.0."),
    ("times.last=.inf", "times.last in --set times.last=.inf is wrong: expected a finite number, got inf."),
    ("dt=0.1", "The recipe kdv is wrong: rtol = 0.0001 and dt = 0.1 exclude each other; set one of them to null."),
    ("name=../up", "name in --set name=../up is wrong: expected a word of letters, digits, - and _, got '../up'."),
    ("parameters.nu=thick", "parameters.nu in --set parameters.nu=thick is wrong: expected a number, got 'thick'."),
    ("parameters.nu={uniform: [2, 1]}", "parameters.nu in --set parameters.nu={uniform: [2, 1]} is wrong: the lower "
     "bound must be below the upper one, got [2.0, 1.0]."),
    ("parameters={a-b: 1}", "parameters in --set parameters={a-b: 1} is wrong: a parameter needs a name made of "
     "letters, digits and _, got 'a-b'."),
    ("seed.x=1", "seed.x in --set seed.x=1 cannot be set: seed is 0, not a section."),
    ("seed", "Expected key=value to set, like grid.points=256, got 'seed'."),
    ("grid.points=[1", "The value in --set grid.points=[1 is not YAML: expected a number, word or list."),
]  # fmt: skip


@pytest.mark.parametrize(("override", "sentence"), OVERRIDE_SENTENCES)
def test_a_wrong_override_is_refused_in_one_sentence(override, sentence):
    with pytest.raises(RecipeError) as refusal:
        load_recipe("kdv", [override])
    assert str(refusal.value) == sentence


FILE_SENTENCES = [
    ("name: a\ngrid: {points: 8", "is not valid YAML at line 2, column 17: expected ',' or '}', but got '<stream "
     "end>'."),
    ("a: 1\nb: 2\na: 3\n", "is not valid YAML at line 3, column 1: the key a is given twice."),
    ("1: 2\n", "is not valid YAML at line 1, column 1: a key should be a word."),
    ("- a\n", "should hold the keys and values of a recipe, like `seed: 0`, got ['a']."),
    ("", "should hold the keys and values of a recipe, like `seed: 0`, got nothing."),
    ("name: a\ngrid: {points: 8}\n", "lacks equation, grid.length, times, splits: add what is missing."),
    ("a: !!python/object/apply:os.getcwd []\n", "is not valid YAML at line 1, column 4: could not determine a "
     "constructor for the tag 'tag:yaml.org,2002:python/object/apply:os.getcwd'."),
]  # fmt: skip


@pytest.mark.parametrize(("text", "sentence"), FILE_SENTENCES)
def test_a_wrong_file_is_refused_in_one_sentence(text, sentence, tmp_path):
    file = tmp_path / "wrong.yaml"
    file.write_text(text)
    with pytest.raises(RecipeError) as refusal:
        load_recipe(file)
    assert str(refusal.value) == f"{file} {sentence}"


SOURCE_SENTENCES = [
    ("kvd", "No recipe is named kvd (did you mean kdv?): shipped are"),
    ("kvd.yaml", "The recipe kvd.yaml cannot be read: no such file or directory."),
    ("no/where", "The recipe no/where cannot be read: no such file or directory."),
    (Path("/"), "The recipe / cannot be read: is a directory."),
]


@pytest.mark.parametrize(("source", "sentence"), SOURCE_SENTENCES)
def test_a_missing_recipe_is_refused_in_one_sentence(source, sentence):
    with pytest.raises(RecipeError) as refusal:
        load_recipe(source)
    assert str(refusal.value).startswith(sentence)


def test_a_file_that_is_no_text_is_refused(tmp_path):
    file = tmp_path / "picture.yaml"
    file.write_bytes(b"\x89PNG\xff\xfe")
    with pytest.raises(RecipeError, match="is not a text file in UTF-8"):
        load_recipe(file)


def test_the_first_difference_of_two_recipes_is_named():
    recipe = load_recipe("kdv")
    assert recipe_file.first_difference(recipe, recipe) is None
    assert recipe_file.first_difference(recipe, load_recipe("kdv", ["seed=1", "grid.points=64"])) == (
        "grid.points",
        128,
        64,
    )
    assert recipe_file.first_difference(recipe, load_recipe("kdv", ["parameters.nu=1"])) == ("parameters.nu", None, 1.0)


class _Optimiser(BaseModel, extra="forbid"):
    rate: float = 1e-3


class _Training(BaseModel, extra="forbid"):
    steps: int = 10
    optimiser: _Optimiser = _Optimiser()


def test_other_models_read_their_files_and_typos_the_same_way(tmp_path):
    file = tmp_path / "training.yaml"
    file.write_text("steps: 20\n")
    assert recipe_file.load(_Training, file, ["optimiser.rate=1e-2"]).optimiser.rate == 1e-2
    with pytest.raises(RecipeError, match=r"Unknown key rate .*did you mean optimiser\.rate"):
        recipe_file.load(_Training, file, ["rate=1e-2"])


def test_reading_a_recipe_does_not_wait_for_torch():
    code = (
        "import sys, pdesym.datasets as d; d.load_recipe('kdv'); print({'torch', 'xarray', 'sympy'} & {*sys.modules})"
    )
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "set()"
