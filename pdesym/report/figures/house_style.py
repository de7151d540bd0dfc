"""What all figures share: fonts, lines and colours, whatever the reader's own matplotlib settings are."""

import textwrap
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from pdesym.report.number_text import power_of_ten_text

INK = "#1f2328"
FAINT = "#6e7781"
GRID = "#d8dee4"

# Okabe and Ito: told apart with any kind of colour vision, and in grey.
OPERATORS = {"exact solver": "#6e7781", "plain FNO": "#d55e00", "boosted FNO": "#0072b2", "self-boosted FNO": "#009e73"}
FURTHER = ("#cc79a7", "#e69f00", "#56b4e9", "#000000")

_STYLE = {
    "font.family": ["DejaVu Sans"],  # comes with matplotlib: the same picture on every machine
    "font.size": 10,
    "text.color": INK,
    "text.parse_math": False,  # a name with a $ in it is a name
    "axes.titlesize": 10,
    "axes.titlelocation": "left",
    "axes.titlepad": 8,
    "axes.labelsize": 10,
    "axes.labelcolor": INK,
    "axes.edgecolor": FAINT,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "xtick.color": FAINT,
    "ytick.color": FAINT,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.labelsize": 9,
    "ytick.labelsize": 9,
    "lines.solid_capstyle": "round",
    "image.cmap": "RdBu_r",
    "figure.dpi": 100,
}


@contextmanager
def house_style() -> Iterator[None]:
    """Matplotlib's defaults with the settings above, for as long as a figure is drawn or written."""
    with style.context(["default", _STYLE]):
        yield


def new_figure(width: float, height: float) -> Figure:
    """An empty figure, its size in inches; it belongs to no window and to no list of open figures."""
    return Figure(figsize=(width, height), layout="constrained")


def operator_colours(names: Iterable[str]) -> dict[str, str]:
    """A colour for each operator; those of the lab always have theirs, so that figures agree."""
    further = iter(FURTHER * 100)
    return {name: OPERATORS.get(name) or next(further) for name in dict.fromkeys(names)}


def shortened(text: str, width: int = 28) -> str:
    """The text, cut with an ellipsis where it is wider than the figure has room for."""
    return text if len(text) <= width else text[: width - 1] + "…"


def wrapped(text: str, width: int) -> str:
    """The text on at most three lines."""
    return "\n".join(textwrap.wrap(shortened(text, 3 * width), width)[:3])


def show_decades(axes: Axes) -> None:
    """Makes the vertical axis logarithmic, with few ticks, written 10⁻³."""
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(numticks=7))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: power_of_ten_text(value)))
    axes.yaxis.set_minor_formatter(NullFormatter())
