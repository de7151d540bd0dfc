"""The settings of a run in words, for the pages."""

from collections.abc import Mapping
from statistics import median
from typing import Any

from experiments.forecasting.settings import HERE, load_treatments
from pdesym.datasets import load_recipe

EQUATIONS = {"kdv": "Korteweg-de Vries", "ks": "Kuramoto-Sivashinsky"}


def settings_text(record: Mapping[str, Any]) -> dict[str, str]:
    """What the templates of both pages say about how it was run."""
    if not record["rows"]:
        return dict.fromkeys(
            ("equations", "frames", "model", "steps", "batch", "rate", "forecast", "test", "seeds", "parameters",
             "minutes", "rtol", "boost", "share", "into", "out"), "–",
        )  # fmt: skip
    preset, rows = record["preset"], record["rows"]
    into, out = preset["frames"]["into"], preset["frames"]["out"]
    recipes = {name: load_recipe(HERE / "recipes" / f"{name}.yaml") for name in EQUATIONS}
    boost = load_treatments()["exact"].moves[0]
    texts = []
    for name, recipe in recipes.items():
        stride = preset["stride"]["time"]
        spacing = stride * (recipe.times.last - recipe.times.first) / (recipe.times.count - 1)
        frames, points = recipe.times.count // stride, int(recipe.grid.points) // preset["stride"]["space"]
        texts.append(
            f"{EQUATIONS[name]}: {frames} frames {spacing:.3f} apart from t = {recipe.times.first:.1f} on, {points} "
            f"points, box of {recipe.grid.length:g}"
        )
    first = preset["forecast"]["start"] + into
    last = first + preset["forecast"]["blocks"] * out - 1
    return {
        "equations": "; ".join(texts),
        "frames": f"{into} frames to {out}",
        "into": str(into),
        "out": str(out),
        "model": "width {width}, {modes} modes, {layers} layers".format(**preset["model"]),
        "parameters": f"{rows[0]['parameters']:,}",
        "steps": ", ".join(sorted({str(row["steps"]) for row in rows}, key=int)),
        "batch": str(preset["training"]["batch"]),
        "rate": f"{preset['training']['learning_rate']:g}",
        "forecast": f"{preset['forecast']['blocks']} blocks, frames {first} to {last}",
        "test": str(preset["trajectories"]["test"]),
        "seeds": str(len(preset["seeds"])),
        "rtol": f"{recipes['kdv'].rtol:.0e}",
        "boost": f"ε uniform in ±{boost.width:g}",
        "share": f"{boost.probability:g}",
        "minutes": f"{median(seconds for row in rows for seconds in row['train_seconds']) / 60:.1f}",
    }
