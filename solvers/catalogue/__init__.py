"""Equations with a card: what they are, what their solutions do, what is known in closed form."""

from collections.abc import Callable

from pdesym.solvers.catalogue.advection import advection
from pdesym.solvers.catalogue.burgers import burgers
from pdesym.solvers.catalogue.heat import heat
from pdesym.solvers.catalogue.kdv import kdv
from pdesym.solvers.catalogue.ks import ks
from pdesym.solvers.equation import Equation

CATALOGUE: dict[str, Callable[..., Equation]] = {
    "advection": advection,
    "heat": heat,
    "burgers": burgers,
    "kdv": kdv,
    "ks": ks,
}
"""Every equation by the name that recipes and the command line use."""

__all__ = ["CATALOGUE", "advection", "burgers", "heat", "kdv", "ks"]
