"""A small recipe, its dataset, and the bytes of a folder."""

import hashlib
from pathlib import Path

import pytest

from pdesym.datasets import Recipe, generate

SMALL_KDV = {
    "name": "small-kdv",
    "equation": "kdv",
    "grid": {"points": 32, "length": 32.0},
    "initial": {"law": "sinusoids", "terms": 4, "amplitude": 0.3, "waves": [1, 2]},
    "times": {"first": 0.5, "last": 2.0, "count": 7},
    "splits": {"train": 5, "valid": 1, "test": 2},
    "rtol": 1e-5,
    "seed": 3,
    "shard": 2,
}


@pytest.fixture(scope="session")
def small_kdv() -> Recipe:
    """Eight short KdV trajectories in five shards; the last shard of two splits is half full."""
    return Recipe.model_validate(SMALL_KDV)


@pytest.fixture(scope="session")
def changed(small_kdv):
    """A function that gives the small recipe with other top-level entries."""
    return lambda **entries: Recipe.model_validate({**SMALL_KDV, **entries})


@pytest.fixture(scope="session")
def small_dataset(small_kdv, tmp_path_factory) -> Path:
    """The folder of the small dataset, generated in one go; not to be changed."""
    return generate(small_kdv, tmp_path_factory.mktemp("datasets") / "small", progress=False)


@pytest.fixture(scope="session")
def hashes():
    """A function that gives the hash of every file below a folder, by relative path."""

    def of(folder: Path) -> dict[str, str]:
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}

    return of


@pytest.fixture(scope="session")
def blowing_up(changed):
    """u = u₀ / (1 − u₀ t) wherever diffusion is weak: a sample lives to t = 2 if its largest value stays below 1/2."""
    return changed(
        equation="u_t = u**2 + nu*u_xx",
        parameters={"nu": {"uniform": [0.001, 0.002]}},
        initial={"terms": 2, "amplitude": 0.4, "waves": [1]},
        splits={"train": 8},
        rtol=None,
        dt=0.05,
        seed=2,
        shard=4,
    )
