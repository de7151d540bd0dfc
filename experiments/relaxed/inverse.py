"""Which initial pulse, if the late observation has a symmetry that the pulse has not?

    .venv/bin/python -m experiments.relaxed.inverse --preset laptop    # 2 CPU-minutes, one thread

Burgers' equation, observed by sensors that add up p equal places, see `folded.py`: p pulses explain an observation
equally well. Expected: as for `bifurcation.py`.

A study that was ended continues with the trainings that are missing. Writes results/inverse-<preset>.json and the table
beside it.
"""

from experiments.relaxed.study import command

PROBLEMS = ("folded_burgers",)


def main() -> None:
    """Runs what is not there yet."""
    command("inverse", PROBLEMS, __doc__ or "")


if __name__ == "__main__":
    main()
