"""The evidence of Gaussian models with a prior precision for each group of weights, exact or after Laplace."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float, Int
from torch import Tensor


@dataclass(frozen=True)
class Precisions:
    """What the evidence chooses.

    Attributes:
        log_alpha: logarithms of the prior precisions α of the groups, in units of weight⁻².
        log_beta: logarithm of the precision β of the noise, in units of output⁻².
    """

    log_alpha: Float[Tensor, " groups"]
    log_beta: Float[Tensor, ""]

    @classmethod
    def first(cls, groups: int) -> "Precisions":
        """1 for all."""
        return cls(torch.zeros(groups, dtype=torch.float64), torch.zeros((), dtype=torch.float64))


@dataclass(frozen=True)
class Quadratic:
    """A model of y around weights w, f(w + d) ≈ f(w) + J d.

    Attributes:
        hessian: H = JᵀJ.
        weights: w.
        residual: ‖y − f(w)‖².
        outputs: number of values y.
        group: of each weight.
    """

    hessian: Float[Tensor, "weights weights"]
    weights: Float[Tensor, " weights"]
    residual: Float[Tensor, ""]
    outputs: int
    group: Int[Tensor, " weights"]

    def settled(self, precisions: Precisions) -> "Quadratic":
        """The model around the weights that it has: they follow the precisions only where f is linear."""
        return self


@dataclass(frozen=True)
class LinearModel(Quadratic):
    """A model that is linear in its weights, around any of them.

    Attributes:
        target: Jᵀ y.
    """

    target: Float[Tensor, " weights"]

    @classmethod
    def of(
        cls, design: Float[Tensor, "outputs weights"], y: Float[Tensor, " outputs"], group: Sequence[int]
    ) -> "LinearModel":
        """y ≈ design · w, around w = 0."""
        zero = torch.zeros(design.shape[1], dtype=design.dtype)
        hessian, target = design.mT @ design, design.mT @ y
        return cls(hessian, zero, y.square().sum(), len(y), torch.tensor(list(group)), target)

    def settled(self, precisions: Precisions) -> "LinearModel":
        """The model around the weights of largest posterior."""
        beta, alpha = precisions.log_beta.exp(), precisions.log_alpha[self.group].exp()
        weights = torch.linalg.solve(beta * self.hessian + torch.diag(alpha), beta * self.target)
        step = weights - self.weights
        slope = self.target - self.hessian @ self.weights
        residual = self.residual - 2 * step @ slope + step @ self.hessian @ step
        return replace(self, weights=weights, residual=residual)


def log_evidence(model: Quadratic, precisions: Precisions) -> Float[Tensor, ""]:
    """log ∫ p(y|w) p(w) dw with p(y|w) = N(f(w), 1/β), p(w) = N(0, 1/α_group), f linear around the given weights.

    Exact for linear f with w the maximum of the posterior; else Laplace's approximation with the Gauss-Newton Hessian.
    Differentiable in the precisions; at the maximum the gradient through w is zero.

    Source: MacKay, Bayesian Interpolation (Neural Computation 4, 1992), equation 2.18; with one precision for each part
    of each layer van der Ouderaa, Immer and van der Wilk, Learning Layer-wise Equivariances Automatically using
    Gradients (NeurIPS 2023), section 3.
    """
    beta, alpha = precisions.log_beta.exp(), precisions.log_alpha[model.group].exp()
    factor = torch.linalg.cholesky(beta * model.hessian + torch.diag(alpha))
    determinant = 2 * factor.diagonal().log().sum()
    fit = model.outputs * (precisions.log_beta - math.log(2 * math.pi)) - beta * model.residual
    prior = precisions.log_alpha[model.group].sum() - (alpha * model.weights.square()).sum()
    return (fit + prior - determinant) / 2


def effective_parameters(model: Quadratic, precisions: Precisions) -> Float[Tensor, " groups"]:
    """γ_g = Σ_{i in g} (1 − α_i Σ_ii), Σ the covariance of the posterior: how many weights of a group the data set."""
    alpha = precisions.log_alpha[model.group].exp()
    factor = torch.linalg.cholesky(precisions.log_beta.exp() * model.hessian + torch.diag(alpha))
    share = 1 - alpha * torch.cholesky_inverse(factor).diagonal()
    return torch.zeros_like(precisions.log_alpha).index_add(0, model.group, share)


def ascended(model: Quadratic, precisions: Precisions, steps: int, rate: float, largest: float = 20.0) -> Precisions:
    """Precisions after steps of Adam on the evidence; their logarithms stay within ± largest."""
    both = [precisions.log_alpha.clone().requires_grad_(), precisions.log_beta.clone().requires_grad_()]
    optimiser = torch.optim.Adam(both, lr=rate)
    for _ in range(steps):
        with torch.no_grad():
            model = model.settled(Precisions(*both))
        optimiser.zero_grad()
        (-log_evidence(model, Precisions(*both))).backward()
        optimiser.step()
        with torch.no_grad():
            for each in both:
                each.clamp_(-largest, largest)
    return Precisions(*(each.detach() for each in both))
