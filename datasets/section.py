"""What all sections of a recipe have in common."""

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """Keys and values that are known, finite, and do not change."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
