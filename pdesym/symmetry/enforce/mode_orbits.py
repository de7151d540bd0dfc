"""Fourier modes of the torus, and what signed permutations of the axes make of them."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from pdesym.symmetry.enforce.representation import Representation

Mode = tuple[int, ...]
Stabiliser = tuple[tuple[int, int], ...]
"""The pairs (number of an element g, sign s) with s g k = k."""


@dataclass(frozen=True)
class ModeOrbits:
    """The stored modes as k = s g k₀, k₀ the first of its orbit under the group and k ↦ −k.

    `stabilisers` lists the different ones, `orbits_of` the k₀ of each, `orbit`, `element` and `sign` say for every mode
    which k₀ (counted through all of `orbits_of`), which g and which s.
    """

    stabilisers: tuple[Stabiliser, ...]
    orbits_of: tuple[tuple[int, ...], ...]
    orbit: tuple[int, ...]
    element: tuple[int, ...]
    sign: tuple[int, ...]


def stored_modes(highest: Sequence[int]) -> list[Mode]:
    """The modes of a real field in the order of `torch.fft.rfftn`, |k_j| ≤ highest_j, row by row."""
    axes = [[*range(top + 1), *range(-top, 0)] for top in highest[:-1]]
    return list(itertools.product(*axes, range(highest[-1] + 1)))


def axis_permutations(space: Representation, highest: Sequence[int]) -> Int[Tensor, "k n n"]:
    """The images of the discrete elements, checked to map the modes |k_j| ≤ highest_j to themselves.

    Raises:
        ValueError: for generators that move points, other matrices than signed permutations, or modes that are mapped
            to others.
    """
    n = len(highest)
    if space.dimension != n:
        raise ValueError(f"Expected a representation on {n} axes, as many as there are modes, got {space.dimension}.")
    if bool((space.generators() != 0).any()):
        raise ValueError(
            "Expected generators that leave the points alone, got some that move them: a torus has no continuous "
            "rotations, and translations commute with every multiplier."
        )
    images = space.discrete()
    rounded = images.round()
    signed = (rounded.abs().sum(1) == 1).all() and (rounded.abs().sum(2) == 1).all() and torch.allclose(images, rounded)
    if not bool(signed):
        raise ValueError(
            "Expected discrete elements that permute the axes with signs, got others: only those map Fourier modes to "
            "Fourier modes."
        )
    top = torch.tensor(list(highest)).to(rounded)
    if bool(((rounded.abs() @ top) != top).any()):
        raise ValueError(
            f"Expected as many modes along axes that are exchanged, got |k| <= {tuple(highest)}: give equal n_modes."
        )
    return rounded.to(torch.int64)


def mode_orbits(highest: Sequence[int], matrices: Sequence[Float[Tensor, "n n"]]) -> ModeOrbits:
    """The orbits of the stored modes under all elements of a group, given as signed permutations."""
    modes = stored_modes(highest)
    place = {mode: index for index, mode in enumerate(modes)}
    rows = [matrix.round().to(torch.int64).tolist() for matrix in matrices]
    found: dict[Mode, tuple[int, int, int]] = {}
    by_stabiliser: dict[Stabiliser, list[int]] = {}
    for start, mode in enumerate(modes):
        if mode in found:
            continue
        fixed = []
        for number, matrix in enumerate(rows):
            image = tuple(sum(a * b for a, b in zip(row, mode, strict=True)) for row in matrix)
            for sign in (1, -1):
                signed = tuple(sign * component for component in image)
                if signed == mode:
                    fixed.append((number, sign))
                if signed in place:
                    found.setdefault(signed, (start, number, sign))
        by_stabiliser.setdefault(tuple(fixed), []).append(start)
    ordered = [start for starts in by_stabiliser.values() for start in starts]
    number_of = {start: number for number, start in enumerate(ordered)}
    entries = [found[mode] for mode in modes]
    return ModeOrbits(
        tuple(by_stabiliser),
        tuple(tuple(starts) for starts in by_stabiliser.values()),
        tuple(number_of[start] for start, _, _ in entries),
        tuple(element for _, element, _ in entries),
        tuple(sign for _, _, sign in entries),
    )
