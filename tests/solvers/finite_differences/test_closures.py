"""The formulas themselves: exact on polynomials, and with the norms that make them stable."""

import pytest
import torch

from pdesym.solvers.finite_differences import Dirichlet, FiniteDifferenceGrid, Neumann, Normal, Outflow, Robin
from pdesym.solvers.finite_differences.differences import Difference
from pdesym.solvers.finite_differences.integrals import integral, quadrature
from pdesym.solvers.finite_differences.stencils import central, closure, half_width, tabulated

ORDERS = (2, 4, 6, 8)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("derivative", [1, 2, 3, 4])
def test_central_differences_are_exact_on_polynomials(derivative, order):
    weights = central(derivative, order)
    reach = half_width(derivative, order)
    assert len(weights) == 2 * reach + 1
    offsets = torch.arange(-reach, reach + 1, dtype=torch.float64)
    for degree in range(derivative + order):
        value = sum(w * x**degree for w, x in zip(weights, offsets, strict=True))
        expected = torch.exp(torch.lgamma(torch.tensor(degree + 1.0))) if degree == derivative else 0.0
        assert abs(value - expected) < 1e-9 * 4.0**degree
    # Rationals, not rounded fits: symmetric to the last bit.
    sign = (-1) ** derivative
    assert all(a == sign * b for a, b in zip(weights, reversed(weights), strict=True))


@pytest.mark.parametrize("order", ORDERS)
def test_first_differences_sum_by_parts(order):
    table = tabulated(1, (), order)
    norm, difference = table["norm"], table["difference"]
    rows, width = difference.shape
    assert torch.equal(norm, norm.T)
    assert torch.linalg.eigvalsh(norm).min() > 0.1
    assert torch.equal(norm[0, 1:], torch.zeros(rows - 1))
    product = norm @ difference
    expected = torch.zeros(rows, rows, dtype=torch.float64)
    expected[0, 0] = -1
    assert (product[:, :rows] + product[:, :rows].T - expected).abs().max() < 1e-12
    # Beyond the block stand the weights of the interior: the rows of Q and of its transpose cancel.
    interior = central(1, order)[order // 2 :]
    for i in range(rows):
        for j in range(rows, width):
            assert abs(product[i, j] - (interior[j - i] if j - i < len(interior) else 0.0)) < 1e-12
    s = torch.arange(width, dtype=torch.float64)
    for degree in range(order):
        slope = degree * s[:rows] ** max(degree - 1, 0)
        assert (difference @ s**degree - slope).abs().max() < 1e-14 * width ** (degree + 1)


@pytest.mark.parametrize("order", [6, 8])
def test_third_differences_with_value_and_slope_given_do_not_grow(order):
    table = tabulated(3, (0, 1), order)
    norm, difference, data = table["norm"], table["difference"], table["data"]
    rows, width = difference.shape
    assert torch.linalg.eigvalsh(norm).min() > 0.1
    product = norm @ difference
    symmetric = product[:, :rows] + product[:, :rows].T
    assert torch.linalg.eigvalsh(symmetric).max() < 1e-7 * symmetric.abs().max()
    s = torch.arange(1, width + 1, dtype=torch.float64)
    for degree in range(order + 1):
        third = degree * (degree - 1) * (degree - 2) * s[:rows] ** max(degree - 3, 0)
        given = data[:, 0] * (degree == 0) + data[:, 1] * (degree == 1)
        assert (difference @ s**degree + given - third).abs().max() < 1e-14 * width ** (degree + 1)


@pytest.mark.parametrize("order", [6, 8])
def test_symmetric_second_differences_are_symmetric_in_their_norm(order):
    table = tabulated(2, (0,), order)
    norm, difference, data = table["norm"], table["difference"], table["data"]
    rows, width = difference.shape
    assert torch.linalg.eigvalsh(norm).min() > 0.1
    product = norm @ difference
    assert (product[:, :rows] - product[:, :rows].T).abs().max() < 1e-11
    interior = central(2, order)[half_width(2, order) :]
    for i in range(rows):
        for j in range(rows, width):
            assert abs(product[i, j] - (interior[j - i] if j - i < len(interior) else 0.0)) < 1e-11
    s = torch.arange(1, width + 1, dtype=torch.float64)
    for degree in range(order + 2):
        second = degree * (degree - 1) * s[:rows] ** max(degree - 2, 0)
        error = difference @ s**degree + data[:, 0] * (degree == 0) - second
        assert error.abs().max() < 1e-13 * width ** (degree + 1)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("conditions", [(0,), (1,), (0, 1), (0, 2), (1, 3), (2, 3)])
@pytest.mark.parametrize("derivative", [2, 4])
def test_ghost_closures_are_exact_on_polynomials_that_meet_the_conditions(derivative, conditions, order):
    formula = closure(derivative, order, conditions)
    rows, width = formula.nodes.shape
    s = torch.arange(width, dtype=torch.float64)
    for degree in range(order + 2):
        exact = torch.zeros(rows, dtype=torch.float64)
        if degree >= derivative:
            factor = 1.0
            for k in range(derivative):
                factor *= degree - k
            exact = factor * s[:rows] ** (degree - derivative)
        given = torch.tensor([float(_factorial(q)) if q == degree else 0.0 for q in formula.orders])
        value = formula.nodes @ s**degree + formula.data @ given.double()
        assert (value - exact).abs().max() < 1e-11 * max(1.0, float(width)) ** degree


def _factorial(n: int) -> int:
    return 1 if n < 2 else n * _factorial(n - 1)


BOUNDARIES = {
    "dirichlet": Dirichlet(0),
    "robin": Robin(2, 3, 0),
    "mixed": (Dirichlet(0) & Neumann(0), Normal(2) & Normal(3)),
    "outflow": (Dirichlet(0), Outflow),
    "periodic": "periodic",
}


@pytest.mark.parametrize("boundary", BOUNDARIES.values(), ids=list(BOUNDARIES))
@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("derivative", [1, 2, 3, 4])
def test_slices_and_matrix_are_the_same_operator(derivative, order, boundary):
    grid = FiniteDifferenceGrid(41, 33, length=(2.0, 3.0), boundary=boundary, order=order)
    u = torch.randn(2, 41, 33, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    for axis in range(2):
        ends = None if grid.periodic[axis] else (grid.end(axis, False, "u"), grid.end(axis, True, "u"))
        along = Difference(grid, axis, derivative, ends)
        matrix = torch.from_numpy(along.matrix().toarray())
        expected = torch.einsum("ij,bjk->bik" if axis == 0 else "ij,bkj->bki", matrix, u)
        assert (along(u) - expected).abs().max() < 1e-12 * expected.abs().max()


@pytest.mark.parametrize("order", ORDERS)
def test_integrals_are_the_inverse_of_first_differences(order):
    grid = FiniteDifferenceGrid(61, length=2.0, boundary=Dirichlet(0), order=order)
    (weights,) = quadrature(grid)
    u = torch.randn(61, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    slope = Difference(grid, 0, 1, (grid.end(0, False, "u"), grid.end(0, True, "u")))(u)
    assert abs((weights * slope).sum() - (u[-1] - u[0])) < 1e-11
    (x,) = grid.coordinates()
    error = (integral(torch.exp(x).expand(1, 1, 61), grid) - (torch.e**2 - 1)).abs().item()
    assert error < {2: 1e-3, 4: 1e-6, 6: 1e-8, 8: 1e-10}[order]
