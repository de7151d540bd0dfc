"""The training loop."""

import gc
import hashlib
import math
import platform
import time
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, is_dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from pdesym import __version__
from pdesym.operators.storage import LAST, last_checkpoint, read_config
from pdesym.symmetry.mirror.constraint import constrained_tensors
from pdesym.symmetry.mirror.strength import constraint_parameters, optimiser_groups
from pdesym.training.batches import Augmentation, RandomWindows, TrainingWindows, draw_batch, step_generator, step_seed
from pdesym.training.checkpoint import held, load_checkpoint, save_checkpoint
from pdesym.training.described_modules import described_modules
from pdesym.training.devices import Processes, joined_processes
from pdesym.training.losses import mean_squared_error
from pdesym.training.metrics import MetricsLog, read_metrics
from pdesym.training.progress import steps_shown
from pdesym.training.settings import TrainingSettings

Loss = Callable[[Tensor, Tensor], Tensor]
Penalty = Callable[[nn.Module, torch.Generator], Tensor]
Validation = Callable[[nn.Module], Mapping[str, float]]

_OPTIONAL = ("penalty", "constraints", "modules", "motion")
"""What an identity has only where there is one."""


@dataclass(frozen=True)
class TrainingRun:
    """A training that came to its end.

    Args:
        directory: its folder, with the checkpoints and `metrics.jsonl`.
        metrics: the lines of `metrics.jsonl`.
    """

    directory: Path
    metrics: tuple[dict[str, Any], ...]


def train(
    model: nn.Module,
    windows: TrainingWindows,
    settings: TrainingSettings,
    directory: str | Path,
    augmentation: Augmentation | None = None,
    validation: Validation | None = None,
    loss: Loss = mean_squared_error,
    penalty: Penalty | None = None,
    progress: bool = True,
) -> TrainingRun:
    """Trains a model in place, from the last checkpoint in the folder where there is one.

    A step depends on the weights, the settings and its own number alone. A run that was killed at any moment and
    started again by the same call therefore ends with the same weights, bit for bit on a CPU with the same number of
    threads. A call on a finished run trains nothing and fills the model with the final weights.

    Under torchrun each process draws the whole batch, trains on its share, and the gradients are averaged. All of
    them need to see the folder; the first one writes.

    Args:
        model: on the device and in the precision to train in.
        windows: the data, on the same device and in the same precision; `RandomWindows` move at random.
        settings: how to train.
        directory: folder of the run, made where it is missing.
        augmentation: (u_in, u_out, times, generator) → (u_in, u_out) on the whole batch of a step.
        validation: numbers by name, from the model in evaluation mode and without gradients; for the metrics.
        loss: (prediction, target) → one number, a mean over the batch.
        penalty: (model, generator) → one number that is added to the loss, all its randomness drawn from the generator,
            which is on the CPU; it may differentiate the model, as `TangentTargets` does.
        progress: whether to show it, as a bar on a terminal and as plain lines elsewhere.

    Raises:
        ValueError: when the folder holds the run of another model or of other settings, a checkpoint is damaged, the
            windows are elsewhere than the model, or a batch does not divide among the processes.
        RuntimeError: when another process trains into the folder.
        FloatingPointError: when the loss is no longer finite; checkpoints written before stay.
    """
    directory = Path(directory)
    device = next(model.parameters()).device
    was_training = model.training
    with (
        joined_processes(device) as processes,
        held(directory) if processes.leads else nullcontext(),
        torch.random.fork_rng(devices=[device] if device.type == "cuda" else []),
    ):
        share = processes.share(settings.batch)
        optimiser = torch.optim.AdamW(
            _groups(model, settings),
            lr=settings.learning_rate,
            weight_decay=settings.weight_decay,
            fused=not any(weight.is_complex() for weight in model.parameters()),  # faster, for real numbers alone
        )
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, settings.learning_rate, total_steps=settings.steps)
        identity = _identity(model, settings, windows, augmentation, loss, penalty)
        done, seconds = _resume(directory, model, optimiser, schedule, identity)
        processes.wait()  # until all have read the checkpoint
        log = MetricsLog(directory, done) if processes.leads else None
        clock = _Clock(seconds, done)

        parallel = _parallel(model, processes)
        model.train()
        with steps_shown(progress and processes.leads, "training", done, settings.steps) as advance:
            for step in range(done + 1, settings.steps + 1):
                u_in, u_out = draw_batch(windows, settings.batch, settings.seed, step, augmentation)
                _require_like_model(u_in, model)
                _seed_modules(device, step_seed(settings.seed, step, "model", processes.rank))
                rate = schedule.get_last_lr()[0]

                optimiser.zero_grad()
                value = loss(parallel(u_in[share]), u_out[share])
                if penalty is not None:
                    # It calls `model`: the wrapper `parallel` serves one plain forward pass a step.
                    value = value + penalty(model, step_generator(settings.seed, step, "penalty"))
                value.backward()
                if settings.gradient_clip is not None:
                    nn.utils.clip_grad_norm_(model.parameters(), settings.gradient_clip)
                optimiser.step()
                schedule.step()
                advance(1)

                last = step == settings.steps
                saves = last or step % settings.checkpoint_every == 0
                validates = last or (settings.validate_every is not None and step % settings.validate_every == 0)
                logs = validates or step % settings.log_every == 0
                if saves or logs:  # reading the loss waits for the device
                    number = _mean_over_processes(value, processes)
                    _require_finite(number, step, settings, directory)
                if logs and log is not None:
                    line: dict[str, Any] = {
                        "step": step,
                        "loss": number,
                        "learning_rate": rate,
                        **clock.read(step, settings.batch),
                    }
                    if validates and validation is not None:
                        line["validation"] = _validate(validation, model)
                    log.write(line)
                if saves and processes.leads:
                    state = {
                        "step": step,
                        "seconds": clock.seconds(),
                        "optimiser": optimiser.state_dict(),
                        "schedule": schedule.state_dict(),
                    }
                    record = {"training": identity, "made_with": _environment(device, processes)}
                    save_checkpoint(directory, model, step, state, record, settings.keep_checkpoints)
        processes.wait()  # until the last checkpoint is there for all
        # The wrapper holds the process group, whose threads must end before the group is left.
        del parallel
        gc.collect()
    model.train(was_training)
    return TrainingRun(directory, tuple(read_metrics(directory)))


def _groups(model: nn.Module, settings: TrainingSettings) -> list[nn.Parameter] | list[dict[str, Any]]:
    """The parameters; the factors of constraints by symmetry apart, without weight decay.

    AdamW's decay is no term of the loss, and so no norm of what the factors make: `ConstraintPenalty` is.
    """
    if not constraint_parameters(model):
        return list(model.parameters())
    return optimiser_groups(model, 0.0, settings.weight_decay)


def _identity(
    model: nn.Module,
    settings: TrainingSettings,
    windows: TrainingWindows,
    augmentation: Augmentation | None,
    loss: Loss,
    penalty: Penalty | None,
) -> dict[str, Any]:
    """What a run must keep when it is resumed."""
    moving = {"motion": windows.motion} if isinstance(windows, RandomWindows) else {}
    return (
        {
            **settings.outcome(),
            "samples": windows.samples,
            "starts": windows.starts,
            "data": _digest(windows),
            "augmentation": None if augmentation is None else _name(augmentation),
            "loss": _name(loss),
        }
        | ({} if penalty is None else {"penalty": _name(penalty)})
        | ({"constraints": constraints} if (constraints := _constraints(model)) else {})
        | ({"modules": modules} if (modules := described_modules(model)) else {})
        | moving
    )


def _constraints(model: nn.Module) -> dict[str, str]:
    """Which tensors of a model are under which constraint."""
    return {found.name: found.constraint.extra_repr() for found in constrained_tensors(model)}


def _digest(windows: TrainingWindows) -> str:
    """A short hash of the first window of the first trajectories, so that a run is not continued on other data."""
    samples = torch.arange(min(windows.samples, 64))
    window = windows.gather(samples, torch.zeros_like(samples))
    parts = (window.u_in, window.u_out, window.times)
    return hashlib.sha256(b"".join(part.cpu().contiguous().numpy().tobytes() for part in parts)).hexdigest()[:16]


def _name(function: Callable[..., Any]) -> str:
    if is_dataclass(function):
        return repr(function)
    named = function if hasattr(function, "__qualname__") else type(function)
    return f"{named.__module__}.{named.__qualname__}"


def _resume(
    directory: Path,
    model: nn.Module,
    optimiser: torch.optim.Optimizer,
    schedule: torch.optim.lr_scheduler.LRScheduler,
    identity: Mapping[str, Any],
) -> tuple[int, float]:
    """Fills model, optimiser and schedule from the last checkpoint; the steps and seconds it took, 0 without one."""
    if not (directory / LAST).exists():
        return 0, 0.0
    saved = read_config(last_checkpoint(directory)).get("training", {})
    for key in dict.fromkeys((*identity, *_OPTIONAL)):
        before, now = saved.get(key), identity.get(key)
        if before != now:
            raise ValueError(
                f"The run in {directory} was started with {key} = {before}, got {now}: give the same to continue it, "
                "or take another folder."
            )
    state = load_checkpoint(directory, model)
    optimiser.load_state_dict(state["optimiser"])
    schedule.load_state_dict(state["schedule"])
    return state["step"], state["seconds"]


def _parallel(model: nn.Module, processes: Processes) -> nn.Module:
    if processes.world == 1:
        return model
    device = next(model.parameters()).device
    return DistributedDataParallel(model, device_ids=[device] if device.type == "cuda" else None)


def _require_like_model(u: Float[Tensor, "..."], model: nn.Module) -> None:
    weight = next(model.parameters())
    if u.device != weight.device or u.dtype != weight.dtype.to_real():
        raise ValueError(
            f"The windows are {u.dtype} on {u.device} and the model is {weight.dtype} on {weight.device}: open the "
            "windows with the model's device and dtype, or move the model."
        )


def _seed_modules(device: torch.device, seed: int) -> None:
    """Decides what modules like dropout draw from torch's global generators."""
    torch.default_generator.manual_seed(seed)
    if device.type == "cuda":
        torch.cuda.default_generators[device.index].manual_seed(seed)


def _mean_over_processes(value: Float[Tensor, ""], processes: Processes) -> float:
    mean = value.detach().clone()
    if processes.world > 1:
        dist.all_reduce(mean)
    return float(mean) / processes.world


def _require_finite(number: float, step: int, settings: TrainingSettings, directory: Path) -> None:
    if not math.isfinite(number):
        raise FloatingPointError(
            f"The loss is {number} at step {step} in {directory}: train into another folder with a learning_rate below "
            f"{settings.learning_rate} or with gradient_clip."
        )


def _validate(validation: Validation, model: nn.Module) -> dict[str, float]:
    model.eval()
    with torch.no_grad():
        numbers = {name: float(number) for name, number in validation(model).items()}
    model.train()
    return numbers


class _Clock:
    """Wall time of a run over all its parts, and the speed since the last reading."""

    def __init__(self, seconds: float, step: int):
        self._before = seconds
        self._began = self._reading = time.perf_counter()
        self._step = step

    def seconds(self) -> float:
        return self._before + time.perf_counter() - self._began

    def read(self, step: int, batch: int) -> dict[str, float | int]:
        now = time.perf_counter()
        speed = (step - self._step) * batch / (now - self._reading)
        self._reading, self._step = now, step
        return {"seconds": self.seconds(), "samples_per_second": speed, "threads": torch.get_num_threads()}


def _environment(device: torch.device, processes: Processes) -> dict[str, Any]:
    """What decides the last bits of the weights beside the run's identity."""
    return {
        "python": platform.python_version(),
        "pdesym": __version__,
        "torch": torch.__version__,
        "neuraloperator": version("neuraloperator"),
        "device": str(device) if device.type == "cpu" else torch.cuda.get_device_name(device),
        "threads": torch.get_num_threads(),
        "processes": processes.world,
    }
