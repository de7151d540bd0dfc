"""When does weight decay make two neurons one?

    .venv/bin/python -m experiments.mirror.two_neurons        # a CPU-minute, one thread

A student with two tanh neurons, f(x) = Σⱼ aⱼ tanh(wⱼ·x), learns a teacher with one, or with two different ones, by
gradient descent. Exchanging the neurons, and changing the sign of one, are mirrors: θ₁ = ±θ₂ catches gradient descent
where the lowest curvature of the loss across it, at the best student with equal neurons, plus the weight decay is
positive.

Expected: without weight decay two neurons remain; with enough of it ‖θ₁ − θ₂‖ up to a sign is rounding; the students
whose neurons become one are those for which the theorem says so.

Writes results/two_neurons.json, .md and .png.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path
from statistics import median
from typing import Any

import torch
from matplotlib.figure import Figure
from torch import Tensor

from experiments.benchmarks.speed.machine import facts
from experiments.preset_command import chosen_preset
from pdesym.report.figures.house_style import OPERATORS, house_style, show_decades
from pdesym.report.figures.png import save_figure
from pdesym.report.number_text import given_text, measured_text
from pdesym.report.rendered import write_rendered
from pdesym.symmetry.mirror import curvature, permutation

HERE = Path(__file__).parent
TEACHERS = (1, 2)
EQUAL = 1e-6
"""Neurons at most so far apart count as one."""
REPELLED, HELD = OPERATORS["plain FNO"], OPERATORS["boosted FNO"]


@dataclass(frozen=True)
class Preset:
    """Everything that decides the numbers.

    Attributes:
        decays: weight decays 2γ.
        seeds: students for each kind of teacher, each with a teacher and data of its own.
        inputs: components of x.
        samples: for each student.
        steps: of gradient descent.
        rate: its learning rate.
        momentum: of it.
        teacher: length of the teacher's w; its a is 1.
        start: standard deviation of the student's initial weights.
    """

    decays: tuple[float, ...] = (0.0, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1)
    seeds: int = 16
    inputs: int = 2
    samples: int = 64
    steps: int = 12_000
    rate: float = 0.4
    momentum: float = 0.9
    teacher: float = 1.0
    start: float = 0.5


PRESETS = {"laptop": Preset(), "smoke": Preset((0.0, 0.05), 3, steps=500)}


def measured(preset: Preset) -> dict[str, Any]:
    """All students of all decays."""
    generator = torch.Generator().manual_seed(0)

    def drawn(*shape: int) -> Tensor:
        return torch.randn(shape, generator=generator, dtype=torch.float64)

    students = len(TEACHERS) * preset.seeds
    inputs = drawn(students, preset.samples, preset.inputs)
    teacher = preset.teacher * torch.nn.functional.normalize(drawn(students, preset.inputs, 2), dim=1)
    there = torch.tensor([[1.0, float(count > 1)] for count in TEACHERS]).double().repeat_interleave(preset.seeds, 0)
    targets = (torch.tanh(inputs @ teacher) * there[:, None]).sum(-1)
    start = {"w": preset.start * drawn(students, 2, preset.inputs), "a": preset.start * drawn(students, 2)}
    decays = torch.tensor(preset.decays, dtype=torch.float64)

    def losses(parameters: Mapping[str, Tensor]) -> Tensor:
        """(decay, seed) of parameters (decay, seed, 2, …)."""
        hidden = torch.tanh(torch.einsum("snd,...sjd->...snj", inputs, parameters["w"]))
        given = torch.einsum("...snj,...sj->...sn", hidden, parameters["a"])
        return (given - targets).square().mean(-1)

    every = {name: p.expand(len(decays), *p.shape).clone() for name, p in start.items()}
    free = _descended(losses, every, decays, preset)
    sign = torch.where((_neurons(free)[..., 0, :] * _neurons(free)[..., 1, :]).sum(-1) < 0, -1.0, 1.0)
    # Half the sum up to the sign: the nearest student with equal neurons, led on from there with them kept equal.
    tied = {name: _tied(p, sign) for name, p in free.items()}
    tied = _descended(losses, tied, decays, preset)
    tied = {name: _tied(p, sign) for name, p in tied.items()}

    rows = []
    for i, decay in enumerate(preset.decays):
        for seed in range(students):
            pair = _neurons(free)[i, seed]
            size = float(torch.minimum((pair[0] - pair[1]).norm(), (pair[0] + pair[1]).norm()))
            rows.append(
                {
                    "teacher": TEACHERS[seed // preset.seeds],
                    "decay": decay,
                    "seed": seed % preset.seeds,
                    "distance": size,
                    "loss": float(losses(free)[i, seed]),
                    "lowest": _lowest(losses, tied, sign, i, seed),
                }
            )
    return {"preset": asdict(preset), "machine": facts(), "rows": rows}


def report(record: Mapping[str, Any]) -> str:
    """The table."""
    lines = [
        "| neurons of the teacher | weight decay 2γ | ‖θ₁ ∓ θ₂‖, median | students whose neurons became one | of those "
        "where equal neurons repel | of those where they are held | loss, median |",
        "| ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for teacher, decay in product(TEACHERS, record["preset"]["decays"]):
        rows = [row for row in record["rows"] if (row["teacher"], row["decay"]) == (teacher, decay)]
        held = [row for row in rows if row["lowest"] + decay > 0]
        away = [row for row in rows if row["lowest"] + decay <= 0]
        merged = [sum(row["distance"] < EQUAL for row in some) for some in (rows, away, held)]
        cells = [f"{count} of {len(some)}" for count, some in zip(merged, (rows, away, held), strict=True)]
        numbers = [measured_text(median(row[name] for row in rows)) for name in ("distance", "loss")]
        lines.append(f"| {teacher} | {given_text(decay)} | {numbers[0]} | {' | '.join(cells)} | {numbers[1]} |")
    right = sum((row["lowest"] + row["decay"] > 0) == (row["distance"] < EQUAL) for row in record["rows"])
    lines += [
        "",
        f"Whether neurons became one is what the curvature says of {right} of {len(record['rows'])} students.",
    ]
    return "\n".join(lines) + "\n"


def figure(record: Mapping[str, Any]) -> Figure:
    """The distance of the neurons against weight decay."""
    with house_style():
        drawn = Figure(figsize=(9.0, 3.6), layout="constrained")
        decays = record["preset"]["decays"]
        for axes, teacher in zip(drawn.subplots(1, 2, sharey=True), TEACHERS, strict=True):
            for place, decay in enumerate(decays):
                rows = [row for row in record["rows"] if (row["teacher"], row["decay"]) == (teacher, decay)]
                for k, row in enumerate(rows):
                    shift = place + 0.4 * ((k + 0.5) / len(rows) - 0.5)
                    colour = HELD if row["lowest"] + decay > 0 else REPELLED
                    axes.plot(shift, max(row["distance"], 1e-17), "o", ms=3.5, mec="none", color=colour)
            axes.set_xticks(range(len(decays)), [given_text(decay) for decay in decays])
            axes.set_xlabel("weight decay 2γ")
            axes.set_title(f"‖θ₁ ∓ θ₂‖, a teacher with {teacher} neuron{'s' * (teacher > 1)}")
            show_decades(axes)
        axes.plot([], [], "o", ms=3.5, color=HELD, label="equal neurons hold, by theorem 1")
        axes.plot([], [], "o", ms=3.5, color=REPELLED, label="equal neurons repel")
        axes.legend(frameon=False, loc="center left")
    return drawn


def _descended(
    losses: Callable[[Mapping[str, Tensor]], Tensor],
    start: Mapping[str, Tensor],
    decays: Tensor,
    preset: Preset,
) -> dict[str, Tensor]:
    leaves = {name: p.clone().requires_grad_() for name, p in start.items()}
    speed = {name: torch.zeros_like(p) for name, p in start.items()}
    for _ in range(preset.steps):
        slopes = torch.autograd.grad(losses(leaves).sum(), list(leaves.values()))
        with torch.no_grad():
            for (name, p), slope in zip(leaves.items(), slopes, strict=True):
                speed[name] = preset.momentum * speed[name] + slope + decays.reshape(-1, *(1,) * (p.ndim - 1)) * p
                p -= preset.rate * speed[name]
    return {name: p.detach() for name, p in leaves.items()}


def _neurons(parameters: Mapping[str, Tensor]) -> Tensor:
    return torch.cat((parameters["w"], parameters["a"].unsqueeze(-1)), -1)


def _tied(p: Tensor, sign: Tensor) -> Tensor:
    """Both neurons replaced by half their sum, the second with the sign."""
    signs = torch.stack((torch.ones_like(sign), sign), -1).reshape(*sign.shape, 2, *(1,) * (p.ndim - 3))
    return signs * (signs * p).mean(2, keepdim=True)


def _lowest(
    losses: Callable[[Mapping[str, Tensor]], Tensor], tied: Mapping[str, Tensor], sign: Tensor, i: int, seed: int
) -> float:
    """The lowest curvature across equal neurons; the second neuron's sign, a symmetry, is made that of the first."""
    signs = torch.stack((torch.ones_like(sign[i, seed]), sign[i, seed]))
    one = {name: p[i, seed] * signs.reshape(2, *(1,) * (p.ndim - 3)) for name, p in tied.items()}

    def loss(parameters: Mapping[str, Tensor]) -> Tensor:
        whole = {
            name: torch.zeros_like(p[i]).index_copy(0, torch.tensor([seed]), parameters[name][None])
            for name, p in tied.items()
        }
        return losses(whole)[seed]

    return curvature(loss, one, permutation(one, [("w", 0), ("a", 0)], 0, 1)).lowest


def main() -> None:
    """Measures, and writes the results."""
    name, preset = chosen_preset(__doc__, PRESETS)
    record = measured(preset)
    path = HERE / "results" / ("two_neurons.json" if name == "laptop" else f"two_neurons-{name}.json")
    write_rendered(path, record, report(record))
    save_figure(figure(record), path.with_suffix(".png"), path.name)


if __name__ == "__main__":
    main()
