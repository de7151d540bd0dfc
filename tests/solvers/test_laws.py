"""Laws that hold for every equation of the catalogue, over the registry in cases.py."""

import itertools

import pytest
import torch

from pdesym.solvers import CATALOGUE, FlowMap, solve, translate
from tests.solvers.cases import CASES, relative_error, slope

every_case = pytest.mark.parametrize("case", CASES.values(), ids=CASES)


def test_every_equation_of_the_catalogue_has_a_line():
    assert set(CASES) == set(CATALOGUE)


@every_case
@pytest.mark.parametrize("rtol", [1e-4, 1e-8])
def test_what_was_asked_for_is_delivered(case, rtol):
    u0 = case.initial(case.grid)
    solution = solve(case.equation(), u0, case.grid, [case.horizon / 2, case.horizon], rtol=rtol)
    assert (solution.error <= rtol).all()
    if case.exact is None:
        finer = case.grid.refined([2 * n for n in case.grid.points])
        reference = solve(case.equation(), case.initial(finer), finer, [case.horizon], rtol=rtol / 100)
        final = reference.at(case.horizon)[..., ::2]
    else:
        final = case.exact(u0, case.grid, case.horizon)
    assert (relative_error(solution.at(case.horizon), final) <= rtol).all()


@pytest.mark.parametrize("case", [case for case in CASES.values() if case.steps], ids=lambda case: case.name)
def test_the_order_is_four(case):
    u0 = case.initial(case.grid)
    equation = case.equation()

    def final(count: int) -> torch.Tensor:
        return FlowMap(equation, case.grid, (0.0, case.horizon), dt=case.horizon / count)(u0)

    # A solution less the one at half the step is 15/16 of its error.
    solutions = [final(count) for count in (*case.steps, 2 * case.steps[-1])]
    errors = [relative_error(*pair).max().item() for pair in itertools.pairwise(solutions)]
    assert errors[-1] > 1e-12, "an error at round-off has no slope"
    assert slope(case.steps, errors) == pytest.approx(4, abs=0.2), errors


@pytest.mark.parametrize("case", [case for case in CASES.values() if not case.steps], ids=lambda case: case.name)
def test_a_linear_equation_is_exact_at_any_step(case):
    u0 = case.initial(case.grid)
    exact = case.exact(u0, case.grid, case.horizon)
    for dt in (case.horizon, case.horizon / 7):
        assert relative_error(FlowMap(case.equation(), case.grid, (0.0, case.horizon), dt=dt)(u0), exact).max() < 1e-13


@every_case
def test_invariants_stay_and_their_relatives_do_not(case):
    times = [0.0, case.horizon / 2, case.horizon]
    solution = solve(case.equation(), case.initial(case.grid), case.grid, times, rtol=1e-8)
    conserved = dict(case.conserved)
    assert set(conserved) == set(solution.equation.card.invariants)
    for name, drift in conserved.items():
        values = solution.invariant(name)
        assert ((values - values[:, :1]).abs() <= drift * values[:, :1].abs()).all(), name
    with pytest.raises(KeyError, match="No invariant 'enstrophy'"):
        solution.invariant("enstrophy")


@every_case
def test_the_flow_is_a_semigroup_and_commutes_with_translations(case):
    equation, u0, end = case.equation(), case.initial(case.grid), case.horizon
    whole = FlowMap(equation, case.grid, (0.0, end), rtol=1e-8)
    first, second = (FlowMap(equation, case.grid, times, rtol=1e-8) for times in ((0.0, end / 3), (end / 3, end)))
    assert relative_error(second(first(u0)), whole(u0)).max() < 1e-6
    distance = 0.1234 * case.grid.length[0]
    fixed = FlowMap(equation, case.grid, (0.0, end), dt=end / 200)
    moved = fixed(translate(u0, case.grid, distance))
    assert relative_error(moved, translate(fixed(u0), case.grid, distance)).max() < 1e-11
    assert relative_error(moved, fixed(u0)).max() > 1e-2


@every_case
def test_the_tangent_is_linear_and_the_same_alone(case):
    u0, end = case.initial(case.grid), case.horizon
    flow = FlowMap(case.equation(), case.grid, (0.0, end), dt=end / 100)
    one, two = case.initial(case.grid).roll(3, -1), case.initial(case.grid).flip(-1) ** 2
    _, images = flow.tangent(u0, torch.stack([one, two, 2 * one - 3 * two]))
    scale = images.abs().max()
    assert (images[2] - (2 * images[0] - 3 * images[1])).abs().max() < 1e-12 * scale
    assert (flow.tangent(u0, one[None])[1][0] - images[0]).abs().max() < 1e-13 * scale


@every_case
def test_a_sample_is_the_same_alone_in_a_batch_and_in_another_order(case):
    u0 = torch.cat([case.initial(case.grid) * scale for scale in (1.0, 0.6, 0.3)])
    equation, times = case.equation(), [case.horizon / 2]
    together = solve(equation, u0, case.grid, times, rtol=1e-6)
    turned = solve(equation, u0.flip(0), case.grid, times, rtol=1e-6)
    alone = [solve(equation, u0[i : i + 1], case.grid, times, rtol=1e-6) for i in range(len(u0))]
    assert together.steps.tolist() == turned.steps.flip(0).tolist() == [int(each.steps) for each in alone]
    for other in (turned.u.flip(0), torch.cat([each.u for each in alone])):
        assert (together.u - other).abs().max() <= 1e-13 * together.u.abs().max()
