"""What an equation says about patches of graphs that have moved."""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from pdesym.solvers.declaration import parameter_symbols
from pdesym.solvers.equation import Equation
from pdesym.solvers.jets import TIME
from pdesym.solvers.torch_function import torch_function
from pdesym.symmetry.learn.local_polynomials import Stencil, moved_derivatives


class MovedResidual:
    """u_t − K at the points of moved patches that keep all their neighbours, by local polynomials.

    Args:
        equation: u_t = K of one field on a line, with parameters for all patches or one for each.
        length: of the box, modulo which x stands in K.
        stencil: which neighbours a polynomial sees.
    """

    def __init__(self, equation: Equation, length: float, stencil: Stencil):
        self.equation, self.stencil, self._length = equation, stencil, length
        (side,), space = equation.right_hand_sides(1), equation.space(1)
        self._jets = space.jets_in(side)
        self._order = max(1, *(jet.order for jet in self._jets)) if self._jets else 1
        names = tuple(equation.parameters)
        arguments = [*map(space.symbol, self._jets), *space.coordinates, TIME, *parameter_symbols(names).values()]
        self._side = torch_function(arguments, [side])

    def __call__(
        self, point: Float[Tensor, "3 *lead patches time space"], chosen: Int[Tensor, " patches"]
    ) -> tuple[Float[Tensor, "*lead patches points"], Float[Tensor, "*lead patches points"]]:
        """The residual, and u_t.

        Args:
            point: (x, t, u), in the middle row of which the points lie.
            chosen: which patches these are.
        """
        x, t, u = self.centres(point)
        x_series, t_series, u_series = (self.stencil.series(each, self._order) for each in point)
        u_t, slopes = moved_derivatives(x_series, t_series, u_series, self._order)
        values = [u, *slopes]
        jets = [values[jet.order] for jet in self._jets]
        parameters = [
            value[chosen.cpu()].unsqueeze(1).to(u) if isinstance(value, Tensor) and value.ndim else value
            for value in self.equation.parameters.values()
        ]
        (side,) = self._side(*jets, torch.remainder(x, self._length), t, *parameters)
        return u_t - side, u_t

    def centres(self, point: Float[Tensor, "3 *lead patches time space"]) -> Float[Tensor, "3 *lead patches points"]:
        """The points that keep all their neighbours."""
        radius = self.stencil.radius_x
        return point[..., self.stencil.radius_t, radius:-radius]
