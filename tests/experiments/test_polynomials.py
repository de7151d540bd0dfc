"""Polynomial recovery: functions are what they are called, N* is the first success, and no trial runs twice."""

import json

import pytest
import torch

from experiments.unified.polynomials import DRAWS, LAPTOP, PAPER, main, trial
from experiments.unified.polynomials_problem import ALGEBRAS, Row, own_draws
from experiments.unified.polynomials_table import PUBLISHED, table
from experiments.unified.polynomials_trial import RECOVERED, run_trial
from pdesym.symmetry.promote.convex import fit_exact
from pdesym.symmetry.promote.lie_tensors import polynomial_lie_tensor
from pdesym.symmetry.promote.recovered import recovered_algebra

SE, TRANSLATIONS = ALGEBRAS
TINY = Row("linear", SE, 2, 4, 1)


@pytest.mark.parametrize("draws", DRAWS)
@pytest.mark.parametrize(
    ("row", "symmetries"),
    [
        (Row("linear", SE, 2, 4, 1), 6),
        (Row("linear", SE, 2, 4, 2), 3),
        (Row("linear", TRANSLATIONS, 2, 4, 2), 2),
        (Row("radial", SE, 1, 4, 1), 6),
        (Row("radial", SE, 2, 3, 2), 1),
    ],
)
def test_functions_have_the_symmetries_of_their_features_and_no_others(row, symmetries, draws):
    # Proposition 19: (n − r)(n − r + 1)/2 in se(n); n − r translations for functions of r directions.
    problem = DRAWS[draws](row, 0)
    library = row.library
    tensor = polynomial_lie_tensor(library, row.candidate, problem.points)
    assert recovered_algebra(tensor, problem.coefficients).nullity == symmetries
    values = library.evaluate(problem.x) @ problem.coefficients.unsqueeze(1)
    torch.testing.assert_close(values, problem.y, rtol=1e-10, atol=1e-10)


def test_a_trial_finds_the_first_number_of_samples_that_is_enough():
    problem = own_draws(TINY, 0)
    found = run_trial(TINY, 0, problem)
    library = TINY.library
    tensor = polynomial_lie_tensor(library, TINY.candidate, problem.points)
    errors = []
    for samples in (found["n_star"], found["n_star"] - 1):
        design = library.evaluate(problem.x[:samples])
        fitted = fit_exact(design, problem.y[:samples], [tensor]).coefficients[:, 0]
        apart = (fitted - problem.coefficients).abs().max() / problem.coefficients.abs().max()
        errors.append(apart.item())
    assert 1 < found["n_star"] < library.size
    assert errors[0] < RECOVERED < errors[1]
    assert found["symmetries_found"] == found["symmetries"] == 6


def test_draws_depend_on_row_and_seed_alone():
    again, other = own_draws(TINY, 0), own_draws(TINY, 1)
    assert own_draws(TINY, 0).x.equal(again.x)
    assert not other.x.equal(again.x)
    assert own_draws(Row("linear", TRANSLATIONS, 2, 4, 1), 0).coefficients.allclose(again.coefficients)


def test_every_row_has_published_numbers():
    assert {row.name for row in PAPER} == set(PUBLISHED)
    assert set(LAPTOP) <= set(PAPER)


def test_a_trial_that_is_there_is_read(tmp_path):
    first = trial(TINY, 0, "own", tmp_path)
    assert trial(TINY, 0, "own", tmp_path) == first


def test_the_table_compares_trial_by_trial():
    published = PUBLISHED["linear-se-d2-n10-r1"]["n_star"]
    one = {"row": "linear-se-d2-n10-r1", "family": "linear", "degree": 2, "algebra": SE, "variables": 10, "features": 1}
    trials = [
        one | {"size": 66, "draws": "released", "seed": seed, "n_star": published[seed] - 2, "cpu_seconds": 0.5}
        for seed in (0, 5)
    ]
    (line,) = [line for line in table(trials).splitlines() if line.startswith("| linear")]
    assert "| -2.0 ± 0.0 |" in line
    assert "| 25.5 ± 9.5 (16–35) |" in line


def test_the_command_writes_results_and_refuses_rows_it_does_not_know(tmp_path, capsys):
    places = ["--runs", str(tmp_path / "runs"), "--results", str(tmp_path)]
    main(["--rows", "linear-t-d2-n10-r1", "--seeds", "1", *places])
    written = json.loads((tmp_path / "polynomials.json").read_text())
    assert [one["seed"] for one in written["trials"]] == [0]
    assert "linear, degree 2" in (tmp_path / "polynomials.md").read_text()
    with pytest.raises(SystemExit):
        main(["--rows", "cubic", *places])
    assert "Expected rows of" in capsys.readouterr().err
