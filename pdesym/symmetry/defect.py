"""How far an operator is from having a symmetry, as a number."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

_ROUNDING_UNITS = 10


@dataclass(frozen=True)
class Defect:
    """The two sides of an equivariance identity for one generator, on one batch.

    Attributes:
        pushed: what the operator makes of the generator's motion of its input, dF[u]·Q_in, `(batch, ...)`.
        target: the generator's motion of its output, Q_out[F u], the same shape.
        trivial: samples `(batch,)` that the generator moves neither before nor after the operator, up to rounding.
    """

    pushed: Float[Tensor, "batch ..."]
    target: Float[Tensor, "batch ..."]
    trivial: Bool[Tensor, " batch"]

    @property
    def residual(self) -> Float[Tensor, "batch ..."]:
        """The Lie derivative Q_out[F u] − dF[u]·Q_in; zero for every u if and only if F has the symmetry."""
        return self.target - self.pushed

    @property
    def relative(self) -> Float[Tensor, ""]:
        """δ = √(‖target − pushed‖² / (‖target‖² + ‖pushed‖²)) over the whole batch, in [0, √2], float64.

        1 where the two sides have nothing to do with each other; not a number where every sample is trivial, since a
        generator that moves nothing is a symmetry of nothing. Differentiable, with gradient 0 where δ = 0.
        """
        return self._ratio(self.trivial.all(), lambda u: torch.linalg.vector_norm(u.double()))

    def __float__(self) -> float:
        """`relative` as a plain number."""
        return float(self.relative.detach())

    @property
    def per_sample(self) -> Float[Tensor, " batch"]:
        """δ of each sample by itself; not a number where it is trivial."""
        return self._ratio(self.trivial, lambda u: torch.linalg.vector_norm(u.double().flatten(1), dim=1))

    def _ratio(self, undefined: Bool[Tensor, "..."], norm: Callable[[Tensor], Tensor]) -> Float[Tensor, "..."]:
        scale = torch.hypot(norm(self.target), norm(self.pushed))
        undefined = undefined | (scale == 0)
        ratio: Tensor = torch.where(undefined, torch.nan, norm(self.residual) / torch.where(undefined, 1.0, scale))
        return ratio


def is_rounding(
    motion: Float[Tensor, "batch ..."], size: Float[Tensor, " batch"], dtype: torch.dtype
) -> Bool[Tensor, " batch"]:
    """Samples whose motion is not larger than the rounding of terms of the given size."""
    norm: Tensor = torch.linalg.vector_norm(motion.detach().flatten(1), dim=1)
    return norm <= _ROUNDING_UNITS * torch.finfo(dtype).eps * size


def finite_motion_is_rounding(
    after: Float[Tensor, "batch ..."], before: Float[Tensor, "batch ..."]
) -> Bool[Tensor, " batch"]:
    """Samples that a finite motion leaves where they are."""
    size = torch.linalg.vector_norm(before.detach().flatten(1), dim=1)
    return is_rounding(after - before, size, before.dtype)
