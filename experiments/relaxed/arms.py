"""Six ways to go from a symmetric input to an outcome, with Fourier neural operators of one size inside."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from pdesym.operators import Translation, enforce, fno
from pdesym.solvers import Grid
from pdesym.symmetry.relax import RelaxedEquivariant, SymmetryBreakingInput, TorusTranslations

ARMS = ("strict", "enforced", "noise", "breaking input", "symmetrised", "relaxed")
DRAWN = ("noise", "symmetrised")
"""Those that are given noise, and have another output for other noise."""


class Coordinates(nn.Module):
    """F(u, cos 2πx/L, sin 2πx/L): a network that is told the place, and commutes with no translation.

    Args:
        network: of frames in, two more than u has.
        channels: of the output; 1 and zeros behind it, so that frames out are like frames in.
    """

    def __init__(self, network: nn.Module):
        super().__init__()
        self.network = network

    def forward(self, u: Float[Tensor, "batch frames 1 points"]) -> Float[Tensor, "batch 1 1 points"]:
        """Without noise, the outcome."""
        points = u.shape[-1]
        angle = 2 * torch.pi * torch.arange(points, dtype=torch.float64) / points
        place = torch.stack((angle.cos(), angle.sin())).to(u).unsqueeze(1).expand(len(u), 2, 1, points)
        y: Tensor = self.network(torch.cat((u, place), 1))
        return y


class ChannelsAsFields(nn.Module):
    """A network of frames as one of the fields of a single frame, for symmetries that take all fields into account."""

    def __init__(self, network: nn.Module, channels: int):
        super().__init__()
        self.network, self.channels = network, channels

    def forward(self, u: Float[Tensor, "batch 1 channel points"]) -> Float[Tensor, "batch 1 channel points"]:
        """The outcome as the first field, zeros as the others."""
        y: Tensor = self.network(u.transpose(1, 2))
        return nn.functional.pad(y, (0, 0, 0, self.channels - 1))


class FramesAsFields(nn.Module):
    """Undoes `ChannelsAsFields` around what stands between the two."""

    def __init__(self, network: nn.Module):
        super().__init__()
        self.network = network

    def forward(self, u: Float[Tensor, "batch frames 1 points"]) -> Float[Tensor, "batch 1 1 points"]:
        """The first field of the outcome."""
        y: Tensor = self.network(u.transpose(1, 2))
        return y[:, :, :1]


class NoisyInput(nn.Module):
    """Φ(x + σ n), n the noise that comes as further frames: an equivariant Φ, and noise without a symmetry.

    Args:
        network: Φ.
        level: σ, in the unit of x.
    """

    def __init__(self, network: nn.Module, level: float):
        super().__init__()
        self.network, self.level = network, level

    def forward(self, u: Float[Tensor, "batch frames 1 points"]) -> Float[Tensor, "batch 1 1 points"]:
        """One draw."""
        x, noise = u.chunk(2, 1)
        y: Tensor = self.network(x + self.level * noise)
        return y


class Symmetrised(nn.Module):
    """T_a f(T_{−a} x), the place a drawn by an equivariant network from x and noise, as its phase of the longest wave.

    The mean over the noise is φ(x) = E_{a ~ p(a|x)} T_a f(T_{−a} x) with an equivariant p; noise without a symmetry
    makes one where x has a stabiliser.

    Args:
        network: f.
        place: from x and noise to the field whose longest wave tells a; it commutes with translations.
        grid: of all fields.

    Source: Kim, Nguyen, Suleymanzade, An and Hong, Learning Probabilistic Symmetrization (NeurIPS 2023).
    """

    def __init__(self, network: nn.Module, place: nn.Module, grid: Grid):
        super().__init__()
        self.network, self.place, self.shifts = network, place, TorusTranslations(grid)

    def forward(self, u: Float[Tensor, "batch frames 1 points"]) -> Float[Tensor, "batch 1 1 points"]:
        """One draw."""
        x, _ = u.chunk(2, 1)
        longest = torch.fft.rfft(self.place(u)[:, 0, 0].double())[:, 1:2]
        a = -torch.angle(longest) / (2 * torch.pi) * self.shifts.grid.length[0]
        y: Tensor = self.network(self.shifts.act(-a, x))
        return self.shifts.act(a, y)


def shown(grid: Grid) -> Float[Tensor, "1 1 points"]:
    """z₀ of the arm "breaking input": a lopsided bump, which no translation leaves where it is."""
    angle = 2 * torch.pi * torch.arange(grid.points[0], dtype=torch.float64) / grid.points[0]
    return (torch.exp(3 * (angle.cos() - 1)) * (1 + 0.5 * angle.sin())).reshape(1, 1, -1)


def operator(
    arm: str, grid: Grid, channels: int, modes: int, width: int, layers: int, seed: int, level: float = 0.0
) -> nn.Module:
    """The network of an arm before training: (batch, channels, 1, points) → (batch, 1, 1, points).

    Arms of `DRAWN` take as many frames of noise behind those of x.

    Args:
        arm: of `ARMS`.
        grid: of input and output.
        channels: of x.
        modes: of the Fourier neural operator.
        width: of it.
        layers: of it.
        seed: of the weights.
        level: of the noise of the arm "noise".
    """

    def new(more: int) -> nn.Module:
        return fno(channels + more, 1, modes=modes, width=width, layers=layers, seed=seed)

    if arm == "strict":
        return new(0)
    if arm == "noise":
        return NoisyInput(new(0), level)
    if arm == "breaking input":
        return SymmetryBreakingInput(new(1), TorusTranslations(grid), shown(grid))
    placed = Coordinates(new(2))
    if arm == "relaxed":
        return RelaxedEquivariant(placed, TorusTranslations(grid))
    if arm == "symmetrised":
        place = fno(2 * channels, 1, modes=modes, width=width // 2, layers=2, seed=seed + 1000)
        return Symmetrised(placed, place, grid)
    return FramesAsFields(enforce(ChannelsAsFields(placed, channels), [Translation()], grid, [0.0], [1.0]))
