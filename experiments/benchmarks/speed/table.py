"""The results as a page of markdown."""

from collections.abc import Mapping
from typing import Any

from speed.bench import Bar, Line, Row


def page(rows: Mapping[str, Row], machines: Mapping[str, Mapping[str, Any]]) -> str:
    """Every bar, then every row with what each tool took."""
    text = ["# Speed of the solvers", "", "Rendered from `solvers.json` by `../solvers.py`; not written by hand.", ""]
    text += ["| row | what | measured | bar | reached |", "| --- | --- | ---: | ---: | --- |"]
    for name, row in rows.items():
        text += [_bar(name, bar) for bar in row.bars]
    text += [
        "",
        "CPU-seconds of one thread, median [smallest, largest], all trajectories of a line together. The first",
    ]
    text += ["call, which compiles, is not among them."]
    for name, row in rows.items():
        text += ["", f"## {name}: {row.title}", ""]
        text += ["| tool | configuration | trajectories | CPU-s | first call, CPU-s | median error | worst error |"]
        text += ["| --- | --- | ---: | ---: | ---: | ---: | ---: |"]
        text += [_line(line) for line in row.lines]
        if row.facts:
            text += ["", "; ".join(f"{key.replace('_', ' ')}: {value:.2g}" for key, value in row.facts.items()) + "."]
        machine = machines[name]
        versions = ", ".join(f"{package} {version}" for package, version in machine["versions"].items())
        text += ["", f"{machine['processor']}, load {machine['load'][0]:g}, Python {machine['python']}, {versions}."]
    return "\n".join(text) + "\n"


def _bar(name: str, bar: Bar) -> str:
    sign = "≥" if bar.least else "≤"
    return (
        f"| {name} | {bar.what} | {_number(bar.measured)} | {sign} {bar.bar:g} | {'yes' if bar.reached else '**no**'} |"
    )


def _line(line: Line) -> str:
    median, least, most = map(_number, line.cpu_seconds)
    errors = " | ".join("" if e is None else f"{e:.1e}" for e in (line.error_median, line.error_worst))
    return (
        f"| {line.tool} | {line.configuration} | {line.trajectories} | {median} [{least}, {most}] | "
        f"{_number(line.first_call)} | {errors} |"
    )


def _number(value: float) -> str:
    return f"{value:.3g}" if 1e-2 <= abs(value) < 1e4 or value == 0 else f"{value:.1e}"
