"""The penalty that keeps as many symmetries of an operator as the data allow."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from pdesym.solvers.grid import Grid
from pdesym.symmetry.characteristic import RightHandSide
from pdesym.symmetry.frames import Times
from pdesym.symmetry.generator import Generator
from pdesym.symmetry.lie_derivative import lie_sides
from pdesym.symmetry.promote.nuclear_norm import require_floor, smooth_sum, smooth_trace_norm
from pdesym.symmetry.promote.relative import Grams, defects, grams, whitened
from pdesym.symmetry.pushforward import Operator
from pdesym.symmetry.span import coordinates_of, exact_matrix

KINDS = ("nuclear", "group", "squared")


@dataclass(frozen=True, init=False)
class SymmetryPenalty:
    """R(F): how far an operator F is from having the candidate symmetries, as a number to be made small in training.

    The field-level Lie derivatives of F along v₁ … v_q, at all points of a batch, are the columns of one matrix R(F);
    A = (dF·Q_in) and B = (Q_out[F]) are those of its two sides, R = B − A. Everything is relative:

        nuclear  Σᵢ δᵢ, δᵢ the singular values of R (AᵀA + BᵀB)^{-1/2}, each in [0, √2]: the nuclear norm. Few of them
                 differ from zero where it is small, so that F has as many symmetries as the data allow, combinations of
                 the generators among them. It depends on their span alone, not on the basis, as long as the motions
                 of the generators do not cancel to less than rounding.
        group    Σ_k δ_k, δ_k = ‖R_k‖/√(‖A_k‖² + ‖B_k‖²) the defect of each generator by itself, none or all of it.
        squared  Σ_k δ_k², which breaks every candidate a little rather than one of them.

    Every field counts in units of its own root mean square in the input. δ_k is relative to the motion of v_k itself:
    far from t = 0 that of t ∂_x + ∂_u is mostly the translation, whose defect it then has; count time from the last
    frame of the input.

    The denominators are differentiated too. To shrink the output of F, or its motion, therefore gains nothing, as it
    would where Lie derivatives are penalised in absolute size.

    Args:
        generators: the candidate symmetries v₁ … v_q, that span one algebra; or several such candidates, sequences of
            generators, for the sum of their penalties: each keeps its own symmetries.
        kind: "nuclear", "group" or "squared".
        weights: of the candidates where there are several; 1 each by default.
        floor: defect below which it is driven down in proportion to itself, and no longer by a constant force;
            dimensionless.
        rhs: `rhs(u, t)`, u_t of fields at a time, needed where a generator has a ∂_t part.

    Raises:
        ValueError: for an unknown kind, no generators, generators of different variables, a candidate whose generators
            depend on each other, weights that do not fit, or a floor that is not positive. When called, as
            `lie_derivative`.

    Source: Otto, Zolman, Kutz, Brunton, JMLR 26 (248), 2025, eq. 28; there without the scale.
    """

    candidates: tuple[tuple[Generator, ...], ...]
    kind: str
    weights: tuple[float, ...]
    floor: float
    rhs: RightHandSide | None = field(repr=False)

    def __init__(
        self,
        generators: Sequence[Generator] | Sequence[Sequence[Generator]],
        kind: str = "nuclear",
        weights: Sequence[float] | None = None,
        floor: float = 1e-3,
        rhs: RightHandSide | None = None,
    ):
        candidates = _candidates(generators)
        if kind not in KINDS:
            raise ValueError(f"Expected the kind of a penalty to be one of {', '.join(KINDS)}, got {kind!r}.")
        weights = (1.0,) * len(candidates) if weights is None else tuple(weights)
        if len(weights) != len(candidates) or not all(0 <= weight < float("inf") for weight in weights):
            raise ValueError(
                f"Expected {len(candidates)} weights, one for each candidate algebra, finite and not negative, got "
                f"{weights}."
            )
        require_floor(floor, "a penalty")
        for name, value in zip(
            ("candidates", "kind", "weights", "floor", "rhs"), (candidates, kind, weights, floor, rhs), strict=True
        ):
            object.__setattr__(self, name, value)

    @cached_property
    def generators(self) -> tuple[Generator, ...]:
        """All generators that occur, each once, in the order of their first occurrence."""
        return tuple(dict.fromkeys(generator for candidate in self.candidates for generator in candidate))

    def __call__(
        self, operator: Operator, u: Float[Tensor, "..."], grid: Grid, times_in: Times, times_out: Times
    ) -> Float[Tensor, ""]:
        """R(F) on one batch, float64, differentiable in whatever the operator depends on.

        Args:
            operator: F, any callable from fields or trajectories to such.
            u: where to look, `(batch, channel, *space)` or `(batch, time, channel, *space)`.
            grid: of input and output.
            times_in: times of the input frames, as for `lie_derivative`.
            times_out: times of the output frames.
        """
        products, _ = self._grams(operator, u, grid, times_in, times_out)
        if not bool(products.residual.isfinite().all()):
            return products.residual.sum() * torch.nan  # an operator that diverged, of which its loss speaks
        parts = [
            weight * self._value(products.select(self._columns(candidate)))
            for weight, candidate in zip(self.weights, self.candidates, strict=True)
        ]
        return torch.stack(parts).sum()

    def defects(
        self, operator: Operator, u: Float[Tensor, "..."], grid: Grid, times_in: Times, times_out: Times
    ) -> Float[Tensor, " generators"]:
        """δ_k of each of `generators` by itself; not a number for one that moves nothing here."""
        products, trivial = self._grams(operator, u, grid, times_in, times_out)
        return torch.where(trivial, torch.nan, defects(products).sqrt())

    def spectrum(
        self, operator: Operator, u: Float[Tensor, "..."], grid: Grid, times_in: Times, times_out: Times
    ) -> Float[Tensor, " dimension"]:
        """δᵢ of the span of all `generators`, ascending: as many are near zero as F has symmetries in it.

        Generators that move nothing here have to be left out: they count as symmetries.
        """
        products, _ = self._grams(operator, u, grid, times_in, times_out)
        squares: Tensor = torch.linalg.eigvalsh(whitened(products.select(independent(self.generators))))
        return squares.clamp_min(0).sqrt()

    def _columns(self, candidate: tuple[Generator, ...]) -> list[int]:
        return [self.generators.index(generator) for generator in candidate]

    def _grams(
        self, operator: Operator, u: Float[Tensor, "..."], grid: Grid, times_in: Times, times_out: Times
    ) -> tuple[Grams, Bool[Tensor, " generators"]]:
        """The inner products, and which generators move no sample."""
        pushed, target, trivial = lie_sides(operator, self.generators, u, grid, times_in, times_out, self.rhs)
        channel = -grid.dims - 1
        size = u.detach().movedim(channel, 0).flatten(1).square().mean(1).sqrt()
        unit = torch.where(size > 0, size, 1.0).reshape(-1, *(1,) * grid.dims).to(target.dtype)
        return grams(pushed / unit, target / unit), trivial.all(1)

    def _value(self, products: Grams) -> Float[Tensor, ""]:
        if self.kind == "nuclear":
            return smooth_trace_norm(whitened(products), self.floor)
        squares = defects(products)
        if self.kind == "squared":
            return squares.sum()
        return smooth_sum(squares, self.floor)


def _candidates(
    generators: Sequence[Generator] | Sequence[Sequence[Generator]],
) -> tuple[tuple[Generator, ...], ...]:
    several = [each for each in generators if not isinstance(each, Generator)]
    alone = [each for each in generators if isinstance(each, Generator)]
    if several and alone:
        raise ValueError(
            "Expected generators, or sequences of generators for several candidate algebras, got a mixture: put each "
            "generator that stands alone into a list of its own."
        )
    candidates = tuple(tuple(each) for each in several) if several else (tuple(alone),)
    if not all(candidates):
        raise ValueError("Expected at least one generator in each candidate algebra, got none.")
    variables = {str(v.variables): v for candidate in candidates for v in candidate}
    if len(variables) > 1:
        raise ValueError(f"Expected generators of the same variables, got {' and '.join(variables)}.")
    for candidate in candidates:
        if len(independent(candidate)) < len(candidate):
            names = ", ".join(generator.text for generator in candidate)
            raise ValueError(
                f"Expected generators that do not depend on each other in a candidate algebra, got {names}: leave out "
                "what the others give."
            )
    return candidates


def independent(generators: Sequence[Generator]) -> list[int]:
    """Places of generators of which none is a combination of those before it, and which span what all do."""
    keys, rows = coordinates_of([generator.vector_field for generator in generators])
    return list(exact_matrix(keys, rows).transpose().rref()[1]) if keys else []
