"""Solutions that are much more accurate than any bar, made once and kept.

They come from exponax with complete coefficients on a fine grid with a small step, which shares no code with pdesym.
Their own error is measured by half the step on a grid that is finer still.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from speed.peers import exponax
from speed.problems import Problem, errors, on_points

CACHE = Path(__file__).parent.parent / "cache"


@dataclass(frozen=True)
class Truth:
    """`u`: `(samples, frames, 1, *points)` on the problem's grid; `uncertainty`: worst relative error, measured."""

    u: Tensor
    uncertainty: float


@dataclass(frozen=True)
class Making:
    """How a truth is made, how it is checked, and on how many of its samples, those with the longest spectra."""

    run: exponax.Configuration
    check: exponax.Configuration
    checked: int


MAKING = {
    "kdv": Making(exponax.Configuration(768, 300), exponax.Configuration(1024, 600), 16),
    "ks": Making(exponax.Configuration(512, 48), exponax.Configuration(768, 96), 64),
    "burgers": Making(exponax.Configuration(1024, 64), exponax.Configuration(1536, 128), 64),
    "navier-stokes": Making(
        exponax.Configuration(192, 24, dealiasing=2 / 3, chunk=16),
        exponax.Configuration(256, 48, dealiasing=2 / 3, chunk=16),
        8,
    ),
}


def identity(problem: Problem) -> str:
    """Names a problem by its initial fields, so that no truth outlives a change of them."""
    digest = hashlib.sha256(problem.initial().numpy().tobytes())
    digest.update(repr((problem.horizon, problem.frames)).encode())
    return f"{problem.name}-{digest.hexdigest()[:12]}"


def truth(problem: Problem, say: Callable[[str], None]) -> Truth:
    """The kept truth, or a new one."""
    path = CACHE / f"{identity(problem)}.pt"
    if not path.exists():
        say(f"{problem.name}: making the truth, once")
        made = _make(problem)
        path.parent.mkdir(exist_ok=True)
        torch.save({"u": made.u, "uncertainty": made.uncertainty}, path)
    kept = torch.load(path)
    return Truth(kept["u"], kept["uncertainty"])


def _make(problem: Problem) -> Truth:
    making, points = MAKING[problem.name], problem.grid.points

    def solve(configuration: exponax.Configuration, rows: list[int]) -> Tensor:
        run, u0 = exponax.prepare(problem, configuration), problem.initial(configuration.points)[rows]
        return torch.cat([on_points(run(u0[i : i + 16]), points) for i in range(0, len(u0), 16)])

    u = solve(making.run, list(range(problem.samples)))
    tail = torch.fft.rfft(u, dim=-1)[..., points[-1] // 3 :].abs().flatten(1).norm(dim=1) / u.flatten(1).norm(dim=1)
    longest = tail.argsort(descending=True)[: making.checked].tolist()
    return Truth(u, float(errors(u[longest], solve(making.check, longest)).max()))
