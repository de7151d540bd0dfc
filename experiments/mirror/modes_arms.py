"""The arms of the experiment on sparse Fourier modes: two phases of training, weights removed between them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from experiments.mirror.modes_preset import Preset
from experiments.mirror.pairs import nmse, pairs, predictions
from experiments.mirror.pruning import (
    cut_highest,
    cut_smallest,
    keep_zeros,
    modes_left,
    share_of_zeros,
    spectral_weights,
)
from pdesym.operators.constrained import sparse_modes
from pdesym.symmetry.mirror import ConstraintPenalty, remove
from pdesym.training import train


@dataclass(frozen=True)
class Penalty:
    """κ/2 Σ factors² + γ/2 Σ|W_io(k)|², terms of the loss: the constraint's, and plain weight decay.

    Args:
        constraint: κ, 0 for an operator without constraints.
        decay: γ, over the spectral weights; both in units of the loss by those of the weights (squared for γ).
    """

    constraint: float
    decay: float

    def __call__(self, model: nn.Module, generator: torch.Generator | None = None) -> Float[Tensor, ""]:
        """The terms; they draw nothing."""
        terms = [ConstraintPenalty(self.constraint)(model)] if self.constraint else []
        if self.decay or not terms:
            terms += [0.5 * self.decay * weight.square().sum() for weight in spectral_weights(model).values()]
        return torch.stack(terms).sum()


def one_cycle(preset: Preset, key: Mapping[str, Any], runs: Path) -> dict[str, Any]:
    """The plain operator, trained for as many steps as the others in one cycle of the learning rate."""
    seed = key["seed"]
    model = preset.operator(seed).build()
    train(model, pairs(preset, "train"), preset.whole(seed), _folder(preset, key, runs, "whole"), progress=False)
    return {**_scores(preset, model), "share": share_of_zeros(model)}


def plain(preset: Preset, key: Mapping[str, Any], runs: Path) -> dict[str, Any]:
    """The plain operator after both phases; with a strength, under that plain decay in both."""
    model = after_both(preset, key["strength"], key["seed"], runs)
    return {**_scores(preset, model), "share": share_of_zeros(model)}


def constrained(preset: Preset, key: Mapping[str, Any], runs: Path, decay: float = 0.0) -> dict[str, Any]:
    """Under the constraint in the first phase; what vanished is removed, and the second phase is free of it."""
    model, removed = _removed(preset, key, runs, decay)
    _second(preset, model, {**key, "decay": decay}, runs, decay)
    return {**_scores(preset, model), **removed, "share": share_of_zeros(model), "modes_left": modes_left(model)}


def pruned(preset: Preset, key: Mapping[str, Any], runs: Path) -> dict[str, Any]:
    """The plain operator after both phases, its smallest weights put to 0, as many as the constraint removed."""
    model = after_both(preset, 0.0, key["seed"], runs)
    cut_smallest(sparse_modes(model, key["per"]), _share(preset, key, runs, 0.0))
    return {**_scores(preset, model), "share": share_of_zeros(model), "modes_left": modes_left(model)}


def tuned(preset: Preset, key: Mapping[str, Any], runs: Path, decay: float = 0.0) -> dict[str, Any]:
    """The plain operator after the first phase, pruned to as many zeros, and the second phase with these kept."""
    model = _first(preset, decay, key["seed"], runs)
    cut_smallest(sparse_modes(model, key["per"]), _share(preset, key, runs, decay))
    keep_zeros(model)
    before = nmse(model, pairs(preset, "test"))
    _second(preset, model, {**key, "decay": decay}, runs, decay)
    return {
        **_scores(preset, model),
        "test_removed": before,
        "share": share_of_zeros(model),
        "modes_left": modes_left(model),
    }


def highest(preset: Preset, key: Mapping[str, Any], runs: Path) -> dict[str, Any]:
    """The plain operator after the first phase, as large a share of its highest modes cut, and the second phase."""
    model = _first(preset, 0.0, key["seed"], runs)
    cut_highest(model, _share(preset, key, runs, 0.0))
    keep_zeros(model)
    before = nmse(model, pairs(preset, "test"))
    _second(preset, model, key, runs, 0.0)
    return {
        **_scores(preset, model),
        "test_removed": before,
        "share": share_of_zeros(model),
        "modes_left": modes_left(model),
    }


def chosen_decay(preset: Preset, runs: Path) -> float:
    """The plain decay with the least error on the validation pairs, for the first seed."""
    validation = pairs(preset, "validation")
    errors = {
        decay: nmse(after_both(preset, decay, preset.seeds[0], runs), validation) for decay in (0.0, *preset.decays)
    }
    return min(errors, key=lambda decay: errors[decay])


def after_both(preset: Preset, decay: float, seed: int, runs: Path) -> nn.Module:
    """A plain operator, under a plain decay or none, after both phases."""
    model = _first(preset, decay, seed, runs)
    key = {"arm": "plain", "strength": decay, "seed": seed}
    _second(preset, model, key, runs, decay)
    return model


def _removed(preset: Preset, key: Mapping[str, Any], runs: Path, decay: float) -> tuple[nn.Module, dict[str, Any]]:
    """The operator after the first phase under a constraint, without what vanished, and what removing it changed."""
    model = preset.operator(key["seed"]).build()
    sparse_modes(model, key["per"], preset.size(key["per"]))
    _first_phase(preset, model, {**key, "arm": "constrained", "decay": decay}, runs, Penalty(key["strength"], decay))
    validation, test = pairs(preset, "validation"), pairs(preset, "test")
    before, test_before = predictions(model, validation), nmse(model, test)
    found = remove(model, preset.tolerance(key["per"]))
    after = predictions(model, validation)
    keep_zeros(model)
    record = {
        "change": float((after - before).norm() / before.norm()),
        "largest_gone": max(each.largest_gone for each in found.tensors.values()),
        "smallest_kept": min(each.smallest_kept for each in found.tensors.values()),
        "test_before": test_before,
        "test_removed": nmse(model, test),
    }
    return model, record


def _share(preset: Preset, key: Mapping[str, Any], runs: Path, decay: float) -> float:
    return share_of_zeros(_removed(preset, key, runs, decay)[0])


def _first(preset: Preset, decay: float, seed: int, runs: Path) -> nn.Module:
    model = preset.operator(seed).build()
    key = {"arm": "plain", "strength": decay, "seed": seed}
    _first_phase(preset, model, key, runs, Penalty(0.0, decay) if decay else None)
    return model


def _first_phase(preset: Preset, model: nn.Module, key: Mapping[str, Any], runs: Path, penalty: Penalty | None) -> None:
    folder = _folder(preset, key, runs, "first")
    train(model, pairs(preset, "train"), preset.first(key["seed"]), folder, penalty=penalty, progress=False)


def _second(preset: Preset, model: nn.Module, key: Mapping[str, Any], runs: Path, decay: float) -> None:
    penalty, folder = Penalty(0.0, decay) if decay else None, _folder(preset, key, runs, "second")
    train(model, pairs(preset, "train"), preset.second(key["seed"]), folder, penalty=penalty, progress=False)


def _folder(preset: Preset, key: Mapping[str, Any], runs: Path, phase: str) -> Path:
    name = "-".join(f"{value:g}" if isinstance(value, float) else str(value) for value in key.values())
    return runs / preset.folder() / f"{name.replace(' ', '_')}-{phase}"


def _scores(preset: Preset, model: nn.Module) -> dict[str, float]:
    return {split: nmse(model, pairs(preset, split)) for split in ("train", "validation", "test")}


ARMS: dict[str, Callable[[Preset, Mapping[str, Any], Path], dict[str, Any]]] = {
    "one cycle": one_cycle,
    "plain": plain,
    "constrained": constrained,
    "pruned": pruned,
    "pruned and tuned": tuned,
    "highest modes cut and tuned": highest,
}
