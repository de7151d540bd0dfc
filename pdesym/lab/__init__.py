"""The whole loop on one equation: data, operators, their symmetries, a report; and single questions of symmetry."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pdesym.lab.operator_discovery import discover_checkpoint
    from pdesym.lab.recipe import LabRecipe, load_lab_recipe
    from pdesym.lab.run import run_lab

# A question about an equation is answered without waiting for training: each name is imported when it is asked for.
_HOME = {
    "LabRecipe": "recipe",
    "discover_checkpoint": "operator_discovery",
    "load_lab_recipe": "recipe",
    "run_lab": "run",
}

__all__ = ["LabRecipe", "discover_checkpoint", "load_lab_recipe", "run_lab"]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
