"""What a recipe would cost: its size, from the recipe alone, and its time, from a few samples that are solved."""

import math
import time
from dataclasses import dataclass

import numpy as np

from pdesym.datasets import problem, schema
from pdesym.datasets.block import solved_block
from pdesym.datasets.distributions import Distribution
from pdesym.datasets.progress import seconds_text, size_text
from pdesym.datasets.recipe import Recipe
from pdesym.solvers.control import finest_grid

# Measured: peaks of the resident memory of a process that solves a batch, above that of a process that has solved a
# tiny problem of the same kind, over equations of one to three fields on lines and planes, stored and refined grids
# (experiments/benchmarks/memory.py prints the table). Each of these is above all that was measured.
_COPIES_OF_THE_RESULT = 6
_BYTES_A_ROW = 512  # of each field at each point of the finest grid, for each sample that is advanced at once
_BYTES_A_SAMPLE = 300  # of each field at each point of the finest grid, for each sample of the batch
_BYTES_OF_COEFFICIENTS = 600  # of each field at each point of the finest grid
_BYTES_OF_MATRICES = 5000  # of each pair of fields that are coupled in the linear part
_COPIES_OF_THE_SHARD = 3.5  # its arrays, those that are cut into chunks, and the compressed ones
_BYTES_OF_THE_PROGRAM = 456 * 10**6
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
            f"files; a worker needs up to {size_text(self.memory)} of memory beyond the program's own "
            f"{size_text(_BYTES_OF_THE_PROGRAM)}, {size_text(self.refined_memory)} where all is refined to the last"
        )


@dataclass(frozen=True)
class Cost:
    """What a few samples of a recipe cost, and so the whole of it.

    Attributes:
        solved: number of samples that were solved for this.
        failed: how many of them have no solution.
        total: number of samples of the recipe.
        seconds_per_sample: CPU time of one, of one core.
        steps: fewest and most time steps of one of them.
        points: most grid points along an axis.
        error: largest estimated relative L2 error; nan with a fixed step.
        rtol: the error that the recipe asks for; None with a fixed step.
        memory: bytes that a worker takes at most on that many points, on top of the program itself.
        compiling: whether that time has in it what is compiled once in every process.
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
    compiling: bool

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
            error += f", {self.failed} failed"
        once = " with what is compiled once" if self.compiling else ""
        return (
            f"measured on {self.solved} sample{'s' * (self.solved > 1)}: {_short_text(self.seconds_per_sample)} of "
            f"CPU time each{once}, about {seconds_text(self.seconds)} for all {self.total} on one core; {steps} steps, "
            f"up to {self.points} points along an axis, {error}; up to {size_text(self.memory)} of memory a worker"
        )


def plan(recipe: Recipe) -> Plan:
    """The size of the dataset of a recipe; nothing is solved.

    Raises:
        ValueError: when the recipe does not describe a problem.
    """
    layout, grid = schema.layout(recipe), problem.grid_of(recipe)
    shards = sum(layout.shard_counts.values())
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
        shard_bytes=_shard_bytes(recipe, layout),
        files=files,
        memory=memory_bound(recipe, grid.points),
        refined_memory=memory_bound(recipe, finest_grid(grid).points),
    )


def memory_bound(recipe: Recipe, points: tuple[int, ...]) -> int:
    """An upper bound of the bytes that solving and writing one shard adds to a process.

    It counts the batch that is being solved, where the solver uses so many points, and the arrays of the shard, which
    are whole in memory when they are written.

    The program itself, with what it compiles, takes about 450 MB before that. Measured on the CPU; on a GPU all
    samples of a batch are advanced at once.
    """
    equation = problem.first_equation(recipe)
    fields, stored, fine = len(equation.fields), math.prod(recipe.grid.shape), math.prod(points)
    batch = min(schema.batch_of(recipe), max(recipe.splits.sizes.values()))
    dims = len(points)
    rows = batch if dims == 1 else min(batch, max(1, _VALUES_ON_A_PLANE // (fields * stored)))
    linear = equation.split(dims).linear
    coupled = any(operator for a, row in enumerate(linear) for b, operator in enumerate(row) if a != b)
    per_point = _BYTES_OF_MATRICES * fields**2 if coupled else _BYTES_OF_COEFFICIENTS * fields
    drawn = recipe.laws or recipe.times.stretch is not None or isinstance(recipe.grid.length, Distribution)
    result = 8 * batch * (recipe.times.count + 1) * fields * stored
    own = rows if drawn else 1  # samples with numbers of their own have coefficients of their own
    working = fine * (fields * (rows * _BYTES_A_ROW + batch * _BYTES_A_SAMPLE) + own * per_point)
    written = math.ceil(_COPIES_OF_THE_SHARD * _shard_bytes(recipe, schema.layout(recipe)))
    return _BYTES_AT_LEAST + _COPIES_OF_THE_RESULT * result + working + written


def _shard_bytes(recipe: Recipe, layout: schema.Layout) -> int:
    """Bytes of all arrays of the largest shard, before compression."""
    group = layout.groups[max(layout.sizes, key=lambda split: layout.sizes[split])]
    return group.bytes_per_sample * min(recipe.shard, max(layout.sizes.values()))


def pilot(recipe: Recipe, seconds: int | float = 5.0, device: str = "cpu") -> Cost:
    """Solves a few samples, writes nothing, and says what the whole recipe will cost.

    Batches of 1, 2, 4, ... samples of the largest split are solved, no batch larger than those of the recipe. The
    first, in which things are compiled, is not counted, and the time runs from its end; where it alone takes ten times
    as long, it is all that is solved, and the cost says so. A batch in which a sample fails is solved again one by
    one, as in generating, and its time is that of both.

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
    limit = math.inf
    account: dict[str, list[float]] = {"steps": [], "points_used": [], "error": []}
    failed = 0
    while first < available and time.perf_counter() - began < limit:
        samples = range(first, min(first + size, available))
        start = clock()
        arrays, failures = solved_block(recipe, split, samples, device)
        times.append((len(samples), clock() - start))
        if len(times) == 1:
            limit = 0.0 if time.perf_counter() - began > 10 * seconds else seconds
            began = time.perf_counter()
        fine = [row for row, sample in enumerate(samples) if sample not in failures]
        for name, values in account.items():
            values += arrays[name][fine].tolist() if fine else []
        failed += len(failures)
        first, size = samples.stop, min(2 * size, schema.batch_of(recipe))
    steps, errors = [int(number) for number in account["steps"]], account["error"]
    counted = times[1:] or times
    finest = int(max(*account["points_used"], 0, recipe.grid.shape[0]))
    ratio = finest / recipe.grid.shape[0]
    return Cost(
        solved=first,
        failed=failed,
        total=sum(recipe.splits.sizes.values()),
        compiling=len(times) == 1,
        seconds_per_sample=sum(taken for _, taken in counted) / sum(number for number, _ in counted),
        steps=(min(steps, default=0), max(steps, default=0)),
        points=finest,
        error=float(np.max(errors, initial=-math.inf)) if errors else math.nan,
        rtol=recipe.rtol,
        memory=memory_bound(recipe, tuple(math.ceil(n * ratio) for n in recipe.grid.shape)),
    )


def _short_text(seconds: float) -> str:
    return seconds_text(seconds) if seconds >= 1 else f"{1000 * seconds:.0f} ms"
