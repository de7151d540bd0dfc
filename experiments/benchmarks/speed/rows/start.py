"""Fresh processes: importing the package, and the first solution of an equation that nothing has seen before."""

import json
import os
import subprocess
import sys
import tempfile
from statistics import median

from speed.bench import Bar, Bench, Line, Row

PROGRAM = """
import json, time
begin = time.process_time(), time.perf_counter()
import pdesym.solvers as solvers
imported = time.process_time(), time.perf_counter()
equation = solvers.Equation("u_t = -3*u**2*u_x - 0.7*u_xxx + 0.01*u_xx")
grid = solvers.Grid(128, length=64.0)
u0 = solvers.RandomSinusoids().sample(grid, range(2), seed=0)
solvers.solve(equation, u0, grid, [0.5, 1.0], rtol=1e-6)
solved = time.process_time(), time.perf_counter()
solvers.solve(equation, u0, grid, [0.5, 1.0], rtol=1e-6)
again = time.process_time()
print(json.dumps([imported[0] - begin[0], imported[1] - begin[1], solved[0] - imported[0], solved[1] - imported[1],
                  again - solved[0]]))
"""


def start_row(bench: Bench) -> Row:
    """CPU-seconds of several processes with what is compiled kept between them, and of one where nothing is."""
    with tempfile.TemporaryDirectory() as folder:
        environment = os.environ | {"NUMBA_CACHE_DIR": folder}
        cold = _process(environment)
        warm = [_process(environment) for _ in range(bench.many)]
    imports, firsts = [run[0] for run in warm], [run[2] for run in warm]
    compiling = max(0.0, cold[2] - median(firsts))
    bench.say(f"start: import {median(imports):.2f}, first solution {median(firsts):.2f}, compiling {compiling:.2f}")
    return Row(
        "Fresh processes",
        [
            Line("pdesym", "import pdesym.solvers", [median(imports), min(imports), max(imports)], 1, cold[0]),
            Line(
                "pdesym",
                "first solve of a new equation (first call: with nothing compiled kept)",
                [median(firsts), min(firsts), max(firsts)],
                1,
                cold[2],
            ),
        ],
        [
            Bar("import, CPU-s", median(imports), 2.5, least=False),
            Bar("first solve, CPU-s", median(firsts), 1.0, least=False),
        ],
        {"compiling": compiling, "the same solve again": median(run[4] for run in warm)},
    )


def _process(environment: dict[str, str]) -> list[float]:
    run = subprocess.run([sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, check=True)
    seconds: list[float] = json.loads(run.stdout)
    return seconds
