"""The two linked folders are packages of pdesym: from a clone, in a spawned worker, for the build, never bare."""

import multiprocessing
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from setuptools import find_namespace_packages

ROOT = Path(__file__).parents[2]


def run_python(code: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    # -I leaves out the working folder and PYTHONPATH, -S the site-packages with an installed pdesym.
    code = f"import sys; sys.path.insert(0, {str(cwd)!r}); {code}"
    return subprocess.run([sys.executable, "-I", "-S", "-c", code], cwd=cwd, capture_output=True, text=True)


@pytest.mark.parametrize("room", ["solvers", "datasets"])
@pytest.mark.parametrize("module", ["{}", "{}.anything"])
def test_a_bare_import_is_refused_by_a_sentence(room, module):
    run = run_python(f"import {module.format(room)}")
    assert run.returncode == 1
    assert run.stderr.splitlines()[-1] == (
        f"ImportError: The folder {room}/ is the package pdesym.{room}: write `import pdesym.{room}`."
    )


def test_pdesym_is_importable_from_a_clone_without_an_installation():
    run = run_python("import pdesym; print(pdesym.__file__, pdesym.__version__)")
    assert run.stdout.split() == [str(ROOT / "pdesym" / "__init__.py"), "0.1.0"], run.stderr


@pytest.mark.parametrize("room", ["solvers", "datasets"])
def test_a_checkout_without_links_is_refused_by_a_sentence(room, tmp_path):
    (tmp_path / "pdesym").mkdir()
    shutil.copy(ROOT / "pdesym" / "__init__.py", tmp_path / "pdesym")
    for name in {"solvers", "datasets"} - {room}:
        (tmp_path / "pdesym" / name).mkdir()
    (tmp_path / "pdesym" / room).write_text(f"../{room}")  # what git writes with core.symlinks=false
    run = run_python("import pdesym", tmp_path)
    assert run.returncode == 1
    last = run.stderr.splitlines()[-1]
    assert last.startswith(f"ImportError: pdesym/{room} should be a link to the folder ../{room}")
    assert "git config core.symlinks true" in last


def origin(room: str) -> str:
    import importlib

    return str(importlib.import_module(f"pdesym.{room}").__file__)


@pytest.mark.parametrize("room", ["solvers", "datasets"])
def test_a_spawned_worker_imports_the_linked_rooms(room):
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.apply(origin, (room,)) == str(ROOT / "pdesym" / room / "__init__.py")


def packages_on_disk(root: Path) -> set[str]:
    """Every folder with an `__init__.py` below pdesym/, through the links, as a dotted name."""
    files = (root / "pdesym").rglob("__init__.py")
    linked = (file for room in ("solvers", "datasets") for file in (root / "pdesym" / room).rglob("__init__.py"))
    return {".".join(file.relative_to(root).parts[:-1]) for file in (*files, *linked)}


def test_the_build_finds_every_package():
    packages = packages_on_disk(ROOT)
    assert {"pdesym", "pdesym.solvers", "pdesym.datasets", "pdesym.symmetry"} <= packages
    search = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]["find"]
    assert packages <= set(find_namespace_packages(str(ROOT), **search))


def test_every_folder_of_modules_is_a_package():
    folders = {file.parent for room in ("pdesym", "solvers", "datasets") for file in (ROOT / room).rglob("*.py")}
    assert [str(folder) for folder in folders if not (folder / "__init__.py").exists()] == []
