"""What all sections of a recipe have in common."""

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict


class Section(BaseModel):
    """Keys and values that are known, finite, and do not change."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


def _refuse_words(what: str) -> BeforeValidator:
    def refused(value: Any) -> Any:
        if isinstance(value, bool | str | bytes):
            raise ValueError(f"expected {what}, got {value!r}"[:200])
        return value

    return BeforeValidator(refused)


Number = Annotated[float, _refuse_words("a number")]
"""A number, and neither a word of digits nor true."""

Whole = Annotated[int, _refuse_words("an integer")]
"""An integer, likewise."""
