"""What a recipe would cost: its size, from the recipe alone, and its time, from a few samples that are solved."""

import math
import time
import warnings
from dataclasses import dataclass

import numpy as np

from pdesym.datasets import problem, schema
from pdesym.datasets.distributions import Distribution
from pdesym.datasets.progress import seconds_text
from pdesym.datasets.recipe import Recipe
from pdesym.solvers import AccuracyWarning, BlowUpError
from pdesym.solvers.control import finest_grid
from pdesym.solvers.threads import one_thread

# Measured: peaks of the resident memory of a process that solves a batch, above that of a process that has solved a
# tiny problem of the same kind, over equations of one to three fields on lines and planes, stored and refined grids
# (experiments/benchmarks/memory.py prints the table). Each of these is above all that was measured.
_COPIES_OF_THE_RESULT = 6
_BYTES_A_ROW = 512  # of each field at each point of the finest grid, for each sample that is advanced at once
_BYTES_A_SAMPLE = 300  # of each field at each point of the finest grid, for each sample of the batch
_BYTES_OF_COEFFICIENTS = 600  # of each field at each point of the finest grid
_BYTES_OF_MATRICES = 5000  # of each pair of fields that are coupled in the linear part
_BYTES_AT_LEAST = 16 * 2**20
_VALUES_ON_A_PLANE = 16 * 64 * 64


@dataclass(frozen=True)
class Plan:
    """The size of a dataset, without a sample being solved.

    Attributes:
        name: of the recipe.
        samples: number of samples of each split.
        fields: stored fields.
        frames: stored times of each sample.
        points: stored grid points along each axis.
        shards: units of work.
        bytes: of all arrays before compression.
        shard_bytes: of the arrays of a full shard before compression; what is written at once.
        files: most files that the finished dataset has.
        memory: bytes that a worker takes at most on top of the program itself, where the stored points resolve the
            solution.
        refined_memory: the same where the solver goes to the finest grid it knows, 8 times finer along each axis.
    """

    name: str
    samples: dict[str, int]
    fields: tuple[str, ...]
    frames: int
    points: tuple[int, ...]
    shards: int
    bytes: int
    shard_bytes: int
    files: int
    memory: int
    refined_memory: int

    def __str__(self) -> str:
        parts = ", ".join(f"{split} {size}" for split, size in self.samples.items())
        shape = " x ".join(map(str, self.points))
        return (
            f"{self.name}: {sum(self.samples.values())} samples ({parts}) of {self.frames} frames x {shape} points, "
            f"{', '.join(self.fields)}; {size_text(self.bytes)} in {self.shards} shard{'s' * (self.shards > 1)}"
        )

    @property
    def details(self) -> str:
        """What the size means for a disk and for a worker, in one line."""
        return (
            f"computed from the recipe: {size_text(self.shard_bytes)} a shard before compression, up to {self.files} "
            f"files; a worker needs up to {size_text(self.memory)} of memory beyond the program, "
            f"{size_text(self.refined_memory)} where all is refined to the last"
        )


@dataclass(frozen=True)
class Cost:
    """What a few samples of a recipe cost, and so the whole of it.

    Attributes:
        solved: number of samples that were solved for this.
        failed: how many of them blew up.
        total: number of samples of the recipe.
        seconds_per_sample: CPU time of one, of one core.
        steps: fewest and most time steps of one of them.
        points: most grid points along an axis.
        error: largest estimated relative L2 error; nan with a fixed step.
        rtol: the error that the recipe asks for; None with a fixed step.
        memory: bytes that a worker takes at most on that many points, on top of the program itself.
    """

    solved: int
    failed: int
    total: int
    seconds_per_sample: float
    steps: tuple[int, int]
    points: int
    error: float
    rtol: float | None
    memory: int

    @property
    def seconds(self) -> float:
        """CPU time of the whole recipe."""
        return self.seconds_per_sample * self.total

    def __str__(self) -> str:
        fewest, most = self.steps
        steps = f"{fewest}" if fewest == most else f"{fewest} to {most}"
        error = "errors not estimated" if self.rtol is None else f"errors up to {self.error:.1e} of rtol {self.rtol:g}"
        if self.rtol is not None and self.error > self.rtol:
            error += ", which is missed"
        if self.failed:
            error += f", {self.failed} blew up"
        return (
            f"measured on {self.solved} sample{'s' * (self.solved > 1)}: {_short_text(self.seconds_per_sample)} of "
            f"CPU time each, about {seconds_text(self.seconds)} for all {self.total} on one core; {steps} steps, up to "
            f"{self.points} points along an axis, {error}; up to {size_text(self.memory)} of memory a worker"
        )


def plan(recipe: Recipe) -> Plan:
    """The size of the dataset of a recipe; nothing is solved.

    Raises:
        ValueError: when the recipe does not describe a problem.
    """
    layout, grid = schema.layout(recipe), problem.grid_of(recipe)
    shards = sum(layout.shard_counts.values())
    largest = max(layout.sizes, key=lambda split: layout.sizes[split])
    per_sample = sum(variable.bytes_per_sample for variable in layout.groups[largest].variables)
    files = 5  # the recipe, the manifest, the lock, the metadata of the store, with and without a summary
    for split, group in layout.groups.items():
        arrays = len(group.coordinates) + len(group.variables)
        files += 1 + arrays + len(group.coordinates) + layout.shard_counts[split] * len(group.variables)
    return Plan(
        name=recipe.name,
        samples=layout.sizes,
        fields=problem.first_equation(recipe).fields,
        frames=recipe.times.count,
        points=grid.points,
        shards=shards,
        bytes=layout.nbytes,
        shard_bytes=per_sample * min(recipe.shard, max(layout.sizes.values())),
        files=files,
        memory=memory_bound(recipe, grid.points),
        refined_memory=memory_bound(recipe, finest_grid(grid).points),
    )


def memory_bound(recipe: Recipe, points: tuple[int, ...]) -> int:
    """An upper bound of the bytes that solving one batch adds to a process, when the solver uses so many points.

    The program itself, with what it compiles, takes about 450 MB before that. Measured on the CPU; on a GPU all
    samples of a batch are advanced at once.
    """
    equation = problem.first_equation(recipe)
    fields, stored, fine = len(equation.fields), math.prod(recipe.grid.shape), math.prod(points)
    batch = min(recipe.batch or recipe.shard, max(recipe.splits.sizes.values()))
    dims = len(points)
    rows = batch if dims == 1 else min(batch, max(1, _VALUES_ON_A_PLANE // (fields * stored)))
    linear = equation.split(dims).linear
    coupled = any(operator for a, row in enumerate(linear) for b, operator in enumerate(row) if a != b)
    per_point = _BYTES_OF_MATRICES * fields**2 if coupled else _BYTES_OF_COEFFICIENTS * fields
    drawn = recipe.laws or recipe.times.stretch is not None or isinstance(recipe.grid.length, Distribution)
    result = 8 * batch * (recipe.times.count + 1) * fields * stored
    own = rows if drawn else 1  # samples with numbers of their own have coefficients of their own
    working = fine * (fields * (rows * _BYTES_A_ROW + batch * _BYTES_A_SAMPLE) + own * per_point)
    return _BYTES_AT_LEAST + _COPIES_OF_THE_RESULT * result + working


def pilot(recipe: Recipe, seconds: int | float = 5.0, device: str = "cpu") -> Cost:
    """Solves a few samples, writes nothing, and says what the whole recipe will cost.

    Batches of 1, 2, 4, ... samples of the largest split are solved until the time is over, no batch larger than those
    of the recipe; one sample is solved at least, however long it takes. The time of a sample is that in the batches
    after the first, in which things are compiled, when there are any.

    Args:
        recipe: what would be generated.
        seconds: time after which no further batch is begun, > 0.
        device: where torch computes; the time on a GPU is that of the wall clock.

    Raises:
        ValueError: when the recipe does not describe a solvable problem, or the time is not positive.
    """
    if not seconds > 0:
        raise ValueError(f"Expected a positive number of seconds for the pilot, got {seconds}.")
    problem.check(recipe)
    split = max(recipe.splits.sizes, key=lambda name: recipe.splits.sizes[name])
    available = recipe.splits.sizes[split]
    clock = time.process_time if device == "cpu" else time.perf_counter
    began, size, first = time.perf_counter(), 1, 0
    times: list[tuple[int, float]] = []
    steps, points, errors, failed = [], [0], [], 0
    with one_thread(), warnings.catch_warnings():
        warnings.simplefilter("ignore", AccuracyWarning)  # the cost says how large the errors are
        while first < available and (not times or time.perf_counter() - began < seconds):
            samples = range(first, min(first + size, available))
            start = clock()
            try:
                solution, _ = problem.solve_samples(recipe, split, samples, device)
                steps += solution.steps.tolist()
                points += solution.points_used.tolist()
                errors += solution.error.tolist()
            except BlowUpError:
                failed += 1
            times.append((len(samples), clock() - start))
            first, size = samples.stop, min(2 * size, recipe.batch or recipe.shard)
    counted = times[1:] or times
    finest = max(*points, recipe.grid.shape[0])
    ratio = finest / recipe.grid.shape[0]
    return Cost(
        solved=first,
        failed=failed,
        total=sum(recipe.splits.sizes.values()),
        seconds_per_sample=sum(taken for _, taken in counted) / sum(number for number, _ in counted),
        steps=(min(steps, default=0), max(steps, default=0)),
        points=finest,
        error=float(np.max(errors, initial=-math.inf)) if errors else math.nan,
        rtol=recipe.rtol,
        memory=memory_bound(recipe, tuple(math.ceil(n * ratio) for n in recipe.grid.shape)),
    )


def _short_text(seconds: float) -> str:
    return seconds_text(seconds) if seconds >= 1 else f"{1000 * seconds:.0f} ms"


def size_text(size: int) -> str:
    """A number of bytes for people, "7.0 MB"."""
    value, unit = float(size), "B"
    for larger in ("kB", "MB", "GB", "TB", "PB"):
        if value < 1000:
            break
        value, unit = value / 1000, larger
    return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
