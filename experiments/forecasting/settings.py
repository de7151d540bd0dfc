"""What the forecasting experiments are made of, read from small text files."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from pdesym.datasets import Recipe, load_recipe
from pdesym.datasets.recipe_file import load, parse
from pdesym.training import TrainingSettings

HERE = Path(__file__).parent


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Trajectories(_Section):
    """How many solutions there are: a block of them to train for each seed, one part to test for all."""

    block: int = Field(ge=1)
    blocks: int = Field(ge=1)
    test: int = Field(ge=1)


class Stride(_Section):
    """Every how manyth frame and point of the solutions the operators see."""

    time: int = Field(ge=1)
    space: int = Field(ge=1)


class Frames(_Section):
    """Frames that an operator is given, and that it gives."""

    into: int = Field(ge=1)
    out: int = Field(ge=1)


class Model(_Section):
    """Size of the Fourier neural operators, see `pdesym.operators.FNOConfig`."""

    modes: int = Field(ge=1)
    width: int = Field(ge=1)
    layers: int = Field(ge=1)


class Training(_Section):
    """How an operator is trained: for so many steps, or until it has seen so many windows of each trajectory."""

    steps: int | None = Field(default=None, ge=1)
    passes: int | None = Field(default=None, ge=1)
    batch: int = Field(ge=1)
    learning_rate: float = Field(gt=0)
    log_every: int = Field(default=50, ge=1)
    checkpoint_every: int = Field(default=500, ge=1)

    @model_validator(mode="after")
    def _has_one_length(self) -> "Training":
        if (self.steps is None) == (self.passes is None):
            raise ValueError(f"one of steps and passes must be set, got steps = {self.steps}, passes = {self.passes}")
        return self

    def settings(self, samples: int, seed: int) -> TrainingSettings:
        """Of an arm with so many trajectories."""
        steps = self.steps if self.passes is None else max(1, self.passes * samples // self.batch)
        shared = self.model_dump(include={"batch", "learning_rate", "log_every", "checkpoint_every"})
        return TrainingSettings(steps=steps, seed=seed, **shared)


class Forecast(_Section):
    """The unrolled prediction: input from frame `start`, then `blocks` times the output fed back."""

    start: int = Field(ge=0)
    blocks: int = Field(ge=1)


class Move(_Section):
    """exp(ε v) with ε uniform in ±width, for a share of the windows; see `pdesym.symmetry.RandomFlow`."""

    generator: str
    width: float = Field(ge=0)
    probability: float = Field(ge=0, le=1)


class Learned(_Section):
    """Copies of the trajectories, moved along generators that are learned from them.

    Attributes:
        scales: of each equation: ε is uniform in ± this for every learned generator, in units of its norm.
        copies: of each trajectory.
        probability: that a window is one of a copy.
    """

    scales: dict[str, float]
    copies: int = Field(ge=1)
    probability: float = Field(ge=0, le=1)


class Treatment(_Section):
    """What an arm is shown beside its trajectories."""

    meaning: str
    starts: Literal["random", "aligned"] = "random"
    moves: tuple[Move, ...] = ()
    learned: Learned | None = None


class Plan(_Section):
    """A block of a table: every treatment with every number of trajectories."""

    equation: str
    samples: tuple[int, ...] = Field(min_length=1)
    treatments: tuple[str, ...] = Field(min_length=1)


class Preset(_Section):
    """One size at which all experiments can be run.

    Attributes:
        name: of the preset.
        trajectories: how many are solved.
        stride: what the operators see of them.
        frames: of the operators.
        model: their size.
        training: of each arm.
        forecast: how they are scored.
        seeds: of the arms: of the trajectories they see, of their windows and initial weights; each below `blocks`.
        plans: the arms of each script.
    """

    name: str
    trajectories: Trajectories
    stride: Stride
    frames: Frames
    model: Model
    training: Training
    forecast: Forecast
    seeds: tuple[int, ...] = Field(min_length=1)
    plans: dict[str, tuple[Plan, ...]]

    @model_validator(mode="after")
    def _has_the_trajectories(self) -> "Preset":
        blocks, block = self.trajectories.blocks, self.trajectories.block
        if max(self.seeds) >= blocks:
            raise ValueError(f"seeds must be below trajectories.blocks = {blocks}, got {max(self.seeds)}")
        most = max(samples for plans in self.plans.values() for plan in plans for samples in plan.samples)
        if most > block:
            raise ValueError(f"samples must be at most trajectories.block = {block}, got {most}")
        return self

    def recipe(self, equation: str) -> Recipe:
        """Of the solutions of an equation, at full resolution."""
        sizes = self.trajectories
        counts = [f"splits.train={sizes.block * sizes.blocks}", f"splits.test={sizes.test}"]
        return load_recipe(HERE / "recipes" / f"{equation}.yaml", counts)


def load_preset(source: str | Path, overrides: Sequence[str] = ()) -> Preset:
    """A shipped preset by its name, or a file; with overrides like "training.steps=10".

    Raises:
        RecipeError: (a ValueError) one sentence that names the key that is wrong.
    """
    return load(Preset, source, overrides, HERE / "presets")


def load_treatments() -> dict[str, Treatment]:
    """Every treatment by its name."""
    text = (HERE / "treatments.yaml").read_text(encoding="utf-8")
    return {name: Treatment.model_validate(value) for name, value in parse(text, "treatments.yaml").items()}


def fingerprint(value: Any) -> str:
    """Eight characters that two equal records share, and hardly any others."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:8]
