"""Random numbers that depend on a seed and the index of a sample alone."""

from collections.abc import Sequence

import numpy as np


def stream(seed: int | Sequence[int], index: int) -> np.random.Generator:
    """The random numbers of one sample.

    Args:
        seed: a number, none negative, or several (such as seed, split and field) that act as one; 5, (5, 0) and
            (5, 0, 0) are three seeds.
        index: of the sample.
    """
    entropy = [seed] if isinstance(seed, int) else list(seed)
    # NumPy takes a list for the same list followed by zeros: its length, never zero, ends it.
    return np.random.default_rng([*entropy, index, len(entropy)])
