"""How many trajectories run together, and the tables of their transforms."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

LANES = 8
"""As many as fill a vector register of 512 bits; narrower machines take two or four instructions for one."""


class Transform(NamedTuple):
    """What a transform of one length needs.

    Attributes:
        half: H.
        radices: points of the butterflies, first to last.
        twiddles: cos and −sin of their rotations, in the order of use.
        place: where the k-th number of a transform is.
        rotation: cos and sin of 2πk/N for k = 0 … H/2.
    """

    half: int
    radices: NDArray[np.int64]
    twiddles: NDArray[np.float64]
    place: NDArray[np.int64]
    rotation: NDArray[np.float64]


def factors(half: int) -> list[int] | None:
    """The butterflies that make up H points, the largest last; None when H has other prime factors than 2, 3 and 5."""
    counts = {2: 0, 3: 0, 5: 0}
    for prime in counts:
        while half % prime == 0:
            counts[prime] += 1
            half //= prime
    if half != 1:
        return None
    # As many eights as leave fours: two points at once are the least worth a pass over memory.
    fours = {0: 0, 1: 2, 2: 1}[counts[2] % 3] if counts[2] > 1 else 0
    eights, twos = divmod(counts[2] - 2 * fours, 3)
    return sorted([8] * eights + [4] * fours + [2] * twos + [3] * counts[3] + [5] * counts[5])


def transform(points: int) -> Transform:
    """The tables for `points` real numbers, an even number with factors 2, 3 and 5."""
    half = points // 2
    radices = factors(half)
    assert radices is not None, f"see `factors`: {points}"
    twiddles = [np.zeros(0)]
    length = half
    for radix in radices:
        part = length // radix
        if part > 1:
            turns = np.outer(np.arange(part), np.arange(1, radix)) % length / length
            twiddles.append(_cos_and_sin(-turns).ravel())
        length = part
    return Transform(
        half,
        np.array(radices, dtype=np.int64),
        np.concatenate(twiddles),
        _places(half, radices),
        _cos_and_sin(np.arange(half // 2 + 1) / points).ravel(),
    )


def _cos_and_sin(turns: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.stack([np.cos(2 * np.pi * turns), np.sin(2 * np.pi * turns)], axis=-1)


def _places(length: int, radices: list[int]) -> NDArray[np.int64]:
    if not radices:
        return np.zeros(1, dtype=np.int64)
    part = length // radices[0]
    inner = _places(part, radices[1:])
    return np.add.outer(inner, part * np.arange(radices[0])).ravel()
