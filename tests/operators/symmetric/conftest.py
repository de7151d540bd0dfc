"""Networks without symmetry, frames without structure, and what an operator lacks of a symmetry."""

import pytest
import torch
from torch import nn

from pdesym.operators import fno
from pdesym.solvers import Grid

TIMES_IN, TIMES_OUT = (0.0, 0.25, 0.5, 0.75), (1.0, 1.5, 2.0)


class Convolutions(nn.Module):
    """A convolution that sees the edges of the box, with gains that depend on the place, and parameters."""

    def __init__(self, fields, points, parameters=0, seed=0):
        super().__init__()
        rng = torch.Generator().manual_seed(seed)
        layer = (nn.Conv1d, nn.Conv2d)[len(points) - 1]
        self.first = layer(len(TIMES_IN) * fields, 6, 3, padding=1)
        self.last = layer(6, len(TIMES_OUT) * fields, 3, padding=1)
        self.gains = nn.Parameter(torch.empty(*points))
        self.powers = nn.Parameter(torch.empty(parameters, 1))
        for weight in self.parameters():
            weight.data = 0.3 * torch.randn(weight.shape, generator=rng)
        self.fields = fields

    def forward(self, u, parameters=None):
        v = torch.tanh(self.first(u.flatten(1, 2))) * (1 + 3 * self.gains)
        if parameters is not None:
            v = v * (parameters.log() @ self.powers).exp().reshape(-1, *(1,) * (v.ndim - 1))
        return self.last(v).unflatten(1, (len(TIMES_OUT), self.fields)) + self.gains


def inner_network(kind, fields, points, parameters=(), reference=()):
    if kind == "convolutions":
        return Convolutions(fields, points, len(parameters)).double()
    sizes = {"modes": 5, "width": 8, "layers": 2, "dims": len(points), "seed": 3}
    network = fno(len(TIMES_IN), len(TIMES_OUT), fields, **sizes, parameters=parameters, reference=reference).double()
    for weight in network.parameters():
        weight.data *= 2  # at first an FNO is nearly linear and nearly blind to the place
    return network


@pytest.fixture
def inner():
    return inner_network


@pytest.fixture
def frames():
    """White noise, the mode N/2 in it, with a mean."""

    def draw(fields, points, batch=3, seed=0):
        rng = torch.Generator().manual_seed(seed)
        return 0.5 + torch.randn(batch, len(TIMES_IN), fields, *points, generator=rng, dtype=torch.float64)

    return draw


@pytest.fixture
def box():
    return lambda points: Grid(*points, length=7.0)


@pytest.fixture
def times():
    return TIMES_IN, TIMES_OUT
