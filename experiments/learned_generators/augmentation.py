"""Do generators that are learned from data augment as well as the exact ones? After Ko, Kim and Lee (2024).

    .venv/bin/python -m experiments.learned_generators.augmentation                               # an hour on two cores
    .venv/bin/python -m experiments.learned_generators.augmentation --preset paper --device cuda  # hours

The arms of ../lpsda/sample_efficiency.py with N trajectories, without augmentation and with the exact boost, and beside
them a third: generators are learned from the very trajectories that the arm trains on, and what moves them are these.
Expected of the preset laptop: the unrolled NMSE with the boost is at most 0.6 of that without, and with the learned
generators it is that of the boost, up to the spread of the seeds.

Arms that another script has trained are taken over. Repeating the command continues. Writes
results/augmentation-<preset>.json and the table beside it.
"""

from pathlib import Path

from experiments.forecasting.run import main

RESULTS = Path(__file__).parent / "results"

if __name__ == "__main__":
    main("augmentation", RESULTS, __doc__)
