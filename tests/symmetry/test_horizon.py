"""Symmetry without the equation: the forms that take the horizon as an input."""

import pytest
import torch

from pdesym.symmetry import Generator, horizon_lie_derivative, lie_derivative, semigroup_defect


@pytest.mark.parametrize(
    ("name", "horizon", "true", "false"),
    [
        ("burgers", 1.0, ["d_x", "t*d_x + d_u", "d_t + t*d_x + d_u"], ["-t*d_x + d_u", "d_u", "u*d_u"]),
        ("heat", 1.0, ["u*d_u", "exp(-0.1*t)*sin(x)*d_u"], ["t*d_x + d_u", "t*d_t", "t*d_t - u*d_u"]),
        ("riccati", 0.4, ["t*d_t - u*d_u", "t**2*d_t - (1 + 2*t*u)*d_u", "u**2*d_u"], ["t*d_t + u*d_u", "t*d_t"]),
    ],
)
def test_it_agrees_with_the_form_that_knows_the_equation(exact, waves, name, horizon, true, false):
    operator, rhs = exact.maps[name], exact.rhs[name]
    for text in true + false:
        generator = Generator(text)
        without = horizon_lie_derivative(operator, generator, waves, exact.grid, horizon)
        knowing = lie_derivative(lambda u: operator(u, horizon), generator, waves, exact.grid, 0.0, horizon, rhs)
        # Both sides gain −τ(T) N[S u] where the equation is known; the Lie derivative is the same.
        torch.testing.assert_close(without.residual, knowing.residual, rtol=0, atol=1e-8)
        assert (without.relative < 1e-10) == (text in true), text
        assert without.relative < 1e-10 or without.relative > 0.05, text


def test_the_origin_of_time_matters_as_the_generator_says(exact, waves):
    boost = Generator("t*d_x + d_u")
    assert horizon_lie_derivative(exact.burgers, boost, waves, exact.grid, 1.0, start=5.0).relative < 1e-10
    scaling = Generator("t*d_t - u*d_u")
    assert horizon_lie_derivative(exact.riccati, scaling, waves, exact.grid, 0.4, start=0.0).relative < 1e-12
    # With another origin t ∂_t gains a multiple of ∂_t, a symmetry too: the form must not notice.
    assert horizon_lie_derivative(exact.riccati, scaling, waves, exact.grid, 0.4, start=2.0).relative < 1e-12


def test_a_rate_that_is_known_is_used(exact, waves):
    def closed(u, horizon):
        assert not isinstance(horizon, torch.Tensor)
        return exact.riccati(u, horizon)

    generator, horizon = Generator("t*d_t - u*d_u"), 0.4
    rate = exact.riccati(waves, horizon) ** 2
    given = horizon_lie_derivative(closed, generator, waves, exact.grid, horizon, rate=rate)
    taken = horizon_lie_derivative(exact.riccati, generator, waves, exact.grid, horizon)
    torch.testing.assert_close(given.pushed, taken.pushed)
    wrong = horizon_lie_derivative(closed, generator, waves, exact.grid, horizon, rate=-rate)
    assert given.relative < 1e-12 < 0.1 < wrong.relative


def test_the_horizon_stays_a_number_where_time_is_not_stretched(exact, waves):
    def closed(u, horizon):
        assert isinstance(horizon, float)
        return exact.burgers(u, horizon)

    assert horizon_lie_derivative(closed, Generator("t*d_x + d_u"), waves, exact.grid, 1.0).relative < 1e-11


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("d_t", r"Without the equation the condition for d_t reads 0 = 0: use semigroup_defect"),
        ("-2*d_t", "reads 0 = 0"),
        ("0", "reads 0 = 0"),
        ("u*d_t", "The coefficient u of d_t depends on u, and without the equation only a function of t"),
        ("x*d_x + 2*t*d_t - u*d_u", r"The coefficient x of d_x does not close on this grid"),
    ],
)
def test_what_this_form_cannot_see_is_refused(exact, waves, text, sentence):
    with pytest.raises(ValueError, match=sentence):
        horizon_lie_derivative(exact.heat, Generator(text), waves, exact.grid, 1.0)


def test_constants_under_translation_are_no_number(exact, waves):
    flat = torch.ones_like(waves)
    assert horizon_lie_derivative(exact.heat, Generator("d_x"), flat, exact.grid, 1.0).relative.isnan()


def test_the_semigroup_law(exact, waves):
    for operator in (exact.heat, exact.burgers, exact.airy):
        assert semigroup_defect(operator, waves, 0.3, 0.5).relative < 1e-10
    # u_t = ν(t) u_xx has no such law, and neither has a stepper with the wrong clock.
    assert semigroup_defect(lambda u, t: exact.heat(u, t**2), waves, 0.3, 0.5).relative > 0.1
    assert semigroup_defect(lambda u, t: exact.heat(u, t), torch.ones_like(waves), 0.3, 0.5).relative.isnan()


def test_the_semigroup_law_is_time_translation_in_finite_form(exact, waves):
    drifting = lambda u, t: exact.heat(u, t + 0.1 * t**2)  # noqa: E731
    step = 1e-5
    finite = semigroup_defect(drifting, waves, step, 1.0)
    # u_t of the drifting map at time t is (1 + 0.2 t) times that of heat.
    rhs = lambda u, t: (1 + 0.2 * t) * exact.rhs["heat"](u, t)  # noqa: E731
    exactly = lie_derivative(lambda u: drifting(u, 1.0), Generator("-d_t"), waves, exact.grid, 0.0, 1.0, rhs)
    torch.testing.assert_close(finite.relative, exactly.relative, rtol=1e-3, atol=0)
