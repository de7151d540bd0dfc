"""A double spring pendulum learned from few pieces of trajectories (Otto et al., JMLR 26 (248), 2025, section 10.3).

    OMP_NUM_THREADS=1 .venv/bin/python -m experiments.unified.pendulum                  # 10 CPU-minutes
    OMP_NUM_THREADS=1 .venv/bin/python -m experiments.unified.pendulum --preset paper   # days; on a GPU hours

The field of x' = F(x), x in R¹², is fitted to M pieces of 5 frames, 0.2 apart: from the first frame the others are
predicted. Networks of as many parameters each: a multilayer perceptron, a polynomial network (EPNN) as it is, and the
same with the nuclear norm of the Lie derivatives of its parts along a candidate algebra in the loss. The pendulum turns
about the vertical: so(2) is right, so(3), se(3), se(3)² (each mass by itself) and gl(12) contain it and more.

Claimed (of box plots, without numbers): the perceptron gets abruptly worse from M = 100 to 50, the EPNN gradually; the
EPNN without a penalty is better than the perceptron; so(2), so(3) and se(3) help for M <= 50; se(3)² and gl(12) neither
help nor hurt. Two more arms have larger weights of the norm than published: here the norm is that of another inner
product and the training shorter, and the published weights hardly act.

The preset laptop has fewer repeats and steps, and leaves gl(12) out, whose 144 generators cost as much as all the rest.
Writes results/pendulum.json (of the preset paper: results/pendulum-paper.json). Repeating the command continues.
"""

import argparse
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from statistics import median
from typing import Any

import torch
from torch import Tensor

from experiments.trial_store import Key, find, run_trials
from experiments.unified.dynamics_table import pendulum_report
from experiments.unified.pendulum_training import Network, Perceptron, train
from pdesym.symmetry.dynamics import (
    EPNN,
    AffineAction,
    affine_action,
    bracket,
    linear_action,
    particles_apart,
    particles_together,
    rollout,
    trajectories,
)
from pdesym.symmetry.dynamics.spring_pendulum import double_spring_pendulum, hanging_states
from pdesym.symmetry.enforce.groups import general_linear, special_euclidean, special_orthogonal

RESULTS = Path(__file__).parent / "results"
INTERVAL, FRAMES, DURATION = 0.2, 5, 30.0
ROTATIONS = linear_action(special_orthogonal(3))
SO2 = particles_together(ROTATIONS.combined(torch.eye(3)[:1]), 2)
CANDIDATES: dict[str, tuple[AffineAction, float]] = {
    "so(2)": (SO2, 1e-4),
    "so(3)": (particles_together(ROTATIONS, 2), 1e-4),
    "se(3)": (particles_together(affine_action(special_euclidean(3)), 2), 1e-4),
    "se(3)^2": (particles_apart(affine_action(special_euclidean(3)), 2), 1e-6),
    "gl(12)": (linear_action(general_linear(12)), 1e-8),
    "so(2) strong": (SO2, 3e-3),
    "se(3) strong": (particles_together(affine_action(special_euclidean(3)), 2), 1e-3),
}
"""Algebras, and the weights of their norms: those of the paper, and two larger ones."""


@dataclass(frozen=True)
class Preset:
    """Sizes of the experiment.

    Attributes:
        chunks: M, numbers of pieces to learn from.
        arms: "mlp", "epnn", and candidate algebras.
        repeats: draws of data and initial weights.
        test: pieces to test on.
        steps: of Adam, each on all pieces.
        learning_rate: of Adam.
        blocks: of the EPNN.
        width: of the three inner layers of the perceptron.
    """

    chunks: tuple[int, ...]
    arms: tuple[str, ...]
    repeats: int
    test: int
    steps: int
    learning_rate: float
    blocks: tuple[int, ...] = (3, 3)
    width: int = 42


ARMS = ("mlp", "epnn", "so(2)", "so(3)", "se(3)", "se(3)^2")
STRONG = ("so(2) strong", "se(3) strong")
PRESETS = {
    "laptop": Preset((10, 25, 50), (*ARMS, *STRONG), repeats=3, test=200, steps=1000, learning_rate=2e-3),
    "paper": Preset((10, 25, 50, 100, 250, 500), (*ARMS, *STRONG, "gl(12)"), 20, 500, steps=10_000, learning_rate=3e-4),
}


@dataclass(frozen=True)
class Pieces:
    """Pieces of trajectories of length 30 that start near rest, one of each trajectory, at a random time."""

    preset: Preset

    @cached_property
    def all(self) -> Tensor:
        """`(test + most chunks for each repeat, frames, n)`; those to test on come first."""
        count = self.preset.test + self.preset.repeats * max(self.preset.chunks)
        times = torch.arange(0, DURATION + INTERVAL / 2, INTERVAL, dtype=torch.float64)
        whole = trajectories(double_spring_pendulum, hanging_states(count, 0), times, tolerance=1e-9)
        starts = torch.randint(len(times) - FRAMES + 1, (count,), generator=torch.Generator().manual_seed(1))
        return whole[torch.arange(count).unsqueeze(1), starts.unsqueeze(1) + torch.arange(FRAMES)]

    @property
    def test(self) -> Tensor:
        """To test on."""
        return self.all[: self.preset.test]

    def train(self, chunks: int) -> Tensor:
        """`(repeats, chunks, frames, n)`: those of fewer chunks are among those of more."""
        rest = self.all[self.preset.test :].reshape(self.preset.repeats, -1, FRAMES, 12)
        return rest[:, :chunks]


def learned(pieces: Pieces, preset: Preset, arm: str, chunks: int) -> dict[str, Any]:
    """Errors of the networks of an arm, one a repeat."""
    widths = (12, preset.width, preset.width, preset.width, 12)
    networks: list[Network] = [
        Perceptron(widths, seed) if arm == "mlp" else EPNN(12, preset.blocks, seed) for seed in range(preset.repeats)
    ]
    action, weight = CANDIDATES.get(arm, (None, 0.0))
    action = None if action is None else action.normalised()
    data = pieces.train(chunks)
    losses = train(networks, data, action, weight, INTERVAL, preset.steps, preset.learning_rate)
    rows = [errors(network.double(), pieces.test, own) for network, own in zip(networks, data, strict=True)]
    return {
        "parameters": sum(parameter.numel() for parameter in networks[0].parameters()),
        "weight": weight,
        "loss": losses,
        **{name: [row[name] for row in rows] for name in rows[0]},
    }


def errors(network: Network, test: Tensor, own: Tensor) -> dict[str, float]:
    """Mean square errors of predicted frames, and how much the rotation about the vertical is broken."""
    with torch.no_grad():
        result = {
            f"{name}_mse": float((rollout(network, x[:, 0], INTERVAL, FRAMES - 1, 4) - x[:, 1:]).square().mean())
            for name, x in (("train", own), ("test", test))
        }
        x = test[:, 0]
        broken = bracket(network, SO2, x)[0]
        result["rotation_defect"] = float(broken.norm() / network(x).norm())
        result["velocity_error"] = float(
            (network(x) - double_spring_pendulum(x)).norm() / double_spring_pendulum(x).norm()
        )
    return result


def run(preset: Preset, path: Path) -> list[dict[str, Any]]:
    """All trials of a preset that are not in the file."""
    pieces = Pieces(preset)
    keys = [{"chunks": chunks, "arm": arm} for chunks in preset.chunks for arm in preset.arms]

    def trial(key: Key) -> dict[str, Any]:
        return learned(pieces, preset, key["arm"], key["chunks"])

    return run_trials(path, {"experiment": "pendulum", "preset": asdict(preset)}, keys, trial, pendulum_report)


def table(rows: list[dict[str, Any]], preset: Preset, name: str) -> str:
    """The median over the repeats, one line an arm."""
    lines = [f"{name:17}" + "".join(f"M={chunks:<8}" for chunks in preset.chunks)]
    for arm in preset.arms:
        found = [find(rows, {"chunks": chunks, "arm": arm}) for chunks in preset.chunks]
        lines.append(f"{arm:17}" + "".join(f"{median(row[name]):<10.2e}" if row else f"{'':10}" for row in found))
    return "\n".join(lines)


def main() -> None:
    """Runs what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--preset", choices=tuple(PRESETS), default="laptop")
    name = parser.parse_args().preset
    torch.set_num_threads(1)
    rows = run(PRESETS[name], RESULTS / ("pendulum.json" if name == "laptop" else f"pendulum-{name}.json"))
    for measure in ("test_mse", "train_mse", "rotation_defect"):
        print(table(rows, PRESETS[name], measure), end="\n\n")


if __name__ == "__main__":
    main()
