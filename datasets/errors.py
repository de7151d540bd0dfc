"""The errors of this room that speak to the user, each in one sentence."""


class RecipeError(ValueError):
    """A recipe that cannot be used; the message names the key and what would be right."""


class GenerationError(RuntimeError):
    """A dataset that could not be completed; what is written stays valid, and the same call goes on from there."""
