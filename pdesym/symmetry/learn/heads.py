"""The best vector fields in the span of a network's features, by linear algebra."""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from pdesym.symmetry.learn.measure import Measure
from pdesym.symmetry.learn.network import GeneratorNetwork
from pdesym.symmetry.learn.score import LinearScore


def best_heads(
    network: GeneratorNetwork, score: LinearScore, measure: Measure, chosen: Int[Tensor, " pieces"] | None = None
) -> Float[Tensor, "slots variables features"]:
    """c of the minimisers, one after the other, of ρ(V) = ‖𝓛V‖/(‖u_t‖‖V‖) over V = Σ c_{v,f} h_f with fixed features h.

    They are the right singular vectors, of the smallest singular values ρ, of c ↦ 𝓛V/‖u_t‖ in coordinates in which ‖V‖
    is the length of c, so that these V are orthonormal; the least broken comes first.

    Args:
        network: its features; as many heads as it has slots.
        score: 𝓛.
        measure: of the norm.
        chosen: pieces of the score's data to look at; all when not given.
    """
    variables, features = network.heads.shape[1:]
    whitening = measure.whitening(network)
    whole = torch.block_diag(*(whitening for _ in range(variables)))
    _, _, directions = torch.linalg.svd(score.factor(network, chosen) @ whole, full_matrices=False)
    best: Tensor = directions.flip(0)[: len(network)] @ whole.T
    return best.reshape(-1, variables, features)
