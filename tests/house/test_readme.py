"""The README keeps what it promises: its code runs, its table is the measured one, its commands exist."""

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


def test_the_quickstart_runs_and_tells_true_symmetries_from_wrong_ones(capsys):
    code, *_ = EXAMPLES
    assert len([line for line in code.splitlines() if line.strip()]) <= 17
    exec(compile(code, "README.md", "exec"), {})
    lines = capsys.readouterr().out.splitlines()
    exact = [float(line.split()[-1]) for line in lines[1:4]]
    network = [float(line.split()[-1]) for line in lines[4:7]]
    assert lines[0].startswith("(2, 21, 1, 128)")
    assert exact[0] < 1e-10
    assert exact[1] < 1e-8
    assert exact[2] > 0.1
    assert network[1] > 0.1, "an untrained network has no Galilean symmetry"


def test_the_second_example_moves_solutions_and_learns_their_symmetries(capsys):
    _, code, *_ = EXAMPLES
    values: dict[str, object] = {}
    exec(compile(code, "README.md", "exec"), values)
    assert bool(values["moved"].accepted.all())
    assert values["learned"].dimension == 3
    assert values["learned"].levels[3] > 0.1
    out = capsys.readouterr().out
    assert "identified from the data" in out
    assert 'Generator("t*d_x + d_u")' in out
    assert "False" not in out


def test_the_third_example_enforces_the_boost_alone(capsys):
    _, _, code, *_ = EXAMPLES
    exec(compile(code, "README.md", "exec"), {})
    network, symmetric = (re.findall(r"[\d.e-]+", line) for line in capsys.readouterr().out.splitlines())
    assert float(symmetric[0]) < 1e-10 < 0.1 < float(network[0])
    assert float(symmetric[1]) > 0.01
    assert float(symmetric[2]) < float(network[2])


def test_the_fourth_example_breaks_symmetries_of_inputs_alone_and_keeps_the_modes_of_its_data(capsys):
    _, _, _, code, *_ = EXAMPLES
    exec(compile(code, "README.md", "exec"), {})
    _, *_, strict, relaxed, trained = capsys.readouterr().out.splitlines()
    assert float(relaxed) < 1e-10 < 0.1 < float(strict)
    assert float(trained.split()[0]) < 1e-2
    assert trained.endswith("modes left: [0, 3, 6]")


def test_the_fifth_example_generates_verifies_and_cuts_windows(capsys):
    _, _, _, _, code, *_ = EXAMPLES
    values: dict[str, object] = {}
    exec(compile(code, "README.md", "exec"), values)
    assert values["window"].u_in.shape == (16, 10, 1, 64)
    assert abs(values["window"].u_in.std() - 1) < 0.3
    out = capsys.readouterr().out
    assert out.startswith("kdv: 16 samples (train 12, test 4) of 70 frames x 64 points, u")
    assert "as it should be; 16 of 16 samples decoded" in out


def test_the_recipe_of_the_readme_describes_a_dataset(tmp_path):
    from pdesym.datasets import load_recipe, plan
    from pdesym.datasets.problem import check

    file = tmp_path / "mine.yaml"
    file.write_text(re.search(r"```yaml\n(.*?)```", README, re.DOTALL)[1], encoding="utf-8")
    recipe = load_recipe(file)
    check(recipe)
    assert str(plan(recipe)).startswith(
        "damped-kdv: 384 samples (train 256, valid 64, test 64) of 41 frames x 128 points"
    )


def test_the_sixth_example_finds_the_same_algebra_twice(capsys):
    *_, code, _ = EXAMPLES
    exec(compile(code, "README.md", "exec"), {})
    exact, measured = capsys.readouterr().out.split("4 symmetries from equation")
    assert "dimension 3" in exact
    assert "c = 0" in exact
    assert "superposition" in exact
    assert "x*d_x + 3*t*d_t - 2*u*d_u" in measured


def test_the_seventh_example_keeps_to_its_tolerances(capsys):
    *_, code = EXAMPLES
    values: dict[str, object] = {}
    exec(compile(code, "README.md", "exec"), values)
    assert values["result"].error.max() <= 1e-5
    assert max(values["result"].verified.values()) <= 1e-5
    on_the_box = capsys.readouterr().out.splitlines()[1]
    assert 0 < float(re.search(r"\[([^\]]+)\]", on_the_box)[1]) <= 1e-5


def test_the_table_is_rendered_from_the_measured_numbers():
    from pdesym.report import defect_table, markdown_table

    path, table = re.search(r"<!-- table: (\S+) -->\n(.*?)\n<!-- end of table -->", README, re.DOTALL).groups()
    defects = json.loads((ROOT / path).read_text(encoding="utf-8"))
    assert table == markdown_table(defect_table(defects)).strip()


def test_the_claims_of_the_table_hold_in_the_published_results():
    results = ROOT / "experiments" / "lab" / "results"
    forecast = json.loads((results / "forecast.json").read_text(encoding="utf-8"))
    means = {ratio["operator"]: ratio["mean"] for ratio in forecast["ratios"]}
    assert set(means) == {"boosted FNO", "self-boosted FNO"}
    assert all(len(ratio["seeds"]) >= 2 for ratio in forecast["ratios"])
    assert max(means.values()) <= 0.75


@pytest.mark.parametrize("target", re.findall(r"^make (\w+)", README, re.MULTILINE))
def test_every_make_target_exists(target):
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)


@pytest.mark.parametrize("link", re.findall(r"\]\((?!http)([^)#]+)\)", README))
def test_every_link_leads_somewhere(link):
    assert (ROOT / link).exists()


def test_every_equation_of_the_catalogue_is_listed():
    from pdesym.solvers import CATALOGUE

    assert set(re.findall(r"^\| `(\w+)` \| .*=", README, re.MULTILINE)) == set(CATALOGUE)


def test_the_excerpt_of_the_command_line_is_what_it_prints():
    from typer.testing import CliRunner

    from pdesym.cli import app

    equation = re.search(r'pdesym determine "([^"]*)"', README)[1]
    excerpt = re.search(r"```\n(u_t = .*?)```", README, re.DOTALL)[1]
    run = CliRunner().invoke(app, ["determine", equation])
    assert [line.rstrip() for line in run.stdout.splitlines()] == excerpt.splitlines()
