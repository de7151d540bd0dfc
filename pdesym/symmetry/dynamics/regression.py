"""Coefficients of x' = W D(x) from states and velocities."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from pdesym.symmetry.dynamics.library_field import LibraryField
from pdesym.symmetry.functions import FunctionLibrary


def least_squares_field(
    library: FunctionLibrary, x: Float[Tensor, "points n"], velocity: Float[Tensor, "points n"]
) -> LibraryField:
    """min_W ‖W D(x) − x'‖, of smallest ‖W‖ where the data leave it open.

    Raises:
        ValueError: for data that are not finite.
    """
    check_data(library, x, velocity)
    return LibraryField(library, minimum_norm(library.evaluate(x), velocity).mT)


def thresholded_field(
    library: FunctionLibrary,
    x: Float[Tensor, "points n"],
    velocity: Float[Tensor, "points n"],
    threshold: float,
    rounds: int = 20,
) -> LibraryField:
    """Sequentially thresholded least squares: small coefficients go, the others are fitted again, until none goes.

    Args:
        library: D.
        x: states.
        velocity: x' at the states.
        threshold: least size of a coefficient, in its own unit.
        rounds: at most so many fits.

    Raises:
        ValueError: for data that are not finite, or a threshold that is not positive.

    Source: Brunton, Proctor, Kutz, PNAS 113 (15), 2016 (SINDy).
    """
    check_data(library, x, velocity)
    if not 0 < threshold < float("inf"):
        raise ValueError(f"Expected a positive threshold, got {threshold}: give the least size of a coefficient.")
    values = library.evaluate(x)
    coefficients = minimum_norm(values, velocity).mT.clone()
    kept = torch.ones_like(coefficients, dtype=torch.bool)
    for _ in range(rounds):
        remaining = kept & (coefficients.abs() >= threshold)
        if bool((remaining == kept).all()):
            break
        kept = remaining
        coefficients = torch.zeros_like(coefficients)
        for row, chosen in enumerate(kept):
            if bool(chosen.any()):
                coefficients[row, chosen] = minimum_norm(values[:, chosen], velocity[:, [row]])[:, 0]
    return LibraryField(library, coefficients)


@dataclass(frozen=True, eq=False)
class L1Field(LibraryField):
    """A field with a small 1-norm of the coefficients, and whether it is the minimiser.

    Attributes:
        rounds: steps that were made.
        converged: whether the last of them changed no coefficient by more than 1e-12 of the largest.
    """

    rounds: int
    converged: bool


def l1_field(
    library: FunctionLibrary,
    x: Float[Tensor, "points n"],
    velocity: Float[Tensor, "points n"],
    weight: float,
    rounds: int = 20_000,
) -> L1Field:
    """min_W (1/M) Σ ‖x' − W D(x)‖² + γ Σ |W_ij|, by accelerated proximal gradient steps with restarts.

    Args:
        library: D.
        x: states.
        velocity: x' at the states.
        weight: γ.
        rounds: at most so many steps; `converged` of the result says whether they were enough.

    Raises:
        ValueError: for data that are not finite, or a weight or number of steps that is not positive.

    Source: Tibshirani, J. R. Stat. Soc. B 58, 1996; O'Donoghue and Candès, Found. Comput. Math. 15, 2015.
    """
    check_data(library, x, velocity)
    if not 0 < weight < float("inf"):
        raise ValueError(f"Expected a positive weight, got {weight}: `least_squares_field` has none.")
    if rounds < 1:
        raise ValueError(f"Expected at least one step, got {rounds}: some thousands are usual.")
    values = library.evaluate(x)
    gram, moment = values.mT @ values / len(x), values.mT @ velocity / len(x)
    step = 0.5 / float(torch.linalg.eigvalsh(gram)[-1])
    found, ahead, momentum = torch.zeros_like(moment), torch.zeros_like(moment), 1.0
    for round_ in range(1, rounds + 1):
        lower = ahead - 2 * step * (gram @ ahead - moment)
        new = lower.sign() * (lower.abs() - step * weight).clamp_min(0)
        if bool(((ahead - new) * (new - found)).sum() > 0):
            momentum, ahead = 1.0, found
            continue
        # A fixed point of the step, all coefficients zero among them.
        if float((new - ahead).abs().max()) <= 1e-12 * float(new.abs().max()):
            return L1Field(library, new.mT, round_, converged=True)
        following = (1 + (1 + 4 * momentum**2) ** 0.5) / 2
        ahead = new + (momentum - 1) / following * (new - found)
        found, momentum = new, following
    return L1Field(library, found.mT, rounds, converged=False)


def restricted_field(
    library: FunctionLibrary,
    x: Float[Tensor, "points n"],
    velocity: Float[Tensor, "points n"],
    basis: Float[Tensor, "coefficients parameters"],
) -> LibraryField:
    """Least squares among fields whose coefficients, row by row, are combinations of the columns of a basis.

    With the null space of `coefficient_brackets`, stacked over the generators, as the basis: fields with exactly these
    symmetries (Otto et al., JMLR 2025, section 5).

    Raises:
        ValueError: for data that are not finite, or a basis that is empty or of another size.
    """
    check_data(library, x, velocity)
    n = x.shape[1]
    if basis.shape[0] != n * library.size or basis.shape[1] == 0:
        raise ValueError(
            f"Expected a basis ({n * library.size}, parameters) with at least one column, got {tuple(basis.shape)}: a "
            "symmetry that leaves no field in the library asks for a larger library."
        )
    fields = basis.to(x).reshape(n, library.size, -1)
    design = torch.einsum("pi,aik->pak", library.evaluate(x), fields).flatten(0, 1)
    parameters = minimum_norm(design, velocity.reshape(-1, 1))
    return LibraryField(library, (fields @ parameters).squeeze(-1))


def minimum_norm(
    design: Float[Tensor, "rows columns"], target: Float[Tensor, "rows outputs"], cut: float = 1e-11
) -> Float[Tensor, "columns outputs"]:
    """The least-squares solution of smallest norm; singular values below `cut` times the largest count as zero."""
    left, values, right = torch.linalg.svd(design, full_matrices=False)
    inverse = torch.where(values > cut * values[0], 1 / values, 0.0)
    solution: Tensor = right.mT @ (inverse.unsqueeze(1) * (left.mT @ target))
    return solution


def check_data(library: FunctionLibrary, x: Tensor, velocity: Tensor) -> None:
    """Refuses what no field can be fitted to.

    Raises:
        ValueError: for states and velocities of different shapes, of another size than the library, or not finite.
    """
    if x.shape != velocity.shape or x.ndim != 2 or x.shape[1] != library.variables or len(x) == 0:
        raise ValueError(
            f"Expected states and velocities (points, {library.variables}) of a library of {library.variables} "
            f"variables, got {tuple(x.shape)} and {tuple(velocity.shape)}: give one row a point."
        )
    if not bool(torch.isfinite(x).all() and torch.isfinite(velocity).all()):
        raise ValueError("Expected finite states and velocities, got NaN or infinity: drop those points.")
