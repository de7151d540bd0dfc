"""Does the sign of one number tell whether SGD falls into a mirror's set?

    .venv/bin/python -m experiments.mirror.collapse        # two CPU-minutes, two processes

The number is Λ = E log|1 − λ(ξ + 2γ)|, of the curvatures ξ of samples across {Oᵀθ = 0}. First a scalar under SGD,
w ← (1 − λξ)w with normal ξ, on a grid of means, deviations and learning rates, the four settings of the paper among
them. Then real networks with minibatches of one sample, in which the heuristic has assumptions to break: curvatures
that share no eigenvectors, and a θ that moves.

* `one input`: a tanh network of one input with a silent neuron, fitted to noisy values. The curvatures of all samples
  have the same eigenvectors.
* `field`: a perceptron on fields, u(0) → u(T) of Burgers' equation, with two equal neurons. They have not.

Each network is first trained with its mirror fulfilled; then Oᵀθ is set to a random direction of length 1e-9 and SGD
goes on, in double precision, Oᵀθ brought back to that length whenever it is far from it, with the rest of θ *held*
where it is or *free* to go on too. The mean slope of log‖Oᵀθ‖ in the steps is what Λ predicts: *before* those steps,
from the curvatures along the lowest direction, or *along* them, from those in the direction that Oᵀθ has at ten times.

Expected: the sign of Λ is the scalar's fate in all settings that are not within the noise of 0, and that of `one input`
with the rest held. Of the others nothing is promised; the table says how often it is.

Writes results/collapse.json, .md and .png.
"""

from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from itertools import product
from math import log
from pathlib import Path
from typing import Any

import torch
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator
from torch import Tensor, nn
from torch.func import functional_call

from experiments.benchmarks.speed.machine import facts
from experiments.mirror.pairs import pairs
from experiments.preset_command import preset_parser
from pdesym.report.figures.house_style import FAINT, FURTHER, house_style
from pdesym.report.figures.png import save_figure
from pdesym.report.number_text import given_text, measured_text
from pdesym.report.rendered import write_rendered
from pdesym.symmetry.mirror import (
    MirrorSymmetry,
    collapse_exponent,
    critical_learning_rate,
    curvature,
    permutation,
    sample_curvatures,
    sign,
)

HERE = Path(__file__).parent
PUBLISHED = ((-0.1, 3.0, 0.1, -0.0436), (-0.1, 1.0, 0.1, 0.005), (-0.1, 3.0, 0.01, 0.0006), (0.1, 6.0, 0.5, 0.51))
"""Mean and deviation of ξ, λ and Λ."""
OFF, LEAST, MOST = 1e-9, 1e-11, 1e-5
"""‖Oᵀθ‖ at the beginning, and between what it is left to itself: above, its equations are not linear; below, it is
rounding."""
NOTHING = 1e-13


@dataclass(frozen=True)
class Preset:
    """Everything that decides the numbers; the first ones are those of `pairs`.

    Attributes:
        means: of ξ.
        deviations: of ξ.
        rates: λ of the scalar.
        walkers: scalars for each setting.
        steps: of each scalar.
        network_rates: λ of each network.
        network_decays: 2γ.
        warm: steps of a network with its mirror fulfilled.
        watched: steps in which its leaving or falling is watched.
        parts: of them, with the curvatures anew at the beginning of each.
        repeats: draws of samples and direction for each rate.
        noise: standard deviation of the values that the network of one input is fitted to, beside their mean.
    """

    viscosity: float = 0.05
    duration: float = 1.0
    points: int = 16
    finer: int = 4
    waves: int = 4
    train: int = 64
    validation: int = 1
    test: int = 1
    means: tuple[float, ...] = (-0.3, -0.1, 0.1, 0.3)
    deviations: tuple[float, ...] = (0.5, 1.0, 3.0, 6.0)
    rates: tuple[float, ...] = (0.01, 0.1, 0.5)
    walkers: int = 200
    steps: int = 4000
    network_rates: tuple[tuple[float, ...], ...] = ((0.01, 0.03, 0.1, 0.2), (0.01, 0.03, 0.06, 0.1))
    network_decays: tuple[float, ...] = (0.0, 0.3)
    warm: int = 600
    watched: int = 2000
    parts: int = 10
    repeats: int = 1
    noise: float = 1.0


PRESETS = {"laptop": Preset(), "paper": Preset(walkers=2000, steps=40_000, warm=20_000, watched=10_000, repeats=5)}


@dataclass(frozen=True)
class Network:
    """A network at θ with a mirror, and the losses of chosen samples."""

    parameters: dict[str, Tensor]
    mirror: MirrorSymmetry
    losses: Callable[[Mapping[str, Tensor], Tensor], Tensor]
    samples: int


def scalars(preset: Preset) -> list[dict[str, float]]:
    """Λ of every setting, from quantiles of the normal law, and the median of log|w| after all steps."""
    generator = torch.Generator().manual_seed(0)
    settings = [*(each[:3] for each in PUBLISHED), *product(preset.means, preset.deviations, preset.rates)]
    settings = list(dict.fromkeys(settings))
    mean, deviation, rate = (
        torch.tensor(column, dtype=torch.float64)[:, None] for column in zip(*settings, strict=True)
    )
    w = torch.ones(len(settings), preset.walkers, dtype=torch.float64)
    grown = torch.zeros_like(w)
    for step in range(preset.steps):
        drawn = mean + deviation * torch.randn(w.shape, generator=generator, dtype=torch.float64)
        w = w * (1 - rate * drawn)
        if step % 20 == 19:  # so that nothing leaves the range of float64
            grown, w = grown + w.abs().log(), w.sign()
    grown = grown + w.abs().log()
    quantiles = torch.special.ndtri((torch.arange(400_000, dtype=torch.float64) + 0.5) / 400_000)
    rows = []
    for setting, logs in zip(settings, grown, strict=True):
        given = dict(zip(("mean", "deviation", "rate"), setting, strict=True))
        predicted = collapse_exponent(setting[0] + setting[1] * quantiles, setting[2])
        # The standard error of a median is 1.25 times that of the mean.
        error = 1.25 * float(logs.std()) / preset.walkers**0.5 / preset.steps
        rows.append({**given, "predicted": predicted, "observed": float(logs.median()) / preset.steps, "error": error})
    return rows


def networks(preset: Preset, workers: int = 1) -> list[dict[str, Any]]:
    """Predicted and observed exponents of both networks."""
    keys = [
        {"network": name, "rest": rest, "decay": decay, "rate": rate, "repeat": repeat}
        for name, rates in zip(("one input", "field"), preset.network_rates, strict=True)
        for rest, decay, rate, repeat in product(("held", "free"), preset.network_decays, rates, range(preset.repeats))
    ]
    with ProcessPoolExecutor(workers) as pool:
        return list(pool.map(partial(_trial, preset), keys))


def report(record: Mapping[str, Any]) -> str:
    """The tables."""
    published = {each[:3]: each[3] for each in PUBLISHED}
    rows = record["scalars"]
    clear = [row for row in rows if abs(row["predicted"]) > 3 * row["error"]]
    right = [row for row in clear if (row["predicted"] < 0) == (row["observed"] < 0)]
    lines = [
        f"A scalar: the sign of Λ is that of the observed rate in {len(right)} of the {len(clear)} settings, of "
        f"{len(rows)}, in which |Λ| is more than three standard errors of the simulation. Those of the paper:",
        "",
        "| mean of ξ | deviation | λ | Λ, published | Λ | observed | |",
        "| ---: | ---: | ---: | ---: | ---: | ---: | :-- |",
    ]
    for row in rows:
        key = (row["mean"], row["deviation"], row["rate"])
        if key in published:
            cells = [given_text(value) for value in key]
            cells += [given_text(published[key])] + [measured_text(row[name]) for name in ("predicted", "observed")]
            lines.append(f"| {' | '.join(cells)} | {'falls to 0' if row['observed'] < 0 else 'leaves'} |")
    lines += [
        "",
        "Networks under SGD with one sample a step, means over the repeats:",
        "",
        "| network | the rest | 2γ | λ | E ξ | deviation of ξ | critical λ | Λ before | Λ along | observed | standard "
        "error |",
        "| :-- | :-- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    columns = ("mean", "deviation", "critical", "predicted", "along", "observed", "error")
    settings = ("network", "rest", "decay", "rate")
    for key in dict.fromkeys(tuple(row[name] for name in settings) for row in record["networks"]):
        some = [row for row in record["networks"] if tuple(row[name] for name in settings) == key]
        means = {column: sum(row[column] for row in some) / len(some) for column in columns}
        cells = [given_text(value) for value in key[2:]] + [measured_text(means[column]) for column in columns]
        lines.append(f"| {key[0]} | {key[1]} | {' | '.join(cells)} |")
    lines.append("")
    for name, rest in dict.fromkeys((row["network"], row["rest"]) for row in record["networks"]):
        some = [row for row in record["networks"] if (row["network"], row["rest"]) == (name, rest)]
        clear = [row for row in some if abs(row["observed"]) > 3 * row["error"]]
        right = [sum((row[which] < 0) == (row["observed"] < 0) for row in clear) for which in ("predicted", "along")]
        lines.append(
            f"* {name}, the rest {rest}: {len(clear)} of {len(some)} runs leave or fall by more than three standard "
            f"errors; the sign of Λ before is right in {right[0]} of them, that of Λ along the way in {right[1]}."
        )
    return "\n".join(lines) + "\n"


def figure(record: Mapping[str, Any]) -> Figure:
    """Observed rates against Λ."""
    with house_style():
        drawn = Figure(figsize=(8.4, 4.0), layout="constrained")
        left, right = drawn.subplots(1, 2)
        left.plot(*_columns(record["scalars"], "predicted"), "o", ms=4, mec="none", color=FURTHER[2])
        left.set_title("a scalar: rate of log|w|")
        for (name, colour), (rest, fill) in product(
            (("one input", FURTHER[0]), ("field", FURTHER[1])), (("held", "full"), ("free", "none"))
        ):
            rows = [row for row in record["networks"] if (row["network"], row["rest"]) == (name, rest)]
            label = f"{name}, the rest {rest}"
            right.plot(*_columns(rows, "predicted"), "o", ms=5, color=colour, fillstyle=fill, label=label)
        right.set_title("networks: rate of log‖Oᵀθ‖")
        drawn.legend(frameon=False, loc="outside lower center", ncols=4, fontsize=8)
        for axes, least in ((left, 1e-2), (right, 1e-3)):
            for scale, axis in ((axes.set_xscale, axes.xaxis), (axes.set_yscale, axes.yaxis)):
                scale("symlog", linthresh=least)
                axis.set_major_locator(FixedLocator([-0.1, -least, 0, least, 0.1] if least < 0.01 else [-0.1, 0, 0.1]))
                axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}".replace("-", "−")))
                axis.set_minor_locator(NullLocator())
            low, high = axes.get_xlim()
            axes.plot([low, high], [low, high], color=FAINT, lw=0.8)
            axes.axhline(0, color=FAINT, lw=0.8)
            axes.axvline(0, color=FAINT, lw=0.8)
            axes.set_xlabel("Λ")
            axes.set_ylabel("observed, per step")
    return drawn


def _trial(preset: Preset, key: Mapping[str, Any]) -> dict[str, Any]:
    torch.set_num_threads(1)
    network = (_one_input if key["network"] == "one input" else _field)(preset)
    row = {**key, **_watched(network, key["rest"] == "held", key["rate"], key["decay"], key["repeat"], preset)}
    print(row, flush=True)
    return row


def _watched(network: Network, held: bool, rate: float, decay: float, repeat: int, preset: Preset) -> dict[str, float]:
    """Λ after the training with the mirror fulfilled, and how log‖Oᵀθ‖ moves after it is left a little."""
    mirror, generator = network.mirror, torch.Generator().manual_seed(repeat)
    at, _ = _descended(network, mirror.project(network.parameters), rate, decay, preset.warm, False, generator)
    z = torch.randn(mirror.rank, generator=generator, dtype=torch.float64)
    at = _moved(mirror, at, z)
    first = _measured(network, at, rate, decay)
    along, slopes = [], []
    for _ in range(preset.parts):
        at, steps = _descended(network, at, rate, decay, preset.watched // preset.parts, held, generator)
        slopes += steps
        each = sample_curvatures(_of_all(network), at, mirror, mirror.coordinates(at))
        along.append(collapse_exponent(each, rate, decay))
    found = torch.tensor(slopes, dtype=torch.float64)
    return {
        **first,
        "along": sum(along) / len(along),
        "observed": float(found.mean()),
        "error": float(found.std()) / len(found) ** 0.5,
    }


def _measured(network: Network, at: Mapping[str, Tensor], rate: float, decay: float) -> dict[str, float]:
    """What the samples' curvatures along the lowest direction say."""
    found = curvature(_of_all(network), at, network.mirror)
    each = sample_curvatures(_of_all(network), at, network.mirror, found.direction)
    return {
        "mean": float(each.mean()),
        "deviation": float(each.std()),
        "critical": critical_learning_rate(each, decay),
        "predicted": collapse_exponent(each, rate, decay),
    }


def _of_all(network: Network) -> Callable[[Mapping[str, Tensor]], Tensor]:
    return lambda parameters: network.losses(parameters, torch.arange(network.samples))


def _descended(
    network: Network,
    start: Mapping[str, Tensor],
    rate: float,
    decay: float,
    steps: int,
    held: bool,
    generator: torch.Generator,
) -> tuple[dict[str, Tensor], list[float]]:
    """SGD with one sample a step, and the change of log‖Oᵀθ‖ in each; none where the mirror is fulfilled."""
    leaves = {name: p.detach().clone().requires_grad_() for name, p in start.items()}
    slopes: list[float] = []
    size = float(network.mirror.coordinates(start).norm())
    watched = size > NOTHING
    for drawn in torch.randint(network.samples, (steps, 1), generator=generator):
        gradient = torch.autograd.grad(network.losses(leaves, drawn).mean(), list(leaves.values()))
        with torch.no_grad():
            step = {name: g + decay * p for (name, p), g in zip(leaves.items(), gradient, strict=True)}
            if held:
                step = network.mirror.lift(network.mirror.coordinates(step))
            for name, g in step.items():
                leaves[name] -= rate * g
            if not watched:
                continue
            z = network.mirror.coordinates(leaves)
            before, size = size, float(z.norm())
            slopes.append(log(size / before))
            if not LEAST < size < MOST:
                for name, p in _moved(network.mirror, leaves, z).items():
                    leaves[name].copy_(p)
                size = OFF
    return {name: p.detach() for name, p in leaves.items()}, slopes


def _moved(mirror: MirrorSymmetry, parameters: Mapping[str, Tensor], z: Tensor) -> dict[str, Tensor]:
    """The parameters with Oᵀθ along z and as long as it begins."""
    off = mirror.lift(OFF * z / z.norm())
    return {name: p + off[name] if name in off else p for name, p in mirror.project(parameters).items()}


def _one_input(preset: Preset) -> Network:
    generator = torch.Generator().manual_seed(7)
    x = torch.linspace(-2, 2, preset.train, dtype=torch.float64)[:, None]
    y = torch.sin(2 * x) + preset.noise * torch.randn(x.shape, generator=generator, dtype=torch.float64)
    module = _module((1, 6, 1), bias=False)
    parameters, losses = _network(module, x, y)
    return Network(parameters, sign(parameters, [("0.weight", 0), ("2.weight", 1)], 0), losses, len(x))


def _field(preset: Preset) -> Network:
    frames = pairs(preset, "train").u.double()
    module = _module((preset.points, 8, preset.points), bias=True)
    parameters, losses = _network(module, frames[:, 0, 0], frames[:, 1, 0])
    axes = [("0.weight", 0), ("0.bias", 0), ("2.weight", 1)]
    return Network(parameters, permutation(parameters, axes, 0, 1), losses, len(frames))


def _module(sizes: tuple[int, int, int], bias: bool) -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(1)
        return nn.Sequential(
            nn.Linear(sizes[0], sizes[1], bias=bias), nn.Tanh(), nn.Linear(sizes[1], sizes[2], bias=bias)
        ).double()


def _network(
    module: nn.Module, inputs: Tensor, targets: Tensor
) -> tuple[dict[str, Tensor], Callable[[Mapping[str, Tensor], Tensor], Tensor]]:
    def losses(parameters: Mapping[str, Tensor], which: Tensor) -> Tensor:
        return (functional_call(module, dict(parameters), (inputs[which],)) - targets[which]).square().sum(1)

    return {name: p.detach() for name, p in module.named_parameters()}, losses


def _columns(rows: list[dict[str, float]], predicted: str) -> tuple[list[float], list[float]]:
    return [row[predicted] for row in rows], [row["observed"] for row in rows]


def main() -> None:
    """Measures, and writes the results."""
    parser = preset_parser(__doc__, PRESETS)
    parser.add_argument("--workers", type=int, default=2)
    arguments = parser.parse_args()
    name = arguments.preset
    torch.set_num_threads(1)
    preset = PRESETS[name]
    record = {
        "preset": asdict(preset),
        "machine": facts(),
        "scalars": scalars(preset),
        "networks": networks(preset, arguments.workers),
    }
    path = HERE / "results" / ("collapse.json" if name == "laptop" else f"collapse-{name}.json")
    write_rendered(path, record, report(record))
    save_figure(figure(record), path.with_suffix(".png"), path.name)


if __name__ == "__main__":
    main()
