"""KdV trajectories against the integrators that published generators use."""

from torch import Tensor

from speed.bench import Bar, Bench, Line, Row, Tool, ours
from speed.clock import spread
from speed.peers import generators, py_pde
from speed.problems import KDV, Problem, errors

TITLE = "KdV as above, against the integrators of published generators on 256 points, 3 samples"
SAMPLES = 3
RTOL = 1e-5


def generators_row(bench: Bench) -> Row:
    """pdesym to rtol 1e-5 against Radau and Dormand-Prince at 1e-9, and py-pde, on the same first samples."""
    whole = bench.sized(KDV)
    exact = bench.truth(whole)
    problem = whole.fewer(SAMPLES)
    u0 = problem.initial()

    def scipy(method: str, name: str) -> Tool:
        return Tool(
            f"scipy {method}, {name}",
            "256 points, rtol = atol = 1e-9",
            lambda: None,
            lambda: generators.integrate(problem, u0, method),
            len(u0),
        )

    tools = [
        ours(problem, rtol=RTOL),
        scipy("Radau", "as in LPSDA"),
        scipy("RK45", "Dormand-Prince, as in Ko et al."),
        scipy("DOP853", "Dormand-Prince of order 8"),
    ]
    lines = bench.compare(problem, exact.u, tools, bench.rounds)
    lines.append(_py_pde(bench, problem, exact.u))
    all_of_them = bench.compare(whole, exact.u, [ours(whole, rtol=RTOL)], 1)
    lines += all_of_them
    mine, radau, dopri = all_of_them[0], lines[1], lines[2]
    bars = [
        Bar("times faster a trajectory than Radau at 1e-9", radau.each / mine.each, 100.0),
        Bar("times faster a trajectory than Dormand-Prince at 1e-9", dopri.each / mine.each, 100.0),
        Bar(
            "worst error of the same samples, as a share of the better of the two",
            (lines[0].error_worst or 0.0) / min(radau.error_worst or 1.0, dopri.error_worst or 1.0),
            1.0,
            least=False,
        ),
    ]
    return Row(TITLE, lines, bars)


def _py_pde(bench: Bench, problem: Problem, exact: Tensor) -> Line:
    """One trajectory, once for each round."""
    runs = [py_pde.integrate(problem, problem.initial(512)[0]) for _ in range(bench.rounds)]
    error = float(errors(runs[-1][0].unsqueeze(0), exact[:1]).max())
    seconds = spread([run[1] for run in runs])
    bench.say(f"py-pde: {seconds[0]:.2f} CPU-s and {runs[0][2]:.1f} to compile, error {error:.2e}")
    return Line("py-pde, numba", "512 points, second order, adaptive, 1e-6", seconds, 1, runs[0][2], error, error)
