"""Does a density over transformations tell that a dataset has lost a symmetry? Prototypes, and p(η|x̂) on top of them.

    .venv/bin/python -m experiments.related.transformation_model                  # two CPU-minutes
    .venv/bin/python -m experiments.related.transformation_model --preset paper   # an hour

After Allingham et al., *A Generative Model of Symmetry Transformations* (NeurIPS 2024, arXiv:2403.01946): every sample
is a prototype that was moved, x = T_η x̂, with p(η|x̂) learned by greatest likelihood after an invariant x ↦ x̂. There the
prototype is learned; here it is exact, since translations, boosts and scalings of fields have one in closed form. If a
dataset has a symmetry of the circle, η is uniform given the prototype; walls and a force with a phase break that, and
the known laws say by how much. Boosts and scales have no uniform law: there, symmetric is that η says nothing of the
prototype.

A dataset is flagged where the samples that the model has not seen are more likely than all but 5 % of as many that
symmetry makes of them; the false alarms of that test are at most 5 % whatever the model is. Controls: each broken
dataset with every field moved at random, which is symmetric again; and the mean direction of η without the prototypes,
which sees little of tied shifts, nearly uniform over all prototypes together.

Repeating the command continues. Writes results/transformation_model-<preset>.json, the table beside it, and of the
laptop preset transformation_model.png.
"""

import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from experiments.preset_command import chosen_preset
from experiments.related.transformation_model_data import CIRCLE, DATASETS, SEGMENT, moved_at_random, shifts_of
from experiments.related.transformation_model_density import (
    ConditionalMixture,
    divergence_from_uniform,
    features,
    fitted,
    rayleigh_level,
    symmetry_level,
)
from experiments.related.transformation_model_table import density_figure, report
from experiments.trial_store import Key, run_trials
from pdesym.report.figures.png import save_figure

HERE = Path(__file__).parent
SHOWN = 64


@dataclass(frozen=True)
class Preset:
    """All that a trial depends on.

    Attributes:
        training: samples for the likelihood.
        validation: samples that decide when to stop.
        test: samples for the test.
        components: of the mixture.
        hidden: units of the network.
        steps: of Adam at most, on all training samples.
        rate: of Adam.
        draws: of the test.
        alpha: its level.
        seeds: of data, weights and draws.
    """

    training: int = 768
    validation: int = 256
    test: int = 256
    components: int = 3
    hidden: int = 32
    steps: int = 300
    rate: float = 1e-2
    draws: int = 199
    alpha: float = 0.05
    seeds: int = 6


PRESETS = {"laptop": Preset(), "paper": Preset(4096, 1024, 2048, 8, 64, 2000, 5e-3, 999, 0.05, 50)}


def trial(preset: Preset, key: Key) -> dict[str, Any]:
    """The density of one dataset, what it says of samples that it has not seen, and the levels of the tests."""
    dataset, seed = DATASETS[key["data"]], int(key["seed"])
    fit = preset.training + preset.validation
    found = dataset.draw(fit + preset.test, seed)
    circle = dataset.motion == "shift"
    given, elements = features(found.prototypes), found.elements
    unit = 1.0 if circle else float(elements[:fit].std())
    centre = 0.0 if circle else float(elements[:fit].mean())
    elements = (elements - centre) / unit
    model = ConditionalMixture(given.shape[1], circle, preset.components, preset.hidden, seed)
    fitted(model, given[:fit], elements[:fit], preset.training, preset.steps, preset.rate)
    unseen, values = given[fit:], elements[fit:]
    with torch.no_grad():
        logarithm = model(unseen, values) - math.log(unit)
    generator = torch.Generator().manual_seed(seed)
    told: dict[str, Any] = {
        "level": symmetry_level(model, unseen, values, preset.draws, generator),
        "log_likelihood": float(logarithm.mean()),
        "log_likelihood_error": float(logarithm.std() / len(logarithm) ** 0.5),
    }
    if found.truth is not None:
        told["short_of_truth"] = float((found.truth[fit:] - logarithm).mean())
    if circle:
        grid = SEGMENT if key["data"].startswith("walls") else CIRCLE
        again = shifts_of(moved_at_random(found.fields[:SHOWN], grid, seed + 1), grid).prototypes
        told |= {
            "divergence": divergence_from_uniform(model, unseen),
            "marginal_level": rayleigh_level(values, preset.draws, generator),
            "prototype_defect": float((again - found.prototypes[:SHOWN]).norm() / again.norm()),
            "histogram": torch.histc(values % (2 * math.pi), 16, 0, 2 * math.pi).tolist(),
            "density": _marginal(model, unseen),
        }
    return told


def _marginal(model: ConditionalMixture, given: torch.Tensor) -> list[float]:
    """The learned density of η over all prototypes, at equidistant angles."""
    angles = 2 * math.pi / SHOWN * torch.arange(SHOWN, dtype=torch.float64)
    with torch.no_grad():
        values: list[float] = model(given, angles.unsqueeze(1).expand(-1, len(given))).exp().mean(1).tolist()
    return values


def main() -> None:
    """Runs what is not there yet."""
    name, preset = chosen_preset(__doc__, PRESETS)
    path = HERE / "results" / f"transformation_model-{name}.json"
    keys = [{"data": data, "seed": seed} for data in DATASETS for seed in range(preset.seeds)]
    rows = run_trials(path, {"preset": asdict(preset)}, keys, lambda key: trial(preset, key), report)
    if name == "laptop":
        save_figure(density_figure(rows), HERE / "transformation_model.png", f"results/{path.name}")
    print(path.with_suffix(".md").read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
