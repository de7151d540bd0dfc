"""The exact symmetry algebra of an equation from its text."""

from pdesym.symmetry.determine.determine import determine, is_symmetry
from pdesym.symmetry.determine.family import Family
from pdesym.symmetry.determine.ideal import SuperpositionIdeal
from pdesym.symmetry.determine.result import Determined, Special

__all__ = ["Determined", "Family", "Special", "SuperpositionIdeal", "determine", "is_symmetry"]
