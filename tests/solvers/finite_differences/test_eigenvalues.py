"""No stable problem has a growing mode, with any boundary and order; what would have one is refused."""

import pytest
import torch

from pdesym.solvers import Equation
from pdesym.solvers.finite_differences import Dirichlet, FiniteDifferenceGrid, Neumann, Normal, Outflow, Robin
from pdesym.solvers.finite_differences import differences as differences_module
from pdesym.solvers.finite_differences.stability import spectrum
from pdesym.solvers.finite_differences.stencils import Closure, closure
from pdesym.solvers.finite_differences.system import FiniteDifferenceSystem

ORDERS = (2, 4, 6, 8)
CLAMPED, HINGED = Dirichlet(0) & Neumann(0), Dirichlet(0) & Normal(2)
STABLE = {
    "heat, Dirichlet": ("u_t = u_xx", Dirichlet(0)),
    "heat, Neumann": ("u_t = u_xx", Neumann(0)),
    "heat, Robin": ("u_t = u_xx", Robin(1, 2, 0)),
    "heat, Dirichlet and Neumann": ("u_t = u_xx", (Dirichlet(0), Neumann(0))),
    "heat, Robin and Dirichlet": ("u_t = u_xx", (Robin(3, 1, 0), Dirichlet(0))),
    "advection": ("u_t = -u_x", (Dirichlet(0), Outflow)),
    "advection to the left": ("u_t = 2*u_x", (Outflow, Dirichlet(0))),
    "advection and diffusion": ("u_t = -u_x + 0.02*u_xx", Dirichlet(0)),
    "advection, diffusion, outflow": ("u_t = -u_x + 0.02*u_xx", (Dirichlet(0), Neumann(0))),
    "Airy": ("u_t = -u_xxx", (Dirichlet(0), CLAMPED)),
    "Airy and advection": ("u_t = -u_x - u_xxx", (Dirichlet(0), CLAMPED)),
    "clamped beam": ("u_t = -u_xxxx", CLAMPED),
    "hinged beam": ("u_t = -u_xxxx", HINGED),
    "clamped and free beam": ("u_t = -u_xxxx", (CLAMPED, Normal(2) & Normal(3))),
}
# Modes that neither grow nor decay: their zero is rounded by the size of the largest eigenvalue.
NEUTRAL = {"heat, Neumann"}


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("name", STABLE)
def test_the_largest_real_part_of_a_stable_problem_is_at_most_1e_10(name, order):
    text, boundary = STABLE[name]
    for points in (41, 97):
        grid = FiniteDifferenceGrid(points, length=3.0, boundary=boundary, order=order)
        FiniteDifferenceSystem(Equation(text), grid)
        eigenvalues = spectrum(Equation(text), grid)
        assert eigenvalues.real.max() <= 1e-10


@pytest.mark.parametrize("order", ORDERS)
def test_four_natural_conditions_leave_two_neutral_modes(order):
    # The double zero of u = 1, x is rounded like the square root of a perturbation.
    grid = FiniteDifferenceGrid(41, length=3.0, boundary=Neumann(0) & Normal(3), order=order)
    system = FiniteDifferenceSystem(Equation("u_t = -u_xxxx"), grid)
    assert system.stability.abscissa < 1e-14 * system.stability.radius


@pytest.mark.parametrize("order", ORDERS)
def test_the_wave_equation_has_imaginary_eigenvalues(order):
    boundary = {"u": Dirichlet(0), "v": Dirichlet(0)}
    grid = FiniteDifferenceGrid(65, length=1.0, boundary=boundary, order=order)
    equation = Equation("u_t = v", "v_t = u_xx")
    stability = FiniteDifferenceSystem(equation, grid).stability
    eigenvalues = spectrum(equation, grid, symmetric=stability.symmetric)
    assert abs(eigenvalues.real).max() < 1e-9 * abs(eigenvalues).max()
    # The control: where symmetric closures were taken the others do grow.
    assert stability.symmetric == (order > 4)
    assert not stability.symmetric or spectrum(equation, grid).real.max() > 1.0


@pytest.mark.parametrize(
    ("text", "order"), [("u_t = u_xx", 6), ("u_t = u_xx", 8), ("u_t = -u_x", 6), ("u_t = -u_x", 8)]
)
def test_one_sided_closures_are_refused(monkeypatch, text, order):
    """The negative control: formulas of full order that do not know of the boundary."""
    from findiff import coefficients

    def one_sided(derivative, accuracy, conditions, symmetric=False):
        forward = coefficients(derivative, accuracy, symbolic=True)["forward"]["coefficients"]
        reach = closure(derivative, accuracy, conditions).nodes.shape[0] if derivative > 1 else accuracy // 2
        nodes = torch.zeros(reach, reach + len(forward), dtype=torch.float64)
        for i in range(reach):
            nodes[i, i : i + len(forward)] = torch.tensor([float(w) for w in forward], dtype=torch.float64)
        orders = tuple(q for q in conditions if q)
        return Closure(nodes, torch.zeros(reach, len(orders), dtype=torch.float64), orders)

    boundary = Dirichlet(0) if text == "u_t = u_xx" else (Dirichlet(0), Outflow)
    grid = FiniteDifferenceGrid(65, length=1.0, boundary=boundary, order=order)
    FiniteDifferenceSystem(Equation(text), grid)
    monkeypatch.setattr(differences_module, "closure", one_sided)
    with pytest.raises(ValueError, match=r"unstable in differences of order \d: an eigenvalue has the real part"):
        FiniteDifferenceSystem(Equation(text), grid)


@pytest.mark.parametrize(
    ("text", "boundary"),
    [
        ("u_t = u_xx + u", Neumann(0)),
        ("u_t = u_xx", Robin(-2, 1, 0)),
        ("u_t = -u_xx - u_xxxx", CLAMPED),
        ("u_t = -u_xx - 0.001*u_xxxx", Neumann(0) & Normal(3)),
    ],
)
def test_growth_that_the_equation_has_is_no_obstacle(text, boundary):
    grid = FiniteDifferenceGrid(97, length=20.0 if "0.001" not in text else 3.0, boundary=boundary, order=6)
    assert FiniteDifferenceSystem(Equation(text), grid).stability.abscissa > 0.1 or "- u_xxxx" in text


@pytest.mark.parametrize(
    ("text", "boundary", "sentence"),
    [
        ("u_t = u_x", (Dirichlet(0), Outflow), "needs 0 conditions at the left end of x for u, got 1"),
        ("u_t = -u_x", Dirichlet(0), "needs 0 conditions at the right end of x for u, got 1"),
        ("u_t = u_xx", (Dirichlet(0), Outflow), "needs 1 conditions at the right end"),
        ("u_t = -u_xxxx", Dirichlet(0), "needs 2 conditions at the left end"),
        ("u_t = -u_xxx", (CLAMPED, Dirichlet(0)), "needs 1 conditions at the left end of x for u, got 2"),
        ("u_t = -u_xxx", (Dirichlet(0), Dirichlet(0)), "needs 2 conditions at the right end"),
    ],
)
def test_the_wrong_number_of_conditions_is_refused(text, boundary, sentence):
    grid = FiniteDifferenceGrid(65, length=1.0, boundary=boundary)
    with pytest.raises(ValueError, match=sentence):
        FiniteDifferenceSystem(Equation(text), grid)


def test_every_extreme_of_a_parameter_is_looked_at():
    grid = FiniteDifferenceGrid(65, length=1.0, boundary=(Dirichlet(0), Outflow))
    right, both = torch.tensor([1.0, 2.0]).double(), torch.tensor([1.0, -2.0]).double()
    FiniteDifferenceSystem(Equation("u_t = -c*u_x", c=right), grid)
    with pytest.raises(ValueError, match="conditions at the left end"):
        FiniteDifferenceSystem(Equation("u_t = -c*u_x", c=both), grid)
