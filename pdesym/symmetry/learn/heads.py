"""The best vector fields in the span of a network's features, by linear algebra."""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from pdesym.symmetry.learn.measure import Measure
from pdesym.symmetry.learn.network import GeneratorNetwork
from pdesym.symmetry.learn.score import LinearScore


@dataclass(frozen=True)
class Heads:
    """Vector fields that are orthonormal under a measure, from the least broken on.

    Attributes:
        coefficients: c `(slots, variables, features)`.
        levels: ρ of each, on the data of the score.
    """

    coefficients: Float[Tensor, "slots variables features"]
    levels: Float[Tensor, " slots"]


def best_heads(
    network: GeneratorNetwork, score: LinearScore, measure: Measure, chosen: Int[Tensor, " pieces"] | None = None
) -> Heads:
    """The minimisers, one after the other, of ρ(V) = ‖𝓛V‖/(‖u_t‖‖V‖) over V = Σ c_{v,f} h_f with fixed features h.

    They are the right singular vectors, of the smallest singular values ρ, of c ↦ 𝓛V/‖u_t‖ in coordinates in which ‖V‖
    is the length of c.

    Args:
        network: its features; as many heads as it has slots.
        score: 𝓛.
        measure: of the norm.
        chosen: pieces of the score's data to look at; all when not given.
    """
    variables, features = network.heads.shape[1:]
    whitening = measure.whitening(network)
    whole = torch.block_diag(*(whitening for _ in range(variables)))
    _, levels, directions = torch.linalg.svd(score.factor(network, chosen) @ whole, full_matrices=False)
    best = directions.flip(0)[: len(network)]
    return Heads((best @ whole.T).reshape(-1, variables, features), levels.flip(0)[: len(network)])
