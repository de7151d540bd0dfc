"""What decides how a training goes."""

from pydantic import BaseModel, ConfigDict, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt


class TrainingSettings(BaseModel):
    """Settings of a training run; a key that is not listed here is refused.

    AdamW with a one-cycle learning rate: up to its peak over the first 30 % of the steps, then down, both as cosines.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    steps: PositiveInt = 3000
    """Optimiser steps."""
    batch: PositiveInt = 16
    """Windows in a step, over all processes together."""
    learning_rate: PositiveFloat = 2e-3
    """Peak of the one cycle."""
    weight_decay: NonNegativeFloat = 0.01
    gradient_clip: PositiveFloat | None = None
    """Largest norm of the gradient over all weights; None clips nothing."""
    seed: NonNegativeInt = 0
    """Of the windows, the augmentation and whatever the model draws; not of the initial weights."""
    log_every: PositiveInt = 50
    """Steps between two lines of metrics."""
    validate_every: PositiveInt | None = None
    """Steps between two validations; None validates after the last step alone."""
    checkpoint_every: PositiveInt = 500
    """Steps between two checkpoints."""
    keep_checkpoints: PositiveInt = 2
    """Newest checkpoints that stay on disk."""

    def outcome(self) -> dict[str, float | int | None]:
        """The settings that the trained weights depend on; the others may change between a run and its resumption."""
        return self.model_dump(include={"steps", "batch", "learning_rate", "weight_decay", "gradient_clip", "seed"})
