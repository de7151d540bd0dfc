"""Is the loss low between two networks, once they have no symmetries? W-asymmetric Fourier neural operators.

    .venv/bin/python -m experiments.related.asymmetric                  # three CPU-minutes
    .venv/bin/python -m experiments.related.asymmetric --preset paper   # hours

After Lim, Putterman, Walters, Maron and Jegelka, *The Empirical Impact of Neural Parameter Symmetries* (NeurIPS 2024,
arXiv:2405.20231), who fix random entries of the matrices of image classifiers: networks of two seeds are then linearly
connected without alignment. Here Fourier neural operators learn u(0) → u(T) of Burgers' equation, two seeds of weights
and batches a pair, and their weights are mixed:

    plain        all entries are trained,
    aligned      the same two, after the permutation of channels that brings their weights nearest,
    asymmetric   half of the entries of every channel mixer are fixed, the same in both,
    unshared     the same with fixed entries of its own in each: a control, nothing to be gained,
    same start   two plain or asymmetric networks from the same initial weights, with other batches: a control,
    permuted     a plain network and itself with permuted channels, which the alignment has to find: a control.

The barrier is the largest excess of the test error, mean ‖F(u) − y‖²/‖y‖², over the line between the two ends' errors.
Expected from the paper: that of asymmetric networks is below that of plain ones, and of aligned ones.

Repeating the command continues. Writes results/asymmetric-<preset>.json, the table beside it, and of the
laptop preset asymmetric.png.
"""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from experiments.preset_command import chosen_preset
from experiments.related.asymmetric_matching import channel_axes, matched, permuted, random_orders
from experiments.related.asymmetric_network import between, effective_weights, fix_entries, squared_error
from experiments.related.asymmetric_table import barrier_figure, report
from experiments.trial_store import Key, run_trials
from pdesym.operators import FourierOperator, fno
from pdesym.report.figures.png import save_figure
from pdesym.solvers import Equation, Grid, RandomSinusoids, solve

HERE = Path(__file__).parent
WAYS = ("plain", "asymmetric", "unshared")


@dataclass(frozen=True)
class Preset:
    """All that a trial depends on.

    Attributes:
        points: of the grid on the circle.
        samples: training pairs.
        test: test pairs.
        modes: of the networks.
        width: channels of the networks.
        layers: of the networks.
        steps: of a training.
        batch: pairs in a step.
        learning_rate: peak, of Adam.
        share: of the inputs of every channel that are fixed.
        strengths: of the fixed entries, in units of the initial weights; the first also for `unshared`.
        pairs: of networks for each way.
        mixtures: intervals between two networks.
    """

    points: int = 64
    samples: int = 256
    test: int = 64
    modes: int = 12
    width: int = 24
    layers: int = 3
    steps: int = 1000
    batch: int = 16
    learning_rate: float = 4e-3
    share: float = 0.5
    strengths: tuple[float, ...] = (2.0, 4.0)
    pairs: int = 2
    mixtures: int = 10

    def network(self, seed: int) -> FourierOperator:
        """A plain network before training."""
        return fno(1, 1, modes=self.modes, width=self.width, layers=self.layers, seed=seed)


PRESETS = {
    "laptop": Preset(),
    "paper": Preset(
        samples=1024, test=256, modes=24, width=64, layers=4, steps=10000, strengths=(2.0, 1.0, 4.0, 8.0), pairs=5
    ),
}


def pairs_of(preset: Preset) -> dict[str, tuple[Tensor, Tensor]]:
    """Fields and what becomes of them, "train" and "test", float32 of shape (samples, 1, 1, points)."""
    grid, law = Grid(preset.points, length=2 * math.pi), RandomSinusoids(terms=10, amplitude=0.5, waves=(1, 2, 3, 4))
    told = {}
    for split, (name, samples) in enumerate({"train": preset.samples, "test": preset.test}.items()):
        u = law.sample(grid, range(samples), seed=(split, 0))
        y = solve(Equation("u_t = -u*u_x + 0.1*u_xx"), u, grid, [0.0, 1.0], rtol=1e-6).u[:, -1]
        told[name] = (u.unsqueeze(1).float(), y.unsqueeze(1).float())
    return told


def trained(
    preset: Preset,
    network: FourierOperator,
    u: Float[Tensor, "samples 1 1 points"],
    y: Float[Tensor, "samples 1 1 points"],
    seed: int,
) -> dict[str, Tensor]:
    """The effective weights after training with the batches of a seed."""
    generator = torch.Generator().manual_seed(seed)
    optimiser = torch.optim.Adam(network.parameters(), lr=preset.learning_rate)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, preset.learning_rate, total_steps=preset.steps)
    for _ in range(preset.steps):
        chosen = torch.randint(len(u), (preset.batch,), generator=generator)
        optimiser.zero_grad()
        (network(u[chosen]) - y[chosen]).square().mean().backward()
        optimiser.step()
        schedule.step()
    return effective_weights(network)


def barrier(
    preset: Preset, first: Mapping[str, Tensor], second: Mapping[str, Tensor], u: Tensor, y: Tensor
) -> dict[str, Any]:
    """Errors on the line between two networks, the barrier, and the excess halfway."""
    plain = preset.network(0)
    shares = [number / preset.mixtures for number in range(preset.mixtures + 1)]
    errors = [squared_error(plain, between(first, second, share), u, y) for share in shares]
    excess = [
        error - ((1 - share) * errors[0] + share * errors[-1]) for error, share in zip(errors, shares, strict=True)
    ]
    ends = (errors[0] + errors[-1]) / 2
    halfway = squared_error(plain, between(first, second, 0.5), u, y) - ends
    return {"errors": errors, "ends": ends, "barrier": max(excess), "halfway": halfway}


def trial(preset: Preset, data: Mapping[str, tuple[Tensor, Tensor]], key: Key) -> dict[str, Any]:
    """Two networks of a way, and the errors between them and their controls."""
    seeds = (2 * key["pair"], 2 * key["pair"] + 1)

    def weights(start: int, batches: int, entries: int) -> dict[str, Tensor]:
        network = preset.network(start)
        if key["way"] != "plain":
            like = preset.network(1000 + entries)
            fix_entries(network, like, preset.share, key["strength"], seed=entries)
        return trained(preset, network, *data["train"], seed=batches)

    own = [1 + seed if key["way"] == "unshared" else 0 for seed in seeds]
    first, second = (weights(seed, seed, entries) for seed, entries in zip(seeds, own, strict=True))
    told = {"two seeds": barrier(preset, first, second, *data["test"])}
    if key["way"] != "unshared":
        again = weights(seeds[0], seeds[1], own[0])
        told["same start"] = barrier(preset, first, again, *data["test"])
    axes = channel_axes(preset.layers)
    told["aligned"] = barrier(preset, first, matched(first, second, axes, seed=0), *data["test"])
    if key["way"] == "plain":
        copy = permuted(first, axes, random_orders(first, axes, seed=key["pair"]))
        told["permuted"] = barrier(preset, first, copy, *data["test"])
        told["permuted, aligned"] = barrier(preset, first, matched(first, copy, axes, seed=0), *data["test"])
    return told


def keys_of(preset: Preset) -> list[dict[str, Any]]:
    """Every way and strength, pair by pair."""
    ways = [("plain", 0.0), *(("asymmetric", each) for each in preset.strengths), ("unshared", preset.strengths[0])]
    return [{"way": way, "strength": strength, "pair": pair} for pair in range(preset.pairs) for way, strength in ways]


def main() -> None:
    """Runs what is not there yet."""
    name, preset = chosen_preset(__doc__, PRESETS)
    data = pairs_of(preset)
    path = HERE / "results" / f"asymmetric-{name}.json"
    rows = run_trials(path, {"preset": asdict(preset)}, keys_of(preset), lambda key: trial(preset, data, key), report)
    if name == "laptop":
        save_figure(barrier_figure(rows), HERE / "asymmetric.png", f"results/{path.name}")
    print(path.with_suffix(".md").read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
