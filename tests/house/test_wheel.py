"""The built wheel holds every file of the rooms and works in an empty folder, away from the repository."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
ROOMS = ("solvers", "datasets", "symmetry", "operators", "training", "report", "lab")


def run(*command: str | Path, cwd: Path, **environment: str) -> str:
    done = subprocess.run(command, cwd=cwd, env=os.environ | environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Built from the source archive, so that what the archive lacks is missed."""
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, ROOT, cwd=folder)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """An empty folder into which the wheel alone was installed; the dependencies stay those of this environment."""
    folder = tmp_path_factory.mktemp("installed")
    run(sys.executable, "-m", "pip", "install", "--no-deps", "--target", folder, wheel, cwd=folder)
    return folder


def files_of_the_rooms() -> set[str]:
    """Every file below pdesym/, solvers/ and datasets/ by its place in the wheel."""
    places = {
        f"{name}/{file.relative_to(folder)}"
        for name, folder in [
            ("pdesym", ROOT / "pdesym"),
            ("pdesym/solvers", ROOT / "solvers"),
            ("pdesym/datasets", ROOT / "datasets"),
        ]
        for file in folder.rglob("*")
        if file.is_file()
    }
    return {place for place in places if "__pycache__" not in place}


def test_the_wheel_holds_every_file_of_the_rooms(wheel):
    names = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    assert {"pdesym/py.typed", "pdesym/solvers/grid.py"} <= names
    assert names == files_of_the_rooms()


@pytest.mark.parametrize("room", ["pdesym", *(f"pdesym.{room}" for room in ROOMS), "pdesym.cli"])
def test_the_rooms_are_imported_from_the_wheel(installed, tmp_path, room):
    code = f"import importlib; print(importlib.import_module({room!r}).__file__)"
    origin = run(sys.executable, "-W", "error", "-c", code, cwd=tmp_path, PYTHONPATH=str(installed))
    assert Path(origin.strip()).is_relative_to(installed)


def test_the_command_answers_from_the_wheel(installed, tmp_path):
    answer = run(sys.executable, installed / "bin" / "pdesym", "--version", cwd=tmp_path, PYTHONPATH=str(installed))
    assert answer.startswith("pdesym 0.")
