"""The strength κ of constraints: a decay of their factors, exact under SGD or as a term of the loss."""

from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from pdesym.symmetry.mirror.constraint import constrained_tensors, require_constraints


def constraint_parameters(module: nn.Module) -> dict[str, nn.Parameter]:
    """The factors of all constraints in a module by name, empty where there are none."""
    return {
        name: factor
        for constrained in constrained_tensors(module)
        for name, factor in constrained.factors.items()
        if isinstance(factor, nn.Parameter)
    }


def optimiser_groups(module: nn.Module, strength: float, weight_decay: float = 0.0) -> list[dict[str, Any]]:
    """Groups of parameters for torch's optimisers: factors with the decay κ, all others with another.

    In `torch.optim.SGD` a weight decay κ is the gradient of κ/2 ‖·‖², so that it minimises ℓ + κ · cost, with the
    cost that each `Kind` states. In Adam it is divided by the size of gradients, and in AdamW it is no term of a loss:
    give these κ = 0 and add `ConstraintPenalty`.

    Args:
        module: with constraints.
        strength: κ, in units of the loss by those of the parameter.
        weight_decay: of all other parameters.

    Raises:
        ValueError: for a negative strength or weight decay, or a module without constraints.
    """
    _require_strength(strength)
    if not 0 <= weight_decay < float("inf"):
        raise ValueError(f"Expected a weight decay that is not negative and finite, got {weight_decay}.")
    factors = constraint_parameters(module)
    require_constraints(factors)
    others = [parameter for name, parameter in module.named_parameters() if name not in factors]
    groups = [
        {"params": others, "weight_decay": weight_decay},
        {"params": list(factors.values()), "weight_decay": strength},
    ]
    return [group for group in groups if group["params"]]


@dataclass(frozen=True)
class ConstraintPenalty:
    """κ/2 Σ‖factor‖², a term of the loss: the `penalty` of `pdesym.training.train`.

    Its stationary points are those of SGD with weight decay κ on the factors, whatever the optimiser. It is at least
    κ · cost (`constraint_cost`), and equal to it once the factors are balanced. Adam divides by gradients of the last
    1/(1 − β₂) steps, so that the last decades of a vanishing unit take it about as many steps each: remove with a
    tolerance of 1e-3 or so and look at what the output says, or end with SGD.

    Args:
        strength: κ, in units of the loss by those of the parameter.

    Raises:
        ValueError: for a negative strength.
    """

    strength: float

    def __post_init__(self) -> None:
        _require_strength(self.strength)

    def __call__(self, model: nn.Module, generator: torch.Generator | None = None) -> Float[Tensor, ""]:
        """The term; it draws nothing.

        Raises:
            ValueError: for a module without constraints.
        """
        factors = list(constraint_parameters(model).values())
        require_constraints(factors)
        return 0.5 * self.strength * torch.stack([(factor**2).sum() for factor in factors]).sum()


def constraint_cost(module: nn.Module) -> Float[Tensor, ""]:
    """Σ cost over all constraints of a module: what `ConstraintPenalty(1)` is with the cheapest factors."""
    costs = [found.constraint.cost(*found.originals.values()) for found in constrained_tensors(module)]
    require_constraints(costs)
    return torch.stack(costs).sum()


def _require_strength(strength: float) -> None:
    if not 0 <= strength < float("inf"):
        raise ValueError(f"Expected a strength that is not negative and finite, got {strength}.")
