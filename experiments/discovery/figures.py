"""The figures of this folder's page, drawn from the results alone.

    .venv/bin/python -m experiments.discovery.figures

Writes spectra_burgers.png, spectra_kdv.png, ladder.png and noise.png beside itself; spectra of trained networks are
drawn as soon as there are results for them. Seconds.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter

from pdesym.report import spectra_figure
from pdesym.report.figures.house_style import GRID, house_style, new_figure
from pdesym.report.figures.png import png
from pdesym.report.figures.spectra import LOOKS
from pdesym.report.number_text import power_of_ten_text

HERE = Path(__file__).parent
RESULTS = HERE / "results"
DOTS_PER_INCH = 110
# A figure of spectra tells so many sources apart.
SOURCES = 5
# The height, in degrees, at which missed dimensions are marked.
TOP = 1.0


def results(name: str) -> dict[str, Any]:
    """The JSON of one script; empty where it has not run."""
    path = RESULTS / f"{name}.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


def spectra(name: str) -> list[dict[str, Any]]:
    """What was discovered of an equation from each source, as far as one figure can show them."""
    known = [results(source)["spectra"][name] for source in ("equations", "operators", "data")]
    known[2] |= {"subject": f"{known[2]['subject']} (noise {known[2]['noise']:g})"}
    libraries = results("trained").get(name, {}).get("libraries", {})
    full = [each for each in libraries.values() if len(each["exact algebra"]) == known[0]["dimension"]]
    networks = [each for one in full for key, each in one["operators"].items() if key.startswith("FNO")]
    return [*known, *networks][:SOURCES]


def ladder_figure(broken: dict[str, Any]) -> Figure:
    """The fourth singular value of KdV + eps*u_xx over eps, with a line of its slope."""
    eps = np.array(broken["eps"])
    third, fourth, fifth = np.array(broken["spectra"]).T[2:5]
    with house_style():
        figure = new_figure(5.6, 3.8)
        axes = figure.add_subplot()
        _decades(axes)
        axes.set(xlabel="eps in u_t = −u u_x − u_xxx + eps u_xx", ylabel="singular value")
        for values, label, (colour, shape) in zip(
            (fifth, fourth, third),
            ("fifth: never a symmetry", f"fourth: slope {broken['slope']:.4f}", "third: a symmetry for every eps"),
            (LOOKS[4], LOOKS[1], LOOKS[0]),
            strict=True,
        ):
            axes.plot(eps, values, color=colour, marker=shape, linewidth=1.2, label=label)
        axes.grid(color=GRID, linewidth=0.8)
        figure.legend(loc="outside upper left", frameon=False)
    return figure


def noise_figure(data: dict[str, Any]) -> Figure:
    """The largest angle of the right results over the noise; crosses stand where a dimension is wrong."""
    with house_style():
        figure = new_figure(6.4, 4.4)
        axes = figure.add_subplot()
        _decades(axes)
        axes.set(xlabel="noise, as a share of the root mean square of u", ylabel="angle in degrees")
        for name, (colour, shape) in zip(data["ten"], LOOKS, strict=False):
            for part, style, fill in (("ten", "-", colour), ("one", "--", "white")):
                points = [(float(level), rows) for level, rows in data[part][name].items() if float(level) > 0]
                seen = [(level, _largest(rows)) for level, rows in points if any(row["right"] for row in rows)]
                label = f"{name}, {part} trajector{'ies' if part == 'ten' else 'y'}"
                look = {"color": colour, "marker": shape, "markerfacecolor": fill, "linestyle": style}
                axes.plot(*zip(*seen, strict=True), linewidth=1.2, label=label, **look)
                for level, rows in points:
                    if missed := sum(not row["right"] for row in rows):
                        label = f"{name}, {part}: {missed} of {len(rows)} have another dimension"
                        axes.plot(level, TOP, color=colour, marker="x", markersize=8, linestyle="none", label=label)
        axes.set_ylim(top=2 * TOP)
        axes.grid(color=GRID, linewidth=0.8)
        figure.legend(loc="outside upper left", frameon=False, ncols=2)
    return figure


def _decades(axes: Axes) -> None:
    axes.set(xscale="log", yscale="log")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(FuncFormatter(lambda value, _: power_of_ten_text(value)))
        axis.set_minor_formatter(NullFormatter())


def _largest(rows: list[dict[str, Any]]) -> float:
    return max(row["angle"] for row in rows if row["right"])


def main() -> None:
    """Draws everything."""
    sources = ["results/equations.json", "results/operators.json", "results/data.json"]
    sources += ["results/trained.json"] if results("trained") else []
    drawn = {f"spectra_{name}.png": (spectra_figure(spectra(name)), ", ".join(sources)) for name in ("burgers", "kdv")}
    drawn["ladder.png"] = ladder_figure(results("equations")["broken"]), sources[0]
    drawn["noise.png"] = noise_figure(results("data")), sources[2]
    for name, (figure, source) in drawn.items():
        (HERE / name).write_bytes(png(figure, source, DOTS_PER_INCH))


if __name__ == "__main__":
    main()
