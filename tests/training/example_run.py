"""A small training: its data, its model, and a program that runs it, to be killed or run by several processes.

python example_run.py FOLDER STEPS {convolution,fno} {float32,float64}
"""

import sys
from dataclasses import dataclass

import torch
from torch import nn

from pdesym.operators import fno
from pdesym.training import TrainingSettings, train

LENGTH, POINTS, FRAMES = 16.0, 16, 12


@dataclass(frozen=True)
class Cut:
    u_in: torch.Tensor
    u_out: torch.Tensor
    times: torch.Tensor


@dataclass(frozen=True)
class Waves:
    """Trajectories (sample, time, 1, x) in memory."""

    u: torch.Tensor
    times: torch.Tensor
    frames_in: int = 2
    frames_out: int = 1

    @property
    def samples(self):
        return len(self.u)

    @property
    def starts(self):
        return self.u.shape[1] - self.frames_in - self.frames_out + 1

    def gather(self, sample, start):
        frame = start[:, None] + torch.arange(self.frames_in + self.frames_out)
        cut = self.u[sample[:, None], frame]
        return Cut(cut[:, : self.frames_in], cut[:, self.frames_in :], self.times[frame])


def dispersive_waves(samples=6, dtype=torch.float32):
    """Exact solutions u = Σ_k a_k cos(kx + k³t + φ_k) of u_t = −u_xxx, the linear part of KdV."""
    x = torch.arange(POINTS, dtype=torch.float64) * (LENGTH / POINTS)
    times = torch.arange(FRAMES, dtype=torch.float64) * 0.25
    u = torch.zeros(samples, FRAMES, 1, POINTS, dtype=torch.float64)
    for sample in range(samples):
        for mode in (1, 2, 3):
            k = 2 * torch.pi * mode / LENGTH
            u[sample, :, 0] += (1 + sample % 3) / mode * torch.cos(k * x + k**3 * times[:, None] + 1.7 * sample * mode)
    return Waves(u.to(dtype), times)


class Convolution(nn.Module):
    """Two circular convolutions, (b, 2, 1, x) to (b, 1, 1, x): quick to build and to train."""

    def __init__(self, width=4, dropout=0.0, seed=0):
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        self.first = nn.Conv1d(2, width, 3, padding=1, padding_mode="circular")
        self.second = nn.Conv1d(width, 1, 3, padding=1, padding_mode="circular")
        self.dropout = nn.Dropout(dropout)
        with torch.no_grad():
            for parameter in self.parameters():
                parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.3)

    def forward(self, u):
        return self.second(self.dropout(torch.tanh(self.first(u[:, :, 0])))).unsqueeze(1)


def shifted_up(u_in, u_out, times, generator):
    """u + c, a symmetry of u_t = −u_xxx, with a constant for each window."""
    constant = torch.rand(len(u_in), generator=generator, dtype=torch.float64).to(u_in)[:, None, None, None]
    return u_in + constant, u_out + constant


def run(directory, steps, model, dtype):
    models = {"convolution": Convolution, "fno": lambda: fno(2, 1, modes=5, width=8, layers=2)}
    settings = TrainingSettings(steps=steps, batch=4, log_every=1, checkpoint_every=50, seed=3)
    built = models[model]().to(dtype)
    train(built, dispersive_waves(dtype=dtype), settings, directory, shifted_up, progress=False)
    return built


if __name__ == "__main__":
    torch.set_num_threads(1)
    run(sys.argv[1], int(sys.argv[2]), sys.argv[3], getattr(torch, sys.argv[4]))
