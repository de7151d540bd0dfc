"""What every row works with: sizes, progress, searches, and the loop that runs tools in turn."""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from torch import Tensor

from pdesym.solvers import solve
from speed.clock import alternate, cpu, spread
from speed.peers import exponax
from speed.problems import Problem, errors
from speed.search import Candidate, Search
from speed.truth import Truth, identity, truth


@dataclass(frozen=True)
class Tool:
    """One column of a comparison.

    Attributes:
        name: of the tool.
        configuration: how it is run, for a reader.
        warm: what compiles it.
        call: all trajectories, `(samples, frames, 1, *points)`.
        samples: number of trajectories that `call` returns, the first ones of the problem.
    """

    name: str
    configuration: str
    warm: Callable[[], object]
    call: Callable[[], Tensor]
    samples: int


@dataclass(frozen=True)
class Line:
    """What one tool did: CPU-seconds as [median, smallest, largest] and errors over its trajectories."""

    tool: str
    configuration: str
    cpu_seconds: list[float]
    trajectories: int
    first_call: float
    error_median: float | None = None
    error_worst: float | None = None

    @property
    def each(self) -> float:
        """CPU-seconds for one trajectory."""
        return self.cpu_seconds[0] / self.trajectories


@dataclass(frozen=True)
class Bar:
    """A number against its bar; `least` says that it must be at least, else at most, the bar."""

    what: str
    measured: float
    bar: float
    least: bool = True

    @property
    def reached(self) -> bool:
        """Whether it is on the right side."""
        return self.measured >= self.bar if self.least else self.measured <= self.bar


@dataclass
class Row:
    """What one row found."""

    title: str
    lines: list[Line] = field(default_factory=list)
    bars: list[Bar] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)

    def record(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)

    @staticmethod
    def from_record(record: dict[str, Any]) -> "Row":
        """The row of a record."""
        return Row(
            record["title"],
            [Line(**line) for line in record["lines"]],
            [Bar(**bar) for bar in record["bars"]],
            record["facts"],
        )


@dataclass(frozen=True)
class Bench:
    """Sizes and progress of a run.

    Attributes:
        quick: small sizes that show that everything works and prove nothing.
        say: takes a line of progress.
        searches: the file in which searches of fixed steps are kept.
    """

    quick: bool
    say: Callable[[str], None]
    searches: Path

    @property
    def rounds(self) -> int:
        """How often each tool runs where a run takes seconds."""
        return 1 if self.quick else 3

    @property
    def many(self) -> int:
        """How often each tool runs where a run takes a fraction of a second."""
        return 3 if self.quick else 5

    def sized(self, problem: Problem) -> Problem:
        """The problem, in a quick run with 4 samples and a tenth of the time."""
        if not self.quick:
            return problem
        return replace(problem, samples=4, horizon=problem.horizon / 10, frames=problem.frames // 10)

    def truth(self, problem: Problem) -> Truth:
        """The kept truth of a problem, or a new one."""
        return truth(problem, self.say)

    def best_exponax(
        self,
        problem: Problem,
        exact: Tensor,
        configurations: Sequence[exponax.Configuration],
        most: int,
        kind: str = "exponax",
    ) -> exponax.Configuration:
        """The cheapest configuration and step that reach the problem's bar in every sample, from the file or found."""
        kept = json.loads(self.searches.read_text(encoding="utf-8")) if self.searches.exists() else {}
        key = f"{identity(problem)} {kind} {problem.bar:g}"
        if key not in kept:
            search = Search(problem, exact, self.say)
            best = search.cheapest(
                [
                    Candidate(
                        {k: v for k, v in c.record().items() if k not in ("points", "steps")},
                        c.points,
                        partial(_with_steps, problem, c),
                    )
                    for c in configurations
                ],
                configurations[0].steps,
                most,
            )
            # Another run may have added its own meanwhile.
            kept = json.loads(self.searches.read_text(encoding="utf-8")) if self.searches.exists() else {}
            kept[key] = {"best": best, "measured": search.measured}
            self.searches.parent.mkdir(exist_ok=True)
            self.searches.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
        best = kept[key]["best"]
        return exponax.Configuration(**{name: best[name] for name in exponax.Configuration.__dataclass_fields__})

    def compare(self, problem: Problem, exact: Tensor | None, tools: Sequence[Tool], rounds: int) -> list[Line]:
        """Every tool warmed up, then all in turn; errors are those of the last round."""
        first = {}
        for tool in tools:
            first[tool.name, tool.configuration] = cpu(tool.warm)[0]
        results: dict[str, Tensor] = {}

        def keeping(index: int, tool: Tool) -> Callable[[], object]:
            def call() -> object:
                results[str(index)] = tool.call()
                return None

            return call

        calls = {str(i): keeping(i, tool) for i, tool in enumerate(tools)}
        seconds = alternate(calls, rounds, warm=False)
        lines = []
        for i, tool in enumerate(tools):
            error = None if exact is None else errors(results[str(i)], exact[: tool.samples])
            line = Line(
                tool.name,
                tool.configuration,
                spread(seconds[str(i)]),
                tool.samples,
                first[tool.name, tool.configuration],
                None if error is None else float(error.median()),
                None if error is None else float(error.max()),
            )
            worst = "" if error is None else f", worst error {line.error_worst:.2e}"
            self.say(
                f"{problem.name}: {tool.name} ({tool.configuration}) {line.cpu_seconds[0]:.3f} CPU-s "
                f"[{line.cpu_seconds[1]:.3f}, {line.cpu_seconds[2]:.3f}] for {tool.samples}{worst}"
            )
            lines.append(line)
        return lines


def _with_steps(problem: Problem, configuration: exponax.Configuration, steps: int) -> Callable[[Tensor], Tensor]:
    return exponax.prepare(problem, replace(configuration, steps=steps))


def exponax_tool(problem: Problem, configuration: exponax.Configuration, name: str) -> Tool:
    """exponax on a problem, compiled for its chunks by the warm-up."""
    c, u0 = configuration, problem.initial(configuration.points)
    run = exponax.prepare(problem, c)
    rest = len(u0) % c.chunk

    def warm() -> object:
        return run(u0[: c.chunk]), run(u0[:rest]) if rest else None

    grid = f"{c.points} points" if problem.grid.dims == 1 else f"{c.points}² points"
    products = "all modes" if c.dealiasing is None else "2/3 of the modes"
    kind = ", float32" if c.single else ""
    return Tool(name, f"{grid}, {c.steps} steps a frame, {products}{kind}", warm, lambda: run(u0), len(u0))


def ours(problem: Problem, **options: Any) -> Tool:
    """`pdesym.solvers.solve` on a problem, with `rtol` or `dt` and whatever else it takes."""
    u0, times, equation = problem.initial(), problem.times, problem.equation()

    def warm() -> object:
        return solve(equation, u0[:2], problem.grid, times[:2], **options)

    def call() -> Tensor:
        return solve(equation, u0, problem.grid, times, **options).u

    shown = ", ".join(f"{k}={v:g}" if isinstance(v, float) else f"{k}={v}" for k, v in options.items())
    return Tool("pdesym", shown, warm, call, len(u0))
