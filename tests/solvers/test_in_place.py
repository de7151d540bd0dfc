"""Without gradients N is assembled in place, with memory kept from call to call: the same numbers, for every form."""

import math

import pytest
import torch
from torch import Tensor

from pdesym.solvers import Equation, Grid
from pdesym.solvers.system import SpectralSystem

LINE, ODD = Grid(32, length=2 * math.pi), Grid(27, length=2 * math.pi)
PLANE, OBLONG = Grid(16, 16, length=2 * math.pi), Grid(15, 22, length=(2 * math.pi, 3.0))
SPACE = Grid(6, 8, 7, length=1.0)
CASES = [
    (("u_t = -u*u_x - u_xxx",), "", {}, (LINE, ODD, PLANE, OBLONG)),
    (("u_t = a*u*u_x + u_xx",), "", {"a": torch.tensor([0.5, 1.0, 2.0], dtype=torch.float64)}, (LINE, OBLONG)),
    (("u_t = a*u**3 + b*u**2*u_x + t*u_xx",), "", {"a": 0.3, "b": torch.tensor([0.5, 1.0, 2.0])}, (LINE, PLANE)),
    (("u_t = -u*u_x + sin(x)*u + cos(x)",), "", {}, (LINE, PLANE)),
    (("u_t = 2 + t*sin(x)",), "", {}, (LINE, PLANE)),
    (("u_t = u_xx",), "", {}, (LINE, PLANE)),
    (("u_t = lap(u) - u*v**2 + 1 - u", "v_t = lap(v) + u*v**2 - v"), "", {}, (LINE, PLANE, SPACE)),
    (("u_t = v", "v_t = lap(u) - sin(u)", "w_t = w_x"), "", {}, (LINE, OBLONG, SPACE)),
    (("u_t = -u*u_x - v*u_y", "v_t = -u*v_x - v*v_y + u_xy"), "", {}, (PLANE, OBLONG)),
    (("u_t = u*u_x + 3*u_y**2 - u*u_y + u_xx*u",), "", {}, (PLANE, OBLONG, SPACE)),
    (("w_t = psi_x*w_y - psi_y*w_x + 0.1*lap(w)",), "lap(psi) = -w", {}, (PLANE, OBLONG)),
    (("w_t = psi_x*w_y - psi_y*w_x", "c_t = psi_x*c_y - psi_y*c_x"), "lap(psi) = -w - c", {}, (PLANE, OBLONG)),
]
EACH = [(texts, where, values, grid) for texts, where, values, grids in CASES for grid in grids]


def spectra(system: SpectralSystem, *lead: int) -> Tensor:
    shape = (*lead, len(system.equation.fields), *system.grid.points)
    return system.to_spectrum(torch.rand(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(1)))


@pytest.mark.parametrize(("texts", "where", "values", "grid"), EACH)
@pytest.mark.parametrize("padded", [False, True])
@pytest.mark.parametrize("stretched", [False, True])
def test_the_same_numbers_in_place(texts, where, values, grid, padded, stretched):
    if stretched and any("sin(x)" in text for text in texts):
        pytest.skip("sin(x) does not fit a stretched box")
    stretch = torch.tensor([0.8, 1.0, 1.3], dtype=torch.float64) if stretched else None
    system = SpectralSystem(Equation(*texts, where=where or (), **values), grid, padded, stretch=stretch)
    v, w = spectra(system, 3), spectra(system, 3, 2)
    for t in (torch.tensor(0.4, dtype=torch.float64), torch.tensor([0.4, 0.5, 0.9], dtype=torch.float64)):
        expected, slope = system.linearised(v, t)
        tangent = slope(w)
        kept = v.clone(), w.clone()
        with torch.no_grad():
            for _ in range(2):  # what a call leaves in memory must not show in the next
                size = float(expected.abs().max()) + 1
                assert (system.nonlinear(v, t) - expected).abs().max() < 1e-13 * size
                value, slope = system.linearised(v, t)
                assert (value - expected).abs().max() < 1e-13 * size
                assert (slope(w) - tangent).abs().max() < 1e-13 * (float(tangent.abs().max()) + 1)
            for row in range(3):
                one = system.select(torch.tensor([row]))
                time = t[[row]] if t.ndim else t
                assert (one.nonlinear(v[[row]], time) - expected[[row]]).abs().max() < 1e-13 * size
        assert torch.equal(kept[0], v)
        assert torch.equal(kept[1], w)


@pytest.mark.parametrize(("texts", "where", "values", "grid"), EACH)
def test_mixed_precision_is_single_precision_of_the_products(texts, where, values, grid):
    equation = Equation(*texts, where=where or (), **values)
    exact, mixed = (SpectralSystem(equation, grid, True, precision=each) for each in ("double", "mixed"))
    v, t = spectra(exact, 3), torch.tensor([0.4, 0.5, 0.9], dtype=torch.float64)
    w = spectra(exact, 3, 2)
    value, slope = exact.linearised(v, t)
    for gradients in (False, True):
        with torch.set_grad_enabled(gradients):
            near, near_slope = mixed.linearised(v, t)
            assert near.dtype == near_slope(w).dtype == torch.complex128
            difference = (near - value).norm() / value.norm().clamp_min(1e-300)
            assert difference < 1e-5
            assert difference > 1e-10 or not exact._compiled.jets, "the products are not made in double precision"
            assert (near_slope(w) - slope(w)).norm() <= 1e-5 * slope(w).norm()
    assert torch.equal(exact.symbol, mixed.symbol)


def test_another_precision_is_refused():
    with pytest.raises(ValueError, match="Expected precision 'double' or 'mixed', got 'half'"):
        SpectralSystem(Equation("u_t = u_xx"), LINE, precision="half")


@pytest.mark.parametrize("texts", [("u_t = u_xx",), ("u_t = v_xx", "v_t = u_x")])
def test_sums_in_place_while_gradients_are_off(texts):
    system = SpectralSystem(Equation(*texts), LINE)
    v, w = spectra(system, 3), spectra(system, 3, 2)
    for state in (v, w):
        base, expected = state + 1, system.add(state + 1, system.symbol, state)
        torch.testing.assert_close(system.add_(base, system.symbol, state), expected)
        assert torch.equal(base, state + 1), "autograd may need what was there"
        with torch.no_grad():
            result = system.add_(base, system.symbol, state)
        assert result.data_ptr() == base.data_ptr()
        torch.testing.assert_close(result, expected)
        torch.testing.assert_close(system.add_(None, system.symbol, state), system.apply(system.symbol, state))
