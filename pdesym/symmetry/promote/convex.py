"""Models that are linear in their coefficients, with as many symmetries as the data allow: a convex problem.

library, algebra = Polynomials(variables=10, degree=2), CandidateAlgebra.special_euclidean(10)
tensor = polynomial_lie_tensor(library, algebra, points)
found = fit_exact(library.evaluate(x), y, [tensor])
found.coefficients, found.algebras[0].nullity, found.converged
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from pdesym.symmetry.promote.admm import Settings, State, alternate
from pdesym.symmetry.promote.data_fit import DataFit, ExactData, MeanSquare
from pdesym.symmetry.promote.lie_tensor import LieTensor
from pdesym.symmetry.promote.recovered import RecoveredAlgebra, recovered_algebra


@dataclass(frozen=True, eq=False)
class Promoted:
    """A model F = W D(x), and the symmetries that it has.

    Attributes:
        coefficients: W, one column a component of F: Wᵀ in the paper.
        algebras: for each candidate the singular values of L_W and its null space, in which those count that
            thresholding made zero.
        objective: misfit and weighted nuclear norms together, at these coefficients.
        iterations: how many were made.
        primal_residual: relative distance of the two copies of L_W, one of them of low rank.
        dual_residual: relative imbalance of data and symmetry along directions that the data leave free.
        converged: whether both residuals are below the tolerance. Where they are not, nothing is claimed.
        state: from which a fit of nearby data with the same candidates may start.
    """

    coefficients: Float[Tensor, "functions components"]
    algebras: tuple[RecoveredAlgebra, ...]
    objective: float
    iterations: int
    primal_residual: float
    dual_residual: float
    converged: bool
    state: State


def fit_exact(
    design: Float[Tensor, "samples functions"],
    targets: Float[Tensor, "targets components"],
    tensors: Sequence[LieTensor],
    weights: Sequence[float] | None = None,
    settings: Settings | None = None,
    start: State | None = None,
) -> Promoted:
    """min_W Σ_a γ_a ‖L_W^a‖_* subject to D W = Y: of all models that meet the data, the most symmetric.

    The nuclear norm counts broken symmetries as the 1-norm counts entries. Where the samples are enough, the minimiser
    is the symmetric function that made them; the feasible models only become fewer with more samples, so that what is
    recovered from some samples is recovered from more.

    Args:
        design: D(x_j), the functions at the samples; dimensionless, as all that follows.
        targets: Y.
        tensors: L^a of each candidate algebra, as `polynomial_lie_tensor` and `sampled_lie_tensor` give them.
        weights: γ_a; 1 each by default.
        settings: when to stop.
        start: the state of an earlier result with the same tensors and weights.

    Raises:
        ValueError: for data of other shapes, not finite, or met by no coefficients; no tensors; weights that are not
            positive.

    Source: Otto, Zolman, Kutz, Brunton, JMLR 26 (248), 2025, eqs. 28 and 29, and section 10.1.
    """
    weights = _checked(design, targets, tensors, weights)
    fit = ExactData.of(design.double(), targets.double(), _normal(tensors))
    return _promoted(fit, targets.shape[1], tensors, weights, settings or Settings(), start)


def fit_penalised(
    design: Float[Tensor, "samples functions"],
    targets: Float[Tensor, "targets components"],
    tensors: Sequence[LieTensor],
    weights: Sequence[float],
    settings: Settings | None = None,
    start: State | None = None,
) -> Promoted:
    """min_W 1/(2M) ‖Y − D W‖² + Σ_a γ_a ‖L_W^a‖_*: a fit of noisy data that gives way to symmetry.

    Arguments as for `fit_exact`; γ in units of targets squared by Lie derivatives. With the square not halved, as in
    the source, the same model belongs to 2γ.

    Raises:
        ValueError: as `fit_exact`, but for data that no coefficients meet.

    Source: Otto, Zolman, Kutz, Brunton, JMLR 26 (248), 2025, eq. 29.
    """
    weights = _checked(design, targets, tensors, weights)
    fit = MeanSquare.of(design.double(), targets.double(), _normal(tensors))
    return _promoted(fit, targets.shape[1], tensors, weights, settings or Settings(), start)


def _promoted(
    fit: DataFit,
    components: int,
    tensors: Sequence[LieTensor],
    weights: tuple[float, ...],
    settings: Settings,
    start: State | None,
) -> Promoted:
    found = alternate(fit, tensors, weights, settings, start)
    algebras = tuple(
        # What thresholding made zero is, in L_c itself, as large as the two may still be apart.
        recovered_algebra(tensor, found.coefficients, apart if found.converged else 0.0)
        for tensor, apart in zip(tensors, found.apart, strict=True)
    )
    norms = sum(weight * a.singular_values.sum().item() for weight, a in zip(weights, algebras, strict=True))
    return Promoted(
        coefficients=found.coefficients.reshape(-1, components),
        algebras=algebras,
        objective=fit.value(found.coefficients) + norms,
        iterations=found.iterations,
        primal_residual=found.primal_residual,
        dual_residual=found.dual_residual,
        converged=found.converged,
        state=found.state,
    )


def _normal(tensors: Sequence[LieTensor]) -> Tensor:
    return torch.stack([tensor.normal for tensor in tensors]).sum(0)


def _checked(
    design: Tensor, targets: Tensor, tensors: Sequence[LieTensor], weights: Sequence[float] | None
) -> tuple[float, ...]:
    if not tensors:
        raise ValueError("Expected at least one Lie tensor, got none: make one of a candidate algebra.")
    parameters = design.shape[-1] * targets.shape[-1]
    if len(design) != len(targets) or any(tensor.parameters != parameters for tensor in tensors):
        raise ValueError(
            f"Expected samples and Lie tensors of one model, got a design {tuple(design.shape)}, targets "
            f"{tuple(targets.shape)} and tensors of {', '.join(str(tensor.parameters) for tensor in tensors)} "
            "coefficients: give every sample a target, and tensors for functions × components coefficients."
        )
    if not bool(design.isfinite().all() and targets.isfinite().all()):
        raise ValueError("Expected finite data, got numbers that are not: leave those samples out.")
    weights = (1.0,) * len(tensors) if weights is None else tuple(weights)
    if len(weights) != len(tensors) or not all(0 < weight < float("inf") for weight in weights):
        raise ValueError(
            f"Expected {len(tensors)} positive weights, one a candidate algebra, got {weights}: leave out a candidate "
            "that shall not count."
        )
    return weights
