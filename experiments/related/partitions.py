"""Partitions of the entries of a matrix, and how far they are from each other."""

import torch
from jaxtyping import Float, Int
from torch import Tensor


def circulant_partition(n: int, reflection: bool) -> Int[Tensor, " entries"]:
    """The classes i − j modulo n of the entries (i, j), n of them; with a reflection |i − j|, ⌊n/2⌋ + 1."""
    i = torch.arange(n)
    apart = (i.unsqueeze(1) - i) % n
    return (torch.minimum(apart, n - apart) if reflection else apart).flatten()


def compact(labels: Int[Tensor, " entries"]) -> Int[Tensor, " entries"]:
    """The same partition with labels 0, 1, … without gaps."""
    return torch.unique(labels, return_inverse=True)[1]


def classes(labels: Int[Tensor, " entries"]) -> int:
    """Number of classes."""
    return len(torch.unique(labels))


def adjusted_rand_index(a: Int[Tensor, " entries"], b: Int[Tensor, " entries"]) -> float:
    """1 for equal partitions, 0 in the mean for random ones with the same sizes of classes.

    Source: Hubert and Arabie, Comparing Partitions (Journal of Classification 2, 1985), equation 5.
    """
    together = _contingency(a, b)
    both, of_a, of_b = (_pairs(sizes) for sizes in (together, together.sum(1), together.sum(0)))
    expected = of_a * of_b / (len(a) * (len(a) - 1) / 2)
    most = (of_a + of_b) / 2
    # Only the partitions into one class and into single entries leave nothing to compare.
    return 1.0 if most == expected else (both - expected) / (most - expected)


def variation_of_information(a: Int[Tensor, " entries"], b: Int[Tensor, " entries"]) -> float:
    """H(a | b) + H(b | a) in bits, of an entry drawn at random: 0 for equal partitions.

    Source: Meilă, Comparing clusterings (Journal of Multivariate Analysis 98, 2007), equation 15.
    """
    together = _contingency(a, b) / len(a)
    return max(0.0, 2 * _entropy(together) - _entropy(together.sum(1)) - _entropy(together.sum(0)))


def _contingency(a: Int[Tensor, " entries"], b: Int[Tensor, " entries"]) -> Float[Tensor, "a b"]:
    a, b = compact(a), compact(b)
    counts = torch.zeros(int(a.max()) + 1, int(b.max()) + 1, dtype=torch.float64)
    return counts.index_put((a, b), torch.ones(len(a), dtype=torch.float64), accumulate=True)


def _pairs(sizes: Tensor) -> float:
    return float((sizes * (sizes - 1) / 2).sum())


def _entropy(shares: Tensor) -> float:
    present = shares[shares > 0]
    return float(-(present * present.log2()).sum())
