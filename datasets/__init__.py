if __name__ == "datasets":  # the repository root is on sys.path; a bare name would also hide other packages
    raise ImportError("The folder datasets/ is the package pdesym.datasets: write `import pdesym.datasets`.")

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pdesym.datasets.errors import GenerationError, RecipeError
    from pdesym.datasets.formats.arrays import dataset_from_arrays
    from pdesym.datasets.formats.exporting import export_dataset
    from pdesym.datasets.formats.importing import import_dataset
    from pdesym.datasets.formats.saving import save_dataset
    from pdesym.datasets.generation import generate
    from pdesym.datasets.loader import WindowLoader
    from pdesym.datasets.normaliser import Normaliser
    from pdesym.datasets.open import open_dataset
    from pdesym.datasets.planning import Cost, Plan, pilot, plan
    from pdesym.datasets.recipe import Recipe, load_recipe, shipped_recipes
    from pdesym.datasets.verification import Verification, verify
    from pdesym.datasets.window_dataset import WindowDataset
    from pdesym.datasets.windows import Window, Windows

# A recipe is read and its typos are said without waiting for torch: each name is imported when it is asked for.
_HOME = {
    "GenerationError": "errors",
    "RecipeError": "errors",
    "dataset_from_arrays": "formats.arrays",
    "export_dataset": "formats.exporting",
    "import_dataset": "formats.importing",
    "save_dataset": "formats.saving",
    "generate": "generation",
    "WindowLoader": "loader",
    "Normaliser": "normaliser",
    "open_dataset": "open",
    "Cost": "planning",
    "Plan": "planning",
    "pilot": "planning",
    "plan": "planning",
    "Recipe": "recipe",
    "load_recipe": "recipe",
    "shipped_recipes": "recipe",
    "Verification": "verification",
    "verify": "verification",
    "WindowDataset": "window_dataset",
    "Window": "windows",
    "Windows": "windows",
}

__all__ = [
    "Cost",
    "GenerationError",
    "Normaliser",
    "Plan",
    "Recipe",
    "RecipeError",
    "Verification",
    "Window",
    "WindowDataset",
    "WindowLoader",
    "Windows",
    "dataset_from_arrays",
    "export_dataset",
    "generate",
    "import_dataset",
    "load_recipe",
    "open_dataset",
    "pilot",
    "plan",
    "save_dataset",
    "shipped_recipes",
    "verify",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
