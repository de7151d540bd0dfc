"""The direction of imports is held by import-linter, which sees through the two links."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROOMS = ("solvers", "datasets", "symmetry", "operators", "training", "report", "lab")


def lint_imports(root: Path) -> subprocess.CompletedProcess[str]:
    code = "from importlinter.cli import lint_imports; raise SystemExit(lint_imports(no_logo=True))"
    # PYTHONPATH comes before an installed pdesym: the copy is linted, not the original.
    environment = os.environ | {"PYTHONPATH": str(root), "NO_COLOR": "1", "COLUMNS": "200"}
    return subprocess.run([sys.executable, "-c", code], cwd=root, env=environment, capture_output=True, text=True)


def copy_of_the_house(root: Path) -> Path:
    """The sources and the contract, with the same links."""
    ignore = shutil.ignore_patterns("__pycache__")
    for folder in ("pdesym", "solvers", "datasets"):
        shutil.copytree(ROOT / folder, root / folder, symlinks=True, ignore=ignore)
    shutil.copy(ROOT / "pyproject.toml", root)
    return root


def test_the_contract_is_kept():
    run = lint_imports(ROOT)
    assert run.returncode == 0, run.stdout


def test_the_copy_of_the_controls_is_linted_as_the_original_is(tmp_path):
    run = lint_imports(copy_of_the_house(tmp_path))
    assert run.returncode == 0, run.stdout


@pytest.mark.parametrize(
    ("module", "planted", "broken"),
    [
        ("solvers/planted.py", "import pdesym.datasets", "pdesym.solvers is not allowed to import pdesym.datasets"),
        ("solvers/planted.py", "import pdesym.symmetry", "pdesym.solvers is not allowed to import pdesym.symmetry"),
        ("datasets/planted.py", "import pdesym.symmetry", "pdesym.datasets is not allowed to import pdesym.symmetry"),
        ("datasets/planted.py", "import neuralop", "pdesym.datasets is not allowed to import neuralop"),
        ("pdesym/symmetry/planted.py", "import neuralop", "pdesym.symmetry is not allowed to import neuralop"),
        ("pdesym/symmetry/planted.py", "import pdesym.datasets", "pdesym.symmetry is not allowed to import"),
        ("pdesym/symmetry/planted.py", "import xarray", "pdesym.symmetry is not allowed to import xarray"),
        ("pdesym/training/planted.py", "import neuralop", "pdesym.training is not allowed to import neuralop"),
        ("pdesym/training/planted.py", "import pdesym.lab", "pdesym.training is not allowed to import pdesym.lab"),
        ("pdesym/newroom.py", "", "newroom"),
    ],
)
def test_a_planted_violation_breaks_the_contract(tmp_path, module, planted, broken):
    root = copy_of_the_house(tmp_path)
    (root / module).write_text(f"{planted}\n")
    run = lint_imports(root)
    assert run.returncode == 1
    assert broken in run.stdout
