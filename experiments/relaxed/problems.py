"""The problems by name, and their data, drawn from explicit seeds."""

from collections.abc import Callable
from dataclasses import dataclass

import torch

from experiments.relaxed import energies, folded, patterns
from experiments.relaxed.energies import CoarseEnergy
from experiments.relaxed.folded import FoldedBurgers
from experiments.relaxed.pairs import Pairs
from experiments.relaxed.patterns import SwiftHohenberg, TwistedAllenCahn

Problem = TwistedAllenCahn | SwiftHohenberg | FoldedBurgers | CoarseEnergy

SPLITS = ("training", "validation", "test")
GENERIC = (1,)
"""Orders of inputs that no translation leaves where they are."""

PROBLEMS: dict[str, Problem] = {
    problem.name: problem for problem in (TwistedAllenCahn(), SwiftHohenberg(), FoldedBurgers(), CoarseEnergy())
}
TITLES = {
    "allen_cahn": "Allen-Cahn, the wall of a twisted ring",
    "swift_hohenberg": "Swift-Hohenberg, the place of the rolls",
    "folded_burgers": "Burgers, the pulse before a folded observation",
    "coarse_energy": "Allen-Cahn, the field behind coarse energies",
}


@dataclass(frozen=True)
class Data:
    """Two kinds of pairs of a split.

    Attributes:
        symmetric: inputs of the problem's orders.
        generic: inputs of trivial stabiliser, the negative control.
    """

    symmetric: Pairs
    generic: Pairs


def data(problem: Problem, split: str, symmetric: int, generic: int) -> Data:
    """So many pairs of either kind, the same in every call."""
    rng = torch.Generator().manual_seed(1 + SPLITS.index(split))
    return Data(drawn(problem, problem.orders, symmetric, rng), drawn(problem, GENERIC, generic, rng))


def drawn(problem: Problem, orders: tuple[int, ...], count: int, rng: torch.Generator) -> Pairs:
    """So many pairs of those orders in turn."""
    makers: dict[type, Callable[..., Pairs]] = {FoldedBurgers: folded.pairs, CoarseEnergy: energies.pairs}
    return makers.get(type(problem), patterns.pairs)(problem, orders, count, rng)
