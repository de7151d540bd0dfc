"""Finite differences with stable boundaries: grids, conditions, semi-discrete systems, their integration."""

from pdesym.solvers.finite_differences.conditions import Condition, Dirichlet, End, Neumann, Normal, Outflow, Robin
from pdesym.solvers.finite_differences.grid import FiniteDifferenceGrid

__all__ = ["Condition", "Dirichlet", "End", "FiniteDifferenceGrid", "Neumann", "Normal", "Outflow", "Robin"]
