"""What a PDE is and how it is integrated: grids, derivatives, equations from text, `solve`.

    from pdesym.solvers import Grid, RandomSinusoids, kdv, solve

    grid = Grid(256, length=128.0)
    u0 = RandomSinusoids().sample(grid, range(8), seed=0)
    trajectories = solve(kdv(), u0, grid, times=[10.0, 20.0], rtol=1e-6)

`CATALOGUE` lists the equations that come with a card; any other is declared as text, `Equation("u_t = …")`.
"""

if __name__ == "solvers":  # the repository root is on sys.path; a bare name would also hide other packages
    raise ImportError("The folder solvers/ is the package pdesym.solvers: write `import pdesym.solvers`.")

from pdesym.solvers.between import frames_between
from pdesym.solvers.card import Card
from pdesym.solvers.catalogue import (
    CATALOGUE,
    advection,
    advection_2d,
    allen_cahn,
    burgers,
    burgers_2d,
    cahn_hilliard,
    ckdv,
    fisher_kpp,
    fitzhugh_nagumo,
    gray_scott,
    heat,
    kdv,
    kolmogorov_flow,
    ks,
    ks_2d,
    mkdv,
    navier_stokes,
    navier_stokes_fno,
    navier_stokes_gfno,
    nkdv,
    nls,
    shallow_water,
    sine_gordon,
    swift_hohenberg,
    wave,
)
from pdesym.solvers.cole_hopf import ColeHopf, HeatPotential
from pdesym.solvers.equation import Equation
from pdesym.solvers.expression import ExpressionError
from pdesym.solvers.finite_differences import Dirichlet, FiniteDifferenceGrid, Neumann, Normal, Outflow, Robin
from pdesym.solvers.flow_map import FlowMap
from pdesym.solvers.gaussian_fields import GaussianField
from pdesym.solvers.grid import Grid
from pdesym.solvers.initial_conditions import EachField, InitialLaw, RandomSinusoids, Uniform
from pdesym.solvers.integration import AccuracyWarning, BlowUpError
from pdesym.solvers.solve import solve
from pdesym.solvers.specks import Specks
from pdesym.solvers.spectral import derivative, translate
from pdesym.solvers.trajectories import Trajectories

__all__ = [
    "CATALOGUE",
    "AccuracyWarning",
    "BlowUpError",
    "Card",
    "ColeHopf",
    "Dirichlet",
    "EachField",
    "Equation",
    "ExpressionError",
    "FiniteDifferenceGrid",
    "FlowMap",
    "GaussianField",
    "Grid",
    "HeatPotential",
    "InitialLaw",
    "Neumann",
    "Normal",
    "Outflow",
    "RandomSinusoids",
    "Robin",
    "Specks",
    "Trajectories",
    "Uniform",
    "advection",
    "advection_2d",
    "allen_cahn",
    "burgers",
    "burgers_2d",
    "cahn_hilliard",
    "ckdv",
    "derivative",
    "fisher_kpp",
    "fitzhugh_nagumo",
    "frames_between",
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
    "solve",
    "swift_hohenberg",
    "translate",
    "wave",
]
