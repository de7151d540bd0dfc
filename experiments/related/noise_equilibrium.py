"""What does the noise of gradient descent do to a quantity that a symmetry of the weights conserves?

    .venv/bin/python -m experiments.related.noise_equilibrium                  # one CPU-minute
    .venv/bin/python -m experiments.related.noise_equilibrium --preset paper   # an hour

After Ziyin, Wang, Li and Wu, *Parameter Symmetry and Noise Equilibrium of Stochastic Gradient Descent* (NeurIPS 2024,
arXiv:2402.07193). Where the loss of every sample is the same at e^{λA}θ for all λ, C = θᵀAθ follows

    Ċ = −4γC + 2T Tr[AΣ(θ)],   T = η/2B,

in stochastic gradient descent with rate η, batches of B and the decay γ‖θ‖², Σ the covariance of the gradients of
single samples. Without noise C is conserved, or decays as e^{−4γt}; with it, C goes to the same fixed point from
wherever on the orbit {e^{λA}θ} it starts. Here θ is a small Fourier operator that learns u(0) → u(T) of Burgers'
equation from noisy targets, with a spectral weight R(k) = V(k) U(k), so that C = ‖U‖² − ‖V‖². Several starts on the
orbit, several seeds.

Controls: the descent on the whole set, which has no noise; and ‖U‖² − ‖W‖² with the pointwise weight W of the same
layer, a scaling of which is no symmetry.

Repeating the command continues. Writes results/noise_equilibrium-<preset>.json, the table beside it, and of the
laptop preset noise_equilibrium.png.
"""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from experiments.preset_command import chosen_preset
from experiments.related.noise_equilibrium_run import Preset, followed, pairs_of, started
from experiments.related.noise_equilibrium_table import balance_figure, report
from experiments.trial_store import Key, run_trials
from pdesym.report.figures.png import save_figure

HERE = Path(__file__).parent
PRESETS = {
    "laptop": Preset(),
    "paper": Preset(
        points=64,
        samples=128,
        modes=8,
        width=16,
        rank=4,
        seeds=(0, 1, 2, 3, 4),
        rate=0.05,
        steps=200000,
        full_steps=4000,
    ),
}


def keys_of(preset: Preset) -> list[dict[str, Any]]:
    """The descents: on the whole set with two rates and with decay, and with noise."""
    whole = [(preset.rate, 0.0), (preset.rate / 2, 0.0), (preset.rate, preset.decay)]
    noisy = [(preset.rate, 0.0), (preset.rate, preset.decay)]
    return [{"batch": 0, "rate": rate, "decay": decay} for rate, decay in whole] + [
        {"batch": preset.batch, "rate": rate, "decay": decay} for rate, decay in noisy
    ]


def trial(preset: Preset, key: Key) -> dict[str, Any]:
    """One descent of all starts and seeds."""
    pairs = pairs_of(preset)
    steps = preset.steps if key["batch"] else round(preset.full_steps * preset.rate / key["rate"])
    weights = started(preset, pairs)
    return {"told": followed(preset, pairs, weights, steps, key["rate"], key["batch"], key["decay"])}


def main() -> None:
    """Runs what is not there yet."""
    name, preset = chosen_preset(__doc__, PRESETS)
    path = HERE / "results" / f"noise_equilibrium-{name}.json"
    rows = run_trials(path, {"preset": asdict(preset)}, keys_of(preset), lambda key: trial(preset, key), report)
    if name == "laptop":
        save_figure(balance_figure(rows, preset.starts), HERE / "noise_equilibrium.png", f"results/{path.name}")
    print(path.with_suffix(".md").read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
