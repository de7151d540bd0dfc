"""The best vector fields in the span of a network's features, by linear algebra."""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from pdesym.symmetry.learn.measure import Measure
from pdesym.symmetry.learn.network import GeneratorNetwork
from pdesym.symmetry.learn.score import LinearScore

# Directions in which the features vary by less than this, relative to the largest, squared, are left out.
_NEGLIGIBLE = 1e-14


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

    With A = ‖𝓛·‖²/‖u_t‖² and B = ‖·‖² as quadratic forms in c these are the eigenvectors of A c = ρ² B c of the
    smallest eigenvalues, which are orthonormal in B.

    Args:
        network: its features; as many heads as it has slots.
        score: 𝓛.
        measure: of the norm.
        chosen: pieces of the score's data to look at; all when not given.
    """
    variables, features = network.heads.shape[1:]
    gram = measure.gram(network)
    sizes, directions = torch.linalg.eigh(gram)
    kept = sizes > _NEGLIGIBLE * sizes.max()
    whitening = directions[:, kept] / sizes[kept].sqrt()
    whole = torch.block_diag(*(whitening for _ in range(variables)))
    squares, vectors = torch.linalg.eigh(whole.T @ score.gram(network, chosen) @ whole)
    chosen = (whole @ vectors[:, : len(network)]).T.reshape(-1, variables, features)
    return Heads(chosen, squares[: len(network)].clamp_min(0).sqrt())
