import math

import pytest
import torch
from pydantic import ValidationError

from pdesym.operators import load_weights
from pdesym.training import TrainingSettings, draw_batch, mean_squared_error, read_metrics, relative_l2, train
from pdesym.training.batches import step_seed


def settings(**options):
    return TrainingSettings(**{"steps": 20, "batch": 4, "log_every": 5, "checkpoint_every": 7, **options})


def bits(model):
    return torch.cat([p.detach().flatten() for p in model.parameters()])


def losses(run):
    return [(line["step"], line["loss"]) for line in run.metrics]


class Shift:
    """The example's augmentation, which stops the program at a given call."""

    def __init__(self, example, stop_at=None):
        self.act, self.stop_at, self.calls = example.shifted_up, stop_at, 0

    def __call__(self, u_in, u_out, times, generator):
        self.calls += 1
        if self.calls == self.stop_at:
            raise KeyboardInterrupt
        return self.act(u_in, u_out, times, generator)


def test_training_makes_the_loss_small(example, tmp_path):
    """The equation is linear: the next frame is a linear function of two, and can be learned."""
    data = example.dispersive_waves()
    run = train(example.Convolution(8), data, settings(steps=200, learning_rate=0.03), tmp_path / "a", progress=False)
    idle = train(example.Convolution(8), data, settings(steps=200, learning_rate=1e-9), tmp_path / "b", progress=False)
    assert run.metrics[-1]["loss"] < 0.05 < 0.5 < idle.metrics[-1]["loss"]


@pytest.mark.parametrize("call", [1, 7, 8, 15, 20])
@pytest.mark.parametrize("dropout", [0.0, 0.5])
def test_an_interrupted_run_ends_with_the_same_bits(call, dropout, example, tmp_path):
    data = example.dispersive_waves()
    whole = example.Convolution(dropout=dropout)
    expected = train(whole, data, settings(), tmp_path / "whole", Shift(example), progress=False)
    for stop_at in (call, min(call, 3)):
        model = example.Convolution(dropout=dropout)
        with pytest.raises(KeyboardInterrupt):
            train(model, data, settings(), tmp_path / "parts", Shift(example, stop_at), progress=False)
        torch.manual_seed(call)  # another state than in the run that was not interrupted
    resumed = example.Convolution(dropout=dropout)
    run = train(resumed, data, settings(), tmp_path / "parts", Shift(example), progress=False)
    assert torch.equal(bits(resumed), bits(whole))
    assert losses(run) == losses(expected)
    other = example.Convolution(dropout=dropout)
    train(other, data, settings(seed=1), tmp_path / "other", Shift(example), progress=False)
    assert not torch.equal(bits(other), bits(whole))


def test_a_finished_run_is_only_loaded(example, tmp_path):
    data, shift = example.dispersive_waves(), Shift(example)
    trained, fresh = example.Convolution(), example.Convolution(seed=1)
    run = train(trained, data, settings(), tmp_path, shift, progress=False)
    again = train(fresh, data, settings(), tmp_path, shift, progress=False)
    assert shift.calls == 20
    assert torch.equal(bits(trained), bits(fresh))
    assert run == again


def test_the_windows_of_a_step_depend_on_seed_and_step_alone(example):
    data = example.dispersive_waves()
    first = draw_batch(data, 8, seed=0, step=5)
    torch.manual_seed(9)
    draw_batch(data, 8, seed=0, step=4)
    assert all(torch.equal(a, b) for a, b in zip(first, draw_batch(data, 8, seed=0, step=5), strict=True))
    for seed, step in ((0, 6), (1, 5), (5, 0)):
        assert not torch.equal(first[0], draw_batch(data, 8, seed, step)[0])


def test_arms_with_and_without_augmentation_see_the_same_windows(example):
    data, seen = example.dispersive_waves(), []

    def greedy(u_in, u_out, times, generator):
        seen.append((u_in, u_out, torch.rand(1000, generator=generator)))
        return u_in + 1, u_out

    for step in (1, 2):
        plain, moved = draw_batch(data, 8, 0, step), draw_batch(data, 8, 0, step, greedy)
        assert torch.equal(plain[0], seen[-1][0])
        assert torch.equal(plain[1], seen[-1][1])
        assert torch.equal(moved[0], plain[0] + 1)
    assert not torch.equal(seen[0][2], seen[1][2])


def test_seeds_of_different_purposes_differ():
    seeds = {
        step_seed(seed, step, purpose, rank)
        for seed in range(5)
        for step in range(100)
        for purpose in ("windows", "augmentation", "model")
        for rank in range(2)
    }
    assert len(seeds) == 5 * 100 * 3 * 2
    assert all(0 <= seed < 2**63 for seed in seeds)


def test_the_surroundings_stay_as_they_were(example, tmp_path):
    model = example.Convolution(dropout=0.5).eval()
    torch.manual_seed(4)
    before, threads = torch.get_rng_state(), torch.get_num_threads()
    train(model, example.dispersive_waves(), settings(), tmp_path, progress=False)
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.get_num_threads() == threads
    assert not model.training


def test_metrics_are_one_line_for_each_logged_step(example, tmp_path):
    states = []

    def validation(model):
        states.append((model.training, torch.is_grad_enabled()))
        return {"size": bits(model).norm()}

    options = settings(validate_every=10, learning_rate=1e-3)
    run = train(example.Convolution(), example.dispersive_waves(), options, tmp_path, None, validation, progress=False)
    assert [line["step"] for line in run.metrics] == [5, 10, 15, 20]
    assert run.metrics == tuple(read_metrics(tmp_path))
    for line in run.metrics:
        assert line["samples_per_second"] > 0
        assert line["threads"] == 1
        assert ("validation" in line) == (line["step"] % 10 == 0)
    assert [line["seconds"] for line in run.metrics] == sorted(line["seconds"] for line in run.metrics)
    assert states == [(False, False), (False, False)]
    # The peak, 1e-3, is reached after 30 % of the steps; 1/25 of it is where the cycle begins, 1/25e4 where it ends.
    turn = 0.3 * 20 - 1
    down = [math.cos(math.pi * (step - 1 - turn) / (19 - turn)) for step in (10, 15, 20)]
    expected = [4e-5 + (1e-3 - 4e-5) * (1 - math.cos(math.pi * 4 / turn)) / 2]
    expected += [4e-9 + (1e-3 - 4e-9) * (1 + x) / 2 for x in down]
    assert [line["learning_rate"] for line in run.metrics] == pytest.approx(expected, rel=1e-9)


def test_an_unfinished_last_line_is_dropped(example, tmp_path):
    data = example.dispersive_waves()
    with pytest.raises(KeyboardInterrupt):
        train(example.Convolution(), data, settings(), tmp_path, Shift(example, 13), progress=False)
    assert [line["step"] for line in read_metrics(tmp_path)] == [5, 10]
    with (tmp_path / "metrics.jsonl").open("a") as file:
        file.write('{"step": 12, "lo')
    assert [line["step"] for line in read_metrics(tmp_path)] == [5, 10]
    run = train(example.Convolution(), data, settings(), tmp_path, Shift(example), progress=False)
    assert [line["step"] for line in run.metrics] == [5, 10, 15, 20]


def test_the_gradient_can_be_clipped(example, tmp_path):
    """Adam does not move on a gradient that is far below its ε of 1e-8."""
    moved = []
    for clip in (1e-15, None):
        model = example.Convolution()
        before = bits(model)
        options = settings(gradient_clip=clip, weight_decay=0.0)
        train(model, example.dispersive_waves(), options, tmp_path / str(clip), progress=False)
        moved.append((bits(model) - before).norm().item())
    assert moved[0] < 1e-5 < 1e-2 < moved[1]


@pytest.mark.parametrize("steps", [1, 2, 3, 4, 10])
def test_few_steps_are_enough(steps, example, tmp_path):
    run = train(example.Convolution(), example.dispersive_waves(), settings(steps=steps), tmp_path, progress=False)
    assert run.metrics[-1]["step"] == steps


def test_only_what_leaves_the_weights_alone_may_change(example, tmp_path):
    data = example.dispersive_waves()
    with pytest.raises(KeyboardInterrupt):
        train(example.Convolution(), data, settings(), tmp_path, Shift(example, 10), progress=False)

    def resume(augmentation, loss=mean_squared_error, data=data, **options):
        train(example.Convolution(), data, settings(**options), tmp_path, augmentation, loss=loss, progress=False)

    started = r"was started with {} = {}, got {}: give the same to continue it, or take another folder"
    for options, key, old, new in (
        ({"learning_rate": 0.5}, "learning_rate", "0.002", "0.5"),
        ({"steps": 30}, "steps", "20", "30"),
        ({"seed": 1}, "seed", "0", "1"),
        ({"data": example.dispersive_waves(samples=5)}, "samples", "6", "5"),
        ({"loss": relative_l2}, "loss", r".*mean_squared_error", r".*relative_l2"),
    ):
        with pytest.raises(ValueError, match=started.format(key, old, new)):
            resume(Shift(example), **options)
    with pytest.raises(ValueError, match=started.format("augmentation", r".*Shift", "None")):
        resume(None)
    resume(Shift(example), log_every=1, checkpoint_every=3, keep_checkpoints=1)


def test_another_model_is_refused_before_it_is_touched(example, tmp_path):
    data = example.dispersive_waves()
    train(example.Convolution(4), data, settings(), tmp_path, progress=False)
    model = example.Convolution(5)
    before = bits(model)
    with pytest.raises(ValueError, match=r"weights of another model \(first.weight is \(4, 2, 3\)"):
        train(model, data, settings(), tmp_path, progress=False)
    assert torch.equal(bits(model), before)
    assert len(list(tmp_path.glob("step-*"))) == 2


def test_windows_unlike_the_model_are_refused(example, tmp_path):
    sentence = r"The windows are torch.float64 on cpu and the model is torch.float32 on cpu: open the windows with"
    with pytest.raises(ValueError, match=sentence):
        train(example.Convolution(), example.dispersive_waves(dtype=torch.float64), settings(), tmp_path)


def test_a_loss_that_is_not_finite_ends_the_run(example, tmp_path):
    data = example.dispersive_waves()

    def breaking(u_in, u_out, times, generator):
        breaking.calls += 1
        return (u_in, u_out) if breaking.calls <= 7 else (u_in * math.nan, u_out)

    breaking.calls = 0
    model = example.Convolution()
    with pytest.raises(
        FloatingPointError, match=r"loss is nan at step 10 in .*: train into another folder with a lear"
    ):
        train(model, data, settings(), tmp_path, breaking, progress=False)
    assert [path.name for path in tmp_path.glob("step-*")] == ["step-00000007"]
    load_weights(model, tmp_path / "step-00000007" / "model.safetensors")
    assert bits(model).isfinite().all()


def test_a_typo_in_the_settings_is_refused():
    with pytest.raises(ValidationError, match="learning_rat"):
        TrainingSettings(learning_rat=1e-3)
    with pytest.raises(ValidationError, match="greater than 0"):
        TrainingSettings(batch=0)


def test_progress_goes_to_the_standard_error_or_nowhere(example, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("pdesym.datasets.progress._SECONDS_BETWEEN_LINES", 0.0)
    data = example.dispersive_waves()
    train(example.Convolution(), data, settings(), tmp_path / "silent", progress=False)
    assert capsys.readouterr() == ("", "")
    train(example.Convolution(), data, settings(), tmp_path / "shown")
    out, err = capsys.readouterr()
    assert out == ""
    assert "training: 20 of 20 steps" in err
