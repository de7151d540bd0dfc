"""Fields with structure, and the devices there are."""

import warnings

import pytest
import torch

with warnings.catch_warnings():
    # The first forward-mode derivative of a process loads a part of torch that warns about another one.
    warnings.simplefilter("ignore", DeprecationWarning)
    torch.func.jvp(torch.sin, (torch.zeros(()),), (torch.ones(()),))


@pytest.fixture(params=["cpu", "cuda"])
def device(request):
    if request.param == "cuda" and not torch.cuda.is_available():
        pytest.skip("torch sees no CUDA here")
    return torch.device(request.param)


@pytest.fixture
def travelling_waves():
    """Smooth periodic fields (batch, frames, channel, *points) in float64: a few waves, each with its own speed."""

    def build(batch, frames, channels, points, phase=0.0, device="cpu"):
        axes = [torch.arange(n, dtype=torch.float64, device=device) * (2 * torch.pi / n) for n in points]
        coordinates = torch.meshgrid(*axes, indexing="ij")
        u = torch.zeros(batch, frames, channels, *points, dtype=torch.float64, device=device)
        for b in range(batch):
            for t in range(frames):
                for c in range(channels):
                    for k in (1, 2, 3):
                        angle = sum((k + axis) * x for axis, x in enumerate(coordinates))
                        u[b, t, c] += torch.cos(angle - 0.3 * k**3 * t + b + 2 * c + phase) / k
        return u

    return build
