"""Freed memory is kept: a process that allocates the same again and again takes no page faults for it."""

import os
import subprocess
import sys

import pytest

PROGRAM = """
import resource, sys
import torch
from pdesym.solvers.heap import keep_freed_memory
torch.set_num_threads(1)
done = keep_freed_memory() if sys.argv[1] == "kept" else None
def work():
    for size in (70_000, 130_000, 500_000) * 40:
        a = torch.ones(size, dtype=torch.float64)
        b = a * 2
work()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
work()
print(done, resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(kept: str, **environment: str) -> tuple[str, int]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("MALLOC_", "GLIBC_TUNABLES"))}
    run = subprocess.run(
        [sys.executable, "-c", PROGRAM, kept], capture_output=True, text=True, check=True, env=clean | environment
    )
    done, count = run.stdout.split()
    return done, int(count)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="mallopt belongs to glibc")
def test_no_page_faults_where_memory_is_kept():
    done, kept = faults("kept")
    if done == "False":
        pytest.skip("this C library has no mallopt")
    # What glibc does by itself depends on the order of allocations; blocks mapped one by one are its worst.
    left_alone, mapped = faults("kept", MALLOC_MMAP_THRESHOLD_="65536")
    assert left_alone == "False", "what the environment says stands"
    assert kept < 2000 < 20_000 < mapped
