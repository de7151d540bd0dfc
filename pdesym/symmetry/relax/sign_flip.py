"""The change of sign."""

import torch
from jaxtyping import Float
from torch import Tensor

from pdesym.symmetry.relax.finite_action import FiniteAction


class SignFlip(FiniteAction):
    """x ↦ x and x ↦ −x, two elements, on batches of any shape: u → −u of Allen-Cahn. Only 0 is left where it is."""

    def __init__(self) -> None:
        super().__init__(torch.tensor([[0, 1], [1, 0]]))

    def __repr__(self) -> str:
        """There is one."""
        return f"{type(self).__qualname__}()"

    def image(self, index: int, x: Float[Tensor, "batch ..."]) -> Float[Tensor, "batch ..."]:
        """x or −x."""
        return -x if index else x
