"""Plain, augmented, promoted and enforced Fourier neural operators, on three equations and on broken ones.

    .venv/bin/python -m experiments.unified.operators                               # an hour on two cores
    .venv/bin/python -m experiments.unified.operators --preset paper --device cuda  # a day

Otto, Zolman, Kutz and Brunton (JMLR 26 (248), 2025) have no operator and no equation among their experiments: there is
nothing to reproduce. Burgers, Korteweg-de Vries and Kuramoto-Sivashinsky map u(0) to u(T) on a circle. Their symmetries
there are ∂_x, t ∂_x + ∂_u and ∂_t; a drag breaks the second by a known amount. The same FNO learns from the same pairs

    plain      from the pairs alone,
    augmented  from pairs moved by boosts up to the fluctuation of the fields,
    promoted   with the nuclear norm of its Lie derivatives along the first two as a penalty, at inputs moved as far,
    informed   the same along all three, for which the penalty has to know the right-hand side of the equation,
    enforced   inside the boost, the scaling and the reflection that the equation without drag has.

Training fields have zero mean, so that nothing in them speaks of the boost; those of the broken equations have means,
which show how it is broken. Expected: enforced operators are at least five times better than augmented ones at boosts
that none has seen, promoted ones not worse; promotion lowers the boost's defect at least tenfold, at no cost; with a
drag it keeps the broken generator broken, by as much as it is, and the others whole.

Repeating the command continues. Writes results/operators-<preset>.json and the table beside it.
"""

import argparse
import sys
from pathlib import Path

from experiments.unified.operators_arm import PRESETS, arms_of, result_of, training_of
from experiments.unified.operators_table import record_of, report
from pdesym.report.rendered import write_rendered
from pdesym.training import train_in_parallel

HERE = Path(__file__).parent
RUNS = HERE.parent.parent / "runs" / "unified" / "operators"


def main() -> None:
    """Runs what is not there yet and gathers all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--preset", default="laptop", choices=tuple(PRESETS))
    parser.add_argument("--device", default="cpu", choices=("cpu", "cuda"))
    parser.add_argument("--workers", type=int, help="arms at a time; by default one a processor, one on a GPU")
    parser.add_argument("--runs", type=Path, default=RUNS, help="folder for checkpoints and scores")
    arguments = parser.parse_args()
    preset, runs = PRESETS[arguments.preset], arguments.runs
    arms = arms_of(preset)
    todo = [arm for arm in arms if result_of(runs, preset, arm) is None]
    print(f"{arguments.preset}: {len(todo)} of {len(arms)} arms to train, into {runs}", file=sys.stderr, flush=True)
    workers = arguments.workers or (1 if arguments.device == "cuda" else None)
    train_in_parallel([training_of(runs, preset, arm, arguments.device) for arm in todo], workers)
    record = record_of(preset, [result for arm in arms if (result := result_of(runs, preset, arm)) is not None])
    write_rendered(HERE / "results" / f"operators-{arguments.preset}.json", record, report(record))
    print(report(record))


if __name__ == "__main__":
    main()
