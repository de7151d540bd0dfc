"""Conserved functions of x' = F(x): the null space of f ↦ ∇f · F over a library."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import scipy.linalg
import torch
from jaxtyping import Float
from torch import Tensor

from pdesym.symmetry.discover.spectrum import ROUNDING, Decision, by_gap, scaled_spectrum
from pdesym.symmetry.dynamics.regression import check_data
from pdesym.symmetry.functions import FunctionLibrary

# Gradients are dependent when so little of one, relative to its size, is left beside the others.
_DEPENDENT = 1e-9
# The second of two gradients that noise alone keeps from being parallel may stand out by so many times the noise.
_NOISE = 30.0
# A gap in the singular values that leaves no doubt.
_CLEAR = 10.0


@dataclass(frozen=True, eq=False)
class ConservedFunctions:
    """Functions f_k = c_k · D that x' = F(x) leaves constant.

    Attributes:
        library: D.
        coefficients: c_k, orthonormal rows, `(found, size)`; zero for functions of the library that were left out.
        singular_values: of f ↦ ∇f · F, ascending, relative to what cancels in it.
        decision: how many of them count as zero, and why.
        independent: how many of the f_k have independent gradients at a typical point: E and E² are one.
        left_out: functions of the library, by index, whose gradients vanish or are combinations of those of others at
            the given points: constants, and one function of each identity such as sin² + cos² = 1.
    """

    library: FunctionLibrary
    coefficients: Float[Tensor, "found size"]
    singular_values: Float[Tensor, " kept"]
    decision: Decision
    independent: int
    left_out: tuple[int, ...]

    @property
    def flags(self) -> tuple[str, ...]:
        """What is doubtful, a sentence each; empty when nothing is."""
        flags = self.decision.flags
        n = self.library.variables
        if self.independent >= n:
            flags += (
                f"{self.independent} independent conserved functions of {n} variables would let nothing move: "
                "give cleaner velocities, or a smaller error.",
            )
        if self.decision.dimension and self.decision.margin < _CLEAR:
            flags += (
                f"the next singular value is only {self.decision.margin:.1f} times larger: the number of conserved "
                "functions may be wrong.",
            )
        return flags

    def __call__(self, x: Float[Tensor, "points n"]) -> Float[Tensor, "points found"]:
        """f_k at each point."""
        return self.library.evaluate(x) @ self.coefficients.to(x).mT


def conserved_functions(
    library: FunctionLibrary,
    x: Float[Tensor, "points n"],
    velocity: Float[Tensor, "points n"],
    error: float = ROUNDING,
) -> ConservedFunctions:
    """All functions in the span of a library with ∇f · x' = 0: of the generator L_F f = ∇f · F of the Koopman operator.

    Constants are removed. Points of one trajectory tell a conserved function from an equation of that trajectory only
    where it is not in the library: give points of several, or velocities F(x) at points of your own.

    Args:
        library: D, with gradients.
        x: states.
        velocity: x' there, F(x) or measured.
        error: relative error of the velocities, below which nothing is told from zero.

    Raises:
        ValueError: for data that do not fit the library, a library of constants, fewer conditions than functions, or an
            error that is not in (0, 1).

    Source: Otto, Zolman, Kutz, Brunton, JMLR 26 (248), 2025, section 7.3.
    """
    check_data(library, x, velocity)
    if not 0 < error < 1:
        raise ValueError(f"Expected a relative error of the velocities in (0, 1), got {error}: give its size, as 1e-6.")
    slopes = library.jacobian(x).double()
    kept = _independent_columns(slopes.permute(0, 2, 1).flatten(0, 1).numpy(force=True))
    if not kept:
        raise ValueError("Expected functions that vary, got constants alone, which every system conserves: add others.")
    if len(x) < len(kept):
        raise ValueError(
            f"Expected at least {len(kept)} points, one for each function that is not constant, got {len(x)}: give "
            "more points or fewer functions."
        )
    slopes, v = slopes[:, kept], velocity.double()
    conditions, size = torch.einsum("pij,pj->pi", slopes, v), torch.einsum("pij,pj->pi", slopes.abs(), v.abs())
    spectrum = scaled_spectrum(conditions.cpu(), size.cpu())
    decision = by_gap(spectrum.singular_values, max(error, ROUNDING))
    found = torch.from_numpy(spectrum.null_space(decision.dimension).copy()).to(slopes)
    coefficients = torch.zeros(decision.dimension, library.size, dtype=torch.float64, device=x.device)
    coefficients[:, kept] = found
    gradients = torch.einsum("pij,ki->pkj", slopes, found)
    return ConservedFunctions(
        library=library,
        coefficients=coefficients,
        singular_values=torch.from_numpy(spectrum.singular_values.copy()),
        decision=decision,
        independent=_generic_rank(gradients, max(_DEPENDENT, _NOISE * decision.floor)),
        left_out=tuple(i for i in range(library.size) if i not in kept),
    )


def conservation_defect(
    function: Callable[[Tensor], Tensor], x: Float[Tensor, "points n"], velocity: Float[Tensor, "points n"]
) -> float:
    """rms(∇f · x') / rms(|∇f| |x'|), dimensionless: 0 where f is conserved, of the order of 1 where it is anything.

    Args:
        function: f from `(points, n)` to `(points,)`, point by point, differentiable.
        x: states.
        velocity: x' there.

    Raises:
        ValueError: for a function that is constant at all the points.
    """
    gradient = torch.func.grad(lambda z: function(z).sum())(x)
    size = (gradient.norm(dim=1) * velocity.norm(dim=1)).square().mean().sqrt()
    if float(size) == 0:
        raise ValueError("Expected a function that varies, got no gradient at any point: a constant says nothing.")
    return float((gradient * velocity).sum(1).square().mean().sqrt() / size)


def _independent_columns(gradients: np.ndarray) -> list[int]:
    """Indices of functions whose gradients are linearly independent, as many as there are."""
    sizes = np.linalg.norm(gradients, axis=0)
    moving = np.flatnonzero(sizes > 0)
    if not len(moving):
        return []
    triangle, order = scipy.linalg.qr(gradients[:, moving] / sizes[moving], mode="r", pivoting=True)
    rank = int((np.abs(np.diag(triangle)) > _DEPENDENT).sum())
    return sorted(int(i) for i in moving[order[:rank]])


def _generic_rank(gradients: Tensor, floor: float) -> int:
    """The rank of `(points, functions, n)` at a typical point, up to the largest gap above the floor."""
    if gradients.shape[1] == 0:
        return 0
    unit = gradients / gradients.square().mean(0).sum(1).sqrt()[:, None]
    values = torch.linalg.svdvals(unit)
    typical = (values / values[:, :1]).median(0).values.flip(0).numpy(force=True)
    return len(typical) - by_gap(typical, floor).dimension
