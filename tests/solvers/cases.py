"""The equations over which the laws of the solver are tested: adding one is adding a case to CASES."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import pytest
import torch
from torch import Tensor

from pdesym.solvers import (
    EachField,
    Equation,
    GaussianField,
    Grid,
    InitialLaw,
    RandomSinusoids,
    Specks,
    Uniform,
    advection,
    advection_2d,
    allen_cahn,
    burgers,
    burgers_2d,
    cahn_hilliard,
    ckdv,
    derivative,
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
    translate,
    wave,
)
from pdesym.solvers.catalogue.advection import advected
from pdesym.solvers.catalogue.advection_2d import advected as advected_in_the_plane
from pdesym.solvers.catalogue.allen_cahn import front_pair as allen_cahn_fronts
from pdesym.solvers.catalogue.burgers import cole_hopf
from pdesym.solvers.catalogue.burgers_2d import cole_hopf as cole_hopf_in_the_plane
from pdesym.solvers.catalogue.fisher_kpp import front_pair as fisher_fronts
from pdesym.solvers.catalogue.gray_scott import PATTERNS
from pdesym.solvers.catalogue.heat import diffused
from pdesym.solvers.catalogue.kdv import soliton
from pdesym.solvers.catalogue.mkdv import soliton as mkdv_soliton
from pdesym.solvers.catalogue.navier_stokes import jets, taylor_green
from pdesym.solvers.catalogue.nkdv import clock
from pdesym.solvers.catalogue.nkdv import soliton as nkdv_soliton
from pdesym.solvers.catalogue.nls import bright_soliton
from pdesym.solvers.catalogue.shallow_water import simple_wave
from pdesym.solvers.catalogue.sine_gordon import breather as sine_gordon_breather
from pdesym.solvers.catalogue.wave import vibrated

Boost = Callable[[Tensor, Grid, float], Tensor]
"""`(u, grid, t) → u seen from a moving frame`, at time t."""


@dataclass(frozen=True)
class Case:
    """An equation with a grid, an initial law and a horizon on which it is resolved.

    Attributes:
        name: unique; that of the catalogue, and what sets this case apart.
        equation: makes it; its card says which invariants it has.
        grid: resolves the solution to about 1e-9.
        initial: `grid → (batch, fields, *space)`.
        horizon: final time.
        exact: `(u₀, grid, t) → u(t)` where a closed form is known for these initial conditions.
        steps: numbers of steps for the order of convergence, in its asymptotic range; none where the solver is exact.
        drift: by invariant, the relative drift allowed at rtol = 1e-7; 1e-11 where not given.
        reflects: the sign each field takes when every axis is reflected; none where that is no symmetry.
        boost: its Galilean boost, if it has one.
        moves: whether translations are symmetries.
        slow: whether its laws are left to the slow tests, because another case of the same kind is there.
    """

    name: str
    equation: Callable[[], Equation]
    grid: Grid
    initial: Callable[[Grid], Tensor]
    horizon: float
    exact: Callable[[Tensor, Grid, float], Tensor] | None = None
    steps: tuple[int, ...] = ()
    drift: Mapping[str, float] = field(default_factory=dict)
    reflects: tuple[int, ...] | None = None
    boost: Boost | None = None
    moves: bool = True
    slow: bool = False

    @property
    def catalogued(self) -> str:
        """The name in the catalogue."""
        return self.name.split(" ")[0]


def drawn(*laws: InitialLaw) -> Callable[[Grid], Tensor]:
    """Two samples of the laws, one for each field; a law of all fields serves alone."""
    law = EachField(*laws) if len(laws) > 1 else laws[0]
    return lambda grid: law.sample(grid, range(2), seed=0)


def sinusoids(*waves: int, amplitude: float = 0.5, mean: float = 0.3) -> RandomSinusoids:
    return RandomSinusoids(terms=4, amplitude=amplitude, waves=waves, mean=mean)


def boosted(u: Tensor, grid: Grid, amounts: tuple[float, ...], distance: float | list[float]) -> Tensor:
    """u + amounts, moved by the distance."""
    shift = torch.tensor(amounts, dtype=torch.float64).reshape(-1, *(1,) * grid.dims)
    moved = translate(u, grid, distance if grid.dims == 1 else torch.tensor(distance, dtype=torch.float64))
    return moved + shift


def galilean(u: Tensor, grid: Grid, t: float) -> Tensor:
    """x → x + ct, u → u + c along every axis, the velocities being the last fields."""
    velocity = (0.7, -0.4)[: grid.dims]
    amounts = (0.0,) * (u.shape[1] - grid.dims) + velocity
    return boosted(u, grid, amounts, 0.7 * t if grid.dims == 1 else [each * t for each in velocity])


def phase_boost(u: Tensor, grid: Grid, t: float) -> Tensor:
    """ψ → ψ(x − Vt) exp(i(Vx/2 − V²t/4)), V/2 being one wave per domain."""
    half = 2 * math.pi / grid.length[0]
    moved, (x,) = translate(u, grid, 2 * half * t), grid.coordinates()
    cosine, sine = torch.cos(half * x - half**2 * t), torch.sin(half * x - half**2 * t)
    return torch.stack([moved[:, 0] * cosine - moved[:, 1] * sine, moved[:, 0] * sine + moved[:, 1] * cosine], 1)


def nkdv_boost(u: Tensor, grid: Grid, t: float) -> Tensor:
    return boosted(u, grid, (0.3,), 0.3 * clock(t, 2.0))


def ckdv_boost(u: Tensor, grid: Grid, t: float) -> Tensor:
    return boosted(u, grid, (0.3 / math.sqrt(t + 1),), 0.6 * (math.sqrt(t + 1) - 1))


def without_rotation(grid: Grid) -> Tensor:
    """A mean flow and the gradient of a random potential."""
    potential = sinusoids(1, 2, amplitude=0.3).sample(grid, range(2), seed=0)
    slopes = [derivative(potential, grid, orders) for orders in ((1, 0), (0, 1))]
    return torch.cat([slopes[0] + 0.2, slopes[1] - 0.1], dim=1)


def of_one_wavenumber(grid: Grid) -> Tensor:
    """Waves (3, 4), (5, 0), (−4, 3) and (0, 5), all of length 5."""
    x, y = torch.meshgrid(*grid.coordinates(), indexing="ij")
    phases = ((1.0, 3, 4, 0.1), (0.7, 5, 0, 0.4), (-1.2, -4, 3, 2.0), (0.5, 0, 5, 1.0))
    return sum(a * torch.cos(m * x + n * y + p) for a, m, n, p in phases).expand(1, 1, *grid.points).clone()


CIRCLE = 2 * math.pi
LINE, PLANE = Grid(64, length=CIRCLE), Grid(24, 32, length=CIRCLE)
UNIT = Grid(32, 32, length=1.0)
ALL = (
    Case(
        "advection",
        lambda: advection(0.7),
        LINE,
        drawn(sinusoids(1, 2, 5)),
        2.0,
        lambda u0, grid, t: advected(u0, grid, t, 0.7),
    ),
    Case(
        "heat",
        lambda: heat(0.1),
        LINE,
        drawn(sinusoids(1, 2, 5)),
        2.0,
        lambda u0, grid, t: diffused(u0, grid, t, 0.1),
        reflects=(1,),
    ),
    Case(
        "burgers",
        lambda: burgers(0.2),
        Grid(128, length=CIRCLE),
        drawn(sinusoids(1, 2)),
        1.5,
        lambda u0, grid, t: cole_hopf(u0, grid, t, 0.2),
        steps=(10, 20, 40, 80, 160),
        reflects=(-1,),
        boost=galilean,
    ),
    Case(
        "kdv",
        kdv,
        Grid(192, length=64.0),
        lambda grid: soliton(grid, 0.0, speed=1.0, centre=20.0),
        4.0,
        lambda u0, grid, t: soliton(grid, t, speed=1.0, centre=20.0),
        steps=(80, 160, 320, 640, 1280),
        drift={"momentum": 1e-7, "energy": 1e-6},
        boost=galilean,
    ),
    Case(
        "mkdv",
        mkdv,
        Grid(256, length=60.0),
        lambda grid: mkdv_soliton(grid, 0.0, speed=0.7, centre=25.0),
        2.0,
        lambda u0, grid, t: mkdv_soliton(grid, t, speed=0.7, centre=25.0),
        steps=(100, 200, 400, 800),
        drift={"momentum": 1e-7, "energy": 1e-6},
    ),
    Case(
        "mkdv defocusing",
        lambda: mkdv(a=-6.0),
        Grid(128, length=32.0),
        drawn(sinusoids(1, 2, amplitude=0.3, mean=0.2)),
        3.0,
        steps=(50, 100, 200, 400, 800),
        drift={"momentum": 1e-7, "energy": 1e-6},
        slow=True,
    ),
    # With longer steps the order of such methods on KS lies between 4 and the stiff order 3.
    Case(
        "ks",
        ks,
        Grid(64, length=32.0),
        drawn(sinusoids(1, 2)),
        6.0,
        steps=(120, 240, 480, 960),
        reflects=(-1,),
        boost=galilean,
    ),
    Case(
        "nkdv",
        lambda: nkdv(t0=2.0),
        Grid(192, length=64.0),
        lambda grid: nkdv_soliton(grid, 0.0, speed=1.0, centre=20.0, t0=2.0),
        1.5,
        lambda u0, grid, t: nkdv_soliton(grid, t, speed=1.0, centre=20.0, t0=2.0),
        steps=(40, 80, 160, 320),
        drift={"momentum": 1e-7, "energy": 1e-6},
        boost=nkdv_boost,
    ),
    Case(
        "ckdv",
        ckdv,
        Grid(96, length=32.0),
        drawn(sinusoids(1, 2)),
        3.0,
        steps=(20, 40, 80, 160, 320),
        drift={"mass": 1e-7, "momentum": 1e-7},
        boost=ckdv_boost,
    ),
    Case(
        "fisher_kpp",
        fisher_kpp,
        Grid(256, length=160.0),
        lambda grid: fisher_fronts(grid, 0.0, 40.0),
        2.0,
        lambda u0, grid, t: fisher_fronts(grid, t, 40.0),
        steps=(8, 16, 32, 64, 128),
        reflects=(1,),
    ),
    Case(
        "fisher_kpp in the plane",
        lambda: fisher_kpp(0.1, 2.0),
        PLANE,
        drawn(sinusoids(1, 2, amplitude=0.1, mean=0.4)),
        1.0,
        steps=(8, 16, 32, 64, 128),
        reflects=(1,),
        slow=True,
    ),
    Case(
        "allen_cahn",
        lambda: allen_cahn(0.1),
        Grid(384, length=12.0),
        lambda grid: allen_cahn_fronts(grid, 0.0, 2.0, 0.1),
        2.0,
        lambda u0, grid, t: allen_cahn_fronts(grid, t, 2.0, 0.1),
        steps=(8, 16, 32, 64, 128),
        reflects=(1,),
    ),
    Case(
        "allen_cahn in the plane",
        lambda: allen_cahn(0.4),
        Grid(48, 48, length=CIRCLE),
        drawn(sinusoids(1, 2, amplitude=0.3, mean=0.1)),
        1.0,
        steps=(8, 16, 32, 64, 128),
        reflects=(1,),
        slow=True,
    ),
    Case(
        "cahn_hilliard",
        lambda: cahn_hilliard(0.5),
        Grid(48, length=CIRCLE),
        drawn(sinusoids(1, 2, amplitude=0.3, mean=0.1)),
        0.5,
        steps=(64, 128, 256, 512),
        reflects=(1,),
    ),
    Case(
        "swift_hohenberg",
        lambda: swift_hohenberg(0.3, 0.5),
        Grid(64, length=4 * CIRCLE),
        drawn(sinusoids(2, 3, 4, amplitude=0.3, mean=0.1)),
        3.0,
        steps=(64, 128, 256, 512),
        reflects=(1,),
    ),
    Case(
        "swift_hohenberg in the plane",
        lambda: swift_hohenberg(0.3, 0.5),
        Grid(32, 32, length=2 * CIRCLE),
        drawn(sinusoids(1, 2, amplitude=0.3, mean=0.1)),
        2.0,
        steps=(32, 64, 128, 256, 512),
        reflects=(1,),
        slow=True,
    ),
    Case(
        "nls",
        nls,
        Grid(256, length=40.0),
        lambda grid: bright_soliton(grid, 0.0, 1.0, 1.0, 15.0),
        1.0,
        lambda u0, grid, t: bright_soliton(grid, t, 1.0, 1.0, 15.0),
        steps=(25, 50, 100, 200, 400),
        drift={"mass": 1e-7, "momentum": 1e-7, "energy": 1e-6},
        reflects=(1, 1),
        boost=phase_boost,
    ),
    Case(
        "wave",
        lambda: wave(1.3),
        LINE,
        drawn(sinusoids(1, 2, 5), sinusoids(1, 2, mean=0.1)),
        2.0,
        lambda u0, grid, t: vibrated(u0, grid, t, 1.3),
        reflects=(1, 1),
    ),
    Case(
        "wave in the plane",
        lambda: wave(1.3),
        PLANE,
        drawn(sinusoids(1, 2, 5), sinusoids(1, 2, mean=0.1)),
        2.0,
        lambda u0, grid, t: vibrated(u0, grid, t, 1.3),
        reflects=(1, 1),
    ),
    Case(
        "sine_gordon",
        sine_gordon,
        Grid(256, length=56.0),
        lambda grid: sine_gordon_breather(grid, 0.3, 0.6, 24.0),
        3.0,
        # Two breathers differ in their phase alone: u₀ is at 0.3.
        lambda u0, grid, t: sine_gordon_breather(grid, t + 0.3, 0.6, 24.0),
        steps=(30, 60, 120, 240, 480),
        drift={"momentum": 1e-7, "energy": 1e-7},
        reflects=(1, 1),
    ),
    Case(
        "fitzhugh_nagumo",
        lambda: fitzhugh_nagumo(D=1.0, a=0.1, epsilon=0.05, gamma=2.0),
        Grid(64, length=40.0),
        drawn(sinusoids(1, 2, 3, amplitude=0.2, mean=0.4), Uniform(0.0)),
        4.0,
        steps=(16, 32, 64, 128, 256),
        reflects=(1, 1),
    ),
    Case(
        "gray_scott",
        lambda: gray_scott(*PATTERNS["spots"]),
        Grid(96, length=0.6),
        drawn(Specks(count=2, width=0.05)),
        40.0,
        steps=(16, 32, 64, 128, 256),
        reflects=(1, 1),
    ),
    Case(
        "gray_scott in the plane",
        lambda: gray_scott(*PATTERNS["gliders"]),
        Grid(48, 48, length=0.4),
        drawn(Specks(count=2, width=0.06)),
        20.0,
        steps=(16, 32, 64, 128, 256),
        reflects=(1, 1),
        slow=True,
    ),
    Case(
        "heat in the plane",
        lambda: heat(0.1),
        PLANE,
        drawn(sinusoids(1, 2, 5)),
        2.0,
        lambda u0, grid, t: diffused(u0, grid, t, 0.1),
        reflects=(1,),
    ),
    Case(
        "advection_2d",
        lambda: advection_2d(0.7, -0.3),
        PLANE,
        drawn(sinusoids(1, 2, 5)),
        2.0,
        lambda u0, grid, t: advected_in_the_plane(u0, grid, t, 0.7, -0.3),
    ),
    Case(
        "burgers_2d",
        lambda: burgers_2d(0.3),
        Grid(48, 48, length=CIRCLE),
        without_rotation,
        0.8,
        lambda u0, grid, t: cole_hopf_in_the_plane(u0, grid, t, 0.3),
        steps=(10, 20, 40, 80, 160),
        reflects=(-1, -1),
        boost=galilean,
    ),
    Case(
        "ks_2d",
        ks_2d,
        Grid(32, 32, length=14.0),
        drawn(sinusoids(1, 2)),
        3.0,
        steps=(40, 80, 160, 320),
        reflects=(1,),
    ),
    Case(
        "shallow_water",
        lambda: shallow_water(g=2.0, H=0.5),
        Grid(48, 48, length=CIRCLE),
        lambda grid: simple_wave(grid, 0.0, 0.1, (1, 1), 2.0, 0.5),
        1.0,
        lambda u0, grid, t: simple_wave(grid, t, 0.1, (1, 1), 2.0, 0.5),
        steps=(10, 20, 40, 80, 160),
        drift={"energy": 1e-7},
        reflects=(1, -1, -1),
        boost=galilean,
    ),
    Case(
        "shallow_water rotating",
        lambda: shallow_water(f=0.8),
        Grid(32, 32, length=CIRCLE),
        drawn(*(sinusoids(1, 2, amplitude=0.02, mean=0.0) for _ in range(3))),
        1.0,
        steps=(10, 20, 40, 80, 160),
        drift={"energy": 1e-7, "potential_enstrophy": 1e-7},
        reflects=(1, -1, -1),
        slow=True,
    ),
    Case(
        "navier_stokes",
        lambda: navier_stokes(0.1),
        Grid(32, 32, length=CIRCLE),
        drawn(GaussianField(tau=2.0, modes=3)),
        0.5,
        steps=(10, 20, 40, 80, 160),
        reflects=(1,),
    ),
    Case(
        "navier_stokes of one wavenumber",
        lambda: navier_stokes(0.02),
        PLANE,
        of_one_wavenumber,
        1.0,
        lambda u0, grid, t: taylor_green(u0, t, 0.02, 5),
        reflects=None,
    ),
    Case(
        "kolmogorov_flow",
        lambda: kolmogorov_flow(0.1, 4.0, 0.5, 0.2),
        Grid(24, 32, length=CIRCLE),
        lambda grid: jets(grid, 0.0, 0.1, 0.5, 4.0, 0.5, 0.2),
        1.0,
        lambda u0, grid, t: jets(grid, t, 0.1, 0.5, 4.0, 0.5, 0.2),
        reflects=(1,),
        moves=False,
    ),
    Case(
        "navier_stokes_fno",
        lambda: navier_stokes_fno(5e-3),
        UNIT,
        drawn(GaussianField(modes=4)),
        2.0,
        steps=(10, 20, 40, 80, 160),
        moves=False,
        slow=True,
    ),
    Case(
        "navier_stokes_gfno",
        lambda: navier_stokes_gfno(5e-3),
        UNIT,
        drawn(GaussianField(modes=4)),
        2.0,
        steps=(10, 20, 40, 80, 160),
        reflects=(1,),
        moves=False,
        slow=True,
    ),
)
CASES = {case.name: case for case in ALL}


def cases(wanted: Callable[[Case], bool] = lambda case: True) -> pytest.MarkDecorator:
    """The decorator that hands a test the cases that are wanted, as `case`."""
    chosen = [
        pytest.param(case, id=case.name, marks=[pytest.mark.slow] if case.slow else []) for case in ALL if wanted(case)
    ]
    return pytest.mark.parametrize("case", chosen)


def relative_error(u: Tensor, exact: Tensor) -> Tensor:
    """‖u − exact‖ / ‖exact‖ of each sample."""
    return (u - exact).flatten(1).norm(dim=1) / exact.flatten(1).norm(dim=1)


def slope(steps: tuple[int, ...] | list[int], errors: list[float]) -> float:
    """The order of convergence: −slope of log error over log steps, by least squares."""
    x = torch.tensor(steps, dtype=torch.float64).log()
    y = torch.tensor(errors, dtype=torch.float64).log()
    x, y = x - x.mean(), y - y.mean()
    return -float((x * y).sum() / (x * x).sum())
