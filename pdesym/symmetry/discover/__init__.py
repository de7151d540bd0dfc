"""Finding symmetry algebras by linear algebra on numbers: of equations, and of trajectories."""

from pdesym.symmetry.discover.dispatch import discover
from pdesym.symmetry.discover.from_data import discover_from_data
from pdesym.symmetry.discover.from_equation import discover_from_equation
from pdesym.symmetry.discover.jets_numeric import Jets
from pdesym.symmetry.discover.result import Discovery
from pdesym.symmetry.discover.weak_form import Term, standard_terms

__all__ = [
    "Discovery",
    "Jets",
    "Term",
    "discover",
    "discover_from_data",
    "discover_from_equation",
    "standard_terms",
]
