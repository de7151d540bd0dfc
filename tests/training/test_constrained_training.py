"""Models under constraints train, resume and save like others, and AdamW's own decay leaves their factors alone."""

import json

import pytest
import torch

from pdesym.operators import fno, load_operator, load_weights, save_operator
from pdesym.operators.constrained import sparse_modes
from pdesym.operators.storage import last_checkpoint
from pdesym.symmetry.mirror.kinds import Elementwise, Grouped
from pdesym.symmetry.mirror.removal import removable, remove
from pdesym.symmetry.mirror.reparametrised import constrain
from pdesym.symmetry.mirror.strength import ConstraintPenalty, constraint_parameters
from pdesym.training import TrainingSettings, load_checkpoint, train


def settings(**options):
    return TrainingSettings(**{"steps": 20, "batch": 4, "log_every": 5, "checkpoint_every": 7, **options})


def constrained(example, kind=None):
    model = constrain(example.Convolution(), "first.weight", Elementwise())
    return constrain(model, "second.weight", kind or Grouped((2,)))


def bits(model):
    return torch.cat([p.detach().flatten() for p in model.parameters()])


class Interrupted:
    """An augmentation that changes nothing, and stops the program at a call."""

    def __init__(self, stop_at=None):
        self.stop_at, self.calls = stop_at, 0

    def __call__(self, u_in, u_out, times, generator):
        self.calls += 1
        if self.calls == self.stop_at:
            raise KeyboardInterrupt
        return u_in, u_out


def test_an_interrupted_constrained_run_ends_with_the_same_bits(example, tmp_path):
    data, penalty = example.dispersive_waves(), ConstraintPenalty(0.01)
    whole = constrained(example)
    expected = train(whole, data, settings(), tmp_path / "whole", Interrupted(), penalty=penalty, progress=False)
    stopped = constrained(example)
    with pytest.raises(KeyboardInterrupt):
        train(stopped, data, settings(), tmp_path / "parts", Interrupted(9), penalty=penalty, progress=False)
    resumed = constrained(example)
    run = train(resumed, data, settings(), tmp_path / "parts", Interrupted(), penalty=penalty, progress=False)
    assert torch.equal(bits(resumed), bits(whole))
    assert [line["loss"] for line in run.metrics] == [line["loss"] for line in expected.metrics]
    free = constrained(example)
    train(free, data, settings(), tmp_path / "free", Interrupted(), progress=False)
    assert not torch.equal(bits(free), bits(whole))


def test_the_decay_of_adamw_does_not_act_on_factors(example, tmp_path):
    """With every parameter constrained the run is the same for any weight decay; a plain one is not."""
    data, ends = example.dispersive_waves(), {}
    for under in (True, False):
        for decay in (0.0, 5.0):
            model = example.Convolution()
            for name in [name for name, _ in model.named_parameters()] if under else ():
                constrain(model, name, Elementwise())
            train(model, data, settings(weight_decay=decay), tmp_path / f"{under}{decay}", progress=False)
            ends[under, decay] = bits(model)
    assert torch.equal(ends[True, 0.0], ends[True, 5.0])
    assert not torch.equal(ends[False, 0.0], ends[False, 5.0])

    some = constrained(example)
    train(some, data, settings(weight_decay=5.0), tmp_path / "some", progress=False)
    groups = torch.load(last_checkpoint(tmp_path / "some") / "state.pt")["optimiser"]["param_groups"]
    plain = torch.load(last_checkpoint(tmp_path / "False5.0") / "state.pt")["optimiser"]["param_groups"]
    assert [(group["weight_decay"], len(group["params"])) for group in groups] == [(5.0, 2), (0.0, 4)]
    assert [(group["weight_decay"], len(group["params"])) for group in plain] == [(5.0, 4)]
    assert len(constraint_parameters(some)) == 4


def test_constraints_are_part_of_what_a_run_is(example, tmp_path):
    data = example.dispersive_waves()
    train(
        constrained(example), data, settings(steps=1), tmp_path / "a", penalty=ConstraintPenalty(0.01), progress=False
    )
    record = json.loads((last_checkpoint(tmp_path / "a") / "config.json").read_text())["training"]
    assert record["penalty"] == "ConstraintPenalty(strength=0.01)"
    assert record["constraints"] == {"first.weight": "Elementwise(depth=2)", "second.weight": "Grouped(over=(2,))"}
    for text, model, strength in (
        ("was started with penalty = ConstraintPenalty", constrained(example), 0.02),
        ("was started with constraints = ", constrained(example, Grouped((1, 2))), 0.01),
    ):
        with pytest.raises(ValueError, match=text):
            train(model, data, settings(steps=1), tmp_path / "a", penalty=ConstraintPenalty(strength), progress=False)
    with pytest.raises(ValueError, match=r"was started with penalty = ConstraintPenalty\(strength=0.01\), got None"):
        train(constrained(example), data, settings(steps=1), tmp_path / "a", progress=False)
    train(example.Convolution(), data, settings(steps=1), tmp_path / "plain", progress=False)
    plain = json.loads((last_checkpoint(tmp_path / "plain") / "config.json").read_text())["training"]
    assert "constraints" not in plain


def test_a_constrained_fno_is_continued_and_removed_and_saved(example, tmp_path):
    data, penalty = example.dispersive_waves(), ConstraintPenalty(0.02)

    def built():
        return sparse_modes(fno(2, 1, modes=5, width=4, layers=1), "mode")

    options = settings(steps=100, learning_rate=0.03, checkpoint_every=100)
    model = built()
    run = train(model, data, options, tmp_path / "run", penalty=penalty, progress=False)
    with pytest.raises(ValueError, match=r"holds an operator under constraints.*save it after `remove`"):
        load_operator(run.directory)
    again, filled = built(), built()
    load_checkpoint(run.directory, again)
    load_weights(filled, last_checkpoint(run.directory) / "model.safetensors")
    assert torch.equal(bits(again), bits(model))
    assert torch.equal(bits(filled), bits(model))
    (found,) = removable(again, 1e-3).values()
    assert (found.removed, found.units) == (removable(model, 1e-3).popitem()[1].removed, 6)

    u = data.u[:, :2]
    given = model.eval()(u).detach()
    report = remove(model, 1e-3)
    assert float((model(u) - given).detach().abs().max()) < 1e-3 * float(given.abs().max())
    save_operator(model, tmp_path / "removed")
    loaded = load_operator(tmp_path / "removed")
    assert torch.equal(loaded(u), model(u))
    assert set(loaded.state_dict()) == set(fno(2, 1, modes=5, width=4, layers=1).state_dict())
    weight = loaded.fno.fno_blocks.blocks.convs[0].weight
    empty = (weight.flatten(1) == 0).all(1)
    assert int(empty.sum()) == round(report.fraction * 6) > 0
    assert not bool(empty[1:4].any())  # the waves have these modes
