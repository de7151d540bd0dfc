"""What the keys of a recipe mean: laws of initial fields and of numbers, drawn boxes, stretched times, burn-in."""

import numpy as np
import pytest
import torch

from pdesym.datasets import Recipe, RecipeError, load_recipe, recipe_file
from pdesym.datasets.distributions import Choice, LogUniform, Normal, Uniform
from pdesym.datasets.problem import (
    check,
    drawn_lengths,
    drawn_parameters,
    equation_of,
    grid_of,
    initial_fields,
    sample_variables,
    solve_samples,
    time_stretch,
    times_of,
)
from pdesym.datasets.recipe import METHODS
from pdesym.solvers import (
    ColeHopf,
    EachField,
    Equation,
    GaussianField,
    Grid,
    HeatPotential,
    RandomSinusoids,
    Specks,
    solve,
)
from pdesym.solvers import Uniform as UniformField
from pdesym.solvers.steppers import STEPPERS

# Draws of the shipped recipes before other laws came: they are to stay.
FIRST_VALUES = [
    ("kdv", "train", (0.809092536953688, 0.7687005642433542, 0.5506151485673271)),
    ("kdv", "test", (-0.3776663721904895, -0.3036705439909148, -0.07157822335223463)),
    ("burgers", "train", (0.809092536953688, 0.765049251829203, 0.4440540873515586)),
    ("burgers", "test", (-0.3776663721904895, -0.2726699898258839, -0.21268368582835095)),
    ("ks", "train", (0.809092536953688, 0.7687005642433542, 0.5506151485673271)),
]


@pytest.mark.parametrize(("name", "split", "values"), FIRST_VALUES)
def test_what_a_shipped_recipe_draws_stays_as_it_was(name, split, values):
    recipe = load_recipe(name)
    u = initial_fields(recipe, split, range(6))
    assert (u[0, 0, 0].item(), u[0, 0, 1].item(), u[5, 0, 7].item()) == pytest.approx(values, rel=0, abs=1e-14)
    law = recipe.initial
    plain = RandomSinusoids(law.terms, law.amplitude, law.waves)
    stream = {"train": 0, "valid": 1, "test": 2}[split]
    assert torch.equal(u, plain.sample(grid_of(recipe), range(6), seed=(0, stream, 0)))


def test_drawn_parameters_stay_as_they_were():
    changes = ["equation=u_t = -a*u*u_x - b*u_xxx", "parameters={a: {uniform: [0.5, 1.5]}, b: {uniform: [1, 2]}}"]
    drawn = drawn_parameters(load_recipe("kdv", changes), "valid", [0, 3])
    assert drawn["a"].tolist() == [1.3780016205670609, 1.2723530823859375]
    assert drawn["b"].tolist() == [1.613084794686647, 1.469098769835215]


def test_the_methods_are_those_of_the_solver():
    assert tuple(STEPPERS) == METHODS
    assert Recipe.model_fields["method"].annotation.__args__[0].__args__ == METHODS


@pytest.mark.parametrize(
    ("law", "mean", "deviation"),
    [
        (Uniform(uniform=(1.0, 3.0)), 2.0, 2 / np.sqrt(12)),
        (
            LogUniform(log_uniform=(1.0, np.e**2)),
            (np.e**2 - 1) / 2,
            np.sqrt((np.e**4 - 1) / 4 - (np.e**2 - 1) ** 2 / 4),
        ),
        (Normal(normal=(5.0, 0.5)), 5.0, 0.5),
        (Choice(choice=(1.0, 2.0, 6.0)), 3.0, np.sqrt(14 / 3)),
    ],
)
def test_a_number_is_drawn_from_its_law(law, mean, deviation):
    rng = np.random.default_rng(0)
    drawn = np.array([law.draw(rng) for _ in range(20_000)])
    assert abs(drawn.mean() - mean) < 4 * deviation / np.sqrt(20_000)
    assert abs(drawn.std() - deviation) < 0.02 * deviation
    low, high = law.ends
    assert low <= drawn.min() <= law.centre <= drawn.max() <= high
    assert law.text.startswith(law.name)


def test_a_sample_draws_the_same_whatever_is_drawn_beside_it(changed):
    one = changed(
        equation="burgers",
        parameters={"nu": {"log_uniform": [0.01, 1.0]}},
        grid={"points": 32, "length": {"normal": [6.0, 0.1]}},
        times={"last": 1.0, "count": 2, "stretch": {"choice": [0.5, 1.0, 2.0]}},
    )
    other = changed(
        equation="u_t = -c*u*u_x + nu*u_xx",
        parameters={"c": {"uniform": [0.0, 1.0]}, "nu": {"log_uniform": [0.01, 1.0]}},
        grid={"points": 32, "length": {"normal": [6.0, 0.1]}},
        times={"last": 1.0, "count": 2, "stretch": {"choice": [0.5, 1.0, 2.0]}},
    )
    for draws in (drawn_lengths, time_stretch, lambda *args: drawn_parameters(*args)["nu"]):
        together = draws(one, "train", range(5))
        assert len(set(together.tolist())) > 1
        assert torch.equal(together[[3, 1]], draws(other, "train", [3, 1]))
        assert not torch.equal(together, draws(one, "valid", range(5)))
    assert torch.equal(initial_fields(one, "train", [3]), initial_fields(one, "train", range(5))[3:4])


def test_boxes_and_times_are_drawn_and_solved_as_drawn(changed):
    recipe = changed(
        grid={"points": 32, "length": {"uniform": [28.0, 36.0]}},
        times={"first": 0.5, "last": 2.0, "count": 4, "stretch": {"uniform": [0.8, 1.2]}, "burn_in": 1.0},
        rtol=1e-6,
    )
    check(recipe)
    assert grid_of(recipe).length == (32.0,)
    solution, drawn = solve_samples(recipe, "train", range(3))
    assert list(drawn) == ["length", "time_stretch"] == list(sample_variables(recipe))
    assert sample_variables(recipe)["length"]["distribution"] == "uniform [28.0, 36.0]"
    assert torch.equal(solution.length[:, 0], drawn["length"])
    assert torch.equal(solution.times, times_of(recipe))
    assert solution.equation.text == equation_of(recipe, {}).text
    u0 = initial_fields(recipe, "train", range(3))
    for i in (0, 2):
        grid, s = Grid(32, length=drawn["length"][i].item()), drawn["time_stretch"][i].item()
        late = solve(solution.equation, u0[i : i + 1], grid, [0.0], start=-1.0 * s, rtol=1e-8).u[:, 0]
        expected = solve(solution.equation, late, grid, [s * t for t in times_of(recipe).tolist()], rtol=1e-8).u[0]
        assert (solution.u[i] - expected).norm() < 1e-6 * expected.norm()
        plain = solve(solution.equation, late, grid, times_of(recipe), rtol=1e-6).u[0]
        assert (solution.u[i] - plain).norm() > 1e-3 * expected.norm()  # an unstretched solution is another one


def test_on_a_plane_all_axes_have_the_drawn_length(changed):
    recipe = changed(
        equation="heat",
        parameters={"nu": 0.1},
        grid={"points": [16, 8], "length": {"uniform": [5.0, 7.0]}},
        times={"last": 1.0, "count": 2, "stretch": 2.0},
        initial={"waves": [1]},
    )
    solution, drawn = solve_samples(recipe, "test", [0, 1])
    assert list(drawn) == ["length_x", "length_y", "time_stretch"] == list(sample_variables(recipe))
    assert torch.equal(drawn["length_x"], drawn["length_y"])
    assert drawn["time_stretch"].tolist() == [2.0, 2.0]
    k = 2 * torch.pi / drawn["length_x"]
    # Every vector of waves whose length rounds to 1 is (1, 0), (0, 1) or (1, 1) up to signs.
    decay = solution.u[:, 1].flatten(1).norm(dim=1) / solution.u[:, 0].flatten(1).norm(dim=1)
    assert (decay <= torch.exp(-0.2 * k**2) + 1e-9).all()
    assert (decay >= torch.exp(-0.4 * k**2) - 1e-9).all()


def test_burn_in_carries_a_field_through_time_that_the_equation_knows(changed):
    recipe = changed(
        equation="u_t = -cos(t)*u/10",
        initial={"waves": [1], "terms": 1},
        grid={"points": 32, "length": 6.283185307179586},
        times={"last": 1.0, "count": 2, "burn_in": 2.0},
    )
    drawn = initial_fields(recipe, "train", [0])
    solution, _ = solve_samples(recipe, "train", [0])
    assert torch.allclose(solution.u[:, 0], drawn * np.exp(-np.sin(2.0) / 10), rtol=1e-5)
    assert torch.allclose(solution.u[:, 1], drawn * np.exp(-(np.sin(2.0) + np.sin(1.0)) / 10), rtol=1e-5)


def test_burn_in_resumes_where_a_longer_trajectory_is(changed):
    plain = changed(times={"first": 1.0, "last": 3.0, "count": 3}, rtol=1e-9)
    burnt = changed(times={"first": 0.0, "last": 2.0, "count": 3, "burn_in": 1.0}, rtol=1e-9)
    expected, found = (solve_samples(recipe, "train", [0, 1])[0] for recipe in (plain, burnt))
    assert (found.u - expected.u).norm() < 1e-7 * expected.u.norm()
    assert found.times.tolist() == [0.0, 1.0, 2.0]


def test_the_method_is_the_one_that_is_taken(changed):
    plain, named, other = (
        solve_samples(changed(method=method, rtol=1e-3), "train", [0])[0].u for method in (None, "etdrk4", "imex4")
    )
    assert torch.equal(plain, named)
    assert 0 < (plain - other).norm() < 1e-2 * plain.norm()


def test_a_relation_defines_a_field_as_in_the_catalogue(changed):
    entries = {
        "grid": {"points": [16, 16], "length": 6.283185307179586},
        "parameters": {"nu": 0.05},
        "initial": {"law": "gaussian_field", "modes": 4},
        "times": {"last": 0.5, "count": 2},
    }
    text = "w_t = -psi_y*w_x + psi_x*w_y + nu*lap(w)"
    own = changed(equation=text, where="lap(psi) = -w", **entries)
    assert load_again(own) == own
    named = changed(equation="navier_stokes", **entries)
    one, other = (solve_samples(recipe, "train", [0])[0] for recipe in (own, named))
    assert torch.equal(one.u, other.u)
    with pytest.raises(RecipeError, match="has its own relations: remove where"):
        check(changed(equation="navier_stokes", where="lap(psi) = -w", **entries))
    with pytest.raises(RecipeError, match=r"The equation 'w_t = .* cannot be read at character 8"):
        check(changed(equation=text, **entries))


def load_again(recipe: Recipe) -> Recipe:
    """The recipe after its way through YAML."""
    return recipe_file.validate(Recipe, recipe_file.parse(recipe_file.dump(recipe), "again"), "again")


LINE = {"points": 64, "length": 6.283185307179586}
EACH = {"law": "each", "fields": {"v": {"law": "uniform", "value": 0.25}, "u": {"law": "gaussian_field", "modes": 8}}}
LAWS = [
    ("heat", {"nu": 0.1}, {"law": "sinusoids", "mean": 2.0}, RandomSinusoids(mean=2.0)),
    ("heat", {"nu": 0.1}, {}, RandomSinusoids()),
    ("heat", {"nu": 0.1}, {"law": "gaussian_field", "alpha": 2, "tau": 5, "sigma": 25, "mean": 1},
     GaussianField(2.0, 5.0, 25.0, 16, 1.0)),
    ("heat", {"nu": 0.1}, {"law": "uniform", "value": 3}, UniformField(3.0)),
    ("heat", {"nu": 0.1}, {"law": "heat_potential", "scale": 2}, HeatPotential(2.0)),
    ("burgers", {"nu": 0.1}, {"law": "cole_hopf", "waves": [1, 2]}, ColeHopf(0.1, waves=(1, 2))),
]  # fmt: skip


@pytest.mark.parametrize(("equation", "parameters", "initial", "law"), LAWS)
def test_every_law_is_that_of_the_solver(changed, equation, parameters, initial, law):
    recipe = changed(equation=equation, parameters=parameters, initial=initial, grid=LINE)
    check(recipe)
    assert load_again(recipe) == recipe
    expected = law.sample(Grid(64, length=LINE["length"]), [0, 4], seed=(3, 2, 0))
    assert torch.equal(initial_fields(recipe, "test", [0, 4]), expected)


def test_specks_and_a_law_for_each_field_are_those_of_the_solver(changed):
    entries = {"equation": "gray_scott", "parameters": {"F": 0.03, "k": 0.062}, "grid": LINE}
    grid = Grid(64, length=LINE["length"])
    specks = changed(initial={"law": "specks", "count": 3, "width": 0.4}, **entries)
    assert torch.equal(initial_fields(specks, "train", [2]), Specks(3, 0.4).sample(grid, [2], seed=(3, 0, 0)))
    each = changed(initial=EACH, **entries)
    assert load_again(each) == each
    expected = EachField(GaussianField(modes=8), UniformField(0.25)).sample(grid, [2], seed=(3, 0))
    assert torch.equal(initial_fields(each, "train", [2]), expected)


def test_a_law_in_a_drawn_box_is_drawn_in_that_box(changed):
    recipe = changed(
        equation="heat",
        parameters={"nu": 0.1},
        initial={"law": "gaussian_field", "modes": 8},
        grid={"points": 32, "length": {"uniform": [2.0, 9.0]}},
    )
    u0, lengths = initial_fields(recipe, "train", [0, 1]), drawn_lengths(recipe, "train", [0, 1])
    for i in range(2):
        box = Grid(32, length=lengths[i].item())
        assert torch.equal(u0[i : i + 1], GaussianField(modes=8).sample(box, [i], seed=(3, 0, 0)))


def test_cole_hopf_takes_the_viscosity_of_each_sample(changed):
    recipe = changed(
        equation="burgers", parameters={"nu": {"uniform": [0.1, 0.5]}}, initial={"law": "cole_hopf"}, grid=LINE
    )
    nu = drawn_parameters(recipe, "train", range(3))["nu"]
    u0 = initial_fields(recipe, "train", range(3))
    expected = ColeHopf(1.0).sample(Grid(64, length=LINE["length"]), range(3), seed=(3, 0, 0))
    assert torch.allclose(u0, nu.reshape(-1, 1, 1) * expected, rtol=1e-12)


def test_the_superposition_recipes_are_pairs():
    heat, burgers = (load_recipe(f"{name}-superposition", ["times.count=5"]) for name in ("heat", "burgers"))
    psi, _ = solve_samples(heat, "train", [0, 1])
    u, _ = solve_samples(burgers, "train", [0, 1])
    nu = 0.05

    def velocity(potential):
        k = 2j * np.pi * np.fft.fftfreq(128, heat.grid.length / 128)
        slope = np.fft.ifft(k * np.fft.fft(potential.numpy())).real
        return torch.from_numpy(-2 * nu * slope) / potential

    difference = velocity(psi.u) - u.u
    assert difference.norm() < 1e-5 * u.u.norm()
    mixed = 0.3 * psi.u[0] + 0.7 * psi.u[1]
    start = velocity(mixed[:1])
    third = solve(Equation("u_t = -u*u_x + nu*u_xx", nu=nu), start, psi.grid, psi.times, rtol=1e-8)
    assert (third.u[0] - velocity(mixed)).norm() < 1e-5 * third.u.norm()


REFUSED = [
    ({"equation": "ckdv", "times": {"last": 1.0, "count": 2, "stretch": {"uniform": [0.9, 1.1]}}},
     "times.stretch is for equations in which t does not occur"),
    ({"equation": "u_t = -time_stretch*u", "parameters": {"time_stretch": 1.0},
      "times": {"last": 1.0, "count": 2, "stretch": 2.0}}, "time_stretch is taken|needs the name time_stretch"),
    ({"equation": "u_t = -length*u", "parameters": {"length": 1.0},
      "grid": {"points": 32, "length": {"uniform": [1.0, 2.0]}}}, "The name length is taken twice"),
    ({"initial": {"law": "cole_hopf"}}, "takes ν from parameters.nu"),
    ({"initial": {"law": "specks"}}, "The law specks draws two fields, the equation has u"),
    ({"initial": {"law": "each", "fields": {"h": {"law": "uniform"}}}}, "initial.fields has laws for h, the fields"),
    ({"equation": "burgers", "parameters": {"nu": {"normal": [0.1, 0.05]}}}, "ill-posed"),
    ({"equation": "heat", "parameters": {"nu": 1.0}, "initial": {"law": "gaussian_field", "modes": 9000},
      "grid": {"points": [64, 64], "length": 1.0}}, "initial.modes is too large"),
    ({"grid": {"points": 32, "length": {"uniform": [0.1, 2.0]}}, "initial": {"law": "gaussian_field", "modes": 17}},
     "17 waves per domain need at least 35 points"),
]  # fmt: skip


@pytest.mark.parametrize(("entries", "sentence"), REFUSED)
def test_what_cannot_be_solved_is_refused_before_it_is_tried(changed, entries, sentence):
    with pytest.raises(ValueError, match=sentence):
        check(changed(**entries))


TO_2 = {"last": 2.0, "count": 2}
SINGULAR = [
    ({"equation": "ckdv", "times": {**TO_2, "burn_in": 2.0}},
     r"coefficient -1/\(2\*t \+ 2\) of the equation is singular at t = -1, .* t = -2 to t = 2: make times.burn_in sm"),
    ({"equation": "u_t = -u_x - u**2/(t - 1)", "times": TO_2}, "singular at t = 1, .*: make times.last smaller"),
    ({"equation": "u_t = tan(t)*u", "times": TO_2}, "singular at t = 1.5708, "),
    ({"equation": "u_t = sqrt(1 - t)*u_xx", "times": TO_2}, "singular at t = 1.00"),
    ({"equation": "u_t = -u_x/(a - t)", "parameters": {"a": {"uniform": [1.9, 9.0]}}, "times": TO_2}, "at t = 1.9, "),
    ({"equation": "u_t = u_xx + sin(x)*u/sin(t)", "times": {**TO_2, "burn_in": 1.0}}, "singular at t = "),
]  # fmt: skip


@pytest.mark.parametrize(("entries", "sentence"), SINGULAR)
def test_a_time_at_which_a_coefficient_is_singular_is_not_passed_through(changed, entries, sentence):
    with pytest.raises(RecipeError, match=sentence) as refusal:
        check(changed(**entries))
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    "entries",
    [
        {"equation": "ckdv", "times": {**TO_2, "burn_in": 0.5}},
        {"equation": "u_t = -u_x/(3 - t)", "times": TO_2},
        {"equation": "u_t = tan(t/2)*u - u/(1 + u**2)", "times": TO_2},
        {"equation": "u_t = -u_x/(a - t)", "parameters": {"a": {"uniform": [2.1, 9.0]}}, "times": TO_2},
        {"equation": "u_t = exp(-t)*u_xx + sin(t)*u/(2 + cos(t))", "times": {**TO_2, "burn_in": 9.0}},
    ],
)
def test_regular_coefficients_are_no_obstacle(changed, entries):
    check(changed(**entries))


WRONG = [
    ("times.stretch=0", "times.stretch in .* a factor on the times must be positive, got 0"),
    ("times.stretch={normal: [1, 0.5]}", "must be positive, got -1.5 five standard deviations below its mean"),
    ("times.burn_in=-1", "times.burn_in .* greater than or equal to 0"),
    ("grid.length={uniform: [-1, 1]}", "the length of a box must be positive, got -1"),
    ("grid.length={normal: [1, 0]}", "the standard deviation of normal: .* must be positive, got 0"),
    ("grid.length=[1, 2]", "grid.length should be one number, or 1, got 2"),
    ("parameters.nu={log_uniform: [0, 1]}", "parameters.nu.log_uniform.0 .* greater than 0"),
    ("parameters.nu={uniform: [0, 1], normal: [0, 1]}", "expected one distribution, got uniform and normal"),
    ("parameters.nu={choice: []}", "parameters.nu.choice .* at least 1 item"),
    ("parameters.nu=true", "parameters.nu .* expected a number, got True"),
    ("method=euler", "method in --set method=euler is wrong: expected 'etdrk4'"),
    ("batch=65", "batch must be at most shard = 64, got 65"),
    ("batch=0", "batch in --set batch=0 is wrong"),
    ("grid.points=1000000000", "a frame has at most 134217728 points in all"),
    ("times.count=1000000000000", "a field of one sample has at most .* times.count = 1000000000000"),
    ("splits.train=1000000000000000000", "splits.train .* less than or equal to 1000000000"),
    ("shard=1000000000000", "shard in .* less than or equal to 1000000"),
    ("initial.terms=1000000000", "initial.terms .* less than or equal to 10000"),
    ("initial={law: specks, count: 1e9}", "initial.count .* less than or equal to 10000"),
    ("initial={law: each, fields: {u: {law: specks}}}", "initial.fields.u.law .* expected 'sinusoids'"),
    ("initial={law: each, fields: {u: {law: uniform, valeu: 1}}}", "Unknown key initial.fields.u.valeu .* value"),
    ("initial={law: gaussian_field, alhpa: 2}", "Unknown key initial.alhpa .*did you mean initial.alpha"),
    ("equation=" + "u" * 20_000, "at most 10000 characters"),
]


@pytest.mark.parametrize(("override", "sentence"), WRONG)
def test_a_wrong_key_is_refused_in_one_sentence(override, sentence):
    with pytest.raises(RecipeError, match=sentence) as refusal:
        load_recipe("kdv", [override])
    assert "\n" not in str(refusal.value)


def test_no_more_than_exabytes_are_begun():
    with pytest.raises(RecipeError, match=r"takes at most 1e\+16 bytes, splits, times.count and grid.points make"):
        load_recipe("kdv", ["splits.train=1000000000", "times.count=1000000"])
