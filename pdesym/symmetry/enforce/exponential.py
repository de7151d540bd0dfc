"""The exponential of a matrix to the last digits."""

import math

import torch
from jaxtyping import Float
from torch import Tensor

_TERMS = 14


def exponential(matrix: Float[Tensor, "n n"]) -> Float[Tensor, "n n"]:
    """exp A = (exp A/2ˢ)^(2ˢ) with ‖A/2ˢ‖ ≤ 1/4, where 14 terms of the series leave 1e-20.

    torch.linalg.matrix_exp chooses the degree by the norm, and errs by up to 1e-10 in float64 below some thresholds.
    """
    norm = float(torch.linalg.vector_norm(matrix))
    halvings = max(0, math.ceil(math.log2(max(norm, 0.25) * 4)))
    small = matrix / 2**halvings
    total = eye = torch.eye(len(matrix)).to(matrix)
    for term in range(_TERMS, 0, -1):
        total = eye + small @ total / term
    for _ in range(halvings):
        total = total @ total
    return total
