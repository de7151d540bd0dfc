"""Which symmetry helps? After the ablation of Brandstetter, Welling and Worrall (2022), Korteweg-de Vries.

    .venv/bin/python -m experiments.lpsda.combining                               # half an hour on two cores
    .venv/bin/python -m experiments.lpsda.combining --preset paper --device cuda  # hours

Windows that start anywhere (g1), translations in x (g2) and boosts (g3) are added to one another; beside them two
vector fields that are no symmetries, the shift of u alone and the boost of the wrong sign. Expected: the translation in
x changes nothing, as the operator has it by construction; the boost helps most; what is no symmetry harms.

The scaling (g4) is left out: it changes the length of the box and the spacing of the frames, which an operator on one
grid is not told. In the paper it adds nothing to the other three.

Repeating the command continues. Writes results/combining-<preset>.json and the table beside it.
"""

from pathlib import Path

from experiments.forecasting.run import main

RESULTS = Path(__file__).parent / "results"

if __name__ == "__main__":
    main("combining", RESULTS, __doc__)
