"""Symmetry as a term of the training loss."""

import hashlib
from dataclasses import dataclass, field

import torch
from jaxtyping import Float
from torch import Tensor, nn

from pdesym.solvers.grid import Grid
from pdesym.symmetry.promote import SymmetryPenalty, unseen_widths

_ENOUGH = 512  # inputs by which the widths are measured


@dataclass(frozen=True)
class SymmetryPromotion:
    """weight · R(F) at random inputs, F the model and R a `SymmetryPenalty`: a penalty for `train`.

    It asks for inputs alone. Where a generator moves them to where there are none, as t ∂_x + ∂_u does with fields of
    zero mean, the inputs are first moved along it by a random parameter, uniform in [−width, width]: what the penalty
    says of the model then holds around the data, too. That supposes no symmetry, as the penalty has no targets.

    A step costs `batch` inputs times one and a derivative for each generator. Few suffice, since a generator is judged
    at every point of every input: an eighth of the windows of a step is a good start.

    Args:
        penalty: R.
        u: inputs of the model, `(example, frames_in, channel, *space)`, on the device and in the precision of training.
        grid: of input and output.
        times_in: times of the input frames `(frames_in,)`; what matters is their distance from those of the output,
            and where the generators have their origin.
        times_out: times of the output frames `(frames_out,)`.
        weight: dimensionless, as R is; the loss it is added to sets its meaning.
        batch: inputs in a step, drawn with replacement.
        widths: how far to move inputs along each of `penalty.generators`; None measures it on the inputs
            (`unseen_widths`).

    Raises:
        ValueError: for a weight or batch that is not positive, or another number of widths than generators.

    Source: Otto, Zolman, Kutz, Brunton, JMLR 26 (248), 2025, section 8, for promotion by a nuclear norm.
    """

    penalty: SymmetryPenalty
    u: Float[Tensor, "example frames_in channel *space"] = field(repr=False)
    grid: Grid
    times_in: tuple[float, ...]
    times_out: tuple[float, ...]
    weight: float
    batch: int
    widths: tuple[float, ...] | None = None
    digest: str = field(init=False)

    def __post_init__(self) -> None:
        if self.batch < 1 or not 0 < self.weight < float("inf"):
            raise ValueError(f"Expected a positive batch and weight, got batch={self.batch}, weight={self.weight}.")
        generators = self.penalty.generators
        if self.widths is None:
            some = self.u[:: max(1, len(self.u) // _ENOUGH)]
            object.__setattr__(self, "widths", unseen_widths(generators, some, self.grid, _float64(self.times_in)))
        if len(self._widths) != len(generators) or not all(0 <= width < float("inf") for width in self._widths):
            raise ValueError(
                f"Expected {len(generators)} widths, one for each generator, finite and not negative, got "
                f"{self.widths}."
            )
        inputs = self.u.detach().double().cpu().contiguous().numpy().tobytes()
        object.__setattr__(self, "digest", hashlib.sha256(inputs).hexdigest()[:16])

    def __call__(self, model: nn.Module, generator: torch.Generator) -> Float[Tensor, ""]:
        """The term at inputs that the generator draws, and moves."""
        chosen = torch.randint(len(self.u), (self.batch,), generator=generator).to(self.u.device)
        uniform = 2 * torch.rand(len(self._widths), self.batch, generator=generator, dtype=torch.float64) - 1
        u = self.u[chosen]
        times = _float64(self.times_in)
        for motion, width, draw in zip(self.penalty.generators, self._widths, uniform, strict=True):
            if width > 0:
                u = motion.act(u, self.grid, times, (width * draw).to(u.device))
        was_training = model.training
        model.eval()  # dropout and batch statistics are of the training, not of the operator that is judged
        value = self.weight * self.penalty(model, u, self.grid, times, _float64(self.times_out))
        model.train(was_training)
        return value

    @property
    def _widths(self) -> tuple[float, ...]:
        assert self.widths is not None  # __post_init__ has measured them
        return self.widths


def _float64(times: tuple[float, ...]) -> Float[Tensor, " frames"]:
    return torch.tensor(times, dtype=torch.float64)
