"""The two ways to hold a model to its data: exactly, or in the mean square."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor

Minimiser: TypeAlias = Callable[[Tensor], Tensor]
"""pull ↦ argmin_c fit(c) + ρ(½ cᵀNc − pullᵀc), vectors `(parameters,)`, for one ρ."""


@runtime_checkable
class DataFit(Protocol):
    """A convex quadratic function of the coefficients, +∞ outside of an affine space."""

    @property
    def force(self) -> float:
        """‖∇fit(0)‖, 0 where the fit is a constraint."""

    def minimiser(self, rho: float) -> Minimiser:
        """pull ↦ argmin_c fit(c) + ρ(½ cᵀNc − pullᵀc), N the normal matrix of the Lie tensors, factorised once."""

    def unbalanced(
        self, coefficients: Float[Tensor, " parameters"], dual: Float[Tensor, " parameters"]
    ) -> Float[Tensor, " free"]:
        """∇fit(c) + dual, along the directions that the data leave free: zero at an optimum."""

    def value(self, coefficients: Float[Tensor, " parameters"]) -> float:
        """fit(c) where it is finite."""


@dataclass(frozen=True, eq=False)
class ExactData:
    """D W = Y: fit is zero there, and infinite elsewhere.

    Attributes:
        offset: a solution of D W = Y, as a vector of coefficients.
        free: an orthonormal basis of the coefficients with D W = 0.
        normal: N.
    """

    offset: Float[Tensor, " parameters"]
    free: Float[Tensor, "parameters free"]
    normal: Float[Tensor, "parameters parameters"]
    _inverse: Tensor = field(repr=False)
    _pulled: Tensor = field(repr=False)

    @classmethod
    def of(
        cls, design: Float[Tensor, "samples functions"], targets: Float[Tensor, "samples components"], normal: Tensor
    ) -> "ExactData":
        """The constraint D W = Y.

        Raises:
            ValueError: for data that no coefficients reproduce to 1e-8 of their size.
        """
        components = targets.shape[1]
        left, sigma, right = torch.linalg.svd(design, full_matrices=True)
        rank = int((sigma > 1e-12 * sigma[0]).sum()) if len(sigma) else 0
        offset = right[:rank].mT @ ((left[:, :rank].mT @ targets) / sigma[:rank].unsqueeze(1))
        missed = torch.linalg.norm(design @ offset - targets) / torch.linalg.norm(targets).clamp_min(1e-300)
        if missed > 1e-8:
            raise ValueError(
                f"Expected data that some coefficients reproduce, got {missed.item():.1e} of them out of reach: "
                "take more functions, or fit them in the mean square with `fit_penalised`."
            )
        # W[i, a] stands at place i · components + a.
        free = torch.kron(right[rank:].mT.contiguous(), torch.eye(components).to(design))
        return cls(
            offset.reshape(-1),
            free,
            normal,
            _pseudo_inverse(free.mT @ normal @ free),
            normal @ offset.reshape(-1),
        )

    @property
    def force(self) -> float:
        """None: the data are a constraint."""
        return 0.0

    def minimiser(self, rho: float) -> Minimiser:
        """pull ↦ argmin_c ½ cᵀNc − pullᵀc with D W = Y, whatever ρ."""
        return lambda pull: self.offset + self.free @ (self._inverse @ (self.free.mT @ (pull - self._pulled)))

    def unbalanced(
        self, coefficients: Float[Tensor, " parameters"], dual: Float[Tensor, " parameters"]
    ) -> Float[Tensor, " free"]:
        """The part of the dual that no multiplier of the constraint balances."""
        return self.free.mT @ dual

    def value(self, coefficients: Float[Tensor, " parameters"]) -> float:
        """Zero: the coefficients satisfy the constraint."""
        return 0.0


@dataclass(frozen=True, eq=False)
class MeanSquare:
    """1/(2M) ‖Y − D W‖² (Otto et al., JMLR 2025, eq. 29, with half of it).

    Attributes:
        gram: DᵀD/M on the coefficients.
        moment: DᵀY/M.
        power: ‖Y‖²/M.
        normal: N.
    """

    gram: Float[Tensor, "parameters parameters"]
    moment: Float[Tensor, " parameters"]
    power: float
    normal: Float[Tensor, "parameters parameters"]

    @classmethod
    def of(
        cls, design: Float[Tensor, "samples functions"], targets: Float[Tensor, "samples components"], normal: Tensor
    ) -> "MeanSquare":
        """The mean square of the misfit."""
        samples, components = targets.shape
        same = torch.eye(components).to(design)
        return cls(
            torch.kron(design.mT @ design / samples, same),
            (design.mT @ targets / samples).reshape(-1),
            (targets.square().sum() / samples).item(),
            normal,
        )

    @property
    def force(self) -> float:
        """‖DᵀY‖/M."""
        return float(torch.linalg.norm(self.moment))

    def minimiser(self, rho: float) -> Minimiser:
        """pull ↦ the solution of (DᵀD/M + ρN) c = DᵀY/M + ρ pull."""
        inverse = _pseudo_inverse(self.gram + rho * self.normal)
        return lambda pull: inverse @ (self.moment + rho * pull)

    def unbalanced(
        self, coefficients: Float[Tensor, " parameters"], dual: Float[Tensor, " parameters"]
    ) -> Float[Tensor, " free"]:
        """The gradient of the misfit and the dual together."""
        return self.gram @ coefficients - self.moment + dual

    def value(self, coefficients: Float[Tensor, " parameters"]) -> float:
        """1/(2M) ‖Y − D W‖²."""
        return (coefficients @ (self.gram @ coefficients) / 2 - self.moment @ coefficients).item() + self.power / 2


def _pseudo_inverse(matrix: Tensor) -> Tensor:
    """Of a positive semidefinite matrix: coefficients that neither data nor symmetry determine stay zero."""
    values, vectors = torch.linalg.eigh(matrix)
    kept = values > 1e-13 * values[-1] if len(values) else values > 0
    inverse: Tensor = (vectors[:, kept] / values[kept]) @ vectors[:, kept].mT
    return inverse
