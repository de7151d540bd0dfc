"""Laws that hold for every equation of the catalogue, over the registry in cases.py."""

import dataclasses
import functools
import itertools
import math

import pytest
import torch

from pdesym.solvers import CATALOGUE, Card, Equation, FlowMap, Trajectories, solve
from tests.solvers.cases import CASES, cases, relative_error, slope

RTOL = 1e-7
every_case = cases()


@functools.cache
def solved(name: str) -> Trajectories:
    case = CASES[name]
    times = [0.0, case.horizon / 2, case.horizon]
    return solve(case.equation(), case.initial(case.grid), case.grid, times, rtol=RTOL)


def test_every_equation_of_the_catalogue_has_a_case_and_every_case_its_card():
    assert {case.catalogued for case in CASES.values()} == set(CATALOGUE)
    for case in CASES.values():
        card = case.equation().card
        assert case.grid.dims in card.dims
        assert card.exact_solutions or card.evidence, "nothing shows that it is solved right"
        assert set(case.drift) <= set(card.invariants)


@every_case
def test_what_was_asked_for_is_delivered(case):
    u0 = case.initial(case.grid)
    fine = solved(case.name)
    final = fine.at(case.horizon) if case.exact is None else case.exact(u0, case.grid, case.horizon)
    if case.exact is None:  # the truth is a solution with twice the points and a tenth of the tolerance
        finer = case.grid.refined([2 * n for n in case.grid.points])
        reference = solve(case.equation(), case.initial(finer), finer, [case.horizon], rtol=RTOL / 10)
        final = reference.at(case.horizon)[(..., *(slice(None, None, 2),) * case.grid.dims)]
    coarse = solve(case.equation(), u0, case.grid, [case.horizon / 2, case.horizon], rtol=1e-4)
    for solution, rtol in ((fine, RTOL), (coarse, 1e-4)):
        assert (solution.error <= rtol).all()
        assert (relative_error(solution.at(case.horizon), final) <= rtol).all()
    assert (relative_error(u0, final) > 1e-2).all(), "standing still is not tested"


@cases(lambda case: bool(case.steps))
def test_the_order_is_four(case):
    u0 = case.initial(case.grid)
    equation = case.equation()

    def final(count: int) -> torch.Tensor:
        return FlowMap(equation, case.grid, (0.0, case.horizon), dt=case.horizon / count)(u0)

    # A solution less the one at half the step is 15/16 of its error.
    solutions = [final(count) for count in (*case.steps, 2 * case.steps[-1])]
    errors = [relative_error(*pair).max().item() for pair in itertools.pairwise(solutions)]
    assert errors[-1] > 1e-13, "an error at round-off has no slope"
    assert slope(case.steps, errors) == pytest.approx(4, abs=0.2), errors


@cases(lambda case: not case.steps)
def test_what_has_no_nonlinear_part_is_exact_at_any_step(case):
    u0 = case.initial(case.grid)
    exact = case.exact(u0, case.grid, case.horizon)
    for dt in (case.horizon, case.horizon / 7):
        assert relative_error(FlowMap(case.equation(), case.grid, (0.0, case.horizon), dt=dt)(u0), exact).max() < 1e-13


@every_case
def test_invariants_stay_and_what_is_none_does_not(case):
    solution = solved(case.name)
    size = solution.u.square().flatten(1).mean(1, keepdim=True) * math.prod(case.grid.length)
    for name in solution.equation.card.invariants:
        values = solution.invariant(name)
        drift = (values - values[:, :1]).abs() / (values[:, :1].abs() + size)
        assert (drift <= case.drift.get(name, 1e-11)).all(), (name, drift.max())
    with pytest.raises(KeyError, match="No invariant 'helicity'"):
        solution.invariant("helicity")

    equation = solution.equation
    turns = [f"{2 * math.pi / length}*{axis}" for axis, length in zip(case.grid.axes, case.grid.length, strict=True)]
    density = f"{equation.fields[0]}**2*exp(cos({turns[0]}) + sin({turns[-1]}))"
    other = Card("control", "", "", "", invariants={"wave": density})
    changed = Equation(*equation.text, where=equation.where, card=other, **equation.parameters)
    values = dataclasses.replace(solution, equation=changed).invariant("wave")
    assert ((values[:, -1] - values[:, 0]).abs() > 1e-5 * size[:, 0]).any()


@every_case
def test_the_flow_is_a_semigroup(case):
    equation, u0, end = case.equation(), case.initial(case.grid), case.horizon
    whole = FlowMap(equation, case.grid, (0.0, end), rtol=1e-6)(u0)
    first, second = (FlowMap(equation, case.grid, times, rtol=1e-6) for times in ((0.0, end / 3), (end / 3, end)))
    assert relative_error(second(first(u0)), whole).max() < 1e-5
    assert relative_error(first(u0), whole).max() > 1e-2


@every_case
def test_the_tangent_is_linear_and_the_same_alone(case):
    u0, end = case.initial(case.grid), case.horizon
    flow = FlowMap(case.equation(), case.grid, (0.0, end), dt=end / 50)
    one, two = u0.roll(3, -1), u0.flip(-1) ** 2
    _, images = flow.tangent(u0, torch.stack([one, two, 2 * one - 3 * two]))
    scale = images.abs().max()
    assert (images[2] - (2 * images[0] - 3 * images[1])).abs().max() < 1e-12 * scale
    assert (flow.tangent(u0, one[None])[1][0] - images[0]).abs().max() < 1e-13 * scale


@every_case
def test_a_sample_is_the_same_alone_in_a_batch_and_in_another_order(case):
    u0 = torch.cat([case.initial(case.grid)[:1] * scale for scale in (1.0, 0.6, 0.3)])
    equation, times = case.equation(), [case.horizon / 2]
    together = solve(equation, u0, case.grid, times, rtol=1e-5)
    turned = solve(equation, u0.flip(0), case.grid, times, rtol=1e-5)
    alone = [solve(equation, u0[i : i + 1], case.grid, times, rtol=1e-5) for i in range(len(u0))]
    assert together.steps.tolist() == turned.steps.flip(0).tolist() == [int(each.steps) for each in alone]
    for other in (turned.u.flip(0), torch.cat([each.u for each in alone])):
        assert (together.u - other).abs().max() <= 1e-13 * together.u.abs().max()


def test_output_times_rounded_to_float32_take_no_more_steps():
    case = CASES["ckdv"]
    u0, times = case.initial(case.grid), torch.linspace(0, case.horizon, 101)[1:]
    rounded = solve(case.equation(), u0, case.grid, times, rtol=1e-4)
    even = solve(case.equation(), u0, case.grid, [case.horizon * i / 100 for i in range(1, 101)], rtol=1e-4)
    assert (rounded.steps <= 1.2 * even.steps).all()
