"""Data decide which of several candidate symmetries a weight breaks; what closed is exact."""

import copy

import pytest
import torch
from torch import nn
from torch.func import functional_call, jvp

from pdesym.symmetry.enforce.null_space import LinearConstraint
from pdesym.symmetry.mirror.candidate import (
    CandidateSymmetry,
    averaged,
    constrained_by,
    cyclic_matrices,
    even_matrices,
    real_multipliers,
)
from pdesym.symmetry.mirror.gates import gate_symmetries
from pdesym.symmetry.mirror.removal import removable, remove
from pdesym.symmetry.mirror.strength import ConstraintPenalty, constraint_cost, optimiser_groups

POINTS = 8
CANDIDATES = (cyclic_matrices(POINTS), even_matrices(POINTS))


class Matrix(nn.Module):
    def __init__(self, weight):
        super().__init__()
        self.weight = nn.Parameter(weight.clone())

    def forward(self, u):
        return u @ self.weight.T


def random(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def one_step(speed=0.0, varying=0.0, even=True):
    """A step of u_t = (a u_x)_x − c u_x by finite differences, a = 1 + varying · cos x or sin x."""
    shift = torch.roll(torch.eye(POINTS, dtype=torch.float64), 1, 0)
    x = 2 * torch.pi * torch.arange(POINTS, dtype=torch.float64) / POINTS
    difference = (shift.T - shift) / 2
    profile = x.cos() if even else x.sin()
    rough = torch.diag(1 + varying * profile)
    forward, backward = shift.T - torch.eye(POINTS, dtype=torch.float64), torch.eye(POINTS, dtype=torch.float64) - shift
    laplacian = 0.5 * (forward @ rough @ backward + backward @ rough @ forward)
    return torch.eye(POINTS, dtype=torch.float64) + 0.2 * laplacian - speed * difference


def defects(weight):
    """‖[W, g]‖/‖W‖ of a shift by a cell and of the reflection, by acting on fields."""
    u = random(20, POINTS, seed=9)
    back = (-torch.arange(POINTS)) % POINTS
    shift = (torch.roll(u, 1, 1) @ weight.T - torch.roll(u @ weight.T, 1, 1)).norm()
    turn = (u[:, back] @ weight.T - (u @ weight.T)[:, back]).norm()
    return float(shift / u.norm()), float(turn / u.norm())


def fitted(truth, strength=0.2, noise=0.02, steps=250):
    u = random(200, POINTS, seed=1)
    target = u @ truth.T + noise * random(200, POINTS, seed=2)
    model = gate_symmetries(Matrix(0.3 * random(POINTS, POINTS, seed=3)), "weight", CANDIDATES)
    optimiser = torch.optim.SGD(optimiser_groups(model, strength), lr=0.3)
    for _ in range(steps):
        optimiser.zero_grad()
        (0.5 * ((model(u) - target) ** 2).sum(1).mean()).backward()
        optimiser.step()
    return model


@pytest.mark.parametrize(
    ("truth", "closed"),
    [
        pytest.param(one_step(), [True, True], id="both", marks=pytest.mark.slow),
        pytest.param(one_step(speed=0.4), [True, False], id="translation"),
        pytest.param(one_step(varying=0.8), [False, True], id="reflection"),
        pytest.param(one_step(varying=0.8, even=False), [False, False], id="none", marks=pytest.mark.slow),
    ],
)
def test_data_decide_which_symmetry_breaks_and_what_closed_is_exact(truth, closed):
    model = fitted(truth)
    before = model.weight.detach().clone()
    found = removable(model)["weight"]
    assert found.gone.tolist() == closed
    assert found.smallest_kept > 0.01
    assert all(defect > 1e-15 for defect in defects(before))  # nearly closed is not exact
    remove(model.requires_grad_(False))
    assert float((model.weight - before).abs().max()) < 1e-6
    for defect, is_exact in zip(defects(model.weight.detach()), closed, strict=True):
        assert defect < 1e-15 if is_exact else defect > 0.05
    assert float((model.weight - truth).norm() / truth.norm()) < 0.3
    assert removable_without_decay(truth) == [False, False]


def removable_without_decay(truth):
    return removable(fitted(truth, strength=0.0, steps=50))["weight"].gone.tolist()


def test_the_decay_costs_the_norm_of_each_violation():
    """min over gates of ½(‖s‖² + ‖v‖²) = Σ_j ‖P_j W‖, and the gates reach it when the weight stays."""
    weight = random(POINTS, POINTS)
    model = gate_symmetries(Matrix(weight), "weight", CANDIDATES)
    assert float((model.weight - weight).detach().abs().max()) < 1e-14
    expected = sum(float(candidate.broken(weight).norm()) for candidate in CANDIDATES)
    assert float(constraint_cost(model).detach()) == pytest.approx(expected, rel=1e-12)
    penalty = ConstraintPenalty(1.0)
    assert float(penalty(model).detach()) > expected
    # Other gates for the same weight: v follows, and no choice is cheaper.
    constraint = model.parametrizations.weight[0]
    parts, free = constraint._split(weight), model.parametrizations.weight.original0.detach()

    def cost(gates):
        v = sum(part / constraint._gate(gates, which) for which, part in parts.items() if which)
        assert float((constraint(free, gates, v) - weight).abs().max()) < 1e-12
        return 0.5 * float(gates.square().sum() + v.square().sum())

    best = torch.stack([candidate.broken(weight).norm() for candidate in CANDIDATES]).sqrt()
    assert cost(best) == pytest.approx(expected, rel=1e-12)
    assert all(cost(best * (1 + 0.1 * random(2, seed=seed))) > expected * (1 + 1e-6) for seed in range(5))


def test_a_closed_gate_closes_whatever_else_is_broken():
    """Other gates stay open, and with all closed the gradients are finite."""
    model = gate_symmetries(Matrix(random(POINTS, POINTS)), "weight", CANDIDATES)
    gates = model.parametrizations.weight.original1
    for number, candidate in enumerate(CANDIDATES):
        with torch.no_grad():
            gates.copy_(torch.tensor([1.0, 1.0], dtype=torch.float64))
            gates[number] = 0.0
        weight = model.weight.detach()
        assert candidate.violation(weight) < 1e-15
        assert CANDIDATES[1 - number].violation(weight) > 0.1
    with torch.no_grad():
        gates.zero_()
    model.weight.sum().backward()
    assert all(bool(p.grad.isfinite().all()) for p in model.parameters())


def test_gates_go_through_what_modules_go_through():
    weight = random(POINTS, POINTS).float()
    model = gate_symmetries(Matrix(weight), "weight", CANDIDATES)
    u, tangent = random(3, POINTS, seed=1).float(), random(3, POINTS, seed=2).float()
    assert torch.allclose(model(u), u @ weight.T, atol=1e-5)
    assert torch.allclose(jvp(model, (u,), (tangent,))[1], tangent @ weight.T, atol=1e-5)
    copied = copy.deepcopy(model).double()
    assert copied.weight.dtype == torch.float64
    moved = {name: 1.1 * p.detach() for name, p in model.named_parameters()}
    assert not torch.allclose(functional_call(model, moved, (u,)), model(u))
    other = gate_symmetries(Matrix(torch.zeros_like(weight)), "weight", CANDIDATES)
    other.load_state_dict(model.state_dict())
    assert torch.equal(other.weight, model.weight)


def test_candidates_by_constraints_and_by_averages_agree():
    """The reflection of a matrix by L W = R W − W, and of spectral weights by their imaginary part."""
    back = (-torch.arange(POINTS)) % POINTS

    def difference(columns):
        weight = columns.T.reshape(-1, POINTS, POINTS)
        return (weight[:, back][:, :, back] - weight).flatten(1).T

    candidate = constrained_by("reflection", LinearConstraint(POINTS**2, difference, difference, 2.0))
    weight = random(POINTS, POINTS)
    assert float((candidate.kept(weight) - even_matrices(POINTS).kept(weight)).abs().max()) < 1e-13
    spectral = random(5, 2, 3, 2)
    kept = real_multipliers().kept(spectral)
    assert torch.equal(kept[..., 0], spectral[..., 0])
    assert not kept[..., 1].any()
    with pytest.raises(ValueError, match="the elements of the group of nothing, got none"):
        averaged("nothing", ())


def test_what_cannot_be_gated_is_said():
    def turned(weight):
        return weight * torch.tensor([1.0, 0.0]).to(weight)

    def rotated(weight):
        n = torch.tensor([0.6, 0.8], dtype=torch.float64).to(weight)
        return (weight @ n)[..., None] * n

    one, other = CandidateSymmetry("one", turned), CandidateSymmetry("other", rotated)
    model = Matrix(random(3, 2))
    for text, candidates in {
        "whose projections commute, got one and other": (one, other),
        "Expected half to give a projection, got another map": (
            CandidateSymmetry("half", lambda weight: 0.5 * weight),
        ),
        "that some weights break, got trivial, which all have": (CandidateSymmetry("trivial", lambda weight: weight),),
        "Expected candidate symmetries of weight, got none": (),
    }.items():
        with pytest.raises(ValueError, match=text):
            gate_symmetries(model, "weight", candidates)
    with pytest.raises(ValueError, match="a positive size of the gates, got 0"):
        gate_symmetries(model, "weight", (one,), size=0.0)
