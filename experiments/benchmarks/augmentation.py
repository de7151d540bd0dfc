"""Trajectories moved by symmetries against solutions from their own first frames, at the size of the forecasting data.

    .venv/bin/python experiments/benchmarks/augmentation.py [kdv ks burgers nkdv ckdv memory …]

Expected: the boost by 0.4 has an error of at most 1e-9; a shift by half a frame, time stretched by 1.1, and random
combinations of all generators that a periodic box allows, at most 1e-6; wrong generators have a residual of at least
0.05 and are rejected, right ones are accepted; moving 512 trajectories of 140 frames on 256 points takes less than
1 GiB beside the data. The error is the mean over valid frames of ⟨(u − v)²⟩/⟨v²⟩ with v the solution, to 1e-9, from the
first valid frame of u, over a horizon: KS is chaotic and multiplies every difference; all samples have the same law as
in the forecasting experiments. A few minutes on one CPU core. Writes results/augmentation.json and the table
results/augmentation.md beside itself after every equation; what is there already is left out unless it is named.
"""

import json
import math
import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from pdesym.solvers import (
    Equation,
    FlowMap,
    Grid,
    InitialLaw,
    RandomSinusoids,
    Trajectories,
    burgers,
    ckdv,
    kdv,
    ks,
    nkdv,
    solve,
)
from pdesym.symmetry import Generator
from pdesym.symmetry.augment import MovedTrajectories, augment, move

SAMPLES, SEED, RTOL = 4, 0, 1e-9
BOOST, SCALING = "t*d_x + d_u", "x*d_x + 3*t*d_t - 2*u*d_u"
WRONG = ("u*d_u", "t*d_x - d_u")
CIRCLE = 2 * math.pi
# Sizes of the measurement of memory.
MANY, FRAMES, POINTS = 512, 140, 256


@dataclass(frozen=True)
class Case:
    """Frames at first, first + step, …, and the generators that leave its box periodic or stretch it, with scales.

    The motion is compared over `horizon` frames.
    """

    equation: Equation
    grid: Grid
    law: InitialLaw
    first: float
    step: float
    frames: int
    generators: dict[str, float]
    horizon: int

    @property
    def times(self) -> torch.Tensor:
        """Of the frames."""
        return self.first + self.step * torch.arange(self.frames, dtype=torch.float64)

    def solved(self, times: torch.Tensor) -> Trajectories:
        """The same samples at any times."""
        u0 = self.law.sample(self.grid, range(SAMPLES), seed=SEED)
        return solve(self.equation, u0, self.grid, times, rtol=RTOL)


LINE = Grid(256, length=128.0)
SEVERAL = RandomSinusoids(terms=10, amplitude=0.5, waves=(1, 2))
SINGLE = RandomSinusoids(terms=10, amplitude=0.5, waves=(1,))
CASES = {
    "kdv": Case(
        kdv(), LINE, SEVERAL, 44.2, 0.4016, 140, {"d_x": 64.0, "d_t": 4.0, BOOST: 0.4, SCALING: 0.05}, horizon=140
    ),
    "ks": Case(
        ks(), Grid(256, length=64.0), SEVERAL, 72.1, 0.2004, 140, {"d_x": 32.0, "d_t": 2.0, BOOST: 0.4}, horizon=50
    ),
    "burgers": Case(
        burgers(nu=0.05),
        Grid(256, length=CIRCLE),
        RandomSinusoids(terms=20, amplitude=0.5, waves=(1, 2, 3, 4)),
        4.0,
        0.1006,
        140,
        {"d_x": 3.0, "d_t": 1.0, BOOST: 0.4, "x*d_x + 2*t*d_t - u*d_u": 0.05},
        horizon=140,
    ),
    # Dearer to solve the later it is: its clock runs ever faster.
    "nkdv": Case(
        nkdv(),
        LINE,
        SINGLE,
        4.0,
        0.4016,
        40,
        {
            "d_x": 64.0,
            "exp(-t/50)*d_t": 2.0,
            "50*(exp(t/50) - 1)*d_x + d_u": 0.4,
            "x*d_x + 150*(1 - exp(-t/50))*d_t - 2*u*d_u": 0.05,
        },
        horizon=20,
    ),
    "ckdv": Case(
        ckdv(),
        LINE,
        SEVERAL,
        4.0,
        0.4016,
        60,
        {"d_x": 64.0, "sqrt(t + 1)*d_x + 1/(2*sqrt(t + 1))*d_u": 0.4, "x*d_x + 3*(t + 1)*d_t - 2*u*d_u": 0.05},
        horizon=30,
    ),
}


def relative(u: torch.Tensor, truth: torch.Tensor) -> float:
    """⟨(u − v)²⟩/⟨v²⟩, mean over the frames `(time, channel, points)`."""
    return float(((u - truth) ** 2).mean((1, 2)).div((truth**2).mean((1, 2))).mean())


def against_solutions(moved: MovedTrajectories, horizon: int) -> float:
    """The largest error of a sample against the solution from its first valid frame."""
    worst = 0.0
    for i, valid in enumerate(moved.mask):
        u, times = moved.u[i, valid][:horizon], moved.times[i, valid][:horizon]
        length = moved.grid.length if moved.length is None else moved.length[i].tolist()
        again = FlowMap(moved.equation.select([i]), Grid(*moved.grid.points, length=length), times, rtol=RTOL)(u[:1])
        worst = max(worst, relative(u[1:], again[0]))
    return worst


def same(value: float, generators: int = 1) -> torch.Tensor:
    """One parameter for all samples."""
    return torch.full((SAMPLES, generators), value, dtype=torch.float64)


def moved_by(data: Trajectories, texts: Sequence[str], scales: Sequence[float]) -> MovedTrajectories:
    """Every sample by its own parameters."""
    return augment(data, [Generator(text) for text in texts], scales, SEED)


def resampled(case: Case, data: Trajectories, text: str, parameter: float, sources: torch.Tensor) -> float:
    """The largest error of a change of time, against the solution at the times where the frames come from."""
    moved = move(data, [Generator(text)], same(parameter))
    inside = moved.mask[0]
    truth = case.solved(sources[inside]).u
    return max(relative(u[inside], v) for u, v in zip(moved.u, truth, strict=True))


def measure(name: str) -> dict[str, object]:
    """Errors by motion, residuals of right and wrong generators."""
    case, start = CASES[name], time.process_time()
    data = case.solved(case.times)
    print(f"{name}: the data, {time.process_time() - start:.0f} CPU-s", flush=True)
    result: dict[str, object] = {"samples": SAMPLES, "frames": case.frames, "horizon": case.horizon}
    if BOOST in case.generators:
        moved = move(data, [Generator(BOOST)], same(0.4))
        result["boost"] = against_solutions(moved, case.horizon)
    result["half_frame"] = resampled(case, data, "d_t", -case.step / 2, case.times + case.step / 2)
    result["stretched"] = resampled(case, data, "t*d_t", math.log(1.1), case.times / 1.1)
    everything = moved_by(data, list(case.generators), list(case.generators.values()))
    result["all"] = against_solutions(everything, case.horizon)
    still = {text: scale for text, scale in case.generators.items() if not text.startswith("x*")}
    one_box = moved_by(data, list(still), list(still.values()))
    result["one_box"] = against_solutions(one_box, case.horizon)
    result["residual_of_data"] = float(move(data, [Generator("d_x")], same(0.0)).residual.max())
    result["residual"] = float(torch.cat([everything.residual, one_box.residual]).max())
    result["accepted"] = bool(everything.accepted.all() and one_box.accepted.all())
    wrong = [move(data, [Generator(text)], same(0.4)) for text in WRONG]
    result["residual_of_wrong"] = min(float(each.residual.min()) for each in wrong)
    result["wrong_accepted"] = any(bool(each.accepted.any()) for each in wrong)
    result["cpu_seconds"] = time.process_time() - start
    print(f"{name}: {json.dumps(result)}", flush=True)
    return result


def memory() -> dict[str, object]:
    """The peak of a process of its own, above that with the data."""
    run = subprocess.run([sys.executable, __file__, "--peak"], capture_output=True, text=True, check=True)
    result: dict[str, object] = json.loads(run.stdout)
    print(f"memory: {run.stdout.strip()}", flush=True)
    return result


def peak() -> None:
    """Prints what moving many trajectories takes beside them; on Linux ru_maxrss is in KiB."""
    torch.set_num_threads(1)
    # As many trajectories as asked, without solving for each: a wave that travels, from 512 places.
    equation, grid = Equation("u_t = -u_x - u_xxx"), Grid(POINTS, length=128.0)
    (x,) = grid.coordinates()
    times = 0.4 * torch.arange(FRAMES, dtype=torch.float64)
    k = 2 * math.pi / 128.0
    u = torch.empty(MANY, FRAMES, 1, POINTS, dtype=torch.float64)
    for i in range(MANY):
        u[i, :, 0] = torch.cos(k * (x - (1 - k**2) * times.unsqueeze(-1)) + i)
    nothing, count = torch.zeros(MANY), torch.zeros(MANY, dtype=torch.int64)
    data = Trajectories(u, times, grid, equation, nothing, nothing, count, count, nothing)
    generators = [Generator("d_x"), Generator("d_t"), Generator("u*d_u")]
    before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    moved = augment(data, generators, (64.0, 2.0, 0.1), SEED)
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    print(
        json.dumps(
            {
                "trajectories": MANY,
                "data_mib": u.numel() * u.element_size() / 2**20,
                "peak_above_data_mib": used / 2**10,
                "cpu_seconds": time.process_time() - start,
                "accepted": bool(moved.accepted.all()),
            }
        )
    )


COLUMNS = {
    "boost": "boost by 0.4",
    "half_frame": "half a frame",
    "stretched": "time × 1.1",
    "all": "all generators",
    "one_box": "all but scalings",
    "residual_of_data": "residual of data",
    "residual": "after right ones",
    "residual_of_wrong": "after wrong ones",
}


def table(record: dict[str, dict]) -> str:
    """Errors and residuals, as Markdown."""
    lines = ["| equation | " + " | ".join(COLUMNS.values()) + " |", "| --- |" + " ---: |" * len(COLUMNS)]
    for name, row in sorted(record.items()):
        if name in CASES:
            cells = [f"{row[key]:.1e}" if key in row else "" for key in COLUMNS]
            lines.append(f"| `{name}` | {' | '.join(cells)} |")
    text = [
        "Largest error of a sample after a motion, mean over frames of ⟨(u − v)²⟩/⟨v²⟩ with v the solution, and its",
        "largest residual; after wrong generators the smallest. A sample is accepted up to a residual of 1e-2.",
        "",
        *lines,
        "",
    ]
    if "memory" in record:
        used = record["memory"]
        text += [
            f"Moving {used['trajectories']} trajectories of {FRAMES} × {POINTS} points takes "
            f"{used['peak_above_data_mib']:.0f} MiB beside the data, "
            f"{used['data_mib']:.0f} MiB, and {used['cpu_seconds']:.0f} CPU-s.",
            "",
        ]
    return "\n".join(text)


def main(names: list[str]) -> None:
    """Measures what is named, or all that is missing, and keeps what earlier runs measured."""
    torch.set_num_threads(1)
    path = Path(__file__).parent / "results" / "augmentation.json"
    path.parent.mkdir(exist_ok=True)
    record = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    for name in names or [name for name in (*CASES, "memory") if name not in record]:
        record[name] = memory() if name == "memory" else measure(name)
        path.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
        path.with_suffix(".md").write_text(table(record), encoding="utf-8")


if __name__ == "__main__":
    peak() if sys.argv[1:] == ["--peak"] else main(sys.argv[1:])
