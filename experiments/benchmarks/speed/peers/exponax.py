"""exponax (Koehler et al., APEBench, NeurIPS 2024): exponential integrators with a fixed step in JAX.

As shipped, and with complete coefficients: the release keeps only the real parts of its contour means, which makes
every order a first one when L is not real, as in KdV. The complete ones are put into the stepper's own fields; nothing
of its code is changed. No hyper-viscosity is added. As it reads the vorticity with the sign opposite to w = v_x − u_y,
it gets −w.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from speed.problems import Problem

CIRCLE_POINTS = 64
COEFFICIENTS = ("_coef_1", "_coef_2", "_coef_3", "_coef_4", "_coef_5", "_coef_6")


@dataclass(frozen=True)
class Configuration:
    """How exponax is run.

    Attributes:
        points: grid points along each axis.
        steps: steps between two frames.
        dealiasing: share of the modes that products are taken with, or None for all.
        complete: whether the coefficients have their imaginary parts.
        single: float32 instead of float64.
        chunk: trajectories that are advanced together.
        order: of the method.
    """

    points: int
    steps: int
    dealiasing: float | None = None
    complete: bool = True
    single: bool = False
    chunk: int = 64
    order: int = 4

    def record(self) -> dict[str, object]:
        """For JSON."""
        return asdict(self)


def prepare(problem: Problem, configuration: Configuration) -> Callable[[Tensor], Tensor]:
    """A function `(samples, 1, *problem.grid.points of the configuration) -> (samples, frames, 1, *points)`.

    Its first call with a number of samples compiles.
    """
    import jax

    jax.config.update("jax_enable_x64", True)
    with jax.enable_x64(not configuration.single):
        return _prepare(problem, configuration)


def _prepare(problem: Problem, configuration: Configuration) -> Callable[[Tensor], Tensor]:
    import exponax
    import jax

    c, dims = configuration, problem.grid.dims
    fft, ifft = exponax.spectral.fft, exponax.spectral.ifft
    stepper = _stepper(problem, c)
    sign = -1.0 if dims == 2 else 1.0
    several = exponax.repeat(stepper.step_fourier, c.steps)

    def frame(v: Any, _: None) -> tuple[Any, Any]:
        v = several(v)
        return v, ifft(v, num_spatial_dims=dims, num_points=c.points)

    def one(u: Any) -> Any:
        return jax.lax.scan(frame, fft(u, num_spatial_dims=dims), None, length=problem.frames)[1]

    compiled = jax.jit(jax.vmap(one))
    kind = np.float32 if c.single else np.float64

    def run(u0: Tensor) -> Tensor:
        with jax.enable_x64(not c.single):
            pieces = [
                compiled(sign * u0[first : first + c.chunk].numpy().astype(kind)).block_until_ready()
                for first in range(0, len(u0), c.chunk)
            ]
        return sign * torch.from_numpy(np.concatenate([np.asarray(piece) for piece in pieces]))

    return run


def _stepper(problem: Problem, c: Configuration) -> Any:
    import equinox
    import exponax
    import jax.numpy as jnp
    from exponax import stepper as steppers

    dims, (length, *_) = problem.grid.dims, problem.grid.length
    dt = problem.horizon / problem.frames / c.steps
    common: dict[str, Any] = {"order": c.order, "dealiasing_fraction": c.dealiasing}
    build = {
        "kdv": lambda: steppers.KortewegDeVries(
            1, length, c.points, dt, convection_scale=1.0, hyper_diffusivity=0.0, conservative=True, **common
        ),
        "ks": lambda: steppers.KuramotoSivashinskyConservative(1, length, c.points, dt, **common),
        "burgers": lambda: steppers.Burgers(1, length, c.points, dt, diffusivity=0.05, conservative=True, **common),
        "navier-stokes": lambda: steppers.NavierStokesVorticity(2, length, c.points, dt, diffusivity=1e-3, **common),
    }
    stepper = build[problem.name]()
    if not c.complete:
        return stepper
    operator = exponax.spectral.build_derivative_operator(dims, length, c.points)
    symbol = np.asarray(stepper._build_linear_operator(operator)).astype(np.complex128)
    kind = np.complex64 if c.single else np.complex128
    # Where L is real the coefficients are, and real ones cost less.
    exact = [value.astype(kind) if symbol.imag.any() else value.real for value in complete_coefficients(symbol, dt)]
    return equinox.tree_at(
        lambda s: [getattr(s._integrator, name) for name in COEFFICIENTS],
        stepper,
        [jnp.asarray(value) for value in exact],
    )


def complete_coefficients(symbol: np.ndarray, dt: float) -> list[np.ndarray]:
    """The coefficients of ETDRK4 (Cox and Matthews, J. Comput. Phys. 176, 2002, eq. 26-29), complex128.

    In the order of exponax's own fields: three times (e^{z/2} − 1)/z for the stages, then the weights of the first, of
    the two middle ones and of the last stage, all times dt; means over a full circle of radius 1 around z = dt·L.
    """
    circle = np.exp(2j * np.pi * (np.arange(CIRCLE_POINTS) + 0.5) / CIRCLE_POINTS)
    z = symbol[..., None] * dt + circle
    e = np.exp(z)
    half = (np.exp(z / 2) - 1) / z
    first = (-4 - z + e * (4 - 3 * z + z**2)) / z**3
    middle = (2 + z + e * (z - 2)) / z**3
    last = (-4 - 3 * z - z**2 + e * (4 - z)) / z**3
    return [dt * value.mean(-1) for value in (half, half, half, first, middle, last)]
