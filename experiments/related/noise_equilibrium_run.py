"""Stochastic gradient descent of many networks, with C = θᵀAθ and what the theory makes of it along the run."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from experiments.related.noise_equilibrium_operator import (
    NO_SYMMETRY,
    SYMMETRY,
    FactorisedOperator,
    Weights,
    charge,
    mean_force,
    noise_force,
    scaled,
)
from pdesym.solvers import Equation, Grid, RandomSinusoids, solve

SCALINGS = {"symmetry": SYMMETRY, "no symmetry": NO_SYMMETRY}


@dataclass(frozen=True)
class Preset:
    """All that a run depends on.

    Attributes:
        points: of the grid on the circle.
        samples: pairs u(0) → u(T) of Burgers' equation with viscosity 0.1 and T = 1, in units of the rms of u(0).
        noise: of the targets, in that unit: what keeps gradients of samples apart.
        modes: K of the operators.
        width: their channels.
        rank: of their spectral weights in a mode.
        size: standard deviation of the first entries of the factors.
        warm_steps: of training before the starts, with the noise below, common to all starts of a seed.
        starts: λ of each start along the orbit.
        seeds: of weights and batches.
        rate: η.
        batch: B, drawn with replacement.
        decay: γ of γ‖θ‖² where there is decay.
        steps: with noise.
        full_steps: on the whole set, at η; twice as many at η/2.
        every: steps between two measurements of Σ; a tenth of it without noise, and one step up to the first.
    """

    points: int = 32
    samples: int = 32
    noise: float = 0.7
    modes: int = 3
    width: int = 8
    rank: int = 2
    size: float = 0.05
    warm_steps: int = 500
    starts: tuple[float, ...] = (-0.4, 0.0, 0.4)
    seeds: tuple[int, ...] = (0, 1, 2)
    rate: float = 0.1
    batch: int = 1
    decay: float = 0.002
    steps: int = 12000
    full_steps: int = 500
    every: int = 50

    @property
    def operator(self) -> FactorisedOperator:
        """Of the sizes."""
        return FactorisedOperator(self.modes, self.width, self.rank)


@dataclass(frozen=True)
class Pairs:
    """Fields and noisy targets."""

    u: Float[Tensor, "samples points"]
    y: Float[Tensor, "samples points"]


def pairs_of(preset: Preset) -> Pairs:
    """The training set."""
    grid = Grid(preset.points, length=2 * math.pi)
    law = RandomSinusoids(terms=10, amplitude=0.4, waves=(1, 2, 3))
    u = law.sample(grid, range(preset.samples), seed=0)
    later = solve(Equation("u_t = -u*u_x + 0.1*u_xx"), u, grid, [0.0, 1.0], rtol=1e-7).u[:, -1]
    unit = u.square().mean().sqrt()
    noise = torch.randn(u.shape, generator=torch.Generator().manual_seed(1), dtype=u.dtype)
    return Pairs((u / unit)[:, 0], (later / unit + preset.noise * noise)[:, 0])


def started(preset: Preset, pairs: Pairs) -> Weights:
    """Every start of every seed: one network trained a little, then moved along its orbit."""
    operator = preset.operator
    each = [operator.weights(seed, preset.size) for seed in preset.seeds]
    weights = {name: torch.cat([one[name] for one in each]) for name in each[0]}
    generator = torch.Generator().manual_seed(2)
    for _ in range(preset.warm_steps):
        weights = step(preset, pairs, weights, generator, 8, preset.rate, 0.0)
    moved = [scaled(weights, start) for start in preset.starts]
    return {name: torch.stack([one[name] for one in moved], 1).flatten(0, 1) for name in weights}


def step(
    preset: Preset, pairs: Pairs, weights: Weights, generator: torch.Generator, batch: int, rate: float, decay: float
) -> Weights:
    """θ − η (g + 2γθ) for every network, each with a batch of its own; batch 0 is the whole set."""
    runs = len(weights["lift"])
    if batch:
        chosen = torch.randint(preset.samples, (runs, batch), generator=generator)
        u, y = pairs.u[chosen], pairs.y[chosen]
    else:
        u, y = (each.expand(runs, -1, -1) for each in (pairs.u, pairs.y))
    gradients = preset.operator.gradients(weights, u, y)
    return {name: value - rate * (gradients[name] + 2 * decay * value) for name, value in weights.items()}


def followed(
    preset: Preset, pairs: Pairs, weights: Weights, steps: int, rate: float, batch: int, decay: float
) -> dict[str, Any]:
    """Trains, and follows C beside the solution of Ċ = −4γC + 2T Tr[AΣ(θ)] with T = η/2B along the way.

    The time of a step is η; Σ is measured every few steps and held between. "stepped" is the same with what a step of
    finite length adds to Ċ beside the noise, η ḡᵀAḡ with the gradient ḡ of the whole loss. "fixed" is the C at which
    Ċ = 0 on the orbit of the weights at that time, at x² = (4γ‖V‖² + 2T Tr Σ_U)/(4γ‖U‖² + 2T Tr Σ_V) with U → √x U,
    V → V/√x. Batch 0 is the whole set, without noise: T = 0.

    Returns:
        By name a list over the measurements with a number for each run: "loss", "size" ‖U‖² + ‖V‖², "fixed", and for
        each scaling "C", "theory" and "stepped"; "time" and "temperature" T. Without noise and decay no C is fixed.
    """
    operator = preset.operator
    generator = torch.Generator().manual_seed(3)
    twice = rate / batch if batch else 0.0
    theory = {name: charge(weights, scaling) for name, scaling in SCALINGS.items()}
    stepped = dict(theory)
    told: dict[str, Any] = {"temperature": twice / 2, "time": [], "loss": [], "size": [], "fixed": []}
    told |= {name: {"C": [], "theory": [], "stepped": []} for name in SCALINGS}
    every = preset.every if batch else max(1, preset.every // 10)
    show = max(1, steps // every // 25) * every
    for number in range(steps + 1):
        if number % every == 0 or number < every:
            gradients = operator.sample_gradients(weights, pairs.u, pairs.y)
            force = {name: twice * noise_force(gradients, scaling) for name, scaling in SCALINGS.items()}
            length = {name: rate * mean_force(gradients, scaling) for name, scaling in SCALINGS.items()}
        if number % show == 0:
            told["time"].append(number * rate)
            losses = operator.losses(
                weights, *(each.expand(len(weights["lift"]), -1, -1) for each in (pairs.u, pairs.y))
            )
            told["loss"].append(losses.tolist())
            told["size"].append(charge(weights, {"left": 1.0, "right": 1.0}).tolist())
            if twice or decay:
                told["fixed"].append(_fixed(weights, gradients, twice, decay).tolist())
            for name, scaling in SCALINGS.items():
                values = {"C": charge(weights, scaling), "theory": theory[name], "stepped": stepped[name]}
                for key, value in values.items():
                    told[name][key].append(value.tolist())
        weights = step(preset, pairs, weights, generator, batch, rate, decay)
        for name in SCALINGS:
            theory[name] = math.exp(-4 * decay * rate) * theory[name] + rate * force[name]
            stepped[name] = math.exp(-4 * decay * rate) * stepped[name] + rate * (force[name] + length[name])
    return _rounded(told)


def _fixed(weights: Weights, gradients: Mapping[str, Tensor], twice: float, decay: float) -> Tensor:
    """C where Ċ = 0 on the orbit of each run, with noise or decay."""
    size = {name: charge(weights, {name: 1.0}) for name in SYMMETRY}
    trace = {name: noise_force(gradients, {name: 1.0}) for name in SYMMETRY}
    over = 4 * decay * size["left"] + twice * trace["right"]
    under = 4 * decay * size["right"] + twice * trace["left"]
    x = (over / under).sqrt()
    return x * size["right"] - size["left"] / x


def _rounded(told: Any) -> Any:
    """To six digits, which is what a result file holds."""
    if isinstance(told, dict):
        return {name: _rounded(value) for name, value in told.items()}
    return [_rounded(value) for value in told] if isinstance(told, list) else float(f"{told:.6g}")
