"""Spectra of symmetry conditions on one axis: what counts as zero, and what does not."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from pdesym.report.figures.house_style import FAINT, GRID, house_style, new_figure, shortened, show_decades
from pdesym.report.number_text import measured_text

# Okabe and Ito, with a shape each: told apart in grey too.
LOOKS = (("#0072b2", "o"), ("#d55e00", "s"), ("#009e73", "^"), ("#cc79a7", "D"), ("#6e7781", "v"))
# Rounding leaves nothing to read below this; a singular value of 0 is drawn here.
LOWEST = 1e-17
# Sources stand beside each other, so that equal values do not hide each other.
SPREAD = 0.56


def spectra_figure(discoveries: Sequence[Mapping[str, Any]]) -> Figure:
    """The singular values of up to five sources, ascending, on a logarithmic axis.

    Filled markers count as zero, one for each symmetry; open ones do not. A dashed line is the floor of its source.

    Args:
        discoveries: loaded JSON of `Discovery.to_json`.

    Raises:
        ValueError: for none, or more than can be told apart.
    """
    if not 1 <= len(discoveries) <= len(LOOKS):
        raise ValueError(
            f"Expected 1 to {len(LOOKS)} spectra for one figure, got {len(discoveries)}: leave some out, or draw two."
        )
    with house_style():
        figure = new_figure(8.0, 4.2 + 0.24 * len(discoveries))
        axes = figure.add_subplot()
        draw_spectra(axes, discoveries)
        figure.legend(
            handles=[_legend_entry(k, discovery) for k, discovery in enumerate(discoveries)],
            loc="outside upper left",
            frameon=False,
            handletextpad=0.6,
            labelspacing=0.35,
        )
    return figure


def draw_spectra(axes: Axes, discoveries: Sequence[Mapping[str, Any]]) -> None:
    """Draws the markers and floors of each source, and says what filled and open mean."""
    show_decades(axes)
    longest = max(len(discovery["spectrum"]) for discovery in discoveries)
    size = 6.5 if longest <= 40 else 4.0
    for k, discovery in enumerate(discoveries):
        colour, shape = LOOKS[k]
        shift = SPREAD * ((k + 0.5) / len(discoveries) - 0.5)
        values = [max(value, LOWEST) for value in discovery["spectrum"]]
        places = [index + shift for index in range(1, len(values) + 1)]
        count = discovery["dimension"]
        axes.plot(places, values, color=colour, linewidth=0.8, alpha=0.35)
        marks: dict[str, Any] = {"color": colour, "marker": shape, "markersize": size, "linestyle": "none"}
        axes.plot(places[:count], values[:count], label=f"zero {k}", **marks)
        axes.plot(places[count:], values[count:], label=f"other {k}", markerfacecolor="white", **marks)
        if discovery["floor"] is not None:
            floor = [discovery["floor"]] * 2
            axes.plot([0.4, longest + 0.6], floor, color=colour, linewidth=1.0, linestyle=(0, (4, 3)), zorder=0.8)
    axes.set_xlim(0.4, longest + 0.6)
    low, high = _decades(discoveries)
    axes.set_ylim(low, high)
    axes.grid(axis="y", color=GRID, linewidth=0.8)
    axes.xaxis.set_major_locator(MaxNLocator(min(longest, 12), integer=True))
    axes.set(xlabel="number of the singular value", ylabel="singular value (0: a symmetry)")
    axes.set_title("filled: counted as zero, open: not, dashed: the floor", color=FAINT, size=9)


def _legend_entry(k: int, discovery: Mapping[str, Any]) -> Line2D:
    colour, shape = LOOKS[k]
    count, floor = discovery["dimension"], discovery["floor"]
    name = shortened(f"{discovery['source']}: {discovery['subject']}", 62)
    verdict = f"{count} symmetr{'y' if count == 1 else 'ies'}"
    known = "no floor" if floor is None else f"floor {measured_text(floor)}"
    return Line2D([], [], color=colour, marker=shape, linewidth=0.8, label=f"{name}: {verdict}, {known}")


def _decades(discoveries: Sequence[Mapping[str, Any]]) -> tuple[float, float]:
    """Whole decades around everything that is drawn, with room for half a marker."""
    values = [max(value, LOWEST) for discovery in discoveries for value in discovery["spectrum"]]
    values += [discovery["floor"] for discovery in discoveries if discovery["floor"]]
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(*values, 1.0)))
    room = 0.04 * (high - low)
    return 10.0 ** (low - room), 10.0 ** (high + room)
