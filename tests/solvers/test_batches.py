"""What one sample of a batch does is nothing to the others."""

import math

import torch

from pdesym.solvers import Equation, FlowMap, Grid

GRID = Grid(24, length=2 * math.pi)


def test_samples_that_end_a_segment_together_keep_their_own_steps():
    """One repeats its segment with smaller steps while the other goes on with larger ones, at the same moment."""
    noise = torch.randn(2, 1, 24, dtype=torch.float64, generator=torch.Generator().manual_seed(27))
    modes = torch.fft.rfft(noise, norm="ortho") * (torch.arange(13) <= 3)
    u = torch.fft.irfft(modes, n=24, norm="ortho")
    flow = FlowMap(Equation("u_t = u_xx/10 + sin(3*t)*u**2 + cos(t)/10"), GRID, (0.1, 0.4, 0.9), rtol=1e-7)
    together, alone = flow(u), torch.cat([flow(u[:1]), flow(u[1:])])
    torch.testing.assert_close(together, alone, rtol=1e-12, atol=1e-12)
    assert float((together[0] - together[1]).abs().max()) > 0.1
