"""Frames of solutions with all that the symmetry condition of an equation asks of them."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import sympy
import torch
from jaxtyping import Float
from torch import Tensor

from pdesym.solvers.declaration import parameter_symbols
from pdesym.solvers.equation import Equation
from pdesym.solvers.grid import Grid
from pdesym.solvers.jets import TIME, Jet
from pdesym.solvers.spectral import derivative
from pdesym.solvers.spectrum import resize
from pdesym.solvers.torch_function import torch_function
from pdesym.symmetry.learn.graph import gradient, points


@dataclass(frozen=True)
class SolutionFrames:
    """Frames u(·, t) of solutions of u_t = K, on a refined grid, each at its own time; float64.

    Attributes:
        grid: the refined grid.
        t: time of each frame.
        u: the fields `(frames, fields, *space)`.
        gradient: ∂ᵢu, one tensor for each coordinate.
        u_t: K.
        gradient_t: ∂ᵢu_t, one tensor for each coordinate.
        u_tt: K'[u] u_t + ∂K/∂t.
        jets: the u_J that K depends on.
        slopes: ∂Kᵃ/∂u_J, `(frames, fields, jets, *space)`.
    """

    grid: Grid
    t: Float[Tensor, " frames"]
    u: Float[Tensor, "frames fields *space"]
    gradient: tuple[Float[Tensor, "frames fields *space"], ...]
    u_t: Float[Tensor, "frames fields *space"]
    gradient_t: tuple[Float[Tensor, "frames fields *space"], ...]
    u_tt: Float[Tensor, "frames fields *space"]
    jets: tuple[Jet, ...]
    slopes: Float[Tensor, "frames fields jets *space"]

    @classmethod
    def of(
        cls,
        u: Float[Tensor, "frames fields *space"],
        t: Float[Tensor, " frames"],
        grid: Grid,
        equation: Equation,
        refine: int = 2,
    ) -> "SolutionFrames":
        """Frames on the grid refined by a factor, so that products of a few fields are free of aliases.

        Space derivatives are spectral; time derivatives come from the equation, so that no frame needs a neighbour.

        Args:
            u: the frames.
            t: their times.
            grid: their grid.
            equation: with a number for each parameter, or one for each frame, and without auxiliary fields.
            refine: the factor.

        Raises:
            ValueError: for an equation with auxiliary fields, or of other fields.
        """
        require_local(u, equation)
        fine = grid.refined([n * refine for n in grid.points])
        axes = tuple(range(-grid.dims, 0))
        spectrum = resize(torch.fft.rfftn(u.double(), dim=axes, norm="forward"), grid.points, fine.points)
        u = torch.fft.irfftn(spectrum, s=fine.points, dim=axes, norm="forward")
        t = t.double()
        space, sides = equation.space(grid.dims), equation.right_hand_sides(grid.dims)
        jets = space.jets_in(sides)
        names = parameter_symbols(tuple(equation.parameters))
        arguments = [*map(space.symbol, jets), *space.coordinates, TIME, *names.values()]
        over_space = (-1, *(1,) * grid.dims)
        values: list[Tensor] = [_jet(u, fine, jet) for jet in jets]
        values += [x.to(u.device) for x in torch.meshgrid(*fine.coordinates(), indexing="ij")]
        values.append(t.reshape(over_space))
        parameters = [torch.as_tensor(equation.parameters[name], dtype=u.dtype, device=u.device) for name in names]
        values += [value.reshape(over_space) if value.ndim else value for value in parameters]
        shape = u[:, 0].shape

        def evaluated(expressions: Sequence[sympy.Expr]) -> Tensor:
            results = torch_function(arguments, expressions)(*values)
            return torch.stack([torch.as_tensor(r, dtype=u.dtype, device=u.device).expand(shape) for r in results], 1)

        u_t = evaluated(sides)
        slopes = evaluated([side.diff(space.symbol(jet)) for side in sides for jet in jets])
        slopes = slopes.unflatten(1, (len(sides), len(jets)))
        u_tt = linearised(u_t.unsqueeze(2), slopes, jets, fine).squeeze(2) + evaluated([s.diff(TIME) for s in sides])
        return cls(fine, t, u, gradient(u, fine), u_t, gradient(u_t, fine), u_tt, jets, slopes)

    def __len__(self) -> int:
        return len(self.t)

    def __getitem__(self, index: Tensor | slice) -> "SolutionFrames":
        def chosen(value: object) -> object:
            if isinstance(value, Tensor):
                return value[index]
            if isinstance(value, tuple) and value is not self.jets:
                return tuple(each[index] for each in value)
            return value

        return SolutionFrames(**{each.name: chosen(getattr(self, each.name)) for each in fields(self)})  # type: ignore[arg-type]

    @property
    def point(self) -> tuple[Float[Tensor, "frames *space"], ...]:
        """The points (x…, t, u…) of the frames, of one shape."""
        return points(self.grid, self.t, self.u)

    @property
    def rate(self) -> tuple[Float[Tensor, "frames *space"], ...]:
        """The direction (0…, 1, u_t…) of time along the solution, at those points."""
        zero = torch.zeros_like(self.u[:, 0])
        return (*(zero for _ in self.gradient), torch.ones_like(zero), *self.u_t.unbind(1))

    def linearised(
        self, q: Float[Tensor, "frames fields columns *space"]
    ) -> Float[Tensor, "frames fields columns *space"]:
        """K'[u] Q = Σ_J ∂K/∂u_J ∂_J Q, for several Q."""
        return linearised(q, self.slopes, self.jets, self.grid)


def linearised(q: Tensor, slopes: Tensor, jets: Sequence[Jet], grid: Grid) -> Tensor:
    """Σ_J ∂K/∂u_J ∂_J Q for Q `(frames, fields, columns, *space)` and slopes `(frames, fields, jets, *space)`."""
    result = torch.zeros((), dtype=q.dtype, device=q.device)
    for j, jet in enumerate(jets):
        one = q[:, jet.field]
        differentiated = derivative(one, grid, jet.orders) if jet.order else one
        result = result + slopes[:, :, j].unsqueeze(2) * differentiated.unsqueeze(1)
    return result


def _jet(u: Tensor, grid: Grid, jet: Jet) -> Tensor:
    field = u[:, jet.field]
    return derivative(field, grid, jet.orders) if jet.order else field


def require_local(u: Float[Tensor, "frames fields *space"], equation: Equation) -> None:
    """Refuse an equation that is not one of these fields and their derivatives.

    Raises:
        ValueError: for auxiliary fields, or another number of fields.
    """
    if equation.auxiliaries:
        raise ValueError(
            f"The equation {equation.statement!r} is not local, its field {equation.auxiliaries[0]} is defined by a "
            "relation over all of space: learn from an operator instead, such as a FlowMap of it."
        )
    if u.shape[1] != len(equation.fields):
        raise ValueError(
            f"The equation has {len(equation.fields)} fields ({', '.join(equation.fields)}), but the frames have "
            f"{u.shape[1]} channels."
        )
