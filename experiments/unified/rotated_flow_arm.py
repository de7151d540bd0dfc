"""One arm: an operator trained on flows along x, and its errors on such flows and on turned ones."""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from experiments.forecasting.settings import fingerprint
from experiments.unified.rotated_flow_data import grid_of, turned, windows
from experiments.unified.rotated_flow_preset import FIELDS, Preset
from pdesym.operators import SpectralConvolution, load_operator
from pdesym.operators.symmetric import enforce, p4
from pdesym.report.atomic import write_atomically
from pdesym.training import train, unroll


@dataclass(frozen=True)
class Arm:
    """What tells an arm from others.

    Attributes:
        operator: "fno", "p4" or "p4m".
        rate: peak of the learning rate.
        seed: of weights and windows.
    """

    operator: str
    rate: float
    seed: int


def result_of(preset: Preset, arm: Arm, runs: Path, device: str = "cpu", progress: bool = True) -> dict[str, Any]:
    """What an arm gave; it is trained where that is not there yet, from its last checkpoint on."""
    folder = folder_of(preset, arm, runs)
    return _kept(folder / "result.json", lambda: trained(preset, arm, folder, device, progress))


def averaged_result_of(preset: Preset, arm: Arm, runs: Path, device: str = "cpu") -> dict[str, Any]:
    """What the operator of a trained arm gives when it is averaged over the quarter turns, F(u) = ¼ Σ r⁻ʲ F₀(rʲ u)."""
    folder = folder_of(preset, arm, runs)

    def average() -> dict[str, Any]:
        model = enforce(load_operator(folder, device), [p4(FIELDS)], grid_of(preset), (0.0,), (1.0,))
        trained_alone = result_of(preset, arm, runs, device)
        return {**trained_alone, "operator": "averaged", **measured(preset, model, device)}

    return _kept(folder / "averaged.json", average)


def folder_of(preset: Preset, arm: Arm, runs: Path) -> Path:
    """Of an arm; another one when anything changes that its outcome depends on."""
    key = fingerprint({**asdict(preset), "rates": None, "seeds": None, "widths": dict(preset.widths)[arm.operator]})
    return runs / f"{arm.operator}-{arm.rate:g}-{arm.seed}-{key}"


def _kept(path: Path, make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    if not path.is_file():
        write_atomically(path, (json.dumps(make(), indent=1) + "\n").encode())
    return dict(json.loads(path.read_text(encoding="utf-8")))


def trained(preset: Preset, arm: Arm, folder: Path, device: str, progress: bool) -> dict[str, Any]:
    """Trains an arm and scores it."""
    shown = windows(preset, "train", device)
    increment = float((shown.u[:, 1:] - shown.u[:, :-1]).square().mean().sqrt())
    model = preset.operator(arm.operator, arm.seed, increment).build().to(device)
    run = train(model, shown, preset.settings(arm.rate, arm.seed), folder, progress=progress)
    return {
        **asdict(arm),
        "width": dict(preset.widths)[arm.operator],
        "parameters": independent_parameters(model),
        "stored": sum(weight.numel() for weight in model.parameters()),
        "train_seconds": run.metrics[-1]["seconds"],
        "train_loss": run.metrics[-1]["loss"],
        **measured(preset, model, device),
    }


def measured(preset: Preset, model: nn.Module, device: str) -> dict[str, Any]:
    """Its errors on the validation trajectories and on those of the test, as they are and turned."""
    model.eval()
    test = windows(preset, "test", device).u
    return {
        "validation": one_step_error(model, windows(preset, "validation", device).u),
        "test": {"as_trained": scores(preset, model, test), "turned": scores(preset, model, turned(test))},
    }


def step_seconds(preset: Preset, operator: str, device: str = "cpu") -> float:
    """CPU-seconds of a forward and a backward pass over one batch, on a GPU seconds; the least of five."""
    model = preset.operator(operator, 0, 1.0).build().to(device)
    u = torch.zeros(preset.batch, 1, 1, preset.points, preset.points, device=device)
    clock, seconds = time.process_time if device == "cpu" else _synchronised, []
    for _ in range(5):
        began = clock()
        model(u).square().mean().backward()
        seconds.append(clock() - began)
    return min(seconds)


def _synchronised() -> float:
    torch.cuda.synchronize()
    return time.perf_counter()


def independent_parameters(model: nn.Module) -> int:
    """Real numbers that its map depends on.

    On the plane k_d = 0 a `SpectralConvolution` stores W(k) and W(−k)*, of which only the mean acts.
    """
    stored = sum(weight.numel() for weight in model.parameters())
    convolutions = [layer for layer in model.modules() if isinstance(layer, SpectralConvolution)]
    return stored - sum(layer.weight.select(layer.dims - 1, 0).numel() // 2 for layer in convolutions)


def scores(preset: Preset, model: nn.Module, u: Tensor) -> dict[str, Any]:
    """Errors of single steps, and of forecasts."""
    frames = forecast_errors(preset, model, u)
    return {"one_step": one_step_error(model, u), "forecast": sum(frames) / len(frames), "forecast_frames": frames}


def one_step_error(model: nn.Module, u: Tensor) -> float:
    """‖F w(t) − w(t + 1)‖/‖w(t + 1)‖, the mean over all trajectories and times; dimensionless."""
    given, expected = u[:, :-1].flatten(0, 1)[:, None], u[:, 1:].flatten(0, 1)[:, None]
    return float(_relative(_in_pieces(model, given), expected).mean())


def forecast_errors(preset: Preset, model: nn.Module, u: Tensor) -> list[float]:
    """The same of each frame when the operator is fed its own output, from the frame `first` on."""
    last = preset.first + preset.blocks
    forecast = _in_pieces(lambda start: unroll(model, start, preset.blocks), u[:, preset.first : preset.first + 1])
    return [float(error) for error in _relative(forecast, u[:, preset.first + 1 : last + 1]).mean(0)]


def _relative(given: Tensor, expected: Tensor) -> Tensor:
    """Of each sample and frame."""
    error, size = ((x.double().flatten(2)).norm(dim=2) for x in (given - expected, expected))
    return error / size


def _in_pieces(function: Callable[[Tensor], Tensor], u: Tensor) -> Tensor:
    with torch.no_grad():
        return torch.cat([function(piece) for piece in u.split(32)])


def chosen_rates(runs: list[Mapping[str, Any]]) -> dict[str, float]:
    """Of each operator the learning rate with the least error on the validation trajectories."""
    best: dict[str, Mapping[str, Any]] = {}
    for run in runs:
        name = run["operator"]
        if name not in best or run["validation"] < best[name]["validation"]:
            best[name] = run
    return {name: run["rate"] for name, run in best.items()}
