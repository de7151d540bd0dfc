"""Finding symmetry algebras by linear algebra on numbers: of equations, of trajectories and of solution maps."""

from pdesym.symmetry.discover.dispatch import discover
from pdesym.symmetry.discover.equivariances import Equivariances, discover_equivariances
from pdesym.symmetry.discover.from_data import discover_from_data
from pdesym.symmetry.discover.from_equation import discover_from_equation
from pdesym.symmetry.discover.from_operator import discover_alike, discover_from_operator
from pdesym.symmetry.discover.from_windows import discover_from_windows
from pdesym.symmetry.discover.jets_numeric import Jets
from pdesym.symmetry.discover.pairs import Pairs, composition_defect, discover_pairs
from pdesym.symmetry.discover.result import Discovery
from pdesym.symmetry.discover.scalings import Scalings, discover_scalings
from pdesym.symmetry.discover.weak_form import Term, standard_terms

__all__ = [
    "Discovery",
    "Equivariances",
    "Jets",
    "Pairs",
    "Scalings",
    "Term",
    "composition_defect",
    "discover",
    "discover_alike",
    "discover_equivariances",
    "discover_from_data",
    "discover_from_equation",
    "discover_from_operator",
    "discover_from_windows",
    "discover_pairs",
    "discover_scalings",
    "standard_terms",
]
