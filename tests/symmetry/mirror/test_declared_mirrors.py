"""Mirrors by hand: reflections to rounding, true ones and false ones of networks."""

import pytest
import torch
from torch import nn
from torch.func import functional_call

from pdesym.symmetry.mirror import Axis, dense, double_rotation, permutation, rescaling, rotation, sign


def drawn(**shapes):
    generator = torch.Generator().manual_seed(3)
    return {name: torch.randn(shape, generator=generator, dtype=torch.float64) for name, shape in shapes.items()}


def unit(size):
    n = torch.randn(size, generator=torch.Generator().manual_seed(5), dtype=torch.float64)
    return n / n.norm()


PARAMETERS = drawn(u=(4, 3), v=(5, 4), square=(4, 4), spectral=(3, 4, 6, 2), bias=(4,), s=(), t=(1,), heads=(12, 7))
MIRRORS = {
    "permutation": permutation(PARAMETERS, [("u", 0), ("bias", 0), ("v", 1), ("spectral", 1)], 0, 2),
    "permutation of both axes": permutation(PARAMETERS, [("square", 0), ("square", 1), ("bias", 0)], 1, 3),
    "permutation of heads": permutation(PARAMETERS, [Axis("heads", 0, (3, 4, 7))], 0, 2),
    "sign": sign(PARAMETERS, [("u", 0), ("bias", 0), ("v", 1)], 3),
    "sign of both axes": sign(PARAMETERS, [("square", 0), ("square", 1)], 2),
    "rotation": rotation(PARAMETERS, ("u", 1), unit(3)),
    "double rotation": double_rotation(PARAMETERS, ("v", 1), ("u", 0), unit(4)),
    "rotation in a head": double_rotation(
        PARAMETERS, Axis("heads", 1, (3, 4, 7), {0: (1,)}), Axis("spectral", 1), unit(4)
    ),
    "rescaling": rescaling(PARAMETERS, "u", "v")[0],
    "exchange": rescaling(PARAMETERS, "s", "t")[0],
    "negative exchange": rescaling(PARAMETERS, "s", "t")[1],
    "dense": dense(PARAMETERS, ("u", "bias"), torch.linalg.qr(drawn(o=(16, 5))["o"])[0]),
}


@pytest.mark.parametrize("name", MIRRORS)
def test_the_columns_are_orthonormal_and_the_reflection_is_its_own_inverse(name):
    mirror = MIRRORS[name]
    columns = torch.stack(
        [
            torch.cat([part.flatten() for part in mirror.lift(z).values()])
            for z in torch.eye(mirror.rank, dtype=torch.float64)
        ]
    )
    torch.testing.assert_close(columns @ columns.T, torch.eye(mirror.rank, dtype=torch.float64), rtol=0, atol=1e-15)
    touched = torch.cat([PARAMETERS[each].flatten() for each in mirror.names])
    torch.testing.assert_close(mirror.coordinates(PARAMETERS), columns @ touched, rtol=0, atol=1e-14)

    reflected = mirror.reflect(PARAMETERS)
    torch.testing.assert_close(mirror.coordinates(reflected), -mirror.coordinates(PARAMETERS), rtol=0, atol=1e-14)
    for each, again in mirror.reflect(reflected).items():
        torch.testing.assert_close(again, PARAMETERS[each], rtol=0, atol=1e-14)
    assert mirror.violation(mirror.project(PARAMETERS)) < 1e-15
    assert mirror.violation(PARAMETERS) > 0.01


def test_what_the_reflections_do():
    def same(mirror, **expected):
        reflected = MIRRORS[mirror].reflect(PARAMETERS)
        for name, value in PARAMETERS.items():
            torch.testing.assert_close(reflected[name], expected.get(name, value), rtol=0, atol=1e-14)

    p, exchanged, both = PARAMETERS, [2, 1, 0, 3], [0, 3, 2, 1]
    same(
        "permutation",
        u=p["u"][exchanged],
        bias=p["bias"][exchanged],
        v=p["v"][:, exchanged],
        spectral=p["spectral"][:, exchanged],
    )
    same("permutation of both axes", square=p["square"][both][:, both], bias=p["bias"][both])
    same("permutation of heads", heads=p["heads"].reshape(3, 4, 7)[[2, 1, 0]].reshape(12, 7))
    signs = torch.tensor([1.0, 1, 1, -1], dtype=torch.float64)
    same("sign", u=signs[:, None] * p["u"], bias=signs * p["bias"], v=p["v"] * signs)
    same("rescaling", u=-p["u"], v=-p["v"])
    same("exchange", s=p["t"][0], t=p["s"][None])
    same("negative exchange", s=-p["t"][0], t=-p["s"][None])
    turn = torch.eye(4, dtype=torch.float64) - 2 * torch.outer(unit(4), unit(4))
    same("double rotation", u=turn @ p["u"], v=p["v"] @ turn)


def test_a_network_has_the_true_mirrors_and_not_the_false_ones():
    torch.manual_seed(0)
    inputs = torch.randn(7, 3, dtype=torch.float64)

    def change(activation, mirror):
        network = nn.Sequential(nn.Linear(3, 4), activation, nn.Linear(4, 2)).double()
        parameters = dict(network.named_parameters())
        reflected = mirror(parameters).reflect(parameters)
        difference = (functional_call(network, reflected, (inputs,)) - network(inputs)).detach()
        return float(difference.abs().max())  # of any sample

    axes = [("0.weight", 0), ("0.bias", 0), ("2.weight", 1)]

    def turned(parameters):
        return double_rotation(parameters, ("0.weight", 0), ("2.weight", 1), unit(4))

    for activation in (nn.Tanh(), nn.ReLU(), nn.GELU(), nn.Identity()):
        assert change(activation, lambda p: permutation(p, axes, 0, 2)) < 1e-14
        assert change(activation, lambda p: permutation(p, axes[:2], 0, 2)) > 1e-3
    for activation in (nn.Tanh(), nn.Identity()):
        assert change(activation, lambda p: sign(p, axes, 1)) < 1e-14
    for activation in (nn.ReLU(), nn.GELU()):
        assert change(activation, lambda p: sign(p, axes, 1)) > 1e-3
    for activation in (nn.Tanh(), nn.ReLU(), nn.GELU()):
        assert change(activation, turned) > 1e-4

    chain = nn.Sequential(nn.Linear(3, 4, bias=False), nn.Linear(4, 2)).double()
    parameters = dict(chain.named_parameters())
    reflected = double_rotation(parameters, ("0.weight", 0), ("1.weight", 1), unit(4)).reflect(parameters)
    assert float((functional_call(chain, reflected, (inputs,)) - chain(inputs)).detach().abs().max()) < 1e-14


def test_mirrors_go_through_derivatives_and_batches():
    mirror = MIRRORS["permutation of both axes"]
    z = torch.randn(mirror.rank, 3, dtype=torch.float64).T
    batched = torch.vmap(lambda each: mirror.lift(each)["square"])(z)
    torch.testing.assert_close(batched[1], mirror.lift(z[1])["square"])
    square = PARAMETERS["square"]
    _, pushed = torch.func.jvp(lambda w: mirror.reflect(PARAMETERS | {"square": w})["square"], (square,), (square,))
    torch.testing.assert_close(pushed, mirror.reflect(PARAMETERS)["square"])


@pytest.mark.parametrize(
    ("declare", "message"),
    [
        (lambda: permutation(PARAMETERS, [("u", 0)], 1, 1), "Expected two different channels to exchange, got 1 twice"),
        (lambda: permutation(PARAMETERS, [("u", 0)], 1, 4), r"Expected positions from 0 to 3 along axis 0 of u, got"),
        (lambda: permutation(PARAMETERS, [("u", 2)], 0, 1), "Expected an axis of u from 0 to 1, got 2"),
        (lambda: permutation(PARAMETERS, [("x", 0)], 0, 1), "Expected a parameter's name, got 'x': there are u, v"),
        (lambda: rotation(PARAMETERS, ("u", 0), unit(3)), r"Expected n with 4 entries, the size of u\[0\], got 3"),
        (lambda: rotation(PARAMETERS, ("u", 1), 2 * unit(3)), "Expected a unit vector n in float64, got one of length"),
        (lambda: rescaling(PARAMETERS, "u", "u"), "Expected two different factors, got u twice"),
        (lambda: dense(PARAMETERS, ("bias",), torch.eye(3)), "Expected O with 4 rows, the entries of bias, got 3"),
        (lambda: dense(PARAMETERS, ("bias",), 2 * torch.eye(4)), "Expected orthonormal columns of O in the mirror"),
        (
            lambda: double_rotation(PARAMETERS, ("square", 0), ("square", 1), unit(4)),
            "Expected at most two axes of square, and a permutation or a sign where there are two",
        ),
        (
            lambda: MIRRORS["sign"].coordinates({"u": PARAMETERS["u"].T}),
            r"The mirror sign 3 of u\[0\], bias\[0\], v\[1\] moves u of shape \(4, 3\), got \(3, 4\)",
        ),
    ],
)
def test_bad_declarations_are_refused_in_a_sentence(declare, message):
    with pytest.raises(ValueError, match=message):
        declare()
