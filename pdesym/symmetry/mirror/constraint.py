"""What all differentiable constraints by symmetry have in common, and how they are found in a module."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sized
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn.utils import parametrize


class Constraint(nn.Module, ABC):
    """θ as a function of free tensors and factors, for `torch.nn.utils.parametrize`: the originals in this order.

    Its state is the scale against which its units are small: the largest unit that it began with.
    """

    scale: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("scale", torch.zeros(()))

    @property
    @abstractmethod
    def free(self) -> int:
        """How many of the originals, the first ones, are no factors and are never decayed by a constraint."""

    @abstractmethod
    def forward(self, *originals: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
        """θ."""

    @abstractmethod
    def units(self, *originals: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
        """The sizes of what can vanish by itself."""

    def largest(self, *originals: Float[Tensor, "..."]) -> Float[Tensor, ""]:
        """What units are small against, now."""
        return self.units(*originals).max()

    @abstractmethod
    def without(self, gone: Bool[Tensor, "..."], *originals: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
        """θ with some units exactly 0."""

    @abstractmethod
    def cost(self, *originals: Float[Tensor, "..."]) -> Float[Tensor, ""]:
        """min ½ Σ‖factor‖² over the originals that give the same θ: a decay κ of the factors is κ times this norm."""


@dataclass(frozen=True, eq=False)
class Constrained:
    """A tensor of a module under a constraint.

    Args:
        name: of the tensor, from the module in which it was looked for.
        owner: the module that has it.
        attribute: its name there.
        constraint: what it is under.
        originals: free tensors and factors, by their names in `named_parameters`.
    """

    name: str
    owner: nn.Module
    attribute: str
    constraint: Constraint
    originals: dict[str, Tensor]

    @property
    def factors(self) -> dict[str, Tensor]:
        """The originals that a constraint decays."""
        return dict(list(self.originals.items())[self.constraint.free :])

    def units(self) -> Float[Tensor, "..."]:
        """The sizes of what can vanish by itself."""
        with torch.no_grad():
            return self.constraint.units(*self.originals.values())

    def scale(self) -> Float[Tensor, ""]:
        """What units are small against: the largest one, now or at the beginning."""
        with torch.no_grad():
            return torch.maximum(self.constraint.scale, self.constraint.largest(*self.originals.values()))


def constrained_tensors(module: nn.Module) -> Iterator[Constrained]:
    """All tensors in a module that are under a constraint."""
    for path, owner in module.named_modules():
        if not parametrize.is_parametrized(owner):
            continue
        for attribute, listed in owner.parametrizations.items():
            if not isinstance(listed[0], Constraint):
                continue
            prefix = f"{path}." if path else ""
            inner = f"{prefix}parametrizations.{attribute}."
            originals = {inner + name: tensor for name, tensor in listed.named_parameters(recurse=False)}
            yield Constrained(prefix + attribute, owner, attribute, listed[0], originals)


def require_constraints(found: Sized) -> None:
    """Refuse a module in which no constraint, or nothing of one, was found.

    Raises:
        ValueError: in one sentence.
    """
    if not found:
        raise ValueError("Expected a module with constraints, got one without: call constrain first.")


def owner_of(module: nn.Module, name: str) -> tuple[nn.Module, str]:
    """The module that has a parameter, and the parameter's name there.

    Raises:
        ValueError: when there is no such real parameter, it is computed from others already or others from it, or
            another place of the module shares it.
    """
    path, _, attribute = name.rpartition(".")
    try:
        owner = module.get_submodule(path)
    except AttributeError:
        owner = None
    if owner is not None and parametrize.is_parametrized(owner, attribute):
        raise ValueError(
            f"{name} is computed from other parameters already: take that off first, with `remove`, or `fold_bias` "
            "of a fixed bias."
        )
    if isinstance(owner, parametrize.ParametrizationList):
        raise ValueError(f"{name} is what another parameter is computed from: give the names of plain parameters.")
    parameter = None if owner is None else owner._parameters.get(attribute)
    if owner is None or parameter is None:
        known = ", ".join(known for known, _ in module.named_parameters())
        raise ValueError(f"Expected the name of a parameter, got {name!r}: the module has {known}.")
    if not parameter.is_floating_point():
        raise ValueError(
            f"Expected a real parameter, got {name} of {parameter.dtype}: keep it as torch.view_as_real does, with a "
            "last axis of real and imaginary part."
        )
    for other, shared in module.named_parameters(remove_duplicate=False):
        path, _, last = other.rpartition(".")
        if shared is parameter and (module.get_submodule(path) is not owner or last != attribute):
            raise ValueError(
                f"Expected a parameter that stands in one place, got {name}, which is {other} too: they would part."
            )
    return owner, attribute
