"""Functions that somebody wrote down, with gradients by automatic differentiation."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from pdesym.symmetry.functions.points import check_points

Scalar = Callable[[Tensor], Tensor]
"""From `(points, variables)` to `(points,)`, one point after another."""


@dataclass(frozen=True)
class Functions:
    """D_i(x) = terms[i](x): sines, products, whatever torch can differentiate.

    The span of such functions need not be mapped into itself by a Lie derivative, so there are no exact matrices of it;
    it is taken at sample points (Otto et al., JMLR 2025, section 9).

    Attributes:
        terms: each from points `(points, variables)` to values `(points,)`; the value at a point must depend on that
            point alone.
        variables: n, the dimension of x.

    Raises:
        ValueError: for no function at all, or fewer than one variable.
    """

    terms: tuple[Scalar, ...]
    variables: int

    def __post_init__(self) -> None:
        if not self.terms:
            raise ValueError("Expected at least one function, got none: give the terms of the model.")
        if self.variables < 1:
            raise ValueError(f"Expected at least one variable, got {self.variables}: give the dimension of x.")

    @property
    def size(self) -> int:
        """The number of functions."""
        return len(self.terms)

    def evaluate(self, x: Float[Tensor, "points variables"]) -> Float[Tensor, "points size"]:
        """D_i(x) at each point, in the dtype and on the device of x; dimensionless.

        Raises:
            ValueError: for points of another dimension, or a function that does not return one value a point.
        """
        check_points(x, self.variables)
        return torch.stack([self._value(i, x) for i in range(self.size)], dim=1)

    def jacobian(self, x: Float[Tensor, "points variables"]) -> Float[Tensor, "points size variables"]:
        """∂D_i/∂x_j at each point by reverse-mode differentiation; dimensionless.

        Raises:
            ValueError: as `evaluate`.
        """
        check_points(x, self.variables)
        # The value at a point depends on that point alone: the gradient of the sum holds every point's gradient.
        rows = [torch.func.grad(lambda z, i=i: self._value(i, z).sum())(x) for i in range(self.size)]
        return torch.stack(rows, dim=1)

    def _value(self, index: int, x: Tensor) -> Tensor:
        value = self.terms[index](x)
        if value.shape != x.shape[:1]:
            raise ValueError(
                f"Expected function {index} to return shape {tuple(x.shape[:1])}, one value a point, got "
                f"{tuple(value.shape)}: index the coordinates as x[:, j]."
            )
        return value
