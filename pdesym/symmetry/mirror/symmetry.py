"""A mirror symmetry of a network's parameters: the reflection R = I − 2 O Oᵀ, applied without forming O."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import torch
from jaxtyping import Float
from torch import Tensor

from pdesym.symmetry.mirror.block import Block

_ROUNDING = 1e-12


@dataclass(frozen=True, eq=False)
class MirrorSymmetry:
    """The reflection R = I − 2 O Oᵀ of named parameters θ ∈ R^d, with O ∈ R^{d×r} and OᵀO = I.

    A loss has it when ℓ(x; Rθ) = ℓ(x; θ) for every sample x. The set {Oᵀθ = 0} then catches SGD: the gradient has no
    part along O there. O is a handful of entries for each coordinate, given by `blocks`, and never a dense matrix
    except where one was declared; all maps are linear, and `torch.func` differentiates and batches them.

    Args:
        name: for reports.
        blocks: the entries of O. Blocks that begin at the same coordinate share their coordinates.

    Raises:
        ValueError: when OᵀO is not the identity.

    Source: Ziyin, Symmetry Induces Structure and Constraint of Learning (ICML 2024), definition 1 and theorem 1.
    """

    name: str
    blocks: tuple[Block, ...]
    shapes: Mapping[str, tuple[int, ...]] = field(init=False)
    """The parameters that it touches, with their shapes."""
    rank: int = field(init=False)
    """r, the number of coordinates."""

    def __post_init__(self) -> None:
        shapes: dict[str, tuple[int, ...]] = {}
        for block in self.blocks:
            if shapes.setdefault(block.parameter, block.shape) != block.shape:
                raise ValueError(
                    f"Expected one shape of {block.parameter} in the mirror {self.name}, got "
                    f"{shapes[block.parameter]} and {block.shape}."
                )
        object.__setattr__(self, "shapes", shapes)
        object.__setattr__(self, "rank", max((block.first + block.rank for block in self.blocks), default=0))
        if not self.blocks:
            raise ValueError(f"Expected the mirror {self.name} to move something, got no blocks.")
        z = torch.linspace(1.0, 2.0, self.rank, dtype=torch.float64).sin()
        error = float((self.coordinates(self.lift(z)) - z).abs().max())
        if not error < _ROUNDING * max(1, self.rank) ** 0.5:
            raise ValueError(
                f"Expected orthonormal columns of O in the mirror {self.name}, got OᵀO off the identity by "
                f"{error:.1e}: normalise the directions, and let no two of them share an entry."
            )

    @property
    def names(self) -> tuple[str, ...]:
        """The parameters that it touches."""
        return tuple(self.shapes)

    def coordinates(self, parameters: Mapping[str, Tensor]) -> Float[Tensor, " r"]:
        """Oᵀθ. Further parameters may be given; they do not matter."""
        parts: dict[int, Tensor] = {}
        for block in self.blocks:
            z = block.coordinates(self._given(parameters, block.parameter))
            parts[block.first] = parts[block.first] + z if block.first in parts else z
        return torch.cat([parts[first] for first in sorted(parts)])

    def lift(self, z: Float[Tensor, " r"]) -> dict[str, Tensor]:
        """O z, the touched parameters alone."""
        lifted: dict[str, Tensor] = {}
        for block in self.blocks:
            part = block.lift(z[block.first : block.first + block.rank])
            lifted[block.parameter] = lifted[block.parameter] + part if block.parameter in lifted else part
        return lifted

    def project(self, parameters: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """(I − O Oᵀ)θ, the nearest parameters that the mirror leaves as they are; all given ones come back."""
        return self._less(parameters, 1.0)

    def reflect(self, parameters: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Rθ = (I − 2 O Oᵀ)θ; all given parameters come back."""
        return self._less(parameters, 2.0)

    def violation(self, parameters: Mapping[str, Tensor]) -> float:
        """‖Oᵀθ‖/‖θ‖, the norm of θ taken over the parameters that the mirror touches; 0 where they vanish."""
        size = norm_of(self._given(parameters, name).detach() for name in self.shapes)
        return float(self.coordinates(parameters).detach().norm() / size) if size != 0 else 0.0

    def _less(self, parameters: Mapping[str, Tensor], times: float) -> dict[str, Tensor]:
        part = self.lift(self.coordinates(parameters))
        return {name: θ - times * part[name] if name in part else θ for name, θ in parameters.items()}

    def _given(self, parameters: Mapping[str, Tensor], name: str) -> Tensor:
        if name not in parameters or tuple(parameters[name].shape) != tuple(self.shapes[name]):
            got = tuple(parameters[name].shape) if name in parameters else f"the names {', '.join(parameters)}"
            raise ValueError(
                f"The mirror {self.name} moves {name} of shape {tuple(self.shapes[name])}, got {got}: give the "
                "parameters for which it was declared."
            )
        return parameters[name]


def norm_of(parts: Iterable[Tensor]) -> Float[Tensor, ""]:
    """‖θ‖ of what stands in several tensors."""
    size: Tensor = torch.stack([part.norm() for part in parts]).norm()
    return size
