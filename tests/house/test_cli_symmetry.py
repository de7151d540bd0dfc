"""`pdesym determine` and `pdesym discover`: the algebra on the terminal, as JSON alone, and in a folder."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pdesym.cli import app
from pdesym.symmetry.determine import Determined

ROOT = Path(__file__).parents[2]
KDV = "u_t = -u*u_x - u_xxx"
GENERATORS = ["d_x", "d_t", "t*d_x + d_u", "x*d_x + 3*t*d_t - 2*u*d_u"]


def invoke(*arguments):
    return CliRunner().invoke(app, list(arguments))


def test_determine_prints_generators_brackets_and_kind():
    run = invoke("determine", KDV)
    assert run.exit_code == 0, run.output
    assert all(f"{generator} \n" in run.stdout or f"{generator}\n" in run.stdout for generator in GENERATORS[3:])
    assert "t*d_x + d_u" in run.stdout
    assert "t*d_x - d_u" not in run.stdout
    assert "solvable, not nilpotent, not semisimple" in run.stdout
    assert "derived series 4 > 3 > 1 > 0" in run.stdout


def test_determine_prints_json_alone_and_reads_it_again():
    run = subprocess.run(
        [sys.executable, "-m", "pdesym", "determine", "u_t = u_xx + c*u**3", "--json"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    document = json.loads(run.stdout)
    assert (document["dimension"], document["closure"]) == (3, 0)
    assert document["special"][0]["condition"] == "c = 0"
    assert Determined.from_json(document).algebra.dimension == 3


def test_determine_keeps_the_parameters_of_the_catalogue_as_symbols_unless_they_have_values():
    free, fixed = (json.loads(invoke("determine", "kdv", "--json", *more).stdout) for more in ([], ["--param=a=1/3"]))
    assert "a*t*d_x + d_u" in free["generators"]
    assert "t*d_x + 3*d_u" in fixed["generators"]
    assert [special["condition"] for special in fixed["special"]] == ["b = 0"]


def test_determine_takes_systems_and_relations():
    run = invoke("determine", "w_t = psi_x*w_y - psi_y*w_x", "--where", "lap(psi) = -w", "--json")
    assert run.exit_code == 0, run.output
    assert "d_x" in json.loads(run.stdout)["generators"]
    apart, together = (
        json.loads(invoke("determine", *texts, "--json").stdout)["generators"]
        for texts in (["u_t = -v_xx", "v_t = u_xx"], ["u_t = -v_xx; v_t = u_xx"])
    )
    assert apart == together


def test_determine_fills_a_folder(tmp_path):
    run = invoke("determine", "ks", "--out", str(tmp_path / "ks"))
    assert run.exit_code == 0, run.output
    assert sorted(path.name for path in (tmp_path / "ks").iterdir()) == [
        "algebra.json",
        "algebra.tex",
        "commutators.png",
    ]
    assert json.loads((tmp_path / "ks" / "algebra.json").read_text(encoding="utf-8"))["dimension"] == 3


def test_discover_prints_json_alone(tmp_path):
    run = invoke("discover", KDV, "--json", "--seed", "3", "--beside", "ks", "--out", str(tmp_path / "kdv"))
    assert run.exit_code == 0, run.output
    document = json.loads(run.stdout)
    assert document["generators"] == GENERATORS
    assert (document["dimension"], document["closure"], len(document["spectrum"])) == (4, 0, 30)
    assert document["structure_constants"][0][3] == [1, 0, 0, 0]
    assert [other["dimension"] for other in document["beside"]] == [3]
    assert json.loads((tmp_path / "kdv" / "discovery.json").read_text(encoding="utf-8")) == document
    assert sorted(path.name for path in (tmp_path / "kdv").glob("*.png")) == ["commutators.png", "spectrum.png"]


def test_discover_looks_where_it_is_told():
    run = invoke("discover", KDV, "--library", "1, t")
    assert run.exit_code == 0, run.output
    assert "3 symmetries among 6 vector fields" in run.stdout
    assert "3*t*d_t" not in run.stdout


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["determine", "kdw"], "No equation is named kdw (did you mean kdv?): give a text"),
        (["determine", "kdv", "--param", "c=1"], "The equation has no parameter c; its parameters: a, b."),
        (["determine", "kdv", "--param", "c"], "Expected a parameter as NAME=NUMBER, such as nu=0.1"),
        (["determine", "kdv", "--where", "lap(psi) = u"], "has its relations already: leave --where out."),
        (["determine", "kdv", "--out", "README.md"], "README.md is a file: give a folder to --out."),
        (["discover", "kdv", "--out", "README.md"], "README.md is a file: give a folder to --out."),
        (["discover", "kdv", "--library", "1,x", "--degree", "2"], "leave out --degree or --library."),
        (["discover", "nowhere/at/all"], "No equation is named nowhere/at/all: give a text"),
    ],
)
def test_bad_input_is_one_sentence(arguments, sentence, monkeypatch):
    monkeypatch.chdir(ROOT)
    run = invoke(*arguments)
    assert run.exit_code == 2
    assert run.stdout == ""
    assert run.stderr.startswith("pdesym: ")
    assert sentence in run.stderr
    assert len(run.stderr.splitlines()) == 1
