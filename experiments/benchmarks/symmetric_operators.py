"""What enforced symmetries cost, as a ratio to the network inside.

    .venv/bin/python experiments/benchmarks/symmetric_operators.py

Fourier neural operators in float32: on 256 points with 10 + 10 frames, batches of 16, width 48, 24 modes and 4 layers,
which is the lab's; on 64 × 64 points with 4 + 1 frames, batches of 4, width 32, 12 modes and 4 layers. The median CPU
time of a forward pass without gradients, and of a training step (forward, backward, AdamW), over that of the network
alone, one thread, measured in turns. Expected of a step: below 1.3 for a moving frame in closed form, about |G| for the
mean over a finite group, and several for Newton's method, which evaluates the section 15 times with its derivative.
One minute of a CPU core. Writes results/symmetric_operators.json and the table results/symmetric_operators.md.
"""

from collections.abc import Callable
from pathlib import Path

import torch
from speed.clock import alternate, spread
from torch import nn

from pdesym.operators import MovingFrame, Scaling, enforce, fno, p4m, reflection
from pdesym.report.rendered import write_rendered
from pdesym.solvers import Grid
from pdesym.symmetry import Generator
from pdesym.training import mean_squared_error

ROUNDS = 21
BOOST, SHIFT, AMPLITUDE = Generator("t*d_x + d_u"), Generator("d_x"), Generator("u*d_u")
PLANE = {"coordinates": ("x", "y")}
SHIFTS = [Generator("d_x", **PLANE), Generator("d_y", **PLANE)]
NEWTON = MovingFrame(BOOST, lambda u, t: u.mean((1, 2, 3)))
PARAMETERS = {"parameters": ("duration", "length"), "reference": (4.0, 128.0)}
LINE = {
    "boost": [BOOST],
    "amplitude": [AMPLITUDE],
    "translation": [SHIFT],
    "scaling": [Scaling(u=-2, t=3, x=1)],
    "reflection": [reflection()],
    "boost, reflection": [BOOST, reflection()],
    "boost, scaling, translation, reflection": [BOOST, Scaling(u=-2, t=3, x=1), SHIFT, reflection()],
    "boost, by Newton's method": [NEWTON],
}
SQUARE = {
    "amplitude": [Generator("u*d_u", **PLANE)],
    "both translations": SHIFTS,
    "p4m": [p4m(("pseudoscalar",))],
    "p4m, both translations": [p4m(("pseudoscalar",)), *SHIFTS],
}


def operators(points: tuple[int, ...]) -> dict[str, nn.Module]:
    """The network alone, first, and with each of the symmetries."""
    if len(points) == 1:
        frames, grid, sizes = (10, 10), Grid(*points, length=128.0), {"modes": 24, "width": 48, "layers": 4}
    else:
        frames, grid, sizes = (4, 1), Grid(*points, length=1.0), {"modes": 12, "width": 32, "layers": 4, "dims": 2}
    times = [0.4 * k for k in range(sum(frames))]
    named = LINE if len(points) == 1 else SQUARE
    scaled = [any(isinstance(s, Scaling) for s in symmetries) for symmetries in named.values()]
    built = {
        name: enforce(
            fno(*frames, **sizes, **(PARAMETERS if with_parameters else {})),
            symmetries,
            grid,
            times[: frames[0]],
            times[frames[0] :],
        )
        for (name, symmetries), with_parameters in zip(named.items(), scaled, strict=True)
    }
    return {"none": fno(*frames, **sizes), **built}


def works(operator: nn.Module, u: torch.Tensor) -> tuple[Callable[[], object], Callable[[], object]]:
    """A forward pass and a training step."""
    optimiser = torch.optim.AdamW(operator.parameters(), lr=1e-4)
    with torch.no_grad():
        target = torch.zeros_like(operator(u))

    def forward() -> None:
        with torch.no_grad():
            operator(u)

    def step() -> None:
        optimiser.zero_grad()
        mean_squared_error(operator(u), target).backward()
        optimiser.step()

    return forward, step


def measure(points: tuple[int, ...]) -> dict:
    """Medians in milliseconds, and the ratios to the network alone."""
    batch, frames = (16, 10) if len(points) == 1 else (4, 4)
    u = torch.randn(batch, frames, 1, *points, generator=torch.Generator().manual_seed(0))
    calls = {
        (name, kind): work
        for name, operator in operators(points).items()
        for kind, work in zip(("forward", "step"), works(operator, u), strict=True)
    }
    spent = alternate(calls, ROUNDS)
    names = dict.fromkeys(name for name, _ in calls)
    medians = {name: [1e3 * spread(spent[name, kind])[0] for kind in ("forward", "step")] for name in names}
    alone = medians.pop("none")
    rows = [
        {
            "symmetries": name,
            "forward_ms": forward,
            "step_ms": step,
            "forward": forward / alone[0],
            "step": step / alone[1],
        }
        for name, (forward, step) in medians.items()
    ]
    return {"points": list(points), "batch": batch, "forward_ms": alone[0], "step_ms": alone[1], "rows": rows}


def table(record: dict) -> str:
    """The measured ratios as Markdown."""
    lines = [
        f"Cost over that of the network inside (CPU time, one thread, float32, medians of {record['rounds']}).",
    ]
    for grid in record["grids"]:
        points = " × ".join(map(str, grid["points"]))
        lines += [
            "",
            f"{points} points, batch {grid['batch']}: the network alone takes {grid['forward_ms']:.1f} ms forward and "
            f"{grid['step_ms']:.1f} ms for a training step.",
            "",
            "| enforced | forward | training step |",
            "| --- | ---: | ---: |",
        ]
        lines += [f"| {row['symmetries']} | {row['forward']:.2f} | {row['step']:.2f} |" for row in grid["rows"]]
    return "\n".join([*lines, ""])


def main() -> None:
    """Measures and writes."""
    torch.set_num_threads(1)
    grids = [measure((256,)), measure((64, 64))]
    record = {"rounds": ROUNDS, "torch": torch.__version__, "grids": grids}
    write_rendered(Path(__file__).parent / "results" / "symmetric_operators.json", record, table(record))
    print(table(record))


if __name__ == "__main__":
    main()
