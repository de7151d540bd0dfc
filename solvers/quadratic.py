"""Products that are quadratic forms in the jets, evaluated with as little memory traffic as possible."""

from collections.abc import Sequence
from dataclasses import dataclass

import sympy
import torch
from torch import Tensor


@dataclass(frozen=True)
class Quadratic:
    """number · first · second for each term, by index of jet; the numbers are floats."""

    terms: tuple[tuple[float, int, int], ...]

    def __call__(self, jets: Sequence[Tensor]) -> Tensor:
        """The sum of the terms, in new memory and one pass a term."""
        (number, first, second), *others = self.terms
        result = torch.mul(jets[first], jets[second])
        if number != 1.0:
            result.mul_(number)
        for number, first, second in others:
            result.addcmul_(jets[first], jets[second], value=number)
        return result


def quadratic(flux: sympy.Expr, symbols: Sequence[sympy.Symbol]) -> Quadratic | None:
    """A flux as a quadratic form in the jets with numbers as coefficients, or None when it is none."""
    if not symbols or not flux.free_symbols <= set(symbols) or not flux.is_polynomial(*symbols):
        return None
    terms = []
    for powers, coefficient in sympy.Poly(flux, *symbols).terms():
        if sum(powers) != 2:
            return None
        first, second = (index for index, power in enumerate(powers) for _ in range(power))
        terms.append((float(coefficient), first, second))
    # A leading 1 saves a multiplication.
    return Quadratic(tuple(sorted(terms, key=lambda term: term[0] != 1.0)))
