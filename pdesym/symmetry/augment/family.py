"""Generators as the actions see them: velocities at points, whether they come from text or from a network."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor

from pdesym.solvers.torch_function import torch_function
from pdesym.symmetry.generator import Generator
from pdesym.symmetry.vector_field import VectorField


@runtime_checkable
class Family(Protocol):
    """Several vector fields v_a = ξⁱ ∂_{xᵢ} + τ ∂_t + φᵇ ∂_{u_b} on the same variables, physical units."""

    @property
    def coordinates(self) -> tuple[str, ...]:
        """Names of the space coordinates."""

    @property
    def fields(self) -> tuple[str, ...]:
        """Names of the dependent variables, in the order of the channels."""

    @property
    def names(self) -> tuple[str, ...]:
        """One text for each generator, for messages."""

    def __len__(self) -> int:
        """How many there are."""

    def velocities(self, point: Sequence[Float[Tensor, "*points"]]) -> Float[Tensor, "generators variables *points"]:
        """The components ξ…, τ, φ… of every generator at points.

        Args:
            point: x…, t, u…, tensors of one shape.
        """


@dataclass(frozen=True)
class SymbolicFamily:
    """Generators written as text.

    Attributes:
        generators: of the same variables, without parameters.
    """

    generators: tuple[Generator, ...]

    @property
    def coordinates(self) -> tuple[str, ...]:
        """Names of the space coordinates."""
        return self.generators[0].coordinates

    @property
    def fields(self) -> tuple[str, ...]:
        """Names of the dependent variables, in the order of the channels."""
        return self.generators[0].fields

    @property
    def names(self) -> tuple[str, ...]:
        """The texts of the generators."""
        return tuple(generator.text for generator in self.generators)

    @property
    def vector_fields(self) -> tuple[VectorField, ...]:
        """The generators with their coefficients."""
        return tuple(generator.vector_field for generator in self.generators)

    def __len__(self) -> int:
        return len(self.generators)

    def velocities(self, point: Sequence[Float[Tensor, "*points"]]) -> Float[Tensor, "generators variables *points"]:
        """The components ξ…, τ, φ… of every generator at points x…, t, u…, tensors of one shape.

        Raises:
            ValueError: for another number of tensors than of variables.
        """
        variables = self.generators[0].variables
        if len(point) != len(variables):
            raise ValueError(f"Expected a tensor for each of {', '.join(map(str, variables))}, got {len(point)}.")
        like = point[0]
        function = torch_function(variables, [c for v in self.vector_fields for c in v.components])
        values = [torch.as_tensor(c, dtype=like.dtype, device=like.device).expand(like.shape) for c in function(*point)]
        stacked: Tensor = torch.stack(values).unflatten(0, (len(self), len(variables)))
        return stacked


def family_of(generators: Family | Generator | Sequence[object]) -> Family:
    """A family as it is, or generators as one.

    Raises:
        ValueError: for no generators at all, for anything but generators among them, for generators of different
            variables or with parameters that have no value.
    """
    if isinstance(generators, Family):
        return generators
    given = (generators,) if isinstance(generators, Generator) else tuple(generators)
    members: list[Generator] = []
    for member in given:
        if not isinstance(member, Generator):
            raise ValueError(
                f"Expected a family of generators, or a sequence of Generator, got a {type(member).__name__} in the "
                "sequence: give a learned family by itself."
            )
        members.append(member)
    if not members:
        raise ValueError('Expected at least one generator, got none: write [Generator("t*d_x + d_u")].')
    for member in members:
        if member.variables != members[0].variables:
            raise ValueError(
                f"Expected generators of the same variables, got {members[0].text} of "
                f"({', '.join(map(str, members[0].variables))}) and {member.text} of "
                f"({', '.join(map(str, member.variables))}): declare all with the same coordinates and fields."
            )
        member.vector_field.require_values()
    return SymbolicFamily(tuple(members))
