"""Which motions may an operator be averaged over? Augerino (Benton et al., NeurIPS 2020) for u(0) → u(T).

    OMP_NUM_THREADS=1 .venv/bin/python -m experiments.related.augerino                  # eight CPU-minutes
    OMP_NUM_THREADS=1 .venv/bin/python -m experiments.related.augerino --preset paper   # hours

A network S that can tell places apart is averaged over random motions, S̄(u) = E g_T⁻¹ S(g_0 u). The widths of the
motions, from 0 (none) to 1 (the whole period; boosts up to the fluctuation of the fields; amplitudes by a factor of
two), are learned with the weights from squared errors, less a reward for width. Four candidates: the translation, the
boost t ∂_x + ∂_u, the same with the wrong sign, −t ∂_x + ∂_u, and u ∂_u. Burgers' equation in four settings whose truth
is known:

    whole   fields with means up to the fluctuation: translation and boost are symmetries, the two others are not
    still   fields of zero mean: nothing in the data speaks of either boost, so both may be wide
    drag    with a drag −γu: the boost is none
    forced  with a force that depends on the place: none is left

and four ways: `plain` S, `learned` widths with the reward, `unrewarded` widths, and an operator inside translation and
boost by construction (`enforced`). Repeating the command continues.
"""

import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from experiments.preset_command import chosen_preset
from experiments.related.augerino_average import Candidate, OrbitAverage, PlacedOperator
from experiments.related.augerino_table import figure, report
from experiments.trial_store import Key, run_trials
from pdesym.operators import enforce, fno
from pdesym.report.figures.png import save_figure
from pdesym.solvers import Equation, Grid, RandomSinusoids, solve
from pdesym.symmetry import Generator

HERE = Path(__file__).parent
GRID, DURATION, AMPLITUDE = Grid(64, length=2 * math.pi), 1.0, 0.5
FLUCTUATION = AMPLITUDE * (10 / 6) ** 0.5
"""Root mean square of the initial fields about their mean, of ten sinusoids."""
BOOST = Generator("t*d_x + d_u")
CANDIDATES = (
    Candidate("translation", Generator("d_x"), math.pi),
    Candidate("boost", BOOST, FLUCTUATION),
    Candidate("wrong boost", Generator("-t*d_x + d_u"), FLUCTUATION),
    Candidate("amplitude", Generator("u*d_u"), math.log(2.0)),
)
BURGERS = "u_t = -u*u_x + 0.1*u_xx"
SETTINGS: dict[str, tuple[str, float, tuple[int | None, ...]]] = {
    "whole": (BURGERS, 1.0, (1, 1, 0, 0)),
    "still": (BURGERS, 0.0, (1, None, None, 0)),
    "drag": (f"{BURGERS} - 0.5*u", 1.0, (1, 0, 0, 0)),
    "forced": (f"{BURGERS} + sin(x)", 1.0, (0, 0, 0, 0)),
}
"""Equation, largest mean in units of the fluctuation, true widths (None: the data do not say)."""
WAYS = ("plain", "learned", "unrewarded", "enforced")
FAR = (1.5, 2.0)
"""Size of the means of the second test, in units of the fluctuation."""


@dataclass(frozen=True)
class Preset:
    """Sizes.

    Attributes:
        seeds: of data, weights and draws.
        samples: training pairs.
        test: pairs to score, for each of two tests.
        steps: of a training.
        batch: pairs in a step.
        draws: of the motion for each pair in a step.
        test_draws: of the motion for each pair in a test, several numbers to compare.
        modes: of the networks.
        width: channels of the networks.
        layers: of the networks.
        learning_rate: peak, of the weights.
        width_rate: of the widths.
        reward: λ of the loss E‖S̄(u) − y‖²/σ² − λ Σ wᵢ, σ the fluctuation.
        start: widths at first.
    """

    seeds: int = 3
    samples: int = 256
    test: int = 128
    steps: int = 1000
    batch: int = 16
    draws: int = 1
    test_draws: tuple[int, ...] = (1, 4, 16)
    modes: int = 12
    width: int = 24
    layers: int = 3
    learning_rate: float = 4e-3
    width_rate: float = 2e-2
    reward: float = 0.005
    start: float = 0.3


PRESETS = {"laptop": Preset(), "paper": Preset(seeds=10, samples=1024, test=512, steps=10_000, width=64, layers=4)}


def pairs(setting: str, samples: int, seed: int, least: float, most: float) -> tuple[Tensor, Tensor]:
    """Initial fields whose means are of a size between two multiples of the fluctuation, and what becomes of them."""
    law = RandomSinusoids(terms=10, amplitude=AMPLITUDE, waves=(1, 2, 3))
    rng = torch.Generator().manual_seed(seed)
    size, sign = torch.rand(2, samples, generator=rng, dtype=torch.float64)
    means = FLUCTUATION * (least + (most - least) * size) * torch.where(sign < 0.5, -1.0, 1.0)
    u = law.sample(GRID, range(samples), seed=(seed, 0)) + means.reshape(-1, 1, 1)
    then = solve(Equation(SETTINGS[setting][0]), u, GRID, [0.0, DURATION], rtol=1e-6).u[:, -1]
    return u.float(), then.float()


def averaged(preset: Preset, way: str, seed: int) -> OrbitAverage:
    """S̄ of a way before training: with no candidates where nothing is averaged over."""
    sizes = {"modes": preset.modes, "width": preset.width, "layers": preset.layers, "seed": seed}
    if way == "enforced":
        inside = enforce(fno(1, 1, **sizes), [BOOST], GRID, [0.0], [DURATION])
        return OrbitAverage(_Framed(inside), (), GRID, DURATION, 0.0)
    network = PlacedOperator(fno(3, 1, **sizes), GRID)
    candidates = () if way == "plain" else CANDIDATES
    return OrbitAverage(network, candidates, GRID, DURATION, preset.start)


class _Framed(nn.Module):
    """Fields as one frame each."""

    def __init__(self, operator: nn.Module):
        super().__init__()
        self.operator = operator

    def forward(self, u: Tensor) -> Tensor:
        moved: Tensor = self.operator(u.unsqueeze(1)).squeeze(1)
        return moved


def train(model: OrbitAverage, u: Tensor, y: Tensor, preset: Preset, way: str, seed: int) -> list[list[float]]:
    """Learns weights and widths together; gives the widths at twenty-one times."""
    rng = torch.Generator().manual_seed(seed)
    reward = preset.reward if way == "learned" else 0.0
    optimiser = torch.optim.Adam(model.network.parameters(), lr=preset.learning_rate)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, preset.learning_rate, total_steps=preset.steps)
    widths_optimiser = (
        torch.optim.Adam([model.widths], lr=preset.width_rate) if way in ("learned", "unrewarded") else None
    )
    path = [model.widths.tolist()]
    for step in range(1, preset.steps + 1):
        chosen = torch.randint(len(u), (preset.batch,), generator=rng)
        error = (model(u[chosen], rng, preset.draws) - y[chosen]).square().mean() / FLUCTUATION**2
        optimiser.zero_grad()
        model.widths.grad = None
        (error - reward * model.widths.sum()).backward()
        optimiser.step()
        schedule.step()
        if widths_optimiser is not None:
            widths_optimiser.step()
            model.project()
        if step % max(1, preset.steps // 20) == 0:
            path.append(model.widths.tolist())
    return path


@torch.no_grad()
def relative_error(model: OrbitAverage, u: Tensor, y: Tensor, draws: int, seed: int) -> float:
    """√(E‖S̄(u) − y‖² / E‖y − ȳ‖²), ȳ the mean over space of each field."""
    rng = torch.Generator().manual_seed(seed)
    away = (model(u, rng, draws) - y).square().mean()
    return float((away / (y - y.mean(-1, keepdim=True)).square().mean()).sqrt())


def run(preset: Preset, path: Path) -> list[dict[str, Any]]:
    """All trials that are not in the file."""

    def trial(key: Key) -> dict[str, Any]:
        setting, way, seed = key["setting"], key["way"], key["seed"]
        most = SETTINGS[setting][1]
        u, y = pairs(setting, preset.samples, 3 * seed, 0.0, most)
        model = averaged(preset, way, seed)
        widths = train(model, u, y, preset, way, seed)
        result: dict[str, Any] = {"widths": widths}
        for number, (name, least, largest) in enumerate((("seen", 0.0, most), ("far", *FAR)), 1):
            test = pairs(setting, preset.test, 3 * seed + number, least, largest)
            draws = preset.test_draws if way in ("learned", "unrewarded") else (1,)
            result[name] = {str(each): relative_error(model, *test, each, seed) for each in draws}
        return result

    keys = [{"setting": s, "way": w, "seed": seed} for seed in range(preset.seeds) for s in SETTINGS for w in WAYS]
    return run_trials(path, header(preset), keys, trial, report)


def header(preset: Preset) -> dict[str, Any]:
    """What all trials have in common."""
    return {
        "experiment": "augerino",
        "preset": asdict(preset),
        "candidates": [candidate.name for candidate in CANDIDATES],
        "generators": [candidate.generator.vector_field.text for candidate in CANDIDATES],
        "far": FAR,
        "settings": {name: {"equation": text, "truth": truth} for name, (text, _, truth) in SETTINGS.items()},
    }


def main() -> None:
    """Runs what the command line asks for."""
    name, preset = chosen_preset(__doc__, PRESETS)
    path = HERE / "results" / f"augerino-{name}.json"
    rows = run(preset, path)
    if name == "laptop":
        save_figure(figure(rows, [c.name for c in CANDIDATES]), HERE / "augerino.png", path.name)


if __name__ == "__main__":
    main()
