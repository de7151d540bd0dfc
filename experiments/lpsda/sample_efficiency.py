"""Is a Galilean boost worth a factor in the number of trajectories? After Brandstetter, Welling and Worrall (2022).

    .venv/bin/python -m experiments.lpsda.sample_efficiency                               # half an hour on two cores
    .venv/bin/python -m experiments.lpsda.sample_efficiency --preset paper --device cuda  # hours

Fourier neural operators for Korteweg-de Vries and Kuramoto-Sivashinsky, trained on N trajectories, with and without
the boost, three paired seeds. Expected of the preset laptop: the unrolled NMSE with the boost is at most 0.6 of that
without it, for both equations and N = 8 and 32; and for Korteweg-de Vries 32 trajectories with it beat 128 without.

Repeating the command continues. Writes results/sample_efficiency-<preset>.json and the table beside it.
"""

from pathlib import Path

from experiments.forecasting.run import main

RESULTS = Path(__file__).parent / "results"

if __name__ == "__main__":
    main("sample_efficiency", RESULTS, __doc__)
