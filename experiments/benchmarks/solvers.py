"""How fast trajectories of known accuracy are, beside the tools that make them elsewhere.

    python3 -m venv bench && bench/bin/pip install -c constraints.txt -e ".[bench]"
    bench/bin/python experiments/benchmarks/solvers.py [--only kdv,ks] [--again] [--quick] [--without-peers]

Every number is CPU-seconds of one thread on one processor, but for the row gpu, which is left out where torch sees no
GPU; tools run in turn in the same loop, after a first call of each that compiles and is listed apart. Peers run at
their best: of exponax the cheapest grid and fixed step that reach the error in every sample are searched for, once, and
kept in results/solvers_search.json with all that was tried. Truths are made once and kept in cache/ (a quarter of an
hour). Rows that were measured are kept in results/solvers.json until `--again`; results/solvers.md is rendered from it.
Expected: every bar in the table is reached. About a quarter of an hour on one CPU core once searches and truths are
there; `--quick` shows that all rows work.
"""

import argparse
import json
import sys
import traceback
from pathlib import Path

from rich.console import Console
from speed.machine import facts, missing, one_thread

HERE = Path(__file__).parent
PEERLESS = ("tangent", "start", "transforms", "gpu")
"""Rows that need no other tool."""


def main() -> int:
    """Measures the rows that are asked for, keeps the others; 1 when a row failed."""
    import torch
    from speed.bench import Bench, Row
    from speed.rows import ROWS
    from speed.table import page

    options = _options(list(ROWS))
    console = Console()
    wanted = [name for name in ROWS if name in options.only and not (options.without_peers and name not in PEERLESS)]
    if missing() and any(name not in PEERLESS for name in wanted):
        console.print(
            f"{' and '.join(missing())} not found: install them with `pip install -c constraints.txt -e '.[bench]'`, "
            "or leave their rows out with --without-peers.",
            markup=False,
        )
        return 2
    results = HERE / "results" / ("solvers_quick" if options.quick else "solvers")
    record = json.loads(results.with_suffix(".json").read_text()) if results.with_suffix(".json").exists() else {}
    bench = Bench(
        options.quick,
        lambda text: console.print(text, markup=False, highlight=False),
        results.with_name(f"{results.name}_search.json"),
    )
    failed = []
    for name in wanted:
        if name in record and not options.again:
            console.print(f"[dim]{name}: kept; --again measures it anew")
            continue
        if name == "gpu" and not torch.cuda.is_available():
            console.print("[dim]gpu: left out, torch sees no GPU here")
            continue
        console.rule(name)
        before = facts()
        try:
            row = ROWS[name](bench)
        except Exception:
            # A row that cannot be measured yet must not keep the others from it.
            console.print(traceback.format_exc(), markup=False)
            failed.append(name)
            continue
        record[name] = {"row": row.record(), "machine": before}
        record = {key: record[key] for key in ROWS if key in record}
        results.parent.mkdir(exist_ok=True)
        results.with_suffix(".json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
        rows = {key: Row.from_record(kept["row"]) for key, kept in record.items()}
        machines = {key: kept["machine"] for key, kept in record.items()}
        results.with_suffix(".md").write_text(page(rows, machines), encoding="utf-8")
        for bar in row.bars:
            mark = "[green]yes" if bar.reached else "[red]no"
            console.print(f"{bar.what}: {bar.measured:.3g} (bar {bar.bar:g}) {mark}")
    if failed:
        console.print(f"[red]failed: {', '.join(failed)}")
    return int(bool(failed))


def _options(rows: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default=",".join(rows), help=f"rows, comma between them: {', '.join(rows)}")
    parser.add_argument("--again", action="store_true", help="measure rows anew that were measured before")
    parser.add_argument("--quick", action="store_true", help="small sizes, into results/solvers_quick.json")
    parser.add_argument("--without-peers", action="store_true", help="only rows that need no other tool")
    options = parser.parse_args()
    options.only = options.only.split(",")
    unknown = [name for name in options.only if name not in rows]
    if unknown:
        parser.error(f"no row is called {', '.join(unknown)}: choose from {', '.join(rows)}")
    return options


if __name__ == "__main__":
    one_thread()
    sys.exit(main())
