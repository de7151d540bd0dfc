"""Curves of several operators and seeds over one axis: each seed thin, their mean thick, named at its end."""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes

from pdesym.report.figures.house_style import GRID, operator_colours, shortened, show_decades
from pdesym.report.record import Record


def curves_by_operator(arms: Record, key: str) -> dict[str, list[Float[np.ndarray, " point"]]]:
    """The curves that the arms store under a key, those of one operator together."""
    curves: dict[str, list[Float[np.ndarray, " point"]]] = {}
    for arm in arms.elements:
        curves.setdefault(arm["operator"].text, []).append(np.array(arm[key].numbers))
    return curves


def draw_seed_lines(
    axes: Axes,
    positions: Mapping[str, Float[np.ndarray, " point"]],
    curves: Mapping[str, list[Float[np.ndarray, " point"]]],
) -> None:
    """Draws the curves of each operator at its positions, on a logarithmic vertical axis.

    What is not finite or not positive leaves a gap.
    """
    show_decades(axes)
    colours = operator_colours(curves)
    ends: dict[str, float] = {}
    for name, seeds in curves.items():
        mean = np.mean(seeds, axis=0)
        if len(seeds) > 1:
            for seed in seeds:
                axes.plot(positions[name], drawable(seed), color=colours[name], linewidth=0.8, alpha=0.55)
        axes.plot(positions[name], drawable(mean), color=colours[name], linewidth=2.2)
        shown = drawable(mean)
        if np.isfinite(shown).any():
            ends[name] = float(shown[np.isfinite(shown)][-1])
    axes.margins(x=0.0)
    axes.grid(axis="y", color=GRID, linewidth=0.8)
    _name_ends(axes, ends, colours)


def drawable(curve: Float[np.ndarray, " point"]) -> Float[np.ndarray, " point"]:
    """The curve with nan for what a logarithmic axis cannot show."""
    return np.where(np.isfinite(curve) & (curve > 0), curve, np.nan)


def _name_ends(axes: Axes, ends: Mapping[str, float], colours: Mapping[str, str]) -> None:
    """Writes each name to the right of its line's end, at least a line of text apart from the next one."""
    axes.autoscale_view()
    low, high = np.log10(axes.get_ylim())
    heights = {name: float((np.log10(end) - low) / (high - low)) for name, end in ends.items()}
    below = -np.inf
    for name in sorted(heights, key=lambda name: heights[name]):
        below = max(heights[name], below + 0.075)
        axes.text(
            1.015, below, shortened(name), color=colours[name], transform=axes.transAxes, va="center", weight="bold"
        )
