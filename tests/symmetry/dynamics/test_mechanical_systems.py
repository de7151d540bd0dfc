"""The springs and the double pendulum: Hamiltonian, with the energy and the momenta that they should have."""

import pytest
import torch

from pdesym.symmetry.dynamics import trajectories
from pdesym.symmetry.dynamics.spring_masses import random_spring_masses, random_states
from pdesym.symmetry.dynamics.spring_pendulum import double_spring_pendulum, hanging_states, pendulum_energy

SPRINGS = random_spring_masses(0)


def springs_energy(x):
    q, p = x[:, :15].reshape(-1, 5, 3), x[:, 15:]
    distances = (q.unsqueeze(1) - q.unsqueeze(2)).square().sum(-1)
    return p.square().sum(1) / 2 + (SPRINGS.stiffness * distances).sum((1, 2)) / 4 + q[..., 2].sum(1)


def turning_momentum(x):
    q, p = x.reshape(len(x), 2, -1, 3).unbind(1)
    return (q[..., 0] * p[..., 1] - q[..., 1] * p[..., 0]).sum(1)


SYSTEMS = [
    (SPRINGS, springs_energy, random_states(3, 5, 0)),
    (double_spring_pendulum, pendulum_energy, hanging_states(3, 0)),
]


@pytest.mark.parametrize(("field", "energy", "x"), SYSTEMS, ids=["springs", "pendulum"])
def test_it_is_the_field_of_its_energy(field, energy, x):
    slope = torch.func.grad(lambda z: energy(z).sum())(x)
    half = x.shape[1] // 2
    assert torch.allclose(field(x), torch.cat([slope[:, half:], -slope[:, :half]], 1), atol=1e-12)


@pytest.mark.parametrize(("field", "energy", "x"), SYSTEMS, ids=["springs", "pendulum"])
def test_its_trajectories_conserve_energy_and_the_vertical_angular_momentum(field, energy, x):
    path = trajectories(field, x, torch.linspace(0, 5, 11).double())
    assert torch.equal(path[:, 0], x)
    assert (path[:, -1] - x).norm() > 0.5
    for conserved in (energy, turning_momentum):
        assert torch.allclose(conserved(path[:, -1]), conserved(x), atol=1e-8)


def test_springs_are_affine_and_stay_in_the_plane_in_which_they_start():
    x = random_states(4, 5, 0, planar=True)
    assert torch.allclose(SPRINGS(x), x @ SPRINGS.matrix.mT + SPRINGS.shift)
    assert x.reshape(4, 10, 3)[..., 1].abs().max() == 0
    assert SPRINGS(x).reshape(4, 10, 3)[..., 1].abs().max() == 0
    assert torch.equal(SPRINGS.stiffness, SPRINGS.stiffness.mT)
    assert SPRINGS.stiffness.diagonal().abs().max() == 0
