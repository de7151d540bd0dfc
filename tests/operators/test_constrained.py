"""Fourier neural operators whose modes, ranks and channels vanish while they train."""

import pytest
import torch
from torch import nn

from pdesym.operators import FNOConfig, fno, load_operator, save_operator
from pdesym.operators.constrained import low_rank_mixing, pruned_channels, sparse_modes
from pdesym.operators.weights import load_weights, save_weights
from pdesym.symmetry.mirror.kinds import Elementwise
from pdesym.symmetry.mirror.removal import removable, remove
from pdesym.symmetry.mirror.reparametrised import constrain
from pdesym.symmetry.mirror.strength import ConstraintPenalty, constraint_cost, constraint_parameters

WIDTH, MODES = 4, 5
SPECTRAL = "fno.fno_blocks.blocks.convs.0.weight"


def pairs():
    """u ↦ u(x − 1/8) + u_xx/10 of random fields with three modes."""
    rng = torch.Generator().manual_seed(0)
    x = 2 * torch.pi * torch.arange(16) / 16
    k = torch.arange(1, 4)[:, None]
    a, b = torch.randn(2, 40, 3, 1, generator=rng)
    u = (a * torch.cos(k * x) + b * torch.sin(k * x)).sum(1)
    v = ((a * torch.cos(k * (x - 0.8)) + b * torch.sin(k * (x - 0.8))) * (1 - 0.1 * k**2)).sum(1)
    return u[:, None, None], v[:, None, None]


def trained(operator, strength, steps=150):
    u, v = pairs()
    optimiser = torch.optim.Adam(operator.parameters(), lr=0.02)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 0.02, total_steps=steps)
    penalty = ConstraintPenalty(strength)
    for _ in range(steps):
        optimiser.zero_grad()
        (((operator(u) - v) ** 2).mean() + penalty(operator)).backward()
        optimiser.step()
        schedule.step()
    return operator


def silent_channels(operator):
    """Gates where two channels of the first layer carry nothing, and the lifting stays as it is."""
    lifting = operator.fno.lifting.fcs[0].requires_grad_(False)
    lifting.weight[:2] = 0
    lifting.bias[:2] = 0
    return pruned_channels(operator)


CASES = {
    "modes": (lambda f: sparse_modes(f, "mode"), 0.03, MODES + 1),
    "weights": (lambda f: sparse_modes(f, "weight"), 0.03, (MODES + 1) * WIDTH**2),
    "parts": (lambda f: sparse_modes(f, "part"), 0.03, (MODES + 1) * WIDTH**2 * 2),
    "ranks": (low_rank_mixing, 0.03, (MODES + 1) * WIDTH),
    "channels": (silent_channels, 0.1, WIDTH),
}


FAST = ("weights", "channels")


@pytest.mark.parametrize("case", [c if c in FAST else pytest.param(c, marks=pytest.mark.slow) for c in CASES])
def test_units_vanish_and_what_is_left_is_a_plain_operator(case, tmp_path):
    build, strength, units = CASES[case]
    plain = fno(1, 1, modes=MODES, width=WIDTH, layers=1)
    u, v = pairs()
    operator = build(fno(1, 1, modes=MODES, width=WIDTH, layers=1))
    assert case == "channels" or torch.equal(operator(u), plain(u))
    trained(operator, strength)
    given = operator(u).detach()
    error = float((given - v).square().mean() / v.square().mean())
    found = removable(operator, 1e-3)[SPECTRAL]
    assert found.units == units
    report = remove(operator, 1e-3)
    assert 0 < report.tensors[SPECTRAL].removed == found.removed < units
    assert error < 0.5
    assert float((operator(u) - given).detach().norm()) < 2e-3 * float(given.norm())
    weight = operator.get_parameter(SPECTRAL).detach()
    if case == "ranks":
        ranks = torch.linalg.matrix_rank(torch.view_as_complex(weight), rtol=1e-3)
        assert int(ranks.sum()) <= units - found.removed
    else:
        unit = {"modes": (1, 2, 3), "weights": (3,), "parts": (), "channels": (0, 2, 3)}[case]
        empty = weight == 0 if case == "parts" else (weight == 0).all(-1)
        empty = empty.flatten(1).all(1) if unit == (1, 2, 3) else empty
        empty = empty.all(2).all(0) if case == "channels" else empty
        assert int(empty.sum()) == found.removed
    if case == "channels":
        dead = report.tensors[SPECTRAL].gone
        pointwise = operator.get_parameter("fno.fno_blocks.blocks.fno_skips.0.conv.weight").detach()
        assert torch.equal((pointwise == 0).all(2).all(0), dead)
        with torch.no_grad():  # what writes a dead channel is of no effect
            operator.fno.lifting.fcs[0].weight[dead] += 1.0
        assert float((operator(u) - given).detach().norm()) < 2e-3 * float(given.norm())
    save_operator(operator, tmp_path)
    assert torch.equal(load_operator(tmp_path)(u), operator.eval()(u))
    assert operator.state_dict().keys() == plain.state_dict().keys()


def test_the_matrices_of_pointwise_layers_and_every_dimension():
    operator = low_rank_mixing(fno(1, 1, modes=2, width=3, layers=1, dims=2), "pointwise")
    low_rank_mixing(operator)
    u = torch.randn(2, 1, 1, 8, 6, generator=torch.Generator().manual_seed(0))
    plain = fno(1, 1, modes=2, width=3, layers=1, dims=2)
    assert torch.equal(operator(u), plain(u))
    norms = [torch.linalg.svdvals(m.detach().flatten(1)).sum() for m in _pointwise(plain)]
    norms.append(torch.linalg.svdvals(torch.view_as_complex(plain.get_parameter(SPECTRAL).detach())).sum())
    assert float(constraint_cost(operator).detach()) == pytest.approx(sum(map(float, norms)), rel=1e-5)
    for build in (sparse_modes, pruned_channels):
        other = build(fno(1, 1, modes=2, width=3, layers=1, dims=2))
        assert torch.equal(other(u), plain(u))
        (gradient,) = torch.autograd.grad(other(u).sum(), [next(iter(constraint_parameters(other).values()))])
        assert gradient.any()


def _pointwise(operator):
    blocks = operator.fno.fno_blocks.blocks
    return [layer.weight for layer in (operator.fno.lifting.fcs[0], *(s.conv for s in blocks.fno_skips))] + [
        layer.weight for layer in operator.fno.projection.fcs
    ]


def test_refusals_of_constrained_operators():
    operator = fno(1, 1, modes=2, width=3, layers=1)
    with pytest.raises(ValueError, match="per to be one of mode, weight, part, got 'layer'"):
        sparse_modes(operator, "layer")
    with pytest.raises(ValueError, match="where to be spectral or pointwise, got 'all'"):
        low_rank_mixing(operator, "all")
    with pytest.raises(ValueError, match="an operator with a SpectralConvolution, got Linear without"):
        sparse_modes(nn.Linear(2, 2))
    operator = fno(1, 1, modes=2, width=3, layers=2)
    constrain(operator, SPECTRAL.replace("0", "1"), Elementwise())
    before = list(operator.state_dict())
    for build in (sparse_modes, low_rank_mixing, pruned_channels):
        with pytest.raises(ValueError, match="computed from other parameters already"):
            build(operator)
        assert list(operator.state_dict()) == before  # the first layer too


def test_an_operator_inside_another_module_is_pruned_and_no_operator_refused():
    inside = nn.Sequential(fno(1, 1, modes=2, width=3, layers=1))
    assert pruned_channels(inside) is inside
    assert all(name.startswith("0.fno.") for name in constraint_parameters(inside))
    with pytest.raises(ValueError, match="Expected one FNO or a module around one, got Linear with 0 of them"):
        pruned_channels(nn.Linear(2, 2))


def test_constrained_weights_ask_for_the_same_constraints(tmp_path):
    config = FNOConfig(1, 1, 1, modes=2, width=3, layers=1)
    constrained = sparse_modes(config.build())
    save_weights(constrained, tmp_path / "weights")
    with pytest.raises(
        ValueError, match=r"other constraints than the model .* put the model under the same ones first"
    ):
        load_weights(config.build(), tmp_path / "weights")
    load_weights(sparse_modes(config.build()), tmp_path / "weights")
