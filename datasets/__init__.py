if __name__ == "datasets":  # the repository root is on sys.path; a bare name would also hide other packages
    raise ImportError("The folder datasets/ is the package pdesym.datasets: write `import pdesym.datasets`.")

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pdesym.datasets.errors import GenerationError, RecipeError
    from pdesym.datasets.generation import generate
    from pdesym.datasets.open import open_dataset
    from pdesym.datasets.plan import Plan, describe
    from pdesym.datasets.recipe import Recipe, load_recipe
    from pdesym.datasets.windows import Window, Windows

# A recipe is read and its typos are said without waiting for torch: each name is imported when it is asked for.
_HOME = {
    "GenerationError": "errors",
    "RecipeError": "errors",
    "generate": "generation",
    "open_dataset": "open",
    "Plan": "plan",
    "describe": "plan",
    "Recipe": "recipe",
    "load_recipe": "recipe",
    "Window": "windows",
    "Windows": "windows",
}

__all__ = [
    "GenerationError",
    "Plan",
    "Recipe",
    "RecipeError",
    "Window",
    "Windows",
    "describe",
    "generate",
    "load_recipe",
    "open_dataset",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
