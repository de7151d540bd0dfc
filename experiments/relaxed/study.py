"""One study: the arms on one problem, trained alike, and scored on inputs with symmetries and on inputs without."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cache, partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from experiments.preset_command import preset_parser
from experiments.relaxed.arms import ARMS, DRAWN, operator
from experiments.relaxed.problems import PROBLEMS, Data, data
from experiments.relaxed.scores import bounds, rounded, scores, with_noise
from experiments.relaxed.study_table import report
from experiments.trial_store import Key, find, run_trials
from pdesym.training import TrainingSettings, train

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Preset:
    """Sizes of a study.

    Attributes:
        symmetric: training pairs whose inputs have a stabiliser.
        generic: training pairs whose inputs have none.
        validation: pairs that choose the level of the noise.
        test: pairs of either kind.
        steps: of a training.
        batch: pairs in a step.
        modes: of the Fourier neural operator.
        width: of it.
        layers: of it.
        learning_rate: peak.
        levels: of the noise, of which validation takes one by the first seed.
        draws: of the noise in a test.
        seeds: of weights and batches.
    """

    symmetric: int = 384
    generic: int = 384
    validation: int = 48
    test: int = 96
    steps: int = 400
    batch: int = 24
    modes: int = 16
    width: int = 24
    layers: int = 3
    learning_rate: float = 5e-3
    levels: tuple[float, ...] = (0.03, 0.1, 0.3)
    draws: int = 8
    seeds: tuple[int, ...] = (0, 1, 2)


PRESETS = {
    "laptop": Preset(),
    "paper": Preset(symmetric=4096, generic=4096, validation=256, test=512, steps=10_000, width=48, layers=4),
}


def nearest_of_the_orbit(
    prediction: Float[Tensor, "batch 1 1 points"], target: Float[Tensor, "batch moved 1 points"]
) -> Float[Tensor, ""]:
    """min over s ∈ G_x of ‖ŷ − s y‖², the mean over points and pairs: any of the outcomes is right.

    For an arm that commutes with translations it is the plain squared error, as its ŷ = s ŷ.
    """
    return (prediction - target).square().mean((2, 3)).amin(1).mean()


def noisy(
    u_in: Float[Tensor, "batch frames 1 points"],
    u_out: Float[Tensor, "batch moved 1 points"],
    times: Float[Tensor, "batch time"],
    rng: torch.Generator,
) -> tuple[Float[Tensor, "batch more 1 points"], Float[Tensor, "batch moved 1 points"]]:
    """Inputs with noise behind them, anew in every step."""
    return with_noise(u_in, rng), u_out


def trial(preset: Preset, key: Key) -> dict[str, Any]:
    """Trains one arm and scores it."""
    problem, arm = PROBLEMS[key["problem"]], key["arm"]
    draws = preset.draws if arm in DRAWN else 0
    training, validation, test = datasets(preset, key["problem"])
    model = trained(preset, key, training)
    scored = partial(scores, model, grid=problem.grid, draws=draws, seed=key["seed"])
    chosen_by = [scored(pairs)["error"] for pairs in (validation.symmetric, validation.generic)]
    return {
        "parameters": sum(weight.numel() for weight in model.parameters()),
        "validation": sum(chosen_by) / 2,
        "symmetric": scored(test.symmetric),
        "generic": scored(test.generic),
    }


def trained(preset: Preset, key: Key, training: Data) -> nn.Module:
    """The operator of an arm after its training; a training is short, so that no checkpoint outlives it."""
    problem, arm = PROBLEMS[key["problem"]], key["arm"]
    pairs = training.symmetric.and_then(training.generic).single()
    model = operator(
        arm, problem.grid, pairs.x.shape[1], preset.modes, preset.width, preset.layers, key["seed"], key["level"]
    )
    settings = TrainingSettings(
        steps=preset.steps,
        batch=preset.batch,
        learning_rate=preset.learning_rate,
        seed=key["seed"],
        log_every=preset.steps,
        checkpoint_every=preset.steps,
        keep_checkpoints=1,
    )
    with TemporaryDirectory() as folder:
        augmentation = noisy if arm in DRAWN else None
        train(model, pairs, settings, Path(folder) / "run", augmentation, loss=nearest_of_the_orbit, progress=False)
    return model


@cache
def datasets(preset: Preset, name: str) -> tuple[Data, Data, Data]:
    """Training, validation and test pairs of a problem."""
    problem = PROBLEMS[name]
    return (
        data(problem, "training", preset.symmetric, preset.generic),
        data(problem, "validation", preset.validation, preset.validation),
        data(problem, "test", preset.test, preset.test),
    )


def run(name: str, problems: tuple[str, ...], preset: Preset, path: Path) -> None:
    """All arms on some problems; those that are in the file are not repeated, and noise takes the level it chose."""
    tests = {problem: datasets(preset, problem)[2].symmetric for problem in problems}
    header = {
        "study": name,
        "sizes": asdict(preset),
        "problems": {problem: asdict(PROBLEMS[problem]) for problem in problems},
        "orders": {problem: pairs.order.tolist() for problem, pairs in tests.items()},
        "bounds": {
            problem: [rounded(value) for value in bounds(pairs, PROBLEMS[problem].grid)]
            for problem, pairs in tests.items()
        },
    }
    levels = [_key(problem, "noise", preset.seeds[0], level) for problem in problems for level in preset.levels]
    rows = run_trials(path, header, levels, partial(trial, preset), report)
    keys = []
    for problem in problems:
        tried = [row for key in levels if key["problem"] == problem and (row := find(rows, key)) is not None]
        level = min(tried, key=lambda row: row["validation"])["level"]
        keys += [key for key in levels if key["problem"] == problem]
        keys += [
            _key(problem, arm, seed, level if arm == "noise" else 0.0)
            for arm in ARMS
            for seed in preset.seeds
            if (arm, seed) != ("noise", preset.seeds[0])
        ]
    run_trials(path, header, keys, partial(trial, preset), report)


def _key(problem: str, arm: str, seed: int, level: float) -> Mapping[str, Any]:
    return {"problem": problem, "arm": arm, "seed": seed, "level": level}


def command(name: str, problems: tuple[str, ...], description: str) -> None:
    """The command of a study: its results go to results/<name>-<preset>.json and .md."""
    parser = preset_parser(description, PRESETS)
    parser.add_argument("--problems", nargs="+", default=problems, choices=problems)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    preset = PRESETS[arguments.preset]
    run(name, tuple(arguments.problems), preset, HERE / "results" / f"{name}-{arguments.preset}.json")
