"""`run_lab`: every stage in order, each skipped when its result is there."""

import platform
import sys
import time
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch

from pdesym.datasets import Recipe, RecipeError, generate, open_dataset
from pdesym.datasets.problem import first_equation, grid_of
from pdesym.datasets.recipe import DEFAULT_RTOL
from pdesym.datasets.recipe_file import dump, first_difference, load
from pdesym.lab.arms import arms_of, steps_done, train_arms
from pdesym.lab.defects import measure_defects
from pdesym.lab.folder import Folder
from pdesym.lab.forecast import measure_forecasts, operator_name
from pdesym.lab.learned import library_of, measure_learned
from pdesym.lab.learning import collect_learning
from pdesym.lab.recipe import LabRecipe, load_lab_recipe
from pdesym.report import defect_table, terminal_table, write_page
from pdesym.solvers import Equation
from pdesym.symmetry import Generator
from pdesym.symmetry.discover import discover_from_equation
from pdesym.training import read_metrics

_POINTS_OF_A_CURVE = 150


def run_lab(out: Path, recipe: str | Path = "kdv", overrides: Sequence[str] = ()) -> Path:
    """Generate, train, measure, report; repeating the call continues where the last one was ended.

    Args:
        out: folder of the run: new, or with a run of the same recipe.
        recipe: a shipped recipe, or the path of one.
        overrides: entries to change, "training.steps=1000", "dataset.grid.points=256".

    Returns:
        The path of the report, `index.html`.

    Raises:
        ValueError: before anything is computed, when the recipe is wrong or the folder holds another run.
    """
    began = time.monotonic()
    lab, dataset = load_lab_recipe(recipe, overrides)
    folder = Folder(Path(out))
    equation = first_equation(dataset)
    _check(lab, dataset, equation)
    _begin(folder, lab)
    torch.set_num_threads(1)
    seconds: dict[str, float] = {}

    def stage(name: str, done: bool, work: Any) -> None:
        if done:
            _say(f"{name}: there already")
            return
        start = time.monotonic()
        work()
        seconds[name] = time.monotonic() - start
        _say(f"{name}: {seconds[name]:.1f} s")

    _say(f"{equation.card.formula if equation.card else equation.statement}, into {folder.root}")
    stage("data", False, lambda: generate(dataset, folder.data, workers=2, device=lab.device))
    _write_data(folder, dataset, equation)
    trained = all(steps_done(folder, lab, arm) == lab.training.steps for arm in arms_of(lab))
    stage("training", trained, lambda: train_arms(folder, lab))
    _write_training(folder, lab)
    collect_learning(folder, lab)
    rtol = dataset.rtol or DEFAULT_RTOL
    forecast_done = folder.read("forecast.json") is not None
    stage("forecasts", forecast_done, lambda: measure_forecasts(folder, lab, equation, rtol))
    stage("defects", folder.read("defects.json") is not None, lambda: measure_defects(folder, lab, equation))
    learned = folder.read("discovery.json") is not None
    stage("discovery", learned, lambda: measure_learned(folder, lab, equation))
    _write_run(folder, lab, dataset, seconds, recipe, overrides)
    page = write_page(folder.root)
    print(terminal_table(defect_table(folder.read("defects.json"))))
    forecast = folder.read("forecast.json")
    for ratio in forecast["ratios"]:
        name, mean, seeds = ratio["operator"], ratio["mean"], len(ratio["seeds"])
        print(f"unrolled NMSE {name} / plain FNO: {mean:.2f} over {seeds} paired seeds")
    _say(f"the whole run: {time.monotonic() - began:.1f} s")
    return page


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _begin(folder: Folder, lab: LabRecipe) -> None:
    if folder.recipe.exists():
        difference = first_difference(load(LabRecipe, folder.recipe), lab)
        if difference is not None:
            key, theirs, mine = difference
            raise RecipeError(
                f"{folder.root} holds a run with {key} = {theirs}, asked for is {mine}: give another --out, or the "
                "recipe that the run was begun with."
            )
    else:
        folder.write_text(folder.recipe, dump(lab))


def _check(lab: LabRecipe, dataset: Recipe, equation: Equation) -> None:
    """Everything that would fail late, before anything is computed."""
    grid = grid_of(dataset)
    for text in (lab.boost.generator, *(each.text for each in lab.defects.generators)):
        Generator(text, equation.fields, grid.axes).require_periodic(grid)
    frames = dataset.times.count
    needed = lab.forecast.start + lab.frames.into + lab.forecast.blocks * lab.frames.out
    if needed > frames:
        raise RecipeError(
            f"A forecast of {lab.forecast.blocks} blocks from frame {lab.forecast.start} needs {needed} frames, the "
            f"dataset has {frames}: lower forecast.blocks or forecast.start, or raise dataset.times.count."
        )
    for name, start in (("defects", lab.defects.start), ("discovery", lab.discovery.start)):
        needed = start + lab.frames.into + lab.frames.out
        if needed > frames:
            raise RecipeError(
                f"Windows for the {name} from frame {start} need {needed} frames, the dataset has {frames}: "
                f"lower {name}.start or raise dataset.times.count."
            )
    for polynomials in lab.discovery.libraries:
        if lab.frames.out < polynomials.degree:
            raise RecipeError(
                f"Powers of time up to {polynomials.degree} in discovery.libraries need as many output frames, the "
                f"operators give {lab.frames.out}: lower the degree or raise frames.out."
            )
        discover_from_equation(equation, library_of(polynomials, equation, grid))
    for split in ("train", "test"):
        if split not in dataset.splits.sizes:
            raise RecipeError(f"The lab needs samples to {split}: set dataset.splits.{split} above 0.")
    if lab.device not in ("cpu", "cuda") or (lab.device == "cuda" and not torch.cuda.is_available()):
        raise RecipeError(f"The device {lab.device!r} is not here: set device=cpu.")


def _write_data(folder: Folder, dataset: Recipe, equation: Equation) -> None:
    with open_dataset(folder.data, "test") as test:
        errors, steps, points = (test[name].values for name in ("error", "steps", "points_used"))
    folder.write(
        "data.json",
        {
            "equation": equation.statement,
            "formula": equation.card.formula if equation.card else equation.statement,
            "parameters": {k: v.tolist() if isinstance(v, torch.Tensor) else v for k, v in equation.parameters.items()},
            "grid": dataset.grid.model_dump(mode="json"),
            "times": dataset.times.model_dump(mode="json"),
            "splits": dataset.splits.sizes,
            "rtol": dataset.rtol,
            "largest_error": float(np.max(errors)),
            "steps": {"median": float(np.median(steps)), "largest": int(np.max(steps))},
            "points_used": {"smallest": int(np.min(points)), "largest": int(np.max(points))},
            "seed": dataset.seed,
        },
    )


def _write_training(folder: Folder, lab: LabRecipe) -> None:
    arms = []
    for operator, seed in arms_of(lab):
        metrics = read_metrics(folder.arm(operator, seed))
        thinned = metrics[:: max(1, len(metrics) // _POINTS_OF_A_CURVE)]
        arms.append(
            {
                "operator": operator_name(operator),
                "seed": seed,
                "steps": [line["step"] for line in thinned],
                "loss": [line["loss"] for line in thinned],
            }
        )
    folder.write("training.json", {"arms": arms})


def _write_run(
    folder: Folder,
    lab: LabRecipe,
    dataset: Recipe,
    seconds: dict[str, float],
    source: str | Path,
    overrides: Sequence[str],
) -> None:
    before = (folder.read("run.json") or {}).get("seconds", {})
    settings = " ".join(f"--set {override}" for override in overrides)
    folder.write(
        "run.json",
        {
            "command": f"pdesym lab --recipe {source} {settings}".strip(),
            "recipe": {**lab.model_dump(mode="json"), "dataset": dataset.model_dump(mode="json", exclude_none=True)},
            "seconds": {**before, **seconds},
            "threads": torch.get_num_threads(),
            "device": lab.device,
            "versions": {
                "python": platform.python_version(),
                **{name: version(name) for name in ("torch", "neuraloperator", "numpy", "xarray", "zarr")},
            },
        },
    )
