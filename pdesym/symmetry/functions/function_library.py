"""What a library of functions can do."""

from typing import Protocol, runtime_checkable

from jaxtyping import Float
from torch import Tensor


@runtime_checkable
class FunctionLibrary(Protocol):
    """Scalar functions D_1 … D_size of x in R^variables, with their values and gradients."""

    @property
    def variables(self) -> int:
        """n, the dimension of x."""

    @property
    def size(self) -> int:
        """The number of functions."""

    def evaluate(self, x: Float[Tensor, "points variables"]) -> Float[Tensor, "points size"]:
        """D_i(x) at each point, dimensionless."""

    def jacobian(self, x: Float[Tensor, "points variables"]) -> Float[Tensor, "points size variables"]:
        """∂D_i/∂x_j at each point, dimensionless."""
