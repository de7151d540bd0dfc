"""Equations with a card: what they are, what their solutions do, what is known in closed form.

A name without a suffix is one text for every number of dimensions on its card, `heat(0.1)` on a line or in a plane; the
suffix `_2d` marks a text of its own for the plane.
"""

from collections.abc import Callable

from pdesym.solvers.catalogue.advection import advection
from pdesym.solvers.catalogue.advection_2d import advection_2d
from pdesym.solvers.catalogue.allen_cahn import allen_cahn
from pdesym.solvers.catalogue.burgers import burgers
from pdesym.solvers.catalogue.burgers_2d import burgers_2d
from pdesym.solvers.catalogue.cahn_hilliard import cahn_hilliard
from pdesym.solvers.catalogue.ckdv import ckdv
from pdesym.solvers.catalogue.fisher_kpp import fisher_kpp
from pdesym.solvers.catalogue.fitzhugh_nagumo import fitzhugh_nagumo
from pdesym.solvers.catalogue.gray_scott import gray_scott
from pdesym.solvers.catalogue.heat import heat
from pdesym.solvers.catalogue.kdv import kdv
from pdesym.solvers.catalogue.ks import ks
from pdesym.solvers.catalogue.ks_2d import ks_2d
from pdesym.solvers.catalogue.mkdv import mkdv
from pdesym.solvers.catalogue.navier_stokes import (
    kolmogorov_flow,
    navier_stokes,
    navier_stokes_fno,
    navier_stokes_gfno,
)
from pdesym.solvers.catalogue.nkdv import nkdv
from pdesym.solvers.catalogue.nls import nls
from pdesym.solvers.catalogue.shallow_water import shallow_water
from pdesym.solvers.catalogue.sine_gordon import sine_gordon
from pdesym.solvers.catalogue.swift_hohenberg import swift_hohenberg
from pdesym.solvers.catalogue.wave import wave
from pdesym.solvers.equation import Equation

CATALOGUE: dict[str, Callable[..., Equation]] = {
    "advection": advection,
    "burgers": burgers,
    "kdv": kdv,
    "mkdv": mkdv,
    "ks": ks,
    "nkdv": nkdv,
    "ckdv": ckdv,
    "heat": heat,
    "fisher_kpp": fisher_kpp,
    "allen_cahn": allen_cahn,
    "cahn_hilliard": cahn_hilliard,
    "swift_hohenberg": swift_hohenberg,
    "nls": nls,
    "wave": wave,
    "sine_gordon": sine_gordon,
    "fitzhugh_nagumo": fitzhugh_nagumo,
    "gray_scott": gray_scott,
    "advection_2d": advection_2d,
    "burgers_2d": burgers_2d,
    "ks_2d": ks_2d,
    "shallow_water": shallow_water,
    "navier_stokes": navier_stokes,
    "kolmogorov_flow": kolmogorov_flow,
    "navier_stokes_fno": navier_stokes_fno,
    "navier_stokes_gfno": navier_stokes_gfno,
}
"""Every equation by the name that recipes and the command line use, those of a line first, those of the plane last."""

__all__ = [
    "CATALOGUE",
    "advection",
    "advection_2d",
    "allen_cahn",
    "burgers",
    "burgers_2d",
    "cahn_hilliard",
    "ckdv",
    "fisher_kpp",
    "fitzhugh_nagumo",
    "gray_scott",
    "heat",
    "kdv",
    "kolmogorov_flow",
    "ks",
    "ks_2d",
    "mkdv",
    "navier_stokes",
    "navier_stokes_fno",
    "navier_stokes_gfno",
    "nkdv",
    "nls",
    "shallow_water",
    "sine_gordon",
    "swift_hohenberg",
    "wave",
]
