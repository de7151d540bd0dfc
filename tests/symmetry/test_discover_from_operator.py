"""Symmetries of solution maps that are only called, against the algebras that are known."""

import pytest
import torch

from pdesym.solvers import Equation, FlowMap, Grid, RandomSinusoids
from pdesym.symmetry import Generator
from pdesym.symmetry.discover import discover, discover_alike, discover_from_operator
from pdesym.symmetry.discover.time_differences import difference_weights
from pdesym.symmetry.library import Library
from tests.symmetry.known_flows import KNOWN


def case(name):
    equation, length, wavenumber, texts, wrong = KNOWN[name]
    grid = Grid(256, length=length)
    u = RandomSinusoids(waves=(1, int(wavenumber * length / 6.283))).sample(grid, range(8), 1)
    return equation, grid, u, [Generator(text) for text in texts], Generator(wrong)


@pytest.mark.parametrize("name", KNOWN)
def test_the_algebra_of_an_exact_flow(name):
    equation, grid, u, algebra, wrong = case(name)
    found = discover_from_operator(FlowMap(equation, grid, (0.0, 0.05), rtol=1e-11), u, grid, name=name)
    assert found.dimension == len(algebra)
    assert found.angle_to(algebra) < 1e-4
    assert found.margin > 100
    assert not found.flags
    assert all(found.contains(generator) for generator in algebra)
    assert not found.contains(wrong)
    assert found.closed
    assert found.closed_forms.startswith("accepted")


def multiplied(fields, multiplier):
    return torch.fft.irfft(torch.fft.rfft(fields) * multiplier, n=256)


def by_cole_and_hopf(fields, nu=0.5, step=0.05):
    """Burgers on 256 points of a box of 40, for any mean, in operations that torch differentiates."""
    k = 2 * torch.pi * torch.fft.rfftfreq(256, 40.0 / 256, dtype=torch.float64)
    over_k = torch.where(k > 0, 1 / k.clamp_min(1e-9), 0.0)
    mean = fields.mean(-1, keepdim=True)
    potential = multiplied(fields - mean, -1j * over_k)
    theta = torch.fft.rfft(torch.exp(-potential / (2 * nu))) * torch.exp(-nu * k**2 * step)
    slope, value = torch.fft.irfft(1j * k * theta, n=256), torch.fft.irfft(theta, n=256)
    moving = torch.fft.rfft(-2 * nu * slope / value) * torch.exp(-1j * k * mean * step)
    return torch.fft.irfft(moving, n=256) + mean


def test_a_callable_is_all_it_takes():
    _, grid, u, algebra, wrong = case("burgers")
    found = discover_from_operator(by_cole_and_hopf, 0.3 * u, grid, step=0.05)
    assert found.dimension == len(algebra)
    assert found.angle_to(algebra) < 0.01
    assert not found.contains(wrong)


def wrong_by_a_little(operator, seed, size=3e-4):
    """An operator with an error of its own: a smooth nonlinear map that commutes with translations."""
    draw = torch.randn(2, 20, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    symbol = torch.zeros(129, dtype=torch.complex128)
    symbol[:20] = torch.complex(draw[0], draw[1])
    return lambda fields: operator(fields) + size * multiplied(torch.tanh(fields), symbol)


@pytest.mark.parametrize("damping", [0.0, 0.5])
def test_the_spread_of_operators_trained_alike_decides(damping):
    """What they have in common is theirs; a symmetry that is broken for all of them is not found."""
    _, grid, u, algebra, wrong = case("burgers")
    library = Library.polynomial(2, space=False)

    def common(fields):
        later = by_cole_and_hopf(fields)
        return later - damping * 0.05 * later**3

    operators = [wrong_by_a_little(common, seed) for seed in range(3)]
    kept = algebra[:2] if damping else algebra[:3]
    names = {f"seed {seed}": operator for seed, operator in enumerate(operators)}
    each = discover_alike(names, u[:3], grid, library, step=0.05, horizons=(1, 2))
    for found in each:
        assert found.dimension == len(kept)
        if not damping:
            assert found.singular_values[2] > 1e-5  # not zero, but no more than the operators disagree
        assert all(found.contains(generator) for generator in kept)
        assert found.contains(algebra[2]) == (not damping)
        assert not found.contains(wrong)
        assert "trained alike" in found.rule
        assert 0 < found.uncertainty < 0.1
    alone = discover_from_operator(
        operators[0], u[:3], grid, library, step=0.05, horizons=(1, 2), others=operators[1:], name="seed 0"
    )
    assert alone.to_json() == each[0].to_json()


def test_a_broken_symmetry_is_not_reported():
    _, grid, u, algebra, _ = case("burgers")
    damped = Equation("u_t = -u*u_x + 0.1*u_xx - 0.5*u")
    found = discover_from_operator(FlowMap(damped, grid, (0.0, 0.05), rtol=1e-11), u, grid)
    assert found.dimension < len(algebra)
    assert found.contains(Generator("d_x"))
    assert found.contains(Generator("d_t"))
    assert not any(found.contains(generator) for generator in algebra[2:])


def test_the_known_error_of_a_trained_operator_decides():
    equation, grid, u, algebra, _ = case("burgers")
    flow = FlowMap(equation, grid, (0.0, 0.05), rtol=1e-11)
    library = Library.polynomial(2, space=False)
    found = discover_from_operator(flow, u, grid, library, error=1e-6)
    assert found.dimension == 3
    assert found.floor == pytest.approx(2e-6)
    assert found.angle_to(algebra[:3]) < 1e-4
    # An operator with an error as large as everything has every symmetry, and the rule says how it came to that.
    blind = discover_from_operator(flow, u, grid, library, error=10.0)
    assert blind.dimension == len(library)
    assert "2 times its relative error 1.0e+01" in blind.rule


@pytest.mark.parametrize(
    ("name", "length", "time", "word"),
    [("kdv", 20.0, 0.05, "undecided"), ("burgers", 40.0, 0.3, "under-resolved"), ("kdv", 80.0, 0.05, None)],
)
def test_what_a_box_or_a_grid_hides_is_said(name, length, time, word):
    """Dispersion reaches the window, and a front outgrows the grid: symmetries are lost, and never in silence."""
    equation, _, wavenumber, texts, _ = KNOWN[name]
    grid = Grid(int(6.4 * length) // 2 * 2, length=length)
    u = RandomSinusoids(waves=(1, int(wavenumber * length / 6.283))).sample(grid, range(8), 1)
    found = discover_from_operator(FlowMap(equation, grid, (0.0, time), rtol=1e-10), u, grid)
    assert (found.dimension == len(texts)) == (word is None)
    assert any(flag.startswith(word) for flag in found.flags) if word else not found.flags


def test_of_an_operator_that_does_nothing_no_direction_is_told_apart():
    _, grid, u, _, _ = case("burgers")
    found = discover_from_operator(lambda fields: 1.0 * fields, u, grid, step=0.05)
    assert found.flags
    for member in found.superposition:  # φ(x, t) ∂_u, and nothing else
        assert "d_x" not in str(member)
        assert "d_t" not in str(member)


def test_one_function_finds_its_way_by_the_kind_of_its_source():
    equation, grid, u, algebra, wrong = case("ks")
    found = discover(FlowMap(equation, grid, (0.0, 0.05), rtol=1e-11), u=u, grid=grid)
    assert found.source == "operator"
    assert found.angle_to(algebra) < 1e-4
    assert not found.contains(wrong)
    with pytest.raises(TypeError, match="give u and grid as well"):
        discover(lambda fields: fields)
    with pytest.raises(TypeError, match="got int"):
        discover(3)


def test_one_sided_differences_are_exact_for_polynomials():
    for order in (2, 4, 6):
        weights = difference_weights(0, order + 1)
        values = [(1 + 0.5 * k) ** order for k in range(order + 1)]
        derivative = sum(w * value for w, value in zip(weights, values, strict=True)) / 0.5
        assert derivative == pytest.approx(order, rel=1e-9)


def test_what_cannot_be_looked_at_is_refused():
    equation, grid, u, _, _ = case("burgers")
    flow = FlowMap(equation, grid, (0.0, 0.05))
    with pytest.raises(ValueError, match="float64"):
        discover_from_operator(flow, u.float(), grid)
    with pytest.raises(ValueError, match="Expected fields"):
        discover_from_operator(flow, u[..., ::2], grid)
    with pytest.raises(ValueError, match="horizons"):
        discover_from_operator(flow, u, grid, horizons=(0, 1))
    with pytest.raises(ValueError, match="two operators or more, whose spread tells their error, got 1"):
        discover_alike({"one": flow}, u, grid, step=0.05)
    with pytest.raises(ValueError, match=r"gives fields like those it takes, \(8, 1, 256\), got \(8, 1, 128\)"):
        discover_from_operator(lambda fields: fields[..., ::2], u, grid, step=0.05)
    with pytest.raises(ValueError, match="values that are not finite"):
        discover_from_operator(lambda fields: fields / 0.0, u, grid, step=0.05)
    with pytest.raises(ValueError, match="either error or others"):
        discover_from_operator(flow, u, grid, error=0.1, others=[flow])
    with pytest.raises(ValueError, match="step="):
        discover_from_operator(lambda fields: fields, u, grid)
    with pytest.raises(ValueError, match="2 fields on 1 axes"):
        discover_from_operator(flow, u, grid, Library.polynomial(1, ("u", "v")))
