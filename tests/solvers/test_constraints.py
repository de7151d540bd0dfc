"""Auxiliary fields by relations such as lap(psi) = -w: what they are, where they may stand, what is refused."""

import copy
import math
import pickle

import pytest
import sympy
import torch
from torch import Tensor

from pdesym.solvers import Card, Equation, ExpressionError, Grid, derivative, solve
from pdesym.solvers.compiled import compile_equation
from pdesym.solvers.conservative import count_transforms, fewest_transforms
from pdesym.solvers.jets import JetSpace
from pdesym.solvers.system import SpectralSystem
from pdesym.solvers.wellposed import refuse_ill_posed

STREAM = "lap(psi) = -w"
NAVIER_STOKES = "w_t = psi_x*w_y - psi_y*w_x + nu*lap(w)"
BOX = Grid(32, 48, length=(2 * math.pi, 3.0))
LINE = Grid(32, length=3.0)
NOW = torch.zeros((), dtype=torch.float64)


def smooth(rows: int, channels: int, grid: Grid, highest: int = 4) -> Tensor:
    """Random fields of the longest waves, without mean."""
    noise = torch.randn(rows, channels, *grid.points, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    spectrum = torch.fft.rfftn(noise, dim=tuple(range(-grid.dims, 0)))
    for axis, n in enumerate(grid.points):
        last = axis == grid.dims - 1
        modes = (torch.fft.rfftfreq if last else torch.fft.fftfreq)(n, 1 / n).abs()
        spectrum = spectrum * (modes <= highest).reshape([-1 if i == axis else 1 for i in range(grid.dims)])
    spectrum[(..., *(0,) * grid.dims)] = 0
    u = torch.fft.irfftn(spectrum, s=grid.points, dim=tuple(range(-grid.dims, 0)))
    return u / u.abs().amax()


def rhs(equation: Equation, u: Tensor, grid: Grid, padded: bool = False) -> Tensor:
    system = SpectralSystem(equation, grid, padded)
    return system.to_field(system.rhs(system.to_spectrum(u), NOW))


def poisson(w: Tensor, grid: Grid) -> Tensor:
    """ψ with ∇²ψ = −w and no mean, by a least-squares solution that knows nothing of the solver's symbols."""
    kx = 2 * math.pi * torch.fft.fftfreq(grid.points[0], 1 / grid.points[0], dtype=torch.float64) / grid.length[0]
    ky = 2 * math.pi * torch.fft.fftfreq(grid.points[1], 1 / grid.points[1], dtype=torch.float64) / grid.length[1]
    squares = kx[:, None] ** 2 + ky[None, :] ** 2
    squares[0, 0] = math.inf
    return torch.fft.ifft2(torch.fft.fft2(w) / squares).real


@pytest.mark.parametrize("padded", [False, True])
@pytest.mark.parametrize(
    "text",
    [
        NAVIER_STOKES,
        "w_t = -psi_y*w_x + nu*(w_xx + w_yy) + psi_x*w_y",
        "w_t = -dx(psi_y*w) + dy(psi_x*w) + nu*lap(w)",
        "w_t = psi_x*w_y - psi_y*w_x - nu*lap(lap(psi))",
    ],
)
def test_the_vorticity_equation_by_hand(text, padded):
    w = smooth(2, 1, BOX)
    psi = poisson(w, BOX)
    u, v = derivative(psi, BOX, (0, 1)), -derivative(psi, BOX, (1, 0))
    torch.testing.assert_close(derivative(v, BOX, (1, 0)) - derivative(u, BOX, (0, 1)), w, rtol=1e-12, atol=1e-12)
    laplacian = derivative(w, BOX, (2, 0)) + derivative(w, BOX, (0, 2))
    expected = 0.1 * laplacian - u * derivative(w, BOX, (1, 0)) - v * derivative(w, BOX, (0, 1))
    equation = Equation(text, where=STREAM, nu=0.1)
    torch.testing.assert_close(rhs(equation, w, BOX, padded), expected, rtol=1e-12, atol=1e-12)
    opposite = Equation(text, where="lap(psi) = w", nu=0.1)
    assert (rhs(opposite, w, BOX, padded) - expected).abs().max() > 1e-2


X, Y = sympy.symbols("x y", real=True)
PLANE = JetSpace(("w", "psi"), 2)


@pytest.mark.parametrize(
    ("text", "where", "transforms"),
    [
        (NAVIER_STOKES, STREAM, 4),
        ("w_t = 3*a*(psi_x*w_y - psi_y*w_x) + nu*lap(w)", "lap(psi) = -w", 4),
        ("w_t = -psi_x*w_y + psi_y*w_x + nu*lap(w)", "lap(psi)/2 - a*w = 0", 4),
        ("w_t = exp(-t)*(psi_x*w_y - psi_y*w_x) + nu*lap(w)", STREAM, 4),
        ("w_t = psi_x*w_y + psi_y*w_x + nu*lap(w)", STREAM, 5),
        ("w_t = psi_x*w_y - 2*psi_y*w_x + nu*lap(w)", STREAM, 5),
        ("w_t = psi_x*w_y - psi_y*w_x + nu*lap(w)", "psi_xx + 2*psi_yy = -w", 5),
        ("w_t = psi_x*w_y - psi_y*w_x + nu*lap(w)", "lap(psi) - a*psi = -w", 5),
        ("w_t = psi_x*w_y - psi_y*w_x + nu*lap(w) + w**2", STREAM, 6),
    ],
)
def test_advection_by_a_stream_function_takes_four_transforms(text, where, transforms):
    values = {"nu": 0.1} | ({"a": 0.7} if "a*" in text + where else {})
    equation = Equation(text, where=where, **values)
    compiled = compile_equation(equation, 2)
    assert len(compiled.jets) + len(compiled.products) == transforms
    # The same expression: with w replaced by σ∇²ψ both forms are one polynomial in the derivatives of ψ.
    space, constraint = equation.space(2), equation.constraints(2)[0]
    written = equation.split(2).remainder[0]
    derived = sympy.Integer(0)
    for product in compiled.products:
        for term in product.terms:
            flux = term.coefficient * product.flux
            for axis, order in enumerate(term.orders):
                for _ in range(order):
                    flux = space.total_derivative(flux, axis)
            derived += flux
    if constraint.operator.keys() == {(2, 0), (0, 2)}:
        ratio = constraint.operator[2, 0] / constraint.sources[0][0, 0]
        second = constraint.operator[0, 2] / constraint.sources[0][0, 0]
        psi = sympy.Function("psi")(X, Y)

        def on_psi(expression):
            w = ratio * psi.diff(X, 2) + second * psi.diff(Y, 2)
            jets = {space.symbol(jet): jet for jet in space.jets_in(expression)}
            values = {
                symbol: (w, psi)[jet.field].diff((X, jet.orders[0]), (Y, jet.orders[1])) for symbol, jet in jets.items()
            }
            return expression.subs(values, simultaneous=True).doit()

        assert sympy.expand(on_psi(written) - on_psi(derived)) == 0
        assert sympy.expand(on_psi(written) + on_psi(derived)) != 0
    else:
        assert sympy.expand(written - derived) == 0


def test_four_transforms_give_what_five_give():
    grid = Grid(48, 40, length=(2.0, 3.0))
    w = smooth(3, 1, grid, highest=9)
    four = Equation("w_t = psi_x*w_y - psi_y*w_x", where=STREAM)
    # Without the relation between them the same two fields leave no choice of form.
    five = Equation("w_t = psi_x*w_y - psi_y*w_x", "psi_t = 0")
    assert [len(compile_equation(each, 2).jets) for each in (four, five)] == [2, 4]
    for padded in (False, True):
        expected = rhs(five, torch.cat([w, poisson(w, grid)], 1), grid, padded)[:, :1]
        difference = rhs(four, w, grid, padded) - expected
        assert difference.abs().max() < 1e-13 * expected.abs().max()


def test_an_empty_form_takes_no_transforms():
    assert fewest_transforms((sympy.Integer(0),), PLANE, ()) == ({},)
    assert count_transforms(({},), PLANE) == 0


def test_a_mean_of_the_source_changes_nothing():
    w = smooth(1, 1, BOX)
    equation = Equation(NAVIER_STOKES, where=STREAM, nu=0.1)
    torch.testing.assert_close(rhs(equation, w + 3.0, BOX), rhs(equation, w, BOX), rtol=1e-11, atol=1e-11)


def waves(mode: int) -> Tensor:
    (x,) = LINE.coordinates()
    return torch.cos(2 * math.pi * mode * x / LINE.length[0] + 0.3).reshape(1, 1, -1)


@pytest.mark.parametrize("mode", [1, 2, 5])
def test_linear_terms_become_multipliers(mode):
    """u_t = a ψ_xxx − u_xxx with ψ − ψ_xx = u: the multiplier −i a k³/(1 + k²) + i k³."""
    equation = Equation("u_t = a*psi_xxx - u_xxx", where="psi - c*psi_xx = u", a=2.0, c=torch.tensor([1.0, 0.5]))
    system = SpectralSystem(equation, LINE)
    k = 2 * math.pi * mode / LINE.length[0]
    expected = [-2j * k**3 / (1 + c * k**2) + 1j * k**3 for c in (1.0, 0.5)]
    assert system.diagonal
    torch.testing.assert_close(system.symbol[:, 0, mode], torch.tensor(expected, dtype=torch.complex128))
    assert not system._compiled.products
    u = waves(mode).repeat(2, 1, 1)
    selected = SpectralSystem(equation, LINE).select(torch.tensor([1]))
    both = system.rhs(system.to_spectrum(u), NOW)
    torch.testing.assert_close(selected.rhs(system.to_spectrum(u[1:]), NOW), both[1:])


def test_relations_may_use_those_before_them():
    """q = u_xx, and p − p_xx = q + u: p = (1 − k²)/(1 + k²) u."""
    equation = Equation("u_t = p*u + p_x", where=("q = u_xx", "p - p_xx = q + u"))
    u, k = waves(3), 2 * math.pi * 3 / LINE.length[0]
    p = (1 - k**2) / (1 + k**2) * u
    torch.testing.assert_close(rhs(equation, u, LINE), p * u + derivative(p, LINE, 1), rtol=1e-11, atol=1e-11)
    assert equation.auxiliaries == ("q", "p")
    assert [sympy.srepr(c.expression) for c in equation.constraints(1)][1] == sympy.srepr(
        sympy.expand(
            sympy.sympify("p - p_xx - q - u", locals={n: sympy.Symbol(n, real=True) for n in ["p", "p_xx", "q", "u"]})
        )
    )


def test_fields_that_are_coupled_through_an_auxiliary_one():
    """u_t = ψ_x, v_t = −u with ψ_xx = v − u: L = [[i/k, −i/k], [−1, 0]]."""
    equation = Equation("u_t = psi_x", "v_t = -u", where="psi_xx = v - u")
    system = SpectralSystem(equation, LINE)
    k = 2 * math.pi * 2 / LINE.length[0]
    assert not system.diagonal
    expected = torch.tensor([[1j / k, -1j / k], [-1, 0]], dtype=torch.complex128)
    torch.testing.assert_close(system.symbol[0, 2], expected)
    assert torch.equal(system.symbol[0, 0], torch.tensor([[0, 0], [-1, 0]], dtype=torch.complex128))


def test_the_linearisation_with_an_auxiliary_field():
    equation = Equation(NAVIER_STOKES + " + sin(2*pi*y/3)*psi*w", where=STREAM, nu=torch.tensor([0.1, 0.2]))
    for stretch in (None, torch.tensor([0.7, 1.0], dtype=torch.float64)):
        if stretch is not None:
            equation = Equation(NAVIER_STOKES, where=STREAM, nu=torch.tensor([0.1, 0.2]))
        system = SpectralSystem(equation, BOX, stretch=stretch)
        v = system.to_spectrum(smooth(2, 1, BOX))
        w = system.to_spectrum(smooth(6, 1, BOX)).unflatten(0, (2, 3))
        _, slope = system.linearised(v, NOW)
        h = 1e-5
        for j in range(3):
            plus, minus = (system.nonlinear(v + sign * h * w[:, j], NOW) for sign in (1, -1))
            torch.testing.assert_close(slope(w)[:, j], (plus - minus) / (2 * h), rtol=1e-6, atol=1e-8)


def test_a_coefficient_of_time_before_an_auxiliary_field_is_frozen():
    equation = Equation("u_t = cos(t)*psi - u*u_x", where="psi - psi_xx = u_x")
    system = SpectralSystem(equation, LINE)
    assert system.explicit_linear
    v, t = system.to_spectrum(waves(2)), torch.tensor(0.7, dtype=torch.float64)
    frozen = system.frozen_at(torch.tensor([0.4], dtype=torch.float64))
    torch.testing.assert_close(frozen.rhs(v, t), system.rhs(v, t), rtol=1e-12, atol=1e-12)
    assert not torch.allclose(frozen.symbol, system.symbol)


def test_what_an_equation_shows_of_its_relations():
    one = Equation(NAVIER_STOKES, where=STREAM, nu=0.5)
    assert repr(one) == f"Equation({NAVIER_STOKES!r}, where={STREAM!r}, nu=0.5)"
    assert one.statement == f"{NAVIER_STOKES} where {STREAM}"
    assert one.least_dims == 2
    assert one.fields == ("w",)
    two = Equation("u_t = p", where=("q = u_xx", "p = q"))
    assert repr(two) == "Equation('u_t = p', where=('q = u_xx', 'p = q'))"
    assert Equation("u_t = u_xx", nu=1.0, where="nu*psi_xx = u").parameters == {"nu": 1.0}
    for twin in (pickle.loads(pickle.dumps(one)), copy.deepcopy(one), one.select([0])):
        assert (twin.text, twin.where, twin.parameters) == (one.text, one.where, one.parameters)
        assert twin.right_hand_sides(2) == one.right_hand_sides(2)
    constraint = one.constraints(2)[0]
    assert (constraint.field, constraint.operator, constraint.sources[0]) == (1, {(2, 0): 1, (0, 2): 1}, {(0, 0): -1})
    space = one.space(2)
    assert space.fields == ("w", "psi")
    assert {space.fields[jet.field] for jet in space.jets_in(one.right_hand_sides(2))} == {"w", "psi"}


@pytest.mark.parametrize(
    ("text", "where", "character", "sentence"),
    [
        ("w_t = w", "lap(psi) = -w*w", "l", r"linear in the fields with constant coefficients.*w\*\*2 are not"),
        ("w_t = w", "x*psi_x = w", "x", "constant coefficients"),
        ("w_t = w", "t*psi = w", "t", "constant coefficients"),
        ("w_t = w", "psi_x = w + 1", "p", "the terms -1 are not"),
        ("w_t = w", "lap(psi) - k*psi = -w", "k", "one new field, got k and psi: give parameters a value"),
        ("w_t = w", "lap(p) = -q", "q", "one new field, got p and q"),
        ("w_t = w", "lap(w) = w", "l", "there is none"),
        ("w_t = w", "psi - psi = w", "p", "'psi' drops out of it"),
        ("w_t = w", "lap(psi) == w", "l", "Expected a relation 'left = right'"),
        ("w_t = w", "lap(psi)", "l", "Expected a relation 'left = right'"),
        ("w_t = w", "lap(psi) = -w^2", "^", r"write \*\*"),
        ("w_t = w", "lap(psi) = -foo(w)", "f", "Unknown function 'foo'"),
        ("w_t = w", "psi_t = w", "p", "A time derivative cannot stand"),
        ("w_t = w", "psi_xx = w_t", "w", "A time derivative cannot stand"),
        ("w_t = w", "dt = w", "d", "there is none|taken|one new field"),
        ("w_t = chi_x", "lap(psi) = -w", "c", "Unknown name 'chi_x'"),
        ("w_t = chi", "lap(psi) = -w", "c", "'chi' has no value"),
    ],
)
def test_relations_that_cannot_be_read_are_pointed_at(text, where, character, sentence):
    if where == "dt = w":
        assert Equation(text, where=where).auxiliaries == ("dt",), "a name like any other"
        return
    with pytest.raises(ExpressionError, match=sentence) as caught:
        Equation(text, where=where)
    line, caret = str(caught.value).splitlines()[-2:]
    assert line.strip() in (text, where)
    assert line[caret.index("^")] == character


def test_names_that_clash_with_an_auxiliary_field():
    with pytest.raises(ValueError, match="'psi_x': that is a derivative of psi"):
        Equation("w_t = psi_x", where=STREAM, psi_x=1.0)
    with pytest.raises(ValueError, match="there is none"):
        Equation("w_t = psi", where=STREAM, psi=1.0)


@pytest.mark.parametrize(
    ("where", "refused"),
    [
        ("psi_xx + k**2*psi = u", True),
        ("psi_xx - k**2*psi = u", False),
        ("psi_xx + 1.1*k**2*psi = u", False),
        ("psi_x = u", False),
        ("psi_xx = u", False),
    ],
)
def test_an_operator_that_vanishes_on_a_wave_is_refused(where, refused):
    values = {"k": 2 * math.pi * 3 / LINE.length[0]} if "k" in where else {}
    equation = Equation("u_t = psi*u", where=where, **values)
    if refused:
        with pytest.raises(
            ValueError, match=r"does not define psi on this grid: its operator vanishes on waves with \(3\)"
        ):
            SpectralSystem(equation, LINE)
    else:
        assert torch.isfinite(rhs(equation, waves(3), LINE)).all()


def test_a_hyperbolic_relation_on_a_square_is_refused():
    square = Grid(16, 16, length=1.0)
    with pytest.raises(ValueError, match=r"vanishes on waves with \(1, 1\)"):
        SpectralSystem(Equation("u_t = psi", where="psi_xx - psi_yy = u"), square)


@pytest.mark.parametrize(
    ("text", "where", "accepted"),
    [
        ("u_t = psi", "psi = u_xx", True),
        ("u_t = -psi", "psi = u_xx", False),
        ("u_t = psi_xxxx", "psi - psi_xx = u", False),
        ("u_t = -psi_xxxx", "psi - psi_xx = u", True),
        ("u_t = psi_xx - u_xx", "psi - psi_xx = u", False),
        ("u_t = -psi_xx", "psi - psi_xx = u", True),
        ("u_t = psi_xxx + 2*u_xxx", "psi - psi_xx = u", True),
        ("u_t = v; v_t = psi", "psi = -u_xx", False),
        ("u_t = v; v_t = psi", "psi = u_xx", True),
    ],
)
def test_well_posedness_through_an_auxiliary_field(text, where, accepted):
    equation = Equation(*text.split("; "), where=where)
    if accepted:
        refuse_ill_posed(equation, 1)
    else:
        with pytest.raises(ValueError, match=f"where {where.replace('*', '.')}' is ill-posed forward in time"):
            refuse_ill_posed(equation, 1)


@pytest.mark.parametrize("stretched", [False, True])
def test_derivatives_with_respect_to_a_parameter_of_a_relation(stretched):
    u = smooth(2, 1, LINE)

    def function(c: Tensor, stretch: Tensor) -> Tensor:
        equation = Equation("u_t = psi*u_x + psi_x", where="psi - c*psi_xx = u", c=c)
        system = SpectralSystem(equation, LINE, stretch=stretch if stretched else None)
        return system.to_field(system.rhs(system.to_spectrum(u), NOW))

    inputs = (torch.tensor([0.5, 0.8], dtype=torch.float64), torch.tensor([1.2, 0.9], dtype=torch.float64))
    torch.autograd.gradcheck(function, tuple(each.requires_grad_() for each in inputs), atol=1e-6)


def test_invariants_of_an_auxiliary_field():
    """The energy of a plane flow, as ∫ψw/2 and as ∫|∇ψ|²/2; and a square of a field smoothed unlike in each sample."""
    card = Card("x", "x", "x", "x", invariants={"energy": "psi*w/2", "speeds": "(psi_x**2 + psi_y**2)/2", "mass": "w"})
    equation = Equation("w_t = psi_x*w_y - psi_y*w_x", where=STREAM, card=card)
    w = smooth(2, 1, BOX)
    result = solve(equation, w, BOX, [0.5], rtol=1e-7)
    before = (poisson(w, BOX) * w / 2).sum((1, 2, 3)) * math.prod(BOX.spacing)
    torch.testing.assert_close(result.invariant("energy")[:, 0], before, rtol=1e-6, atol=0)
    torch.testing.assert_close(result.invariant("speeds")[:, 0], before, rtol=1e-6, atol=0)
    assert result.invariant("mass").abs().max() < 1e-9

    c = torch.tensor([0.1, 0.3], dtype=torch.float64)
    bbm = Equation(
        "u_t = -q_x - u*q_x", where="q - c*q_xx = u", c=c, card=Card("x", "x", "x", "x", invariants={"linear": "q**2"})
    )
    u0 = 1e-6 * waves(2).repeat(2, 1, 1)
    drift = solve(bbm, u0, LINE, [1.0, 2.0], rtol=1e-6).invariant("linear")
    k = 2 * math.pi * 2 / LINE.length[0]
    expected = 1e-12 * LINE.length[0] / 2 / (1 + c * k**2) ** 2
    torch.testing.assert_close(drift, expected.unsqueeze(1).expand(2, 2), rtol=1e-4, atol=0)
