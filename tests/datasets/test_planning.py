"""What a plan says before anything is solved, and what a pilot measures."""

import dataclasses
import math
import re
import subprocess
import sys

import pytest

from pdesym.datasets import generate
from pdesym.datasets.block import solved_block
from pdesym.datasets.planning import memory_bound, pilot, plan
from pdesym.datasets.progress import size_text


def test_a_plan_counts_what_is_then_written(changed, tmp_path):
    recipe = changed(splits={"train": 5, "test": 3}, shard=2, dtype="float32")
    planned = plan(recipe)
    folder = generate(recipe, tmp_path / "data", progress=False)
    files = [file for file in folder.rglob("*") if file.is_file()]
    # What is no more than a fill value, such as the points at 0, needs no file.
    assert 0.8 * planned.files < len(files) <= planned.files
    assert planned.shards == 5
    assert planned.samples == {"train": 5, "test": 3}
    assert planned.points == (32,)
    assert 2 * 7 * 32 * 4 < planned.shard_bytes < 2 * 7 * 32 * 4 + 2 * 400
    assert planned.bytes == pytest.approx(8 * planned.shard_bytes / 2)
    # Chunks of a few numbers compress to more than they are; the metadata is counted by neither.
    data = sum(file.stat().st_size for file in files if "c" in file.relative_to(folder).parts)
    assert 0.5 * planned.bytes < data < 3 * planned.bytes


def test_a_plan_is_said_in_two_lines(changed):
    planned = plan(changed(splits={"train": 2}))
    assert re.fullmatch(
        r"small-kdv: 2 samples \(train 2\) of 7 frames x 32 points, u; [\d.]+ kB in 1 shard", str(planned)
    )
    assert re.match(
        r"computed from the recipe: [\d.]+ kB a shard before compression, up to \d+ files; ", planned.details
    )


def test_the_memory_grows_with_the_batch_and_not_with_the_samples(changed):
    few, many = changed(splits={"train": 64}, shard=64), changed(splits={"train": 64_000}, shard=64)
    batched = changed(splits={"train": 64_000}, shard=64, batch=4)
    assert memory_bound(few, (32,)) == memory_bound(many, (32,)) > memory_bound(batched, (32,))
    assert memory_bound(few, (256,)) > memory_bound(few, (32,))
    assert plan(few).refined_memory == memory_bound(few, (256,))


MEASURE = """
import resource, sys
from pdesym.datasets import load_recipe
from pdesym.datasets.planning import memory_bound
from pdesym.datasets.problem import solve_samples
recipe = load_recipe(sys.argv[1], [*sys.argv[3:], "shard=" + sys.argv[2], "splits={test: " + sys.argv[2] + "}"])
few = "16" if len(recipe.grid.shape) == 1 else "[16, 16]"
tiny = load_recipe(sys.argv[1], ["times={last: 0.001, count: 2}", "grid.points=" + few, "initial={amplitude: 0.01}"])
solve_samples(tiny, "test", [0])
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
solution, _ = solve_samples(recipe, "test", range(int(sys.argv[2])))
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
factor = int(solution.points_used.max()) / recipe.grid.shape[0]
print(1024 * peak, memory_bound(recipe, tuple(int(n * factor) for n in recipe.grid.shape)))
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "batch", "overrides"),
    [
        ("kdv", 256, ()),
        ("burgers", 64, ()),
        ("broken-kdv", 64, ("parameters.eps={uniform: [0, 0.1]}", "times={last: 10, count: 20}")),
        ("shallow-water", 8, ("times={last: 0.5, count: 5}",)),
        ("gray-scott", 4, ("times={last: 20, count: 3}",)),
    ],
)
def test_the_memory_is_bounded_as_the_plan_says(name, batch, overrides):
    command = [sys.executable, "-W", "ignore", "-c", MEASURE, name, str(batch), *overrides]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    peak, bound = map(int, run.stdout.split())
    assert 0 < peak < bound
    assert bound < 20 * max(peak, 2**22)  # and says something


RUN = """
import resource, sys, tempfile
from pathlib import Path
from pdesym.datasets import load_recipe, store
from pdesym.datasets.block import run_block
from pdesym.datasets.planning import plan
name, shard, batch, *overrides = sys.argv[1:]
def ran(shard, batch, *more):
    sizes = ["shard=" + shard, "batch=" + batch, "splits={test: " + shard + "}"]
    recipe = load_recipe(name, [*overrides, *sizes, *more])
    with tempfile.TemporaryDirectory() as folder:
        store.prepare(recipe, Path(folder), "cpu")
        assert not run_block(recipe, Path(folder), "test", 0).failures
    return recipe, 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
_, before = ran("2", "1", "times.last=0.001", "times.count=2")
recipe, after = ran(shard, batch)
planned = plan(recipe)
print(after - before, planned.shard_bytes, planned.memory)
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "shard", "batch", "overrides"),
    [
        ("kdv", 2048, 16, ("times.first=0", "times.last=2")),
        ("kdv", 1024, 8, ("times.first=0", "times.last=2", "dtype=float64")),
        ("broken-heat", 4096, 64, ("times.last=0.5", "times.count=100")),
        ("shallow-water", 64, 4, ("times.last=0.1",)),
        ("kdv", 512, 512, ("times.first=0", "times.last=2")),
    ],
)
def test_the_memory_of_a_shard_of_many_batches_is_bounded_as_the_plan_says(name, shard, batch, overrides):
    command = [sys.executable, "-W", "ignore", "-c", RUN, name, str(shard), str(batch), *overrides]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    peak, shard_bytes, bound = map(int, run.stdout.split())
    assert shard_bytes < peak < bound
    assert bound < 6 * peak  # and says something


def test_the_memory_grows_with_the_shard_where_the_batch_stays(changed):
    small, large = (changed(splits={"train": 8000}, shard=shard, batch=4) for shard in (8, 4000))
    more = plan(large).shard_bytes - plan(small).shard_bytes
    assert memory_bound(large, (32,)) - memory_bound(small, (32,)) >= 3 * more


def test_a_pilot_counts_the_samples_that_fail_and_no_others(changed):
    """u = u₀/(1 − u₀ t) where diffusion is weak: about half of these samples blow up, in most batches of 4."""
    recipe = changed(
        equation="u_t = u**2 + nu*u_xx",
        parameters={"nu": 1e-3},
        initial={"terms": 2, "amplitude": 0.4, "waves": [1]},
        times={"last": 2.0, "count": 3},
        splits={"train": 7},
        rtol=None,
        dt=0.05,
        seed=46,
        shard=4,
    )
    alone = sum(len(solved_block(recipe, "train", [sample])[1]) for sample in range(7))
    assert 0 < alone < 7
    cost = pilot(recipe, seconds=1e3)
    assert (cost.solved, cost.failed) == (7, alone)
    assert 40 <= cost.steps[0] <= cost.steps[1] <= 42  # those of failed samples are no 0
    assert f"{alone} failed" in str(cost)


def test_a_pilot_measures_a_few_samples_and_writes_nothing(changed, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    recipe = changed(splits={"train": 100, "test": 4000}, shard=8, batch=4)
    cost = pilot(recipe, seconds=0.5)
    assert 1 <= cost.solved < 4000
    assert (cost.failed, cost.total) == (0, 4100)
    assert cost.seconds == cost.seconds_per_sample * 4100 > 0
    assert 0 < cost.steps[0] <= cost.steps[1]
    assert cost.points >= 32
    assert 0 < cost.error <= recipe.rtol
    assert list(tmp_path.iterdir()) == []
    assert re.fullmatch(
        r"measured on \d+ samples?: .* of CPU time each, about .* for all 4100 on one core; .* steps, up to \d+ points "
        r"along an axis, errors up to .* of rtol .*; up to .* of memory a worker",
        str(cost),
    )


def test_a_pilot_solves_one_sample_however_little_time_it_has(changed):
    assert pilot(changed(splits={"train": 4}), seconds=1e-9).solved == 1


def test_a_pilot_solves_no_more_samples_than_there_are(changed):
    assert pilot(changed(splits={"train": 2, "test": 3}), seconds=1e3).solved == 3


def test_a_pilot_says_what_is_missed_and_what_blows_up(changed):
    cost = pilot(changed(splits={"train": 2}, rtol=None, dt=0.1), seconds=1e-9)
    assert math.isnan(cost.error)
    assert "errors not estimated" in str(cost)
    missed = dataclasses.replace(cost, rtol=1e-6, error=1e-3, failed=1)
    assert "errors up to 1.0e-03 of rtol 1e-06, which is missed, 1 failed" in str(missed)
    growing = changed(equation="u_t = u**3", splits={"train": 2}, times={"last": 50.0, "count": 3})
    assert pilot(growing, seconds=1e-9).failed == 1


@pytest.mark.parametrize("seconds", [0, -1.0, math.nan])
def test_a_pilot_without_time_is_refused(changed, seconds):
    with pytest.raises(ValueError, match="positive number of seconds"):
        pilot(changed(), seconds=seconds)


@pytest.mark.parametrize(("size", "text"), [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (7_000_000, "7.0 MB")])
def test_sizes_are_said_in_the_largest_unit(size, text):
    assert size_text(size) == text
