"""Symmetry in neural operators: a PDE as text, its solver, its datasets, its Lie algebra.

Importing this package loads nothing heavy; each room is imported by its own name, `pdesym.solvers`,
`pdesym.datasets`, `pdesym.symmetry`, `pdesym.operators`, `pdesym.training`, `pdesym.report`, `pdesym.lab`.
"""

from pathlib import Path

__version__ = "0.1.0"

for _room in ("solvers", "datasets"):
    if not (Path(__file__).parent / _room).is_dir():
        raise ImportError(
            f"pdesym/{_room} should be a link to the folder ../{_room}, but this checkout has no symbolic links: "
            "run `git config core.symlinks true` and `git checkout -- pdesym` (on Windows with developer mode on), "
            "or install the wheel."
        )
del Path, _room
