"""Small equations with a parameter nu and every kind of linear part, on which derivatives of solutions are tested."""

import math

from pdesym.solvers import Grid
from pdesym.solvers.steppers import STEPPERS

LINE, PLANE = Grid(24, length=2 * math.pi), Grid(12, 16, length=(2 * math.pi, 5.0))
REAL = ("u_t = nu*u_xx - u**3",)
IMAGINARY = ("u_t = -u*u_x - nu*u_xxx",)
MIXED = ("u_t = -u*u_x + nu*u_xx - 0.1*u_xxx",)
COUPLED = ("u_t = v + nu*u_xx", "v_t = u_xx - u**3 + nu*v")
TIME_IN_L = ("u_t = -exp(t)*(u*u_x + nu*u_xxx) + nu*u_xx",)
TIME_IN_N = ("u_t = nu*u_xx + sin(3*t)*u**2 + nu*cos(t)",)
IN_PLANE = ("u_t = nu*lap(u) - u*u_x - nu*u*u_y",)
VORTICITY = ("w_t = psi_x*w_y - psi_y*w_x + nu*lap(w)",)
CASES = [
    *((texts, {}, LINE, method) for texts in (REAL, IMAGINARY, MIXED, COUPLED) for method in STEPPERS),
    (TIME_IN_L, {}, LINE, "etdrk4"),
    (TIME_IN_L, {}, LINE, "imex4"),
    (TIME_IN_N, {}, LINE, "etdrk4"),
    (IN_PLANE, {}, PLANE, "etdrk4"),
    (VORTICITY, {"where": "lap(psi) = -w"}, PLANE, "etdrk4"),
]
