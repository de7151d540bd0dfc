"""Do the channels of an operator become equal or vanish under weight decay, and not without?

    .venv/bin/python -m experiments.mirror.homogeneous                  # two CPU-minutes, one thread
    .venv/bin/python -m experiments.mirror.homogeneous --preset paper   # hours

The right of figure 1 of Ziyin, Symmetry Induces Structure and Constraint of Learning (ICML 2024), where the neurons of
a ResNet on images become homogeneous under weight decay, in a problem of physics: u(0) → u(T) of Burgers' equation by
stochastic gradient descent with momentum, of a perceptron with tanh and of a Fourier neural operator. Channels of a
perceptron may change sign and be exchanged; those of the operator be exchanged alone.

Expected: without weight decay as many different channels as there are; never more with more of it, and fewer with the
most.

Writes results/homogeneous.json, .md and .png, again after each training.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from statistics import mean
from typing import Any

import torch
from matplotlib.figure import Figure
from torch import nn
from torch.func import functional_call

from experiments.mirror.pairs import nmse, pairs
from experiments.preset_command import chosen_preset
from experiments.trial_store import run_trials
from experiments.verdict import met
from pdesym.operators import FNOConfig
from pdesym.report.figures.house_style import house_style
from pdesym.report.figures.png import save_figure
from pdesym.report.number_text import given_text, measured_text
from pdesym.symmetry.mirror import (
    ChannelGroup,
    channel_distances,
    channel_vectors,
    dead_channels,
    different_channels,
    find_channels,
    gradient_leak,
)

HERE = Path(__file__).parent
NETWORKS = {"perceptron": "perceptron, tanh", "operator": "Fourier neural operator"}


@dataclass(frozen=True)
class Preset:
    """Everything that decides the numbers; the first ones are those of `pairs`.

    Attributes:
        decays: weight decays 2γ of torch.optim.SGD.
        seeds: of weights and batches.
        width: channels of the operator.
        hidden: neurons of the perceptron in each of two layers.
        layers: of the operator.
        modes: of the operator.
        steps: by network.
        batch: pairs in a step.
        rate: learning rate, by network.
        momentum: of stochastic gradient descent.
        checks: how often along a training the channels are looked at.
    """

    viscosity: float = 0.05
    duration: float = 1.0
    points: int = 32
    finer: int = 2
    waves: int = 4
    train: int = 256
    validation: int = 1
    test: int = 128
    decays: tuple[float, ...] = (0.0, 5e-3, 2e-2)
    seeds: tuple[int, ...] = (0, 1)
    width: int = 16
    hidden: int = 32
    layers: int = 2
    modes: int = 8
    steps: tuple[int, int] = (5000, 3000)
    batch: int = 16
    rate: tuple[float, float] = (0.05, 0.05)
    momentum: float = 0.9
    checks: int = 10


PRESETS = {
    "laptop": Preset(),
    "paper": Preset(
        points=128, waves=8, train=4096, test=512, width=48, hidden=128, layers=4, modes=24,
        steps=(100_000, 50_000), seeds=(0, 1, 2), decays=(0.0, 1e-3, 5e-3, 2e-2),
    ),
}  # fmt: skip


class Perceptron(nn.Module):
    """Two hidden layers with tanh on the values of a field at its points."""

    def __init__(self, points: int, hidden: int, seed: int):
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(seed)
            self.layers = nn.Sequential(
                nn.Linear(points, hidden), nn.Tanh(), nn.Linear(hidden, hidden), nn.Tanh(), nn.Linear(hidden, points)
            )

    def forward(self, u: torch.Tensor) -> torch.Tensor:
        """Fields (batch, 1, 1, points)."""
        given: torch.Tensor = self.layers(u)
        return given


def trained(preset: Preset, network: str, decay: float, seed: int) -> dict[str, Any]:
    """One training, and its channels along it."""
    train, test = pairs(preset, "train"), pairs(preset, "test")
    model: nn.Module = (
        Perceptron(preset.points, preset.hidden, seed)
        if network == "perceptron"
        else FNOConfig(1, 1, 1, preset.modes, preset.width, preset.layers, seed=seed).build()
    )
    which = list(NETWORKS).index(network)
    optimiser = torch.optim.SGD(model.parameters(), lr=preset.rate[which], momentum=preset.momentum, weight_decay=decay)
    # A rotation after the lifting has no channels of its own: what is exchanged there depends on the basis.
    groups = [g for g in find_channels(model, train.u[:2, :1]) if "rotation" not in g.kinds]
    generator = torch.Generator().manual_seed(seed)
    steps = preset.steps[which]
    marks = [round(k * steps / preset.checks) for k in range(preset.checks + 1)]
    history = []
    for step in range(steps + 1):
        if step in marks:
            history.append({"step": step, **_channels(groups, model)})
        if step == steps:
            break
        drawn = torch.randint(len(train.u), (preset.batch,), generator=generator)
        u, target = train.u[drawn, :1], train.u[drawn, 1:]
        wrong = (model(u) - target).flatten(1).norm(dim=1) / target.flatten(1).norm(dim=1)
        optimiser.zero_grad()
        wrong.square().mean().backward()
        optimiser.step()
    parameters = {name: p.detach() for name, p in model.named_parameters()}
    similar = [_cosines(group, parameters) for group in groups]
    return {
        "nmse": nmse(model, test),
        "train_nmse": nmse(model, train),
        "channels": sum(group.size for group in groups),
        "history": history,
        "cosines": similar[len(similar) // 2],
        "leak": _leak(groups[0], model, train.u[:4]),
    }


def report(record: Mapping[str, Any]) -> str:
    """The table."""
    lines = [
        "| network | weight decay 2γ | different channels | dead channels | mean distance of the others | largest leak "
        "| NMSE, training | NMSE, test |",
        "| :-- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for network, name in NETWORKS.items():
        for decay in record["preset"]["decays"]:
            rows = [row for row in record["rows"] if (row["network"], row["decay"]) == (network, decay)]
            if not rows:
                continue
            last = [row["history"][-1] for row in rows]
            cells = [
                f"{mean(each['different'] for each in last):.3g} of {rows[0]['channels']}",
                f"{mean(each['dead'] for each in last):.3g}",
                measured_text(mean(each["distance"] for each in last)),
                measured_text(max(row["leak"] for row in rows)),
                measured_text(mean(row["train_nmse"] for row in rows)),
                measured_text(mean(row["nmse"] for row in rows)),
            ]
            lines.append(f"| {name} | {given_text(decay)} | {' | '.join(cells)} |")
    lines.append("")
    for network, name in NETWORKS.items():
        rows = [row for row in record["rows"] if row["network"] == network]
        counts = [
            mean(row["history"][-1]["different"] for row in rows if row["decay"] == decay)
            for decay in record["preset"]["decays"]
            if any(row["decay"] == decay for row in rows)
        ]
        if not counts:
            continue
        whole = counts[0] == rows[0]["channels"]
        fewer = all(less <= more for more, less in pairwise(counts)) and counts[-1] < counts[0]
        lines.append(
            f"* {name}: without decay all channels differ: {met(whole)}. Never more of them with "
            f"more decay, and fewer at the end of the ladder: {met(fewer)}."
        )
    return "\n".join(lines) + "\n"


def figure(record: Mapping[str, Any]) -> Figure:
    """|cosines| between the channels of a layer after training, ordered so that alike ones are neighbours."""
    decays = record["preset"]["decays"]
    with house_style():
        drawn = Figure(figsize=(2.2 * len(decays) + 0.8, 4.6), layout="constrained")
        axes = drawn.subplots(2, len(decays), squeeze=False)
        for i, network in enumerate(NETWORKS):
            for j, decay in enumerate(decays):
                rows = [row for row in record["rows"] if (row["network"], row["decay"]) == (network, decay)]
                axes[i, j].set_xticks([])
                axes[i, j].set_yticks([])
                axes[i, j].set_title(f"{NETWORKS[network].split(',')[0]}\n2γ = {given_text(decay)}")
                if rows:
                    shown = axes[i, j].imshow(_ordered(rows[0]["cosines"]), vmin=0, vmax=1, cmap="Blues")
                    if j == len(decays) - 1:
                        drawn.colorbar(shown, ax=axes[i, j], shrink=0.8)
    return drawn


def _channels(groups: list[ChannelGroup], model: nn.Module) -> dict[str, Any]:
    parameters = {name: p.detach() for name, p in model.named_parameters()}
    dead = [dead_channels(group, parameters) for group in groups]
    distances = []
    for group, gone in zip(groups, dead, strict=True):
        rest = channel_distances(group, parameters)[~gone][:, ~gone]
        if len(rest) > 1:
            distances.append(float(rest.sum() / (len(rest) * (len(rest) - 1))))
    return {
        "different": sum(different_channels(group, parameters) for group in groups),
        "dead": sum(int(gone.sum()) for gone in dead),
        "distance": mean(distances) if distances else 0.0,
    }


def _cosines(group: ChannelGroup, parameters: Mapping[str, torch.Tensor]) -> list[list[float]]:
    """|cos| of every two channels; 0 with a dead one."""
    θ = channel_vectors(group, parameters)
    θ = nn.functional.normalize(θ, dim=1) * (~dead_channels(group, parameters))[:, None]
    return [[round(value, 3) for value in row] for row in (θ @ θ.T).abs().tolist()]


def _leak(group: ChannelGroup, model: nn.Module, frames: torch.Tensor) -> float:
    """The gradient leak of an exchange of two channels after training, in double precision."""
    parameters = {name: p.detach().double() for name, p in model.named_parameters()}
    frames = frames.double()

    def losses(at: Mapping[str, torch.Tensor]) -> torch.Tensor:
        return (functional_call(model, dict(at), (frames[:, :1],)) - frames[:, 1:]).square().flatten(1).mean(1)

    return float(gradient_leak(losses, parameters, group.permutation(0, 1)).max())


def _ordered(cosines: list[list[float]]) -> list[list[float]]:
    """Rows and columns so that each channel is followed by the one most like it of those left; the dead last."""
    rest = sorted(range(len(cosines)), key=lambda k: -sum(cosines[k]))
    order = [rest.pop(0)]
    while rest:
        nearest = max(rest, key=lambda k: cosines[order[-1]][k])
        rest.remove(nearest)
        order.append(nearest)
    return [[cosines[a][b] for b in order] for a in order]


def main() -> None:
    """Trains what is not there yet, and writes the results."""
    name, preset = chosen_preset(__doc__, PRESETS)
    path = HERE / "results" / ("homogeneous.json" if name == "laptop" else f"homogeneous-{name}.json")
    keys = [
        {"network": network, "decay": decay, "seed": seed}
        for seed in preset.seeds
        for network in NETWORKS
        for decay in preset.decays
    ]
    run_trials(path, {"preset": asdict(preset)}, keys, lambda key: trained(preset, **key), report)
    record = json.loads(path.read_text(encoding="utf-8"))
    save_figure(figure(record), path.with_suffix(".png"), path.name)


if __name__ == "__main__":
    main()
