"""One arm: an operator, trained on some trajectories with one treatment, and how well it predicts."""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from experiments.forecasting.data import Solutions
from experiments.forecasting.learned import learned_windows
from experiments.forecasting.settings import Preset, fingerprint, load_treatments
from experiments.forecasting.treatment import shown
from pdesym.operators import fno
from pdesym.report.atomic import write_atomically
from pdesym.training import Training, read_metrics, train, unroll, unrolled_nmse

METRIC = (
    "Unrolled normalised mean squared error: for each predicted frame mean_x (prediction − truth)² / mean_x truth², "
    "summed over the frames, averaged over the test trajectories; dimensionless."
)


@dataclass(frozen=True, order=True)
class Arm:
    """What tells an arm from others.

    All arms of one seed and equation see the same trajectories, more samples of them the more, draw the same windows at
    the same step, and begin with the same weights.

    Args:
        seed: of trajectories, windows and weights.
        equation: name of its recipe.
        samples: trajectories to train on.
        treatment: name of what it is shown beside them.
    """

    seed: int
    equation: str
    samples: int
    treatment: str

    def __str__(self) -> str:
        return f"{self.equation}-{self.samples}-{self.treatment}-{self.seed}"


def arms_of(preset: Preset, script: str) -> tuple[Arm, ...]:
    """The arms of a script, all of one seed before those of the next."""
    return tuple(
        Arm(seed, plan.equation, samples, treatment)
        for seed in preset.seeds
        for plan in preset.plans[script]
        for samples in plan.samples
        for treatment in plan.treatments
    )


def identity(preset: Preset, arm: Arm) -> dict[str, Any]:
    """All that the outcome of an arm depends on."""
    training = preset.training.settings(arm.samples, arm.seed)
    return {
        **asdict(arm),
        "data": preset.recipe(arm.equation).model_dump(mode="json", exclude={"splits", "shard"}),
        "first": first_trajectory(preset, arm),
        "stride": preset.stride.model_dump(),
        "frames": preset.frames.model_dump(),
        "model": preset.model.model_dump(),
        "training": training.outcome(),
        "test": preset.trajectories.test,
        "forecast": preset.forecast.model_dump(),
        "shown": load_treatments()[arm.treatment].model_dump(mode="json", exclude={"meaning"}, exclude_none=True),
    }


def first_trajectory(preset: Preset, arm: Arm) -> int:
    """Where the trajectories of a seed begin in the dataset."""
    return arm.seed * preset.trajectories.block


def folder_of(runs: Path, preset: Preset, arm: Arm) -> Path:
    """Of an arm; another one when anything changes that its outcome depends on."""
    return runs / preset.name / f"{arm}-{fingerprint(identity(preset, arm))}"


def result_of(runs: Path, preset: Preset, arm: Arm) -> dict[str, Any] | None:
    """What an arm gave, or None while there is nothing."""
    path = folder_of(runs, preset, arm) / "result.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None


def training_of(runs: Path, preset: Preset, arm: Arm, device: str) -> Training:
    """The arm as a training that another process can run."""
    steps = preset.training.settings(arm.samples, arm.seed).steps
    return Training(str(arm), folder_of(runs, preset, arm), steps, RunArm(runs, preset, arm, device))


def unmoved(u: Tensor, times: Tensor, samples: Tensor) -> Tensor:
    """The frames as they are."""
    return u


@dataclass(frozen=True)
class RunArm:
    """Trains an arm, from its last checkpoint where there is one, scores it, and writes its result.

    Args:
        runs: folder of all that is computed.
        preset: the sizes.
        arm: which one.
        device: where, "cpu" or "cuda".
    """

    runs: Path
    preset: Preset
    arm: Arm
    device: str

    def __call__(self) -> None:
        """Does it."""
        preset, arm, folder = self.preset, self.arm, folder_of(self.runs, self.preset, self.arm)
        first, recipe = first_trajectory(preset, arm), preset.recipe(arm.equation)
        solutions = Solutions(self.runs, recipe, "train", slice(first, first + arm.samples))
        windows = solutions.windows(preset.stride, preset.frames.into, preset.frames.out, self.device)
        treatment, account = load_treatments()[arm.treatment], {}
        drawn, augmentation = shown(treatment, windows)
        if treatment.learned is not None:
            drawn, account = learned_windows(solutions, windows, treatment.learned, preset.stride, arm.seed, folder)
        model = fno(
            preset.frames.into,
            preset.frames.out,
            fields=len(windows.fields),
            seed=arm.seed,
            **preset.model.model_dump(),
        ).to(self.device)
        settings = preset.training.settings(arm.samples, arm.seed)
        train(model, drawn, settings, folder, augmentation=augmentation, progress=False)
        result = {
            **asdict(arm),
            "metric": METRIC,
            "steps": settings.steps,
            "parameters": sum(weight.numel() for weight in model.parameters()),
            "train_seconds": read_metrics(folder)[-1]["seconds"],
            "device": self.device,
            **self.scores(model),
            **({"learned": account} if account else {}),
            "identity": identity(preset, arm),
        }
        write_atomically(folder / "result.json", (json.dumps(result, indent=1) + "\n").encode())

    def scores(self, model: torch.nn.Module) -> dict[str, Any]:
        """The errors of its predictions of all test trajectories."""
        errors = forecast_errors(self.runs, self.preset, self.arm, model, self.device)
        return {
            "nmse_unrolled": float(errors.sum(1).mean()),
            "nmse_first_block": float(errors[:, : self.preset.frames.out].mean()),
            "nmse_per_frame": errors.mean(0).tolist(),
            "nmse_per_sample": errors.sum(1).tolist(),
        }


def forecast_errors(
    runs: Path,
    preset: Preset,
    arm: Arm,
    model: torch.nn.Module,
    device: str,
    motion: Callable[[Tensor, Tensor, Tensor], Tensor] = unmoved,
) -> Tensor:
    """The error of every predicted frame of all test trajectories, (sample, frame).

    Args:
        runs: folder of all that is computed.
        preset: the sizes.
        arm: whose model it is.
        model: the operator.
        device: where it is.
        motion: (frames, times, numbers of the samples) → frames that are predicted instead.
    """
    frames, blocks = preset.frames, preset.forecast.blocks
    solutions = Solutions(runs, preset.recipe(arm.equation), "test", slice(preset.trajectories.test))
    windows = solutions.windows(preset.stride, frames.into, frames.out * blocks, device)
    errors = []
    model.eval()
    for samples in torch.arange(windows.samples).split(64):
        window = windows.gather(samples, torch.full_like(samples, preset.forecast.start))
        u = motion(torch.cat([window.u_in, window.u_out], 1), window.times, samples)
        with torch.no_grad():
            prediction = unroll(model, u[:, : frames.into], blocks)
        errors.append(unrolled_nmse(prediction, u[:, frames.into :]).frames)
    return torch.cat(errors)
