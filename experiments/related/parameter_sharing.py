"""Which entries of a one-step matrix are equal? After Yeh et al., Equivariance Discovery by Learned Parameter-Sharing.

    OMP_NUM_THREADS=1 .venv/bin/python -m experiments.related.parameter_sharing                  # a CPU-minute
    OMP_NUM_THREADS=1 .venv/bin/python -m experiments.related.parameter_sharing --preset paper   # twenty minutes

y = W x + noise, W the exact step of an equation on N places of a circle, x white. The weights of a sharing scheme are
fitted to half of the pairs, exactly; the scheme is chosen by the loss on a quarter, and the last quarter says whether
it is better than no sharing. Truth: for the heat equation the ⌊N/2⌋ + 1 classes |i − j|, for advection with diffusion
the N classes i − j, and for a speed that depends on the place no sharing at all (the control). Three ways, all from the
same start, classes of the dense solution by k-means with a few times N of them, and all ending with neighbouring
classes united while the validation loss allows it:

    clustered  nothing in between
    gradient   the published way: soft assignments by the gradient of the validation loss through the fitted weights
    turns      entries in turn to the class of least validation loss, weights fitted again

beside `dense`, `circulant` and `dihedral` matrices fitted to all pairs. Repeating the command continues.
"""

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from experiments.preset_command import chosen_preset
from experiments.related.parameter_sharing_table import figure, report
from experiments.related.partitions import (
    adjusted_rand_index,
    circulant_partition,
    classes,
    variation_of_information,
)
from experiments.related.sharing_schemes import Sums, by_gradient, by_turns, clustered, fitted, merged
from experiments.trial_store import Key, run_trials
from pdesym.report.figures.png import save_figure
from pdesym.symmetry.enforce.group import MatrixGroup
from pdesym.symmetry.enforce.groups import cyclic
from pdesym.symmetry.enforce.maps import equivariant_maps

HERE = Path(__file__).parent
EQUATIONS = {
    "heat": "u_t = ν u_xx",
    "advection": "u_t = −c u_x + ν u_xx",
    "variable": "u_t = −c (1 + sin(x)/2) u_x + ν u_xx",
}
WAYS = ("clustered", "gradient", "turns")


@dataclass(frozen=True)
class Preset:
    """Sizes; the circle has length 2π and a step the time 1.

    Attributes:
        seeds: of the data.
        points: N, odd.
        pairs: numbers of pairs (x, y).
        noise: standard deviation of an entry of y beside W x; entries of x have 1.
        starts: classes at first, in units of N; that of least validation loss is taken.
        slack: of the validation loss when classes are united, in units of what one weight's noise is of it.
        steps: of the gradient way.
        speed: c, in radians a step.
        diffusivity: ν.
    """

    seeds: int = 5
    points: int = 13
    pairs: tuple[int, ...] = (48, 192, 768, 3072)
    noise: float = 0.02
    starts: tuple[float, ...] = (1.5, 3.0)
    slack: float = 12.0
    steps: int = 200
    speed: float = 1.1
    diffusivity: float = 0.6


PRESETS = {"laptop": Preset(), "paper": Preset(seeds=20, points=17, pairs=(48, 192, 768, 3072, 12288), steps=1000)}


def one_step(preset: Preset, equation: str) -> Float[Tensor, "n n"]:
    """The matrix of the trigonometric interpolant's exact step."""
    n = preset.points
    x = 2 * math.pi * torch.arange(n, dtype=torch.float64) / n
    k = torch.fft.fftfreq(n, 1 / n, dtype=torch.float64)
    modes = torch.fft.fft(torch.eye(n, dtype=torch.float64), dim=0)
    first, second = (torch.fft.ifft(each.unsqueeze(1) * modes, dim=0).real for each in (1j * k, -k * k))
    speed = {"heat": 0.0 * x, "advection": 1.0 + 0.0 * x, "variable": 1 + x.sin() / 2}[equation] * preset.speed
    return torch.linalg.matrix_exp(preset.diffusivity * second - speed.unsqueeze(1) * first)


def truth(preset: Preset, equation: str) -> Int[Tensor, " entries"]:
    """The partition of the equation, of the control that of the equation it is a change of."""
    return circulant_partition(preset.points, reflection=equation == "heat")


def dihedral(n: int) -> MatrixGroup:
    """Rotations and the reflection of n places on a circle."""
    back = torch.eye(n, dtype=torch.float64)[(-torch.arange(n)) % n]
    turn = cyclic(n)
    return MatrixGroup(turn.lie_algebra, torch.cat((turn.discrete, back[None])), f"D_{n}")


def enforced(group: MatrixGroup, sums: Sums) -> Float[Tensor, "n n"]:
    """Least squares among the matrices that commute with a group."""
    basis = equivariant_maps(group.vector, group.vector)
    normal = torch.einsum("kij,jl,mil->km", basis, sums.gram, basis)
    return torch.einsum("k,kij->ij", torch.linalg.solve(normal, torch.einsum("kij,ij->k", basis, sums.cross)), basis)


def scheme(way: str, preset: Preset, train: Sums, validation: Sums) -> Int[Tensor, " entries"]:
    """The scheme that a way finds."""
    # What the noise of a few weights costs: two classes that are equal are united, two that differ by more are not.
    slack = preset.slack / (validation.count * preset.points)
    searches: dict[str, Callable[[Tensor], Tensor]] = {
        "clustered": lambda labels: merged(labels, train, validation, slack),
        "gradient": lambda labels: merged(
            by_gradient(labels, train, validation, preset.steps), train, validation, slack
        ),
        "turns": lambda labels: by_turns(
            merged(by_turns(labels, train, validation), train, validation, slack), train, validation
        ),
    }
    starts = [clustered(train.dense().flatten(), round(factor * preset.points)) for factor in preset.starts]
    found = [searches[way](start) for start in starts]
    return min(found, key=lambda labels: float(validation.loss(fitted(labels, train))))


def measured(preset: Preset, equation: str, pairs: int, seed: int) -> dict[str, Any]:
    """What each way finds, and its error."""
    rng = torch.Generator().manual_seed(seed)
    matrix, n = one_step(preset, equation), preset.points
    x, noise = torch.randn(2, pairs, n, generator=rng, dtype=torch.float64)
    y, quarter = x @ matrix.mT + preset.noise * noise, pairs // 4
    parts = (slice(2 * quarter), slice(2 * quarter, 3 * quarter), slice(3 * quarter, None), slice(None))
    train, validation, decision, every = (Sums.of(x[part], y[part]) for part in parts)

    def error(w: Tensor) -> float:
        # Of white inputs: √(E‖(Ŵ − W) x‖² / E‖W x‖²).
        return float((w - matrix).norm() / matrix.norm())

    given = {"dense": every.dense(), "circulant": enforced(cyclic(n), every), "dihedral": enforced(dihedral(n), every)}
    result: dict[str, Any] = {name: {"error": error(w)} for name, w in given.items()}
    dense, right = float(decision.loss(train.dense())), truth(preset, equation)
    for way in WAYS:
        labels = scheme(way, preset, train, validation)
        loss = float(decision.loss(fitted(labels, train)))
        result[way] = {
            "error": error(fitted(labels, every)),
            "classes": classes(labels),
            "rand": adjusted_rand_index(labels, right),
            "information": variation_of_information(labels, right),
            "decision": loss,
            "decision_dense": dense,
            "shares": loss < dense,
        }
    return result


def run(preset: Preset, path: Path) -> list[dict[str, Any]]:
    """All trials that are not in the file."""

    def trial(key: Key) -> dict[str, Any]:
        return measured(preset, key["equation"], key["pairs"], key["seed"])

    keys = [
        {"equation": equation, "pairs": pairs, "seed": seed}
        for equation in EQUATIONS
        for pairs in preset.pairs
        for seed in range(preset.seeds)
    ]
    header = {
        "experiment": "parameter_sharing",
        "preset": asdict(preset),
        "equations": EQUATIONS,
        "true_classes": {name: classes(truth(preset, name)) for name in ("heat", "advection")},
    }
    return run_trials(path, header, keys, trial, report)


def main() -> None:
    """Runs what the command line asks for."""
    name, preset = chosen_preset(__doc__, PRESETS)
    path = HERE / "results" / f"parameter_sharing-{name}.json"
    rows = run(preset, path)
    if name == "laptop":
        save_figure(figure(rows), HERE / "parameter_sharing.png", path.name)


if __name__ == "__main__":
    main()
