"""A disk that is full: refused before the work when that can be known, and said in a sentence when it happens."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pdesym.datasets import GenerationError, generate, recipe_file

ROOT = Path(__file__).resolve().parents[2]

# A file system of 800 kB of which another file takes what is left; the first shard is written before that.
ON_A_FULL_DISK = """
import os, sys
from pathlib import Path
from pdesym.datasets import GenerationError, generate, load_recipe
from pdesym.datasets.block import run_block
from pdesym.datasets.store import missing, prepare

recipe, folder = load_recipe(sys.argv[1]), Path(sys.argv[2])
prepare(recipe, folder, "cpu")
run_block(recipe, folder, "train", 0)
with open(folder.parent / "filler", "wb", buffering=0) as filler:
    try:
        while True:
            filler.write(bytes(4096))
    except OSError:
        pass
for attempt in (lambda: run_block(recipe, folder, "train", 1), lambda: generate(recipe, folder, progress=False)):
    try:
        attempt()
    except GenerationError as error:
        print(error)
print(len(missing(recipe, folder)))
os.remove(folder.parent / "filler")
generate(recipe, folder, progress=False)
"""

# A limit on the size of a file stands in for the disk where nothing may be mounted; the system's error is another one.
WITH_A_FILE_LIMIT = """
import resource, sys
from pathlib import Path
from pdesym.datasets import GenerationError, generate, load_recipe
from pdesym.datasets.block import run_block
from pdesym.datasets.store import missing, prepare

recipe, folder = load_recipe(sys.argv[1]), Path(sys.argv[2])
prepare(recipe, folder, "cpu")
run_block(recipe, folder, "train", 0)
resource.setrlimit(resource.RLIMIT_FSIZE, (600, resource.RLIM_INFINITY))
try:
    generate(recipe, folder, progress=False)
except GenerationError as error:
    print(error)
print(len(missing(recipe, folder)))
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
generate(recipe, folder, progress=False)
"""

FULL = (
    "The disk is full at {}: make room for up to 163.8 kB more and repeat the command; 1 of 5 shards are written and "
    "stay valid."
)


def python(code: str, *arguments: object, inside: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    command = [*inside, sys.executable, "-c", code, *map(str, arguments)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    return subprocess.run(command, env=environment, capture_output=True, text=True)


@pytest.fixture
def recipe_path(small_kdv, tmp_path) -> Path:
    file = tmp_path / "recipe.yaml"
    file.write_text(recipe_file.dump(small_kdv))
    return file


def test_a_dataset_that_cannot_fit_is_refused_before_the_work(changed, tmp_path):
    with pytest.raises(
        GenerationError, match=r"needs up to [\d.]+ TB more in .* and [\d.]+ .B are free: make room, choose"
    ):
        generate(changed(splits={"train": 10**9}), tmp_path / "new")
    assert [path.name for path in (tmp_path / "new").iterdir()] == [".lock"]


def test_a_file_that_cannot_grow_ends_in_a_sentence_and_the_rest_is_kept(recipe_path, small_dataset, hashes, tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    result = python(WITH_A_FILE_LIMIT, recipe_path, folder)
    assert result.returncode == 0, result.stderr
    sentence, missing = result.stdout.splitlines()
    assert sentence == FULL.format(folder)
    assert missing == "4"
    assert hashes(folder) == hashes(small_dataset)


def test_a_full_disk_ends_in_a_sentence_and_the_rest_is_kept(recipe_path, small_dataset, hashes, tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    # Mounted in a namespace of its own, so that it is gone with the process; the bytes are copied out before that.
    mount = f"mount -t tmpfs -o size=800k tmpfs {disk} && mkdir {disk}/data"
    inside = ("unshare", "--user", "--map-root-user", "--mount", "sh", "-c")
    if subprocess.run([*inside, mount], capture_output=True).returncode:
        pytest.skip("this system lets nobody but its owner mount a file system")
    script = f'{mount} && "$@" && cp -r {disk}/data {tmp_path}/copy'
    result = python(ON_A_FULL_DISK, recipe_path, disk / "data", inside=(*inside, script, "sh"))
    assert result.returncode == 0, result.stderr
    during, before, missing = result.stdout.splitlines()
    assert during == FULL.format(disk / "data")
    assert (
        before
        == f"The dataset needs up to 163.8 kB more in {disk / 'data'} and 0 B are free: make room, choose "
        + ("another folder, or ask for fewer samples, frames or points.")
    )
    assert missing == "4"
    assert hashes(tmp_path / "copy") == hashes(small_dataset)
