"""What modules inside a model say of themselves that neither the model's configuration nor its weights say."""

import hashlib
from collections.abc import Callable
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from pdesym.operators.registry import describe_operator
from pdesym.symmetry.mirror.bias import FixedBias
from pdesym.symmetry.mirror.constraint import constrained_tensors
from pdesym.symmetry.mirror.gates import SymmetryGates
from pdesym.symmetry.mirror.reparametrised import Reparametrised


@runtime_checkable
class DescribedModule(Protocol):
    """A module with settings that decide what it computes and are in no state dict."""

    def trained_as(self) -> str:
        """All of these settings, the same text for the same settings in every process."""


def described_modules(model: nn.Module) -> dict[str, Any]:
    """By the path in the model, "model" for itself: what belongs to the identity of its training run.

    It is empty for operators that are built from their configuration, and for modules that say nothing. Where one does,
    the operators inside say their configurations too.
    """
    said: dict[str, Any] = {
        path or "model": module.trained_as()
        for path, module in model.named_modules()
        if isinstance(module, DescribedModule)
    }
    if said:
        said |= {
            path: describe_operator(module) for path, module in model.named_modules() if path and _has_config(module)
        }
    for path, module in model.named_modules():
        if isinstance(module, FixedBias):
            said[path] = f"fixed bias {_digest(module.bias)}"
    for found in constrained_tensors(model):
        text = _constraint(found.constraint, found.name, tuple(next(iter(found.originals.values())).shape))
        if text:
            said[found.name] = text
    return said


def _has_config(module: nn.Module) -> bool:
    return len(describe_operator(module)) > 1


def _constraint(constraint: nn.Module, name: str, shape: tuple[int, ...]) -> str:
    """The size of its factors where it is not 1, and a few numbers of the projections that it has."""
    parts = []
    if isinstance(constraint, SymmetryGates | Reparametrised) and constraint.size != 1.0:
        parts.append(f"size={constraint.size}")
    if isinstance(constraint, SymmetryGates):
        parts += [_projection(candidate.kept, shape) for candidate in constraint.candidates]
    mirror = constraint.mirror if isinstance(constraint, Reparametrised) else None
    if mirror is not None and isinstance(constraint, Reparametrised):
        (own,) = mirror.names
        parts.append(_projection(lambda theta: mirror.lift(mirror.coordinates({own: theta}))[own], shape))
    return ", ".join(parts)


def _projection(project: Callable[[Tensor], Tensor], shape: tuple[int, ...]) -> str:
    """Products of what it makes of fixed numbers with other ones, to six digits, which no rounding changes."""
    rng = torch.Generator().manual_seed(0)
    given, *functionals = torch.randn(4, *shape, generator=rng, dtype=torch.float64)
    with torch.no_grad():
        image = project(given)
    return "projection " + " ".join(f"{float((image * weights).sum()) + 0.0:.6g}" for weights in functionals)


def _digest(tensor: Tensor) -> str:
    return hashlib.sha256(tensor.detach().cpu().contiguous().numpy().tobytes()).hexdigest()[:16]
