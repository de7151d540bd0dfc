"""Symmetry by finite motions, beside the infinitesimal one."""

from itertools import pairwise

import pytest
import torch

from pdesym.symmetry import Generator, finite_defect, lie_derivative

EACH = torch.tensor([0.5, -0.3, 0.1, 1.0], dtype=torch.float64)


@pytest.mark.parametrize("epsilon", [0.4, 0.8, EACH])
def test_true_generators_pass_and_false_ones_fail(exact, waves, epsilon):
    def defect(text):
        operator = lambda u: exact.burgers(u, 1.0)  # noqa: E731
        return finite_defect(operator, Generator(text), waves, exact.grid, 0.0, 1.0, epsilon).relative

    assert max(defect("d_x"), defect("t*d_x + d_u")) < 1e-11
    assert min(defect("d_u"), defect("-t*d_x + d_u"), defect("u*d_u")) > 0.1


def test_small_motions_give_the_infinitesimal_defect(exact, waves):
    operator = lambda u: exact.burgers(u, 1.0)  # noqa: E731
    wrong = Generator("u*d_u - t*d_x")
    limit = lie_derivative(operator, wrong, waves, exact.grid, 0.0, 1.0).relative
    gaps = [
        abs(finite_defect(operator, wrong, waves, exact.grid, 0.0, 1.0, step).relative - limit)
        for step in (0.08, 0.04, 0.02, 0.01)
    ]
    rates = [float(torch.log2(a / b)) for a, b in pairwise(gaps)]
    assert all(abs(rate - 1) < 0.2 for rate in rates), rates


def test_a_motion_that_moves_nothing_is_no_number(exact, waves):
    flat = torch.ones_like(waves)
    assert finite_defect(lambda u: u, Generator("d_x"), flat, exact.grid, 0.0, 1.0, 0.3).relative.isnan()
    assert finite_defect(lambda u: u, Generator("d_x"), waves, exact.grid, 0.0, 1.0, 0.0).relative.isnan()


def test_generators_without_exact_action_are_refused(exact, waves):
    with pytest.raises(ValueError, match="moves time"):
        finite_defect(lambda u: u, Generator("d_t"), waves, exact.grid, 0.0, 1.0, 0.3)
