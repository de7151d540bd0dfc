"""A run is not continued as that of another model, where the difference is in no configuration and no weight."""

import json

import pytest
import torch
from torch import nn

from pdesym.operators import fno, load_operator, load_weights, save_operator
from pdesym.operators.storage import last_checkpoint
from pdesym.solvers import Grid
from pdesym.symmetry.enforce import cyclic
from pdesym.symmetry.grid_element import Element
from pdesym.symmetry.mirror.bias import fixed_bias
from pdesym.symmetry.mirror.candidate import CandidateSymmetry
from pdesym.symmetry.mirror.gates import gate_symmetries
from pdesym.symmetry.mirror.kinds import Elementwise
from pdesym.symmetry.mirror.reparametrised import constrain
from pdesym.symmetry.relax import (
    CyclicShifts,
    Dihedral,
    Permutations,
    PlaneGroup,
    Product,
    RelaxedEquivariant,
    RelaxedLinear,
    RelaxedMLP,
    RepresentationAction,
    SignFlip,
    SymmetryBreakingInput,
    TorusPlaneGroup,
    TorusTranslations,
    orbit_distance,
)
from pdesym.training import TrainingSettings, train
from pdesym.training.described_modules import described_modules

SHIFTS = TorusTranslations(Grid(16, length=16.0))
OTHERS = {
    "another length": TorusTranslations(Grid(16, length=8.0)),
    "another group": CyclicShifts(16),
    "more": Product(SHIFTS, SignFlip()),
}


def once(model, example, folder):
    train(model, example.dispersive_waves(), TrainingSettings(steps=1, batch=4), folder, progress=False)


def test_a_relaxed_run_is_continued_by_the_same_wrapper_alone(example, tmp_path):
    once(RelaxedEquivariant(example.Convolution(), SHIFTS), example, tmp_path)
    once(RelaxedEquivariant(example.Convolution(), TorusTranslations(SHIFTS.grid)), example, tmp_path)  # finished
    others = [RelaxedEquivariant(example.Convolution(), action) for action in OTHERS.values()]
    others.append(RelaxedEquivariant(example.Convolution(), SHIFTS, tolerance=1e-3))
    others.append(RelaxedEquivariant(example.Convolution(), SHIFTS, OTHERS["another length"]))
    for other in others:
        with pytest.raises(ValueError, match="was started with modules = "):
            once(other, example, tmp_path)


class Placed(nn.Module):
    """A network that tells the places apart."""

    def __init__(self, network):
        super().__init__()
        self.network = network

    def forward(self, u):
        return self.network(u) * torch.linspace(1, 2, 16)


def test_a_trained_module_samples_afterwards_and_is_built_again_to_be_reopened(example, tmp_path):
    """As the docstring of RelaxedEquivariant says."""

    def built(mode="deterministic"):
        return RelaxedEquivariant(Placed(fno(2, 1, modes=5, width=4, layers=1, seed=1)), SHIFTS, mode=mode)

    with pytest.raises(ValueError, match="with mode='coset' draws an element of the stabiliser in every call"):
        once(built("coset"), example, tmp_path / "coset")
    module = built()
    once(module, example, tmp_path / "run")
    u = torch.ones(2, 2, 1, 16) * torch.cos(torch.arange(16) * torch.pi / 2)  # of period L/4
    expected = module.eval()(u).detach()
    with pytest.raises(ValueError, match="build the module yourself and fill it with load_weights"):
        load_operator(tmp_path / "run")
    again = built().eval()
    load_weights(again, last_checkpoint(tmp_path / "run") / "model.safetensors")
    assert torch.equal(again(u), expected)
    save_operator(module.network.network, tmp_path / "network")
    inside = RelaxedEquivariant(Placed(load_operator(tmp_path / "network")), SHIFTS)
    assert torch.equal(inside(u), expected)

    second = RelaxedEquivariant(module.network, SHIFTS, mode="coset")
    module.mode = "coset"
    draws = [module(u, generator=torch.Generator().manual_seed(seed)).detach() for seed in range(8)]
    assert torch.equal(second(u, generator=torch.Generator().manual_seed(3)), draws[3])
    assert torch.stack(draws).var(0).max() > 1e-6 * float(expected.square().max())
    for drawn in draws:
        assert orbit_distance(drawn, expected, SHIFTS, SHIFTS.stabiliser(u)).max() < 1e-8 * expected.square().sum()


class Scaled(nn.Module):
    """A wrapper that says nothing of itself."""

    def __init__(self, network):
        super().__init__()
        self.network = network

    def forward(self, u):
        return 2 * self.network(u)


def test_operators_of_a_configuration_say_no_more_than_before(example, tmp_path):
    once(fno(2, 1, modes=5, width=4, layers=1), example, tmp_path)
    record = json.loads((last_checkpoint(tmp_path) / "config.json").read_text())["training"]
    assert "modules" not in record
    plain = [fno(2, 1, modes=5, width=4, layers=1), Scaled(fno(2, 1, modes=5, width=4)), example.Convolution()]
    plain.append(constrain(example.Convolution(), "first.weight", Elementwise()))
    assert [described_modules(model) for model in plain] == [{}] * 4
    inside = described_modules(RelaxedEquivariant(Scaled(fno(2, 1, modes=5, width=4)), SHIFTS))
    assert inside["network.network"]["width"] == 4
    assert json.loads(json.dumps(inside)) == inside


def kept_rows(weight):
    return torch.cat((torch.zeros_like(weight[:1]), weight[1:]))


def kept_columns(weight):
    return torch.cat((torch.zeros_like(weight[:, :1]), weight[:, 1:]), 1)


def models():
    """Pairs of models whose difference no configuration and no shape shows."""
    group, reps = cyclic(6), [cyclic(6).vector] * 3
    z0 = torch.linspace(0, 1, 16).reshape(1, 1, 16)

    def linear():
        return nn.Linear(4, 4)

    def gated(kept):
        return gate_symmetries(linear(), "weight", [CandidateSymmetry("one", kept)])

    flipped = 2 * group.scalar
    return {
        "mode": [SymmetryBreakingInput(linear(), SHIFTS, z0, mode=mode) for mode in ("deterministic", "coset")],
        "z0": [SymmetryBreakingInput(linear(), SHIFTS, z) for z in (z0, z0.flip(-1))],
        "action_z": [SymmetryBreakingInput(linear(), SHIFTS, z0, z) for z in (None, OTHERS["another group"])],
        "axis": [SymmetryBreakingInput(linear(), SHIFTS, z0, axis=axis) for axis in (1, 2)],
        "keep": [RelaxedLinear(group.vector, flipped, keep) for keep in (((0,),), ((0, 0, 0, 0, 0),))],
        "interpolation": [RelaxedMLP(reps, interpolation=value) for value in (0.5, 0.6)],
        "activation": [RelaxedMLP(reps, activation=f) for f in (None, nn.GELU())],
        "tolerance": [RelaxedMLP(reps, tolerance=value) for value in (None, 1e-4)],
        "size": [constrain(linear(), "weight", Elementwise(), size=size) for size in (1.0, 0.1)],
        "gates": [gated(kept_rows), gated(kept_columns)],
        "bias": [fixed_bias(linear(), 0.1, seed) for seed in (0, 1)],
    }


@pytest.mark.parametrize("what", models())
def test_settings_that_no_weight_shows_are_said(what):
    (one, other), (again, _) = models()[what], models()[what]
    assert described_modules(one) == described_modules(again) != described_modules(other)


def test_actions_are_told_apart_by_what_is_printed_of_them():
    square, tall = Grid(8, 8, length=1.0), Grid(8, 8, length=2.0)
    turn = Element(((0, -1), (1, 0)), ((1,),))
    odd = Element(((0, -1), (1, 0)), ((-1,),))
    shear = cyclic(4).representation(
        cyclic(4).lie_algebra[:, :1, :1], torch.tensor([[[-1.0]]], dtype=torch.float64), "sign"
    )

    def actions():
        return [
            *(TorusTranslations(grid) for grid in (square, tall, Grid(8, length=1.0))),
            *(f(n) for f in (CyclicShifts, Dihedral, Permutations) for n in (4, 5)),
            *(PlaneGroup(g) for g in (turn, odd)),
            PlaneGroup.p4m(),
            SignFlip(),
            *(RepresentationAction(rep) for rep in (cyclic(4).vector, cyclic(4).scalar, shear)),
            Product(CyclicShifts(4), SignFlip()),
            TorusPlaneGroup(TorusTranslations(square), PlaneGroup.p4()),
        ]

    said = [repr(action) for action in actions()]
    assert said == [repr(action) for action in actions()]
    assert len(set(said)) == len(said)
    assert not any(" at 0x" in text for text in said)
