"""Which pattern, after a bifurcation that breaks the symmetry of the state it starts from?

    .venv/bin/python -m experiments.relaxed.bifurcation --preset laptop    # 5 CPU-minutes, one thread

Two problems in which noise of size 1e-3, of which no network hears, chooses one of several patterns that the symmetry
of the input leaves equal; inputs and targets are solutions by `pdesym.solvers.solve`, see `patterns.py`. Expected: the
strict arms do not go below ‖ȳ − y‖² on any sample; relaxed ones are at least five times below it; where an input has no
symmetry all are about as good.

A study that was ended continues with the trainings that are missing. Writes results/bifurcation-<preset>.json and the
table beside it.
"""

from experiments.relaxed.study import command

PROBLEMS = ("allen_cahn", "swift_hohenberg")


def main() -> None:
    """Runs what is not there yet."""
    command("bifurcation", PROBLEMS, __doc__ or "")


if __name__ == "__main__":
    main()
