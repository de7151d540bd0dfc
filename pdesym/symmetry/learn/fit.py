"""Fitting a network of vector fields, step by step."""

from collections.abc import Mapping
from typing import Any

import torch
from jaxtyping import Float, Int
from pydantic import BaseModel, ConfigDict, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt
from torch import Tensor

from pdesym.solvers.random_streams import stream
from pdesym.symmetry.learn.heads import best_heads
from pdesym.symmetry.learn.measure import Measure
from pdesym.symmetry.learn.network import GeneratorNetwork
from pdesym.symmetry.learn.regularisers import lipschitz, orthogonality, sobolev
from pdesym.symmetry.learn.score import LinearScore, Score


class LearnSettings(BaseModel):
    """How vector fields are learned; a key that is not listed here is refused.

    The loss is mean_a log ρ(V_a) + `orthogonality` · mean + `lipschitz` · mean + `sobolev` · mean over the slots a.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    slots: PositiveInt = 5
    """Vector fields to learn; those that are no symmetries tell that there are no more."""
    width: PositiveInt = 24
    """Neurons in each layer of the joint branch of the network."""
    branch: PositiveInt = 12
    """Neurons in the branch of each variable."""
    steps: NonNegativeInt = 100
    """Steps of Adam."""
    batch: PositiveInt = 16
    """Pieces of data (frames, windows, patches) in a step."""
    learning_rate: PositiveFloat = 1e-3
    """Falls to a tenth half-way."""
    floor: PositiveFloat = 1e-4
    """Relative breaking below which a vector field counts as exact and no longer drives the fit."""
    orthogonality: NonNegativeFloat = 3.0
    lipschitz: NonNegativeFloat = 1.0
    slope: PositiveFloat = 3.0
    """Slope that the Lipschitz term leaves free, in the units of the scales."""
    sobolev: NonNegativeFloat = 0.0
    seed: NonNegativeInt = 0
    """Of the initial weights and the choice of data."""


class Fit:
    """A network that is fitted to a score. A step depends on the weights, the settings and its own number alone.

    Args:
        score: how far vector fields are from being symmetries.
        measure: under which they are normalised.
        settings: how to fit.
    """

    def __init__(self, score: Score, measure: Measure, settings: LearnSettings):
        self.score, self.measure, self.settings = score, measure, settings
        self.network = GeneratorNetwork(
            measure.scales, settings.slots, settings.width, settings.branch, settings.seed
        ).to(measure.u.device)
        weights = self.network.parameters()
        if isinstance(score, LinearScore):
            self.network.heads.requires_grad_(False)
        self.optimiser = torch.optim.Adam([w for w in weights if w.requires_grad], lr=settings.learning_rate)
        self.done = 0
        self.align()

    def step(self) -> dict[str, float]:
        """One step; the terms of its loss by name, each a mean over the slots, and `breaking`, exp of that of log ρ."""
        settings, number = self.settings, self.done + 1
        for group in self.optimiser.param_groups:
            group["lr"] = settings.learning_rate * (1.0 if 2 * number <= settings.steps else 0.1)
        pieces = self.score.pieces
        size = min(settings.batch, pieces)
        chosen = torch.from_numpy(stream(settings.seed, number).choice(pieces, size, replace=False))

        self.optimiser.zero_grad()
        self.align(chosen)
        terms = self._terms(chosen)
        loss = terms["validity"]
        for name in ("orthogonality", "lipschitz", "sobolev"):
            if name in terms:
                loss = loss + getattr(settings, name) * terms[name]
        if not torch.isfinite(loss):
            raise FloatingPointError(
                f"The loss of step {number} is {loss.item()}: lower learning_rate from {settings.learning_rate:g}."
            )
        loss.backward()
        self.optimiser.step()
        self.done = number
        if number == settings.steps:
            self.align()
        report = {name: float(term.detach()) for name, term in terms.items()}
        return report | {"loss": float(loss.detach()), "breaking": float(terms["validity"].detach().exp())}

    def align(self, chosen: Int[Tensor, " pieces"] | None = None) -> None:
        """Puts the best last layer for the features in place, where the score is linear, for some data or all.

        What is left to the gradient is how the features should change: the last layer of a minimum is stationary, so
        that its own change does not count (variable projection, Golub and Pereyra, SIAM J. Numer. Anal. 10, 1973).
        """
        if isinstance(self.score, LinearScore):
            with torch.no_grad():
                self.network.heads.copy_(best_heads(self.network, self.score, self.measure, chosen))

    def _terms(self, chosen: Tensor) -> dict[str, Float[Tensor, ""]]:
        settings = self.settings
        levels = self.score.levels(self.network, self.measure, chosen)
        terms = {"validity": 0.5 * (levels.square() + settings.floor**2).log().mean()}
        if not (settings.orthogonality or settings.lipschitz or settings.sobolev):
            return terms
        values = self.network(self.measure.point)
        if settings.orthogonality:
            terms["orthogonality"] = orthogonality(values).mean()
        if settings.lipschitz:
            terms["lipschitz"] = lipschitz(values, self.measure.scaled_point, settings.slope).mean()
        if settings.sobolev:
            terms["sobolev"] = sobolev(values).mean()
        return terms

    def state(self) -> dict[str, Any]:
        """What a resumed fit needs beside its arguments and the weights of its network."""
        return {"step": self.done, "optimiser": self.optimiser.state_dict()}

    def resume(self, state: Mapping[str, Any]) -> None:
        """Continues from a state; the network has its weights already."""
        self.optimiser.load_state_dict(state["optimiser"])
        self.done = state["step"]
