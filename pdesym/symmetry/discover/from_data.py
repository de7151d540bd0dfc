"""The symmetries of the equation behind trajectories."""

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from pdesym.solvers.equation import Equation
from pdesym.solvers.grid import Grid
from pdesym.solvers.trajectories import Trajectories
from pdesym.symmetry.angles import largest_angle
from pdesym.symmetry.discover.assemble import assembled
from pdesym.symmetry.discover.closed_form import closed_form
from pdesym.symmetry.discover.from_equation import refuse_dependent_columns
from pdesym.symmetry.discover.identify import Identified, identify
from pdesym.symmetry.discover.jets_numeric import conditions
from pdesym.symmetry.discover.pointwise import discover_pointwise
from pdesym.symmetry.discover.result import Discovery
from pdesym.symmetry.discover.spectrum import Decision, Spectrum, by_rounding, scaled_spectrum
from pdesym.symmetry.discover.weak_form import Term
from pdesym.symmetry.library import Library

# Symmetries that unseen terms could break by more than this are not reported, and those below the other are certain.
_UNSEEN, _CERTAIN = 0.5, 1e-9


def discover_from_data(
    trajectories: Trajectories | Float[Tensor, "batch frames channel *space"],
    library: Library | None = None,
    *,
    grid: Grid | None = None,
    times: Float[Tensor, " time"] | None = None,
    terms: Sequence[Term] | None = None,
    seed: int = 0,
) -> Discovery:
    """The symmetries of the equation behind noisy trajectories of one field on a line with periodic ends.

    First the equation: u_t = Σ w_j ∂_x^k (u^p), sparse, from integrals against test functions, which need no derivative
    of the data. Then its symmetries, as of any equation. The support of the equation decides the dimension; the
    coefficients, known up to their standard errors, turn the null space by `uncertainty`. The floor is what the other
    terms, each as large as it could be unseen, would do to the null space. That they are absent is what sparsity
    claims; where they could break a symmetry altogether, it is not reported.

    Data that fix no equation, such as a single travelling wave, give no symmetry and a flag. Where no such equation
    fits, u_t is fitted point by point as a smooth function of u, u_x, …, and its error is the floor.

    Args:
        trajectories: what `solve` returns, or an array with `grid` and `times`.
        library: where to look; polynomials of degree 2 when not given.
        grid: of an array.
        times: of an array, at equal steps.
        terms: to choose from; ∂_x^k (u^p), p ≤ 3, k ≤ 4 when not given.
        seed: of the jets and of the choices of pivots.

    Raises:
        ValueError: for several fields or dimensions, times that are not equally spaced, too few frames or points.
    """
    u, dt, dx = checked_arrays(trajectories, grid, times)
    library = library or Library.polynomial(2)
    if len(library.fields) != 1 or library.coordinates != ("x",):
        raise ValueError(
            f"Expected a library of one field over x, got one of {', '.join(map(str, library.variables))}."
        )
    refuse_dependent_columns(library, None, seed)
    found = identify(u, dt, dx, terms)
    if found.ambiguous is not None:
        return _unidentifiable(found, library, seed)
    if not found.fits:
        return discover_pointwise(u, dt, dx, library, found, seed)
    spectrum, linear = _spectrum_of(found.equation(), library, seed)
    decision = by_rounding(spectrum.singular_values)
    null_space = spectrum.null_space(decision.dimension)
    broken, flags = _broken_unseen(found, library, null_space, seed), decision.flags
    if len(broken) and broken[-1] > _UNSEEN:
        null_space = _unbreakable(found, library, null_space, seed)
        flags += (
            f"undecided: terms that would not be seen in these data could break the symmetries of {found} by "
            f"{broken[-1]:.1g}; only those are reported that they cannot break",
        )
    floor = max(decision.floor, float(broken.max(initial=0.0)))
    rest = spectrum.singular_values[decision.dimension :]
    rule = (
        f"data: {found} leaves {found.residual:.1e} of u_t, where noise of {found.noise:.1e} in u would leave "
        f"{found.expected:.1e}; {found.agreement[0]} of {found.agreement[1]} widths of test functions find these "
        f"terms; {decision.rule}; all other terms together, each as large as could go unseen, would raise the null "
        f"space to {floor:.1e}, which is the floor"
    )
    return assembled(
        spectrum,
        Decision(decision.dimension, floor, float(rest[0]) / floor if len(rest) else float("inf"), rule, flags),
        library,
        linear=linear,
        uncertainty=_uncertainty(found, library, spectrum.null_space(decision.dimension), seed),
        null_space=null_space,
        seed=seed,
        source="data",
        subject=str(found),
        residual=found.residual,
    )


def _spectrum_of(equation: Equation, library: Library, seed: int) -> tuple[Spectrum, bool]:
    conditioned = conditions(equation, library, None, seed)
    return scaled_spectrum(conditioned.matrix, conditioned.size), conditioned.linear


def _under_unseen_terms(
    found: Identified, library: Library, null_space: np.ndarray, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Singular values, ascending, of the null space under the equation with all unseen terms, and the directions."""
    spectrum, _ = _spectrum_of(found.with_hidden_terms, library, seed)
    basis = np.linalg.qr((null_space * spectrum.scale).T)[0]
    _, values, directions = np.linalg.svd(spectrum.matrix @ basis, full_matrices=False)
    return values[::-1], (directions[::-1] @ basis.T) / spectrum.scale


def _broken_unseen(found: Identified, library: Library, null_space: np.ndarray, seed: int) -> np.ndarray:
    return _under_unseen_terms(found, library, null_space, seed)[0] if len(null_space) else np.zeros(0)


def _unbreakable(found: Identified, library: Library, null_space: np.ndarray, seed: int) -> np.ndarray:
    """The part of the null space that holds whatever the coefficients of the terms that are not seen."""
    values, directions = _under_unseen_terms(found, library, null_space, seed)
    kept = directions[values <= _CERTAIN]
    basis: np.ndarray = np.linalg.qr((kept / np.linalg.norm(kept, axis=1, keepdims=True)).T)[0].T
    return basis


def _uncertainty(found: Identified, library: Library, null_space: np.ndarray, seed: int) -> float:
    """The angle by which the null space turns when each coefficient moves by its standard error, in radians."""
    if not len(null_space):
        return 0.0
    angles = []
    for j, error in enumerate(found.errors):
        moved = found.coefficients.copy()
        moved[j] += error
        spectrum, _ = _spectrum_of(found.equation(moved), library, seed)
        angles.append(np.radians(largest_angle(null_space, spectrum.null_space(len(null_space)))))
    return max(float(np.linalg.norm(angles)), 1e-11)


def _unidentifiable(found: Identified, library: Library, seed: int) -> Discovery:
    """No symmetry, and why. The spectrum is that of the equation that was found all the same."""
    spectrum, _ = _spectrum_of(found.equation(), library, seed)
    rule = f"data: {found.ambiguous}; no symmetry is reported, because many equations have these solutions"
    return Discovery(
        source="data",
        subject=str(found),
        library=library,
        spectrum=spectrum,
        decision=Decision(0, float("inf"), 0.0, rule),
        null_space=np.zeros((0, len(library))),
        uncertainty=float("inf"),
        finite=closed_form(np.zeros((0, len(library))), 0.0),
        ideal=closed_form(np.zeros((0, len(library))), 0.0),
        closure=0.0,
        flags=(f"unidentifiable: {found.ambiguous}",),
        residual=found.residual,
    )


def arrays_of(
    trajectories: Trajectories | Tensor, grid: Grid | None, times: Tensor | None
) -> tuple[Tensor, Grid, Tensor]:
    """The fields, the grid and the times of trajectories on one torus, or of an array with both.

    Raises:
        ValueError: for boxes with boundaries or of different lengths, an array without grid or times, what is not
            finite.
    """
    if isinstance(trajectories, Trajectories):
        if trajectories.length is not None or not isinstance(trajectories.grid, Grid):
            raise ValueError("Expected trajectories on one torus, got boxes with boundaries or of different lengths.")
        u, grid, times = trajectories.u, trajectories.grid, trajectories.times
    else:
        u = trajectories
    if grid is None or times is None:
        raise ValueError("An array of trajectories needs grid=... and times=....")
    if not bool(torch.isfinite(u).all()):
        raise ValueError("Expected finite trajectories, got nan or inf.")
    return u, grid, times


def checked_arrays(
    trajectories: Trajectories | Tensor, grid: Grid | None, times: Tensor | None
) -> tuple[np.ndarray, float, float]:
    """Trajectories of one field as `(batch, time, points)`, float64, with their steps of time and space.

    Raises:
        ValueError: for several fields or dimensions, times that are not equally spaced, or constant data.
    """
    u, grid, times = arrays_of(trajectories, grid, times)
    if u.ndim != 4 or u.shape[2] != 1 or grid.dims != 1:
        raise ValueError(
            "Expected trajectories (batch, time, 1, points) of one field in one dimension, got shape "
            f"{tuple(u.shape)}: the equations that are identified from data are of this kind so far."
        )
    if tuple(u.shape[3:]) != grid.points or len(times) != u.shape[1]:
        raise ValueError(f"Expected {len(times)} frames of {grid.points[0]} points, got shape {tuple(u.shape)}.")
    if not bool((u != u.flatten()[0]).any()):
        raise ValueError("Expected trajectories that change in space or time, got one constant.")
    steps = torch.diff(times.to(torch.float64))
    if len(steps) == 0 or not torch.allclose(steps, steps.mean().expand_as(steps), rtol=1e-4, atol=0.0):
        raise ValueError("Expected times at equal steps, over which test functions can be moved.")
    return u[:, :, 0].detach().cpu().to(torch.float64).numpy(), float(steps.mean()), grid.spacing[0]
