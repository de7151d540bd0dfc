"""Whether what was expected came, in the word that all tables and pages use."""


def met(is_met: bool) -> str:
    """In a word."""
    return "met" if is_met else "**missed**"
