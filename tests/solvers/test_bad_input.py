"""Every mistake ends in one sentence that says what would be right."""

import pytest
import torch

from pdesym.solvers import BlowUpError, Equation, ExpressionError, FlowMap, Grid, RandomSinusoids, burgers, ks, solve

GRID = Grid(64, length=10.0)
U0 = RandomSinusoids().sample(GRID, range(4), seed=0)


@pytest.mark.parametrize(
    ("text", "parameters", "character", "sentence"),
    [
        ("u_t = -u*u_x + (3", {}, "(", "never closed"),
        ("u_t = u^2", {}, "^", r"write \*\*"),
        ("u_t = -w_x", {}, "w", "Unknown name 'w_x'"),
        ("u_t = -u*u_x - nu*u_xxx", {}, "n", "'nu' has no value: pass nu="),
        ("u_t = foo(u)", {}, "f", "Unknown function 'foo'"),
        ("u_t = u_t", {}, "u", "time derivative cannot stand on the right"),
        ("u_tt = u_xx", {}, "u", "name the derivative: 'u_t = v'"),
        ("u_xx", {}, "u", "Expected 'field_t = right-hand side'"),
        ("x_t = 1", {}, "x", "'x'"),
        ("u_t = __import__('os')", {}, "'", "Unexpected character"),
    ],
)
def test_text_that_cannot_be_read_is_pointed_at(text, parameters, character, sentence):
    with pytest.raises(ExpressionError, match=sentence) as caught:
        Equation(text, **parameters)
    line, caret = str(caught.value).splitlines()[-2:]
    assert line.strip() == text
    assert line[caret.index("^")] == character


@pytest.mark.parametrize(
    ("texts", "parameters", "sentence"),
    [
        (("u_t = u_xx",), {"nu": 0.1}, "'nu' does not occur"),
        (("u_t = u_xx*u",), {"u": 0.1}, "cannot be called 'u'"),
        (("u_t = nu*u_xx",), {"nu": float("nan")}, "'nu' must be a finite number"),
        (("u_t = nu*u_xx",), {"nu": torch.ones(2, 2)}, "must be a number or a float tensor"),
        (("u_t = u_xx", "u_t = u"), {}, "Each field takes one equation"),
        ((), {}, "An equation needs text"),
    ],
)
def test_declarations_that_make_no_sense(texts, parameters, sentence):
    with pytest.raises(ValueError, match=sentence):
        Equation(*texts, **parameters)


@pytest.mark.parametrize(
    "equation",
    [
        Equation("u_t = -u_xx"),
        Equation("u_t = u_xxxx"),
        Equation("u_t = -u*u_x - u_xxx - 0.01*u_xx"),
        Equation("u_t = nu*u_xx", nu=torch.tensor([0.1, 0.1, -0.1, 0.1])),
        Equation("u_t = v", "v_t = -u_xx"),
    ],
)
def test_ill_posed_equations_are_refused(equation):
    with pytest.raises(ValueError, match="ill-posed forward in time"):
        solve(equation, U0 if len(equation.fields) == 1 else U0.repeat(1, 2, 1), GRID, [0.1])


@pytest.mark.parametrize("text", ["u_t = -u_xx - u_xxxx", "u_t = -u_xx - 1e-12*u_xxxx", "u_t = u_xxx", "u_t = 5*u"])
def test_growth_that_is_bounded_is_not_refused(text):
    FlowMap(Equation(text), GRID, times=(0.0, 1e-3))


def test_a_wave_equation_is_not_taken_for_ill_posed():
    FlowMap(Equation("u_t = v", "v_t = 4*u_xx"), GRID, times=(0.0, 1.0))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"u0": U0[..., :50]}, r"Expected initial conditions of shape \(batch, 1, 64\)"),
        ({"u0": U0[:, 0]}, "Expected initial conditions of shape"),
        ({"u0": torch.full_like(U0, float("nan"))}, "Initial condition 0 is not finite"),
        ({"times": [1.0, 0.5]}, "Output times must increase"),
        ({"times": [-1.0]}, "none may lie before start"),
        ({"times": []}, "at least one output time"),
        ({"rtol": 1e-15}, "rtol must lie between"),
        ({"rtol": 1e-5, "dt": 0.1}, "either rtol"),
        ({"dt": -0.1}, "dt must be positive"),
        ({"equation": burgers(torch.tensor([0.1, 0.2]))}, "'nu' has 2 values for 4 samples"),
        ({"equation": Equation("u_t = u_yy")}, "needs 2 space dimensions, the grid has 1"),
    ],
)
def test_arguments_that_do_not_fit(change, sentence):
    with pytest.raises(ValueError, match=sentence):
        solve(**({"equation": burgers(0.1), "u0": U0, "grid": GRID, "times": [0.1]} | change))


@pytest.mark.parametrize("control", [{"rtol": 1e-4}, {"dt": 0.001}])
def test_a_blow_up_names_the_sample_and_the_time(control):
    u0 = torch.stack([torch.full((1, 64), value, dtype=torch.float64) for value in (0.1, -1.0, 2.0, 0.2)])
    with pytest.raises(BlowUpError, match="sample 2 blew up shortly after t = 0") as caught:
        solve(Equation("u_t = u**2"), u0, GRID, [0.25, 0.75], **control)
    assert caught.value.sample == 2
    assert 0.2 <= caught.value.time <= 0.5, "1/(1/2 − t) ends at t = 1/2"


def test_too_few_points_for_the_initial_law():
    with pytest.raises(ValueError, match="40 waves per domain need at least 81 points, the grid has 64"):
        RandomSinusoids(waves=(1, 40)).sample(GRID, [0], seed=0)


@pytest.mark.parametrize("make", [lambda: Grid(3, length=1.0), lambda: Grid(64, length=-1.0), lambda: Grid(length=1.0)])
def test_grids_that_cannot_be(make):
    with pytest.raises(ValueError, match=r"points|length|axes"):
        make()


def test_ks_with_a_fixed_step_far_too_large_does_not_return_silently_wrong_numbers():
    with pytest.raises(BlowUpError, match=r"take a step below dt = 2"):
        solve(ks(), 30 * U0, GRID, [40.0], dt=2.0)
