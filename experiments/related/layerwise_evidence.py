"""Which parts of a layer may depend on the place? The evidence chooses, after van der Ouderaa et al. (NeurIPS 2023).

    OMP_NUM_THREADS=1 .venv/bin/python -m experiments.related.layerwise_evidence                  # a CPU-minute
    OMP_NUM_THREADS=1 .venv/bin/python -m experiments.related.layerwise_evidence --preset paper   # ten

A linear block is a convolution and a kernel of low rank that depends on the place,

    (B u)(x) = (c ∗ u)(x) + Σ_m cos(mx) (a_m ∗ u)(x) + sin(mx) (b_m ∗ u)(x),   1 ≤ m ≤ M,

with a prior precision of its own for c and for each m. It is linear in its weights, so that the evidence of the
precisions is exact; its gradient takes them to their maximum. y = B u + noise is the step of an equation on a circle:
u_t = −(1 + δ sin x) u_x + ν u_xx, homogeneous for δ = 0, and u_t = ν u_xx. The evidence should switch all m off for
homogeneous equations, and keep m = 1, the wave of the coefficient, for the others. Beside it: the convolution alone
(`convolution`), and all parts with one precision (`shared`), both by the same evidence. Repeating the command
continues.
"""

import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from experiments.preset_command import chosen_preset
from experiments.related.evidence import LinearModel, Precisions, ascended, effective_parameters, log_evidence
from experiments.related.layerwise_evidence_table import figure, report
from experiments.trial_store import Key, run_trials
from pdesym.report.figures.png import save_figure

HERE = Path(__file__).parent
EQUATIONS: dict[str, tuple[float, float]] = {
    "heat": (0.0, 0.0),
    "advection": (1.0, 0.0),
    "variable, 0.01": (1.0, 0.01),
    "variable, 0.1": (1.0, 0.1),
    "variable, 0.5": (1.0, 0.5),
}
"""Mean speed and its variation δ."""
ARMS = ("evidence", "convolution", "shared")


@dataclass(frozen=True)
class Preset:
    """Sizes; the circle has length 2π.

    Attributes:
        seeds: of the data.
        points: N, odd.
        waves: M.
        pairs: numbers of pairs.
        noise: standard deviation of an entry of y; entries of u have 1.
        duration: of a step.
        diffusivity: ν.
        steps: of the ascent.
    """

    seeds: int = 5
    points: int = 15
    waves: int = 3
    pairs: tuple[int, ...] = (16, 64, 256)
    noise: float = 0.05
    duration: float = 1.0
    diffusivity: float = 0.1
    steps: int = 200


PRESETS = {"laptop": Preset(), "paper": Preset(seeds=20, points=31, waves=5, pairs=(32, 128, 512, 2048), steps=400)}


def one_step(preset: Preset, equation: str) -> Float[Tensor, "n n"]:
    """The matrix of the trigonometric interpolant's exact step."""
    n, (speed, variation) = preset.points, EQUATIONS[equation]
    x = 2 * math.pi * torch.arange(n, dtype=torch.float64) / n
    k = torch.fft.fftfreq(n, 1 / n, dtype=torch.float64)
    modes = torch.fft.fft(torch.eye(n, dtype=torch.float64), dim=0)
    first, second = (torch.fft.ifft(each.unsqueeze(1) * modes, dim=0).real for each in (1j * k, -k * k))
    speeds = speed * (1 + variation * x.sin())
    return torch.linalg.matrix_exp(preset.duration * (preset.diffusivity * second - speeds.unsqueeze(1) * first))


def block_basis(n: int, waves: int) -> tuple[Float[Tensor, "weights n n"], list[int]]:
    """Matrices diag(f) S^k, S the shift by a cell and f = 1, cos(mx), sin(mx), all orthonormal, and m of each."""
    x = 2 * math.pi * torch.arange(n, dtype=torch.float64) / n
    shifts = torch.stack([torch.eye(n, dtype=torch.float64).roll(k, 0) for k in range(n)])
    found, group = [shifts / n**0.5], [0] * n
    for m in range(1, waves + 1):
        for f in ((m * x).cos(), (m * x).sin()):
            found.append((2 / n) ** 0.5 * f.reshape(-1, 1) * shifts)
            group += [m] * n
    return torch.cat(found), group


def part_sizes(preset: Preset) -> list[int]:
    """Weights of c, and of each m."""
    return [preset.points, *(2 * preset.points for _ in range(preset.waves))]


def measured(preset: Preset, equation: str, pairs: int, seed: int) -> dict[str, Any]:
    """What the evidence chooses for each arm, and the error of the mean of the posterior."""
    rng = torch.Generator().manual_seed(seed)
    matrix, n = one_step(preset, equation), preset.points
    u, noise = torch.randn(2, pairs, n, generator=rng, dtype=torch.float64)
    y = u @ matrix.mT + preset.noise * noise
    basis, waves = block_basis(n, preset.waves)
    result: dict[str, Any] = {}
    for arm in ARMS:
        kept = basis[:n] if arm == "convolution" else basis
        group = [0] * len(kept) if arm == "shared" else waves[: len(kept)]
        design = torch.einsum("kij,pj->pik", kept, u).flatten(0, 1)
        linear = LinearModel.of(design, y.flatten(), group)
        precisions = ascended(linear, Precisions.first(max(group) + 1), preset.steps, 0.3)
        model = linear.settled(precisions)
        learned = torch.einsum("k,kij->ij", model.weights, kept)
        result[arm] = {
            "error": float((learned - matrix).norm() / matrix.norm()),
            "effective": effective_parameters(model, precisions).tolist(),
            "log_alpha": precisions.log_alpha.tolist(),
            "noise": math.exp(-float(precisions.log_beta) / 2),
            "log_evidence": float(log_evidence(model, precisions)),
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
        "experiment": "layerwise_evidence",
        "preset": asdict(preset),
        "equations": EQUATIONS,
        "weights": part_sizes(preset),
    }
    return run_trials(path, header, keys, trial, report)


def main() -> None:
    """Runs what the command line asks for."""
    name, preset = chosen_preset(__doc__, PRESETS)
    path = HERE / "results" / f"layerwise_evidence-{name}.json"
    rows = run(preset, path)
    if name == "laptop":
        save_figure(figure(rows, part_sizes(preset)), HERE / "layerwise_evidence.png", path.name)


if __name__ == "__main__":
    main()
