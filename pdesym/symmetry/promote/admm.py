"""Alternating directions for a fit plus nuclear norms of Lie derivatives."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from pdesym.symmetry.promote.data_fit import DataFit
from pdesym.symmetry.promote.lie_tensor import LieTensor
from pdesym.symmetry.promote.shrinkage import LowRank, shrink, shrink_within

# Looks at the residuals after which ρ stays: with a ρ that moves for ever nothing is known about convergence.
_BALANCED = 50
# Of a usual size, below which a quantity no longer sets the scale of its own residual.
_LITTLE = 1e-3


@dataclass(frozen=True)
class Settings:
    """How far and how fast the iteration goes; all dimensionless.

    Attributes:
        tolerance: of the relative primal and dual residual, both of which must be below it.
        max_iterations: after which the result says that it did not converge.
        relaxation: over-relaxation, between 1 and 2.
        check_every: iterations between two looks at the residuals, and at the balance ρ between them.

    Raises:
        ValueError: for values outside of these ranges.
    """

    tolerance: float = 1e-7
    max_iterations: int = 20_000
    relaxation: float = 1.8
    check_every: int = 20

    def __post_init__(self) -> None:
        if not 0 < self.tolerance < 1 or self.max_iterations < 1 or self.check_every < 1:
            raise ValueError(
                f"Expected a tolerance between 0 and 1 and at least one iteration, got {self.tolerance}, "
                f"{self.max_iterations} and a check every {self.check_every}: say how far the iteration shall go."
            )
        if not 1 <= self.relaxation < 2:
            raise ValueError(f"Expected a relaxation from 1 to 2, got {self.relaxation}: 1 is none, 1.8 is usual.")


@dataclass(frozen=True, eq=False)
class State:
    """Where an iteration stands, and another on nearby data may start.

    Attributes:
        split: Z of each algebra, which L_c agrees with at the end.
        dual: U of each algebra; ρU has singular values of at most its weight.
        rho: ρ > 0, the step.
    """

    split: tuple[LowRank, ...]
    dual: tuple[Float[Tensor, "_ _"], ...]
    rho: float


@dataclass(frozen=True, eq=False)
class Iterated:
    """What the iteration came to; residuals are relative and dimensionless.

    Attributes:
        coefficients: c.
        iterations: how many were made.
        primal_residual: ‖L_c − Z‖ relative to ‖L_c‖.
        dual_residual: ‖∇fit + 𝓑ᵀSᵀS ρU‖ on what the data leave free, relative to the second term, or to a thousandth of
            the pull of the data where that is larger.
        converged: whether both are below the tolerance.
        apart: for each algebra the spectral norm of L_c − Z.
        state: to start from.
    """

    coefficients: Float[Tensor, " parameters"]
    iterations: int
    primal_residual: float
    dual_residual: float
    converged: bool
    apart: tuple[float, ...]
    state: State


def alternate(
    fit: DataFit, tensors: Sequence[LieTensor], weights: Sequence[float], settings: Settings, start: State | None
) -> Iterated:
    """argmin_c fit(c) + Σ_a γ_a ‖L_c^a‖_*, by the alternating direction method of multipliers on Z_a = L_c^a.

    c is a linear solve with one factorisation; Z_a is singular value thresholding, by all singular vectors first, and
    by a few of them once few stay; the last step before the end is always by all. ρ follows the ratio of the residuals
    (Boyd et al., Found. Trends Mach. Learn. 3 (2011), sections 3.3, 3.4).

    Args:
        fit: the data.
        tensors: L^a.
        weights: γ_a > 0.
        settings: when to stop.
        start: of an earlier call with the same tensors.
    """
    split = _Split(fit, tensors, weights, start)
    primal = dual = float("inf")
    for iteration in range(1, settings.max_iterations + 1):
        last = iteration == settings.max_iterations
        looking = last or iteration % settings.check_every == 0
        split.step(settings.relaxation, whole=looking)
        if looking:
            primal, dual = split.residuals()
            if max(primal, dual) < settings.tolerance or last:
                break
            if iteration <= _BALANCED * settings.check_every:
                split.rebalance(primal, dual)
    converged = max(primal, dual) < settings.tolerance
    return Iterated(split.coefficients, iteration, primal, dual, converged, split.apart(), split.state())


class _Split:
    """The variables of the iteration: c, for each algebra Z, U, 𝓑ᵀSᵀSZ and 𝓑ᵀSᵀSU, and the solver for c at this ρ."""

    def __init__(
        self, fit: DataFit, tensors: Sequence[LieTensor], weights: Sequence[float], start: State | None
    ) -> None:
        self._fit = fit
        self._tensors, self._weights = tuple(tensors), tuple(weights)
        self._vectors: list[Tensor | None] = [None] * len(tensors)
        self._typical = sum(t.normal.diagonal().sum().item() for t in tensors) ** 0.5 / tensors[0].parameters ** 0.5
        zero = torch.zeros(tensors[0].parameters).to(tensors[0].images)
        self.coefficients = zero
        if start is None:
            # A threshold of a tenth of the largest singular value of the first guess: a few of them pass.
            self.coefficients = fit.minimiser(1.0)(zero)
            images = [t.derivatives(self.coefficients) for t in tensors]
            norms = [_spectral_norm(x, t) for x, t in zip(images, tensors, strict=True)]
            largest = max(*norms, self._least_size(), 1e-300)
            self.rho = 10 * max(self._weights) / largest
            pairs = zip(images, tensors, strict=True)
            self._z = [shrink(x, t, weight / self.rho)[0] for (x, t), weight in zip(pairs, self._weights, strict=True)]
            self._u = [x - z.dense() for x, z in zip(images, self._z, strict=True)]
        else:
            self.rho = start.rho
            self._z, self._u = list(start.split), list(start.dual)
        self._minimiser = fit.minimiser(self.rho)
        self._dense = [z.dense() for z in self._z]
        self._pull_z = [self._pull(t, z) for t, z in zip(tensors, self._dense, strict=True)]
        self._pull_u = [self._pull(t, u) for t, u in zip(tensors, self._u, strict=True)]

    @staticmethod
    def _pull(tensor: LieTensor, matrix: Tensor) -> Tensor:
        return tensor.adjoint(tensor.metric(matrix))

    def step(self, relaxation: float, whole: bool) -> None:
        """One step in c, Z and U; `whole` takes all singular vectors."""
        pull = torch.stack([z - u for z, u in zip(self._pull_z, self._pull_u, strict=True)]).sum(0)
        self.coefficients = self._minimiser(pull)
        for a, (tensor, weight) in enumerate(zip(self._tensors, self._weights, strict=True)):
            matrix = relaxation * tensor.derivatives(self.coefficients) + self._u[a]
            matrix += (1 - relaxation) * self._dense[a]
            old = self._pull_z[a]
            self._z[a] = z = self._threshold(a, matrix, weight / self.rho, whole)
            self._dense[a] = z.dense()
            self._u[a] = matrix - self._dense[a]
            pulled = LowRank(tensor.metric(z.left), z.right, z.values)
            self._pull_z[a] = tensor.adjoint(pulled.dense())
            if whole:
                self._pull_u[a] = self._pull(tensor, self._u[a])
            else:
                # Linear in what is known: U has all singular vectors, and its own pull would cost a product of
                # full matrices.
                moved = relaxation * self._normal_times(tensor) + (1 - relaxation) * old
                self._pull_u[a] = self._pull_u[a] + moved - self._pull_z[a]

    def _normal_times(self, tensor: LieTensor) -> Tensor:
        return tensor.normal @ self.coefficients

    def _threshold(self, a: int, matrix: Tensor, threshold: float, whole: bool) -> LowRank:
        tensor, vectors = self._tensors[a], self._vectors[a]
        found = None
        if not whole and vectors is not None and 3 * vectors.shape[1] < tensor.generators:
            found = shrink_within(matrix, tensor, threshold, vectors)
        result, self._vectors[a] = found if found is not None else shrink(matrix, tensor, threshold)
        return result

    def residuals(self) -> tuple[float, float]:
        """The relative primal and dual residual."""
        apart = size = 0.0
        for tensor, z in zip(self._tensors, self._dense, strict=True):
            image = tensor.derivatives(self.coefficients)
            away = image - z
            apart += (away * tensor.metric(away)).sum().item()
            size += (image * tensor.metric(image)).sum().item()
        primal = (max(apart, 0.0) / max(size, self._least_size() ** 2, 1e-300)) ** 0.5
        dual = self.rho * torch.stack(self._pull_u).sum(0)
        missing = torch.linalg.norm(self._fit.unbalanced(self.coefficients, dual)).item()
        # Nothing pulls at a function with all symmetries, or with a weight of nearly nothing.
        least = _LITTLE * max(self._fit.force, sum(self._weights) * self._typical)
        return primal, missing / max(torch.linalg.norm(dual).item(), least, 1e-300)

    def apart(self) -> tuple[float, ...]:
        """The spectral norm of L_c − Z for each algebra."""
        return tuple(
            _spectral_norm(tensor.derivatives(self.coefficients) - z, tensor)
            for tensor, z in zip(self._tensors, self._dense, strict=True)
        )

    def _least_size(self) -> float:
        """A function with all symmetries has no Lie derivatives: this part of what usual coefficients have counts."""
        return float(_LITTLE * self._typical * torch.linalg.norm(self.coefficients))

    def rebalance(self, primal: float, dual: float) -> None:
        """A step ρ that drives the larger of the two residuals."""
        factor = min(max((max(primal, 1e-300) / max(dual, 1e-300)) ** 0.5, 0.5), 2.0)
        self.rho *= factor
        self._minimiser = self._fit.minimiser(self.rho)
        self._u = [u / factor for u in self._u]
        self._pull_u = [u / factor for u in self._pull_u]

    def state(self) -> State:
        """Where it stands."""
        return State(tuple(self._z), tuple(self._u), self.rho)


def _spectral_norm(matrix: Tensor, tensor: LieTensor) -> float:
    """In the metric of the tensor."""
    return float(torch.linalg.eigvalsh(matrix.mT @ tensor.metric(matrix))[-1].clamp_min(0).sqrt())
