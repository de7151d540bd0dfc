"""From nearly zero to exactly zero: what constraints have let vanish is removed, and the parametrisation with it."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from jaxtyping import Bool
from torch import Tensor, nn
from torch.nn.utils import parametrize

from pdesym.symmetry.mirror.constraint import Constrained, constrained_tensors, require_constraints

TOLERANCE = 1e-6
"""Units up to this, relative to the largest, can be removed: about eight rounding units of float32."""


@dataclass(frozen=True, eq=False)
class Removable:
    """What of a tensor is as good as 0.

    Args:
        gone: which units: entries, groups, singular values or candidate symmetries; of shape `Constraint.units`.
        largest_gone: the largest of these, relative to the largest unit; 0 where there are none.
        smallest_kept: the smallest of the others, relative; inf where there are none.
    """

    gone: Bool[Tensor, "..."]
    largest_gone: float
    smallest_kept: float

    @property
    def units(self) -> int:
        """How many there are."""
        return self.gone.numel()

    @property
    def removed(self) -> int:
        """How many of them are as good as 0."""
        return int(self.gone.sum())

    @property
    def fraction(self) -> float:
        """removed / units."""
        return self.removed / max(self.units, 1)


@dataclass(frozen=True, eq=False)
class Removed:
    """What `remove` made exactly 0.

    Args:
        tensors: of each constrained tensor which units.
        zeros: of each how many entries are 0 now.
        entries: of each how many there are.
    """

    tensors: Mapping[str, Removable]
    zeros: Mapping[str, int]
    entries: Mapping[str, int]

    @property
    def fraction(self) -> float:
        """Units removed, of all units of all tensors."""
        return sum(found.removed for found in self.tensors.values()) / sum(map(_units, self.tensors.values()))

    @property
    def sparsity(self) -> float:
        """Entries that are exactly 0, of all entries of all constrained tensors."""
        return sum(self.zeros.values()) / sum(self.entries.values())


def removable(module: nn.Module, tolerance: float = TOLERANCE) -> dict[str, Removable]:
    """For each constrained tensor the units that are as good as 0.

    Under gradient descent with decay a unit that the data do not need shrinks as exp(−rate · t) and is never exactly
    0. It counts as 0 when it is at most `tolerance` times the largest unit that the tensor has or began with. How clear
    this is, the gap between `largest_gone` and `smallest_kept` tells.

    Args:
        module: with constraints.
        tolerance: relative. To remove units changes the tensor by at most tolerance · √units relative to its largest.

    Raises:
        ValueError: for a tolerance outside [0, 1), a module without constraints, or factors that are not finite.
    """
    if not 0 <= tolerance < 1:
        raise ValueError(f"Expected a tolerance from 0 to below 1, got {tolerance}: it is relative.")
    found = {constrained.name: _removable(constrained, tolerance) for constrained in constrained_tensors(module)}
    require_constraints(found)
    return found


def remove(module: nn.Module, tolerance: float = TOLERANCE) -> Removed:
    """Makes removable units exact zeros and takes the parametrisations off, in place.

    What is left is the module as it was before `constrain`, with plain parameters, which saves and loads as such. Make
    a new optimiser to train it further; nothing holds the zeros then.

    Args:
        module: with constraints.
        tolerance: see `removable`.

    Raises:
        ValueError: as `removable`.
    """
    found = removable(module, tolerance)
    tensors, left = list(constrained_tensors(module)), {}
    with torch.no_grad():
        for constrained in tensors:
            gone = found[constrained.name].gone
            left[constrained.name] = constrained.constraint.without(gone, *constrained.originals.values())
    for constrained in tensors:  # only now, since some share their gates
        unparametrise(constrained.owner, constrained.attribute, left[constrained.name])
    zeros = {name: int((tensor == 0).sum()) for name, tensor in left.items()}
    return Removed(found, zeros, {name: tensor.numel() for name, tensor in left.items()})


def unparametrise(owner: nn.Module, attribute: str, value: Tensor) -> None:
    """Puts a plain parameter in the place of a parametrised one."""
    # torch gives copies of a module one class, and takes the attribute off the class.
    shared = type(owner)
    own = {name: entry for name, entry in vars(shared).items() if name not in ("__dict__", "__weakref__")}
    owner.__class__ = type(shared.__name__, shared.__bases__, own)
    listed = owner.get_submodule(f"parametrizations.{attribute}")
    learns = any(original.requires_grad for original in listed.parameters(recurse=False))
    parametrize.remove_parametrizations(owner, attribute)
    delattr(owner, attribute)  # a frozen one has become a buffer
    owner.register_parameter(attribute, nn.Parameter(value.detach().clone(), learns))


def _removable(constrained: Constrained, tolerance: float) -> Removable:
    if not all(bool(original.isfinite().all()) for original in constrained.originals.values()):
        raise ValueError(
            f"Expected finite factors of {constrained.name}, got others: train again from where they were finite."
        )
    units = constrained.units()
    largest = constrained.scale()
    gone = units <= tolerance * largest
    relative = units / largest.clamp_min(torch.finfo(units.dtype).tiny)
    return Removable(
        gone,
        float(relative[gone].max()) if bool(gone.any()) else 0.0,
        float(relative[~gone].min()) if not bool(gone.all()) else torch.inf,
    )


def _units(found: Removable) -> int:
    return found.units
