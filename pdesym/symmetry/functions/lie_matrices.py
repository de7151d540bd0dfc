"""Affine fields as matrices on monomials."""

import torch
from torch import Tensor


def sparse_lie_matrices(exponents: Tensor, lowered: Tensor, linear: Tensor, shift: Tensor) -> Tensor:
    """(Ax + b)·∇ x^α = Σ_jk α_j A_jk x^(α − e_j + e_k) + Σ_j α_j b_j x^(α − e_j), as a sparse tensor.

    Args:
        exponents: α of each monomial, `(size, n)`.
        lowered: the place of x^α / x_j, 0 where it is none, `(size, n)`.
        linear: A, `(q, n, n)`.
        shift: b, `(q, n)`.

    Returns:
        Coalesced `(q, size, size)`, row α, column of the monomial that it is mapped to.
    """
    size = len(exponents)
    lowered, exponents = lowered.to(linear.device), exponents.to(linear.device)
    raised = _raised(lowered, exponents)
    monomial, variable = exponents.nonzero(as_tuple=True)
    low, power = lowered[monomial, variable], exponents[monomial, variable].to(linear)

    entries, values = [], []
    for field in range(len(linear)):
        # Only the entries of A that differ from zero: a rotation of two coordinates has two.
        row, column = linear[field].nonzero(as_tuple=True)
        term, entry = (variable.unsqueeze(1) == row).nonzero(as_tuple=True)
        entries.append(_places(field, monomial[term], raised[low[term], column[entry]]))
        values.append(power[term] * linear[field, row[entry], column[entry]])
        moved = (shift[field, variable] != 0).nonzero().squeeze(1)
        entries.append(_places(field, monomial[moved], low[moved]))
        values.append(power[moved] * shift[field, variable[moved]])
    places = torch.cat(entries, dim=1) if entries else torch.zeros(3, 0, dtype=torch.int64, device=linear.device)
    numbers = torch.cat(values) if values else linear.new_zeros(0)
    return torch.sparse_coo_tensor(places, numbers, (len(linear), size, size), check_invariants=False).coalesce()


def _places(field: int, row: Tensor, column: Tensor) -> Tensor:
    return torch.stack([torch.full_like(row, field), row, column])


def _raised(lowered: Tensor, exponents: Tensor) -> Tensor:
    """The place of x_k x^α, for the monomials of less than the largest degree: `(size, n)`."""
    table = torch.zeros_like(lowered)
    monomial, variable = exponents.nonzero(as_tuple=True)
    table[lowered[monomial, variable], variable] = monomial
    return table
