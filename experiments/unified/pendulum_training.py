"""Training of fields on short pieces of trajectories, several networks at once."""

import itertools
from collections.abc import Sequence
from typing import TypeAlias

import torch
from jaxtyping import Float
from torch import Tensor, nn

from pdesym.symmetry.dynamics import EPNN, AffineAction, rollout, stacked_brackets
from pdesym.symmetry.dynamics.epnn import Packed
from pdesym.symmetry.promote.nuclear_norm import smooth_nuclear_norm

# Singular values of the stacked Lie derivatives below it are driven down in proportion to themselves.
FLOOR = 1e-3


class Perceptron(nn.Module):
    """Affine maps with x · σ(x) between them; weights and shifts are at first uniform in ±1/√inputs."""

    def __init__(self, widths: Sequence[int], seed: int):
        super().__init__()
        rng = torch.Generator().manual_seed(seed)
        self.weights, self.shifts = nn.ParameterList(), nn.ParameterList()
        for inputs, outputs in itertools.pairwise(widths):
            both = (2 * torch.rand(inputs + 1, outputs, generator=rng, dtype=torch.float64) - 1) / inputs**0.5
            self.weights.append(nn.Parameter(both[1:]))
            self.shifts.append(nn.Parameter(both[0]))

    def packed(self) -> tuple[Packed, ...]:
        """Matrix and shift of each layer."""
        return tuple(zip(self.weights, self.shifts, strict=True))

    def evaluate(self, x: Tensor, packed: Sequence[Packed]) -> Tensor:
        """The field at each point; all may have leading axes."""
        for number, (weights, shift) in enumerate(packed):
            x = (torch.nn.functional.silu(x) if number else x) @ weights + shift.unsqueeze(-2)
        return x

    def forward(self, x: Tensor) -> Tensor:
        """The field at each point."""
        return self.evaluate(x, self.packed())


Network: TypeAlias = EPNN | Perceptron


class Weights(nn.Module):
    """What one network contributes to a step: its weights, and the nuclear norm of the Lie derivatives of its parts."""

    def __init__(self, network: Network, action: AffineAction | None):
        super().__init__()
        self.network, self._action = network, action

    def forward(self) -> tuple[tuple[Packed, ...], Tensor]:
        """Packed weights, and the norm; zero without an algebra."""
        packed = self.network.packed()
        if self._action is None or not isinstance(self.network, EPNN):
            return packed, torch.zeros(())
        return packed, smooth_nuclear_norm(stacked_brackets(self.network, self._action), FLOOR)


def train(
    networks: Sequence[Network],
    chunks: Float[Tensor, "networks chunks frames n"],
    action: AffineAction | None,
    weight: float,
    interval: float,
    steps: int,
    learning_rate: float,
) -> list[float]:
    """Adam on all chunks in every step, for each network on its own chunks, in float32; the networks are changed.

    The loss is the mean square error of all frames after the first, predicted from it, plus weight · norm.

    Returns:
        The last value of the loss of each.
    """
    members = [Weights(network.float(), action) for network in networks]
    parameters, buffers = torch.func.stack_module_state(members)
    optimiser = torch.optim.Adam(parameters.values(), learning_rate)
    data = chunks.float()

    def one(own: dict[str, Tensor], fixed: dict[str, Tensor]) -> tuple[tuple[Packed, ...], Tensor]:
        result: tuple[tuple[Packed, ...], Tensor] = torch.func.functional_call(members[0], (own, fixed), ())
        return result

    losses = torch.zeros(len(networks))
    for _ in range(steps):
        packed, norms = torch.vmap(one)(parameters, buffers)
        predicted = rollout(
            lambda x, packed=packed: networks[0].evaluate(x, packed), data[:, :, 0], interval, data.shape[2] - 1
        )
        losses = (predicted - data[:, :, 1:]).square().mean((1, 2, 3)) + weight * norms
        optimiser.zero_grad()
        losses.sum().backward()
        optimiser.step()
    with torch.no_grad():
        for number, member in enumerate(members):
            for name, parameter in member.named_parameters():
                parameter.copy_(parameters[name][number])
    return losses.tolist()
