"""Polynomial networks: size, the stacked Lie derivatives of their parts, and training with their nuclear norm."""

import pytest
import torch

from pdesym.symmetry.dynamics import affine_action, bracket, linear_action, particles_apart, particles_together
from pdesym.symmetry.dynamics.epnn import EPNN
from pdesym.symmetry.dynamics.epnn_brackets import stacked_brackets
from pdesym.symmetry.dynamics.rollout import rollout
from pdesym.symmetry.dynamics.trajectories import trajectories
from pdesym.symmetry.enforce.groups import general_linear, special_euclidean, special_orthogonal
from pdesym.symmetry.promote.nuclear_norm import smooth_nuclear_norm
from tests.symmetry.dynamics.mechanics import normal

SE3 = affine_action(special_euclidean(3))
ACTIONS = {
    "so(2)": linear_action(special_orthogonal(2)),
    "so(3)": particles_together(linear_action(special_orthogonal(3)), 1),
    "se(3)": particles_together(SE3, 1),
    "se(3)^2": particles_apart(SE3, 2),
    "gl(2)": linear_action(general_linear(2)),
}


def affine(weights, shift):
    return lambda x: x @ weights.mT + shift


def quadratic(matrix, slope, constant):
    return lambda x: (torch.einsum("pi,ij,pj->p", x, matrix, x) + x @ slope + constant).unsqueeze(1)


def parts(network):
    """The affine and quadratic parts as functions of the input of their layer."""
    for layer in network.layers:
        for b, matrix in enumerate(layer.gate_matrices()):
            yield affine(layer.linear[b], layer.shift[b])
            yield quadratic(matrix, layer.gate_linear[b], layer.gate_shift[b])
    yield affine(network.linear, network.shift)


def sampled_gram(network, action, spread, blocks, points=200_000):
    """Mean inner products of the Lie derivatives of all parts, by Monte Carlo."""
    n, gram = action.dimension, 0.0
    inputs = [n] * (2 * blocks[0]) + [n * blocks[0]] * (2 * blocks[1]) + [n * blocks[1]]
    for number, (part, width) in enumerate(zip(parts(network), inputs, strict=True)):
        x = spread * normal(points, width, seed=number)
        motion = torch.einsum("qij,pcj->qpci", action.linear, x.reshape(points, -1, n))
        if number < 2 * blocks[0]:
            motion = motion + action.shift[:, None, None]
        value = part(x)
        carried = torch.einsum("qij,pj->qpi", action.linear, value) if value.shape[1] == n else 0.0
        pushed = torch.stack([torch.func.jvp(part, (x,), (way.flatten(1),))[1] for way in motion])
        lie = (carried - pushed).flatten(1)
        gram = gram + lie @ lie.mT / points
    return gram


@pytest.mark.parametrize("name", ["so(2)", "so(3)", "se(3)", "gl(2)"])
def test_columns_have_the_mean_inner_products_of_the_lie_derivatives(name):
    action, blocks = ACTIONS[name], (2, 3)
    network = EPNN(action.dimension, blocks, seed=1)
    columns = stacked_brackets(network, action, spread=0.7).detach()
    expected = sampled_gram(network, action, 0.7, blocks, 20_000).detach()
    assert torch.allclose(columns.mT @ columns, expected, atol=0.03 * float(expected.diagonal().max()))


def test_the_published_network_has_4626_parameters():
    assert sum(p.numel() for p in EPNN(12, (3, 3)).parameters()) == 4626


def symmetrised(network, action):
    """The weights projected to those without Lie derivatives, which are linear in them."""
    weights = [p.detach() for p in network.parameters()]
    flat = torch.cat([each.reshape(-1) for each in weights])

    def columns(vector):
        pieces = vector.split([each.numel() for each in weights])
        for parameter, piece in zip(network.parameters(), pieces, strict=True):
            parameter.data = piece.reshape(parameter.shape)
        return stacked_brackets(network, action).detach().reshape(-1)

    _, values, rows = torch.linalg.svd(torch.stack([columns(e) for e in torch.eye(len(flat)).double()], 1))
    null = rows[int((values > 1e-10 * values[0]).sum()) :]
    columns(null.mT @ (null @ flat))


@pytest.mark.parametrize("name", ["so(3)", "se(3)"])
def test_a_network_without_lie_derivatives_is_equivariant_and_another_is_not(name):
    action = ACTIONS[name]
    network, x = EPNN(6, (2, 1), seed=0, bound=1.0), normal(9, 6)
    assert bracket(network, action, x).abs().max() > 1e-3
    assert stacked_brackets(network, action).norm() > 1
    symmetrised(network, action)
    assert bracket(network, action, x).abs().max() < 1e-12
    assert stacked_brackets(network, action).norm() < 1e-12
    assert network(x).norm() > 1e-3
    assert bracket(network, linear_action(general_linear(6)), x).abs().max() > 1e-3


@pytest.mark.parametrize("name", ["so(3)", "se(3)^2"])
def test_the_nuclear_norm_can_be_driven_to_zero(name):
    """By descent on it alone from the same start, while the field stays what it is without it."""
    action = ACTIONS[name]
    network = EPNN(action.dimension, (2, 2), seed=0)
    optimiser = torch.optim.Adam(network.parameters(), 3e-3)
    start = None
    for _ in range(150):
        norm = smooth_nuclear_norm(stacked_brackets(network, action), 1e-3)
        start = float(norm.detach()) if start is None else start
        optimiser.zero_grad()
        norm.backward()
        optimiser.step()
    assert float(norm.detach()) < 0.1 * start


def test_rollouts_are_of_order_4():
    def field(x):
        return torch.stack([x[:, 1], -x[:, 0].sin()], 1)

    x = normal(5, 2)
    exact = trajectories(field, x, torch.arange(4).double())[:, 1:]
    errors = [float((rollout(field, x, 1.0, 3, steps) - exact).norm()) for steps in (8, 16)]
    assert errors[0] / errors[1] == pytest.approx(16, rel=0.15)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: EPNN(3, ()), "Expected a positive dimension"),
        (lambda: stacked_brackets(EPNN(3, (1,)), ACTIONS["so(2)"]), "Expected an action on the 3 variables"),
        (lambda: stacked_brackets(EPNN(2, (1,)), ACTIONS["so(2)"], spread=0.0), "and a positive spread"),
        (lambda: rollout(lambda x: x, normal(1, 1), 0.1, 0), "Expected a positive interval"),
    ],
)
def test_what_does_not_fit_is_refused(wrong, message):
    with pytest.raises(ValueError, match=message):
        wrong()
