"""Which fine field, if the coarse one has periods that the fine one has not?

    .venv/bin/python -m experiments.relaxed.super_resolution --preset laptop    # 2 CPU-minutes, one thread

Solutions of the Allen-Cahn equation from the mean of their square in a quarter as many cells, see `energies.py`.
Expected: as for `bifurcation.py`.

A study that was ended continues with the trainings that are missing. Writes results/super_resolution-<preset>.json and
the table beside it.
"""

from experiments.relaxed.study import command

PROBLEMS = ("coarse_energy",)


def main() -> None:
    """Runs what is not there yet."""
    command("super_resolution", PROBLEMS, __doc__ or "")


if __name__ == "__main__":
    main()
