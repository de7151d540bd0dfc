"""Operators with known errors."""

import torch


class Noisy:
    """An operator whose derivatives carry errors of a given size."""

    def __init__(self, flow, size, seed=0):
        self.flow, self.size = flow, size
        self.rng = torch.Generator().manual_seed(seed)

    def __call__(self, u):
        return self.flow(u)

    def tangent(self, u, w):
        value, pushed = self.flow.tangent(u, w)
        return value, pushed + self.size * torch.randn(pushed.shape, generator=self.rng, dtype=pushed.dtype)

    def rhs(self, u, t):
        return self.flow.rhs(u, t)
