"""One arm: an FNO that learns u(0) → u(T) in one of four ways, and what it is worth."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from experiments.forecasting.settings import fingerprint
from experiments.unified.operators_problem import BOOST, CANDIDATES, PROBLEMS, TIME, WAYS, Problem
from experiments.unified.operators_scores import scores
from pdesym.operators import Scaling, enforce, fno, reflection
from pdesym.report.atomic import write_atomically
from pdesym.symmetry import Generator, RandomFlow
from pdesym.symmetry.promote import SymmetryPenalty
from pdesym.training import SymmetryPromotion, Training, TrainingSettings, train

SEEN, UNSEEN = 1.0, (1.5, 2.0)
"""Boosts in units of the fluctuation: up to which augmentation and promotion go, and those that no arm has seen."""


@dataclass(frozen=True)
class Preset:
    """The sizes of the study.

    Attributes:
        samples: numbers of training pairs.
        middle: the one at which several strengths of breaking are compared.
        test: pairs to score.
        steps: of a training.
        batch: pairs in a step.
        modes: of the FNO.
        width: of the FNO.
        layers: of the FNO.
        learning_rate: peak.
        weight: of the penalty of promoted operators, in units of the mean square of the fields.
        weight_informed: of that of informed ones, which has a third part.
        inputs: of the penalties in a step.
        broken: the drag of the broken versions, times T.
        ladder: other strengths.
        seeds: of weights and batches.
    """

    samples: tuple[int, ...] = (32, 128, 512)
    middle: int = 128
    test: int = 128
    steps: int = 700
    batch: int = 16
    modes: int = 16
    width: int = 32
    layers: int = 4
    learning_rate: float = 4e-3
    weight: float = 3e-2
    weight_informed: float = 1e-2
    inputs: int = 4
    broken: float = 0.2
    ladder: tuple[float, ...] = (0.0, 0.1, 0.4)
    seeds: tuple[int, ...] = (0, 1, 2)


PRESETS = {
    "laptop": Preset(),
    "paper": Preset(samples=(64, 512, 4096), middle=512, test=512, steps=20_000, width=64, learning_rate=1e-3),
}


@dataclass(frozen=True)
class Arm:
    """What tells an arm from others.

    Attributes:
        problem: name of the equation.
        breaking: the drag times T.
        means: whether the training fields have means, up to the fluctuation; else these are zero.
        way: of training.
        samples: pairs to train on.
        seed: of weights and batches.
    """

    problem: str
    breaking: float
    means: bool
    way: str
    samples: int
    seed: int

    @property
    def name(self) -> str:
        """For people and folders."""
        means = "-means" if self.means else ""
        return f"{self.problem}-{self.breaking:g}{means}-{self.samples}-{self.way}-{self.seed}"


@dataclass(frozen=True)
class Pairs:
    """Windows of one frame each, all from 0 to T."""

    u_in: Tensor
    u_out: Tensor
    duration: float

    @property
    def samples(self) -> int:
        """Number of pairs."""
        return len(self.u_in)

    @property
    def starts(self) -> int:
        """One: every pair starts at 0."""
        return 1

    @property
    def times(self) -> Tensor:
        """0 and T for each pair."""
        return torch.tensor([0.0, self.duration], dtype=torch.float64).expand(self.samples, 2)

    def gather(self, sample: Tensor, start: Tensor) -> "Pairs":
        """Some of the pairs."""
        return Pairs(self.u_in[sample], self.u_out[sample], self.duration)


def arms_of(preset: Preset) -> list[Arm]:
    """All arms: symmetric equations on fields of zero mean, broken ones on fields with means, and their ladder."""
    found = []
    for problem in PROBLEMS:
        for seed in preset.seeds:
            for samples in preset.samples:
                found += [Arm(problem, 0.0, False, way, samples, seed) for way in WAYS]
                found += [Arm(problem, preset.broken, True, way, samples, seed) for way in WAYS]
            for breaking in preset.ladder:
                found.append(Arm(problem, breaking, True, "informed", preset.middle, seed))
    return found


def folder_of(runs: Path, preset: Preset, arm: Arm) -> Path:
    """Where the arm is trained: another one for other sizes."""
    sizes = {
        **asdict(preset),
        "samples": None,
        "middle": None,
        "seeds": None,
        "ladder": None,
        "weight": None,
        "weight_informed": None,
        "penalty": weight_of(preset, arm),
        "problem": repr(PROBLEMS[arm.problem]),
    }
    return runs / f"{arm.name}-{fingerprint(sizes)}"


def weight_of(preset: Preset, arm: Arm) -> float:
    """Of the penalty of an arm, 0 where it has none."""
    weights = {"promoted": preset.weight, "informed": preset.weight_informed}
    return weights.get(arm.way.replace("-", " ").partition(" ")[0], 0.0)


def result_of(runs: Path, preset: Preset, arm: Arm) -> dict[str, Any] | None:
    """What the arm gave, None where it is not done."""
    path = folder_of(runs, preset, arm) / "scores.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


def training_of(runs: Path, preset: Preset, arm: Arm, device: str) -> Training:
    """The arm as something to run beside others."""
    return Training(arm.name, folder_of(runs, preset, arm), preset.steps, partial(run, runs, preset, arm, device))


def run(runs: Path, preset: Preset, arm: Arm, device: str) -> None:
    """Trains from the last checkpoint on, and scores."""
    problem = PROBLEMS[arm.problem]
    pairs = pairs_of(problem, arm, device)
    flow = RandomFlow(BOOST, problem.grid, SEEN * problem.fluctuation) if arm.way == "augmented" else None
    candidates = {"promoted": [v for v in CANDIDATES if v != TIME], "informed": CANDIDATES}.get(arm.way)
    penalty = None if candidates is None else promotion_of(problem, preset, arm, pairs, candidates)
    model = operator_of(problem, preset, arm).to(device)
    train_and_score(folder_of(runs, preset, arm), preset, arm, model, pairs, flow, penalty)


def pairs_of(problem: Problem, arm: Arm, device: str) -> Pairs:
    """What an arm is trained on, in float32."""
    most = SEEN if arm.means else 0.0
    pairs = problem.pairs(arm.breaking, arm.samples, test=False, least=0.0, most=most)
    u_in, u_out = (u.float().unsqueeze(1).to(device) for u in pairs)
    return Pairs(u_in, u_out, problem.duration)


def train_and_score(
    folder: Path,
    preset: Preset,
    arm: Arm,
    model: nn.Module,
    pairs: Pairs,
    augmentation: RandomFlow | None = None,
    penalty: SymmetryPromotion | None = None,
) -> None:
    """Trains a model from the last checkpoint in the folder on, and writes what it is worth beside it."""
    settings = TrainingSettings(
        steps=preset.steps,
        batch=preset.batch,
        learning_rate=preset.learning_rate,
        seed=arm.seed,
        log_every=max(1, preset.steps // 20),
        checkpoint_every=max(1, preset.steps // 4),
        keep_checkpoints=1,
    )
    done = train(model, pairs, settings, folder, augmentation, penalty=penalty, progress=False)
    result: dict[str, Any] = {
        **asdict(arm),
        **scores(PROBLEMS[arm.problem], arm.breaking, model, preset.test, SEEN if arm.means else 0.0, UNSEEN),
        "seconds": done.metrics[-1]["seconds"],
    }
    write_atomically(folder / "scores.json", (json.dumps(result, indent=1) + "\n").encode())


def operator_of(problem: Problem, preset: Preset, arm: Arm) -> nn.Module:
    """The network of an arm before training, inside its symmetries where they are enforced."""
    if arm.way != "enforced":
        return fno(1, 1, modes=preset.modes, width=preset.width, layers=preset.layers, seed=arm.seed)
    symmetries: list[Any] = [BOOST]
    symmetries += [reflection()] if problem.odd else []
    parameters: Mapping[str, float] = {}
    if problem.scaling is not None:
        b, a = problem.scaling
        symmetries.append(Scaling("length", u=b, t=a, x=1))
        parameters = {"length": problem.grid.length[0], "duration": problem.duration}
    inner = fno(
        1,
        1,
        modes=preset.modes,
        width=preset.width,
        layers=preset.layers,
        seed=arm.seed,
        parameters=tuple(parameters),
        reference=tuple(parameters.values()),
    )
    return enforce(inner, symmetries, problem.grid, [0.0], [problem.duration])


def promotion_of(
    problem: Problem, preset: Preset, arm: Arm, pairs: Pairs, candidates: Sequence[Generator]
) -> SymmetryPromotion:
    """The penalty over the candidates, whether the equation has them or not; ∂_t alone needs to know it."""
    penalty = SymmetryPenalty(candidates, rhs=problem.flow(arm.breaking).rhs if TIME in candidates else None)
    widths = tuple(SEEN * problem.fluctuation * (v == BOOST and not arm.means) for v in candidates)
    times, weight = ((0.0,), (problem.duration,)), weight_of(preset, arm) * problem.fluctuation**2
    return SymmetryPromotion(penalty, pairs.u_in, problem.grid, *times, weight, preset.inputs, widths)
