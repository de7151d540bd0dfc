"""The whole loop on one equation: data, two operators, their symmetries, a report."""

from pdesym.lab.recipe import LabRecipe, load_lab_recipe
from pdesym.lab.run import run_lab

__all__ = ["LabRecipe", "load_lab_recipe", "run_lab"]
