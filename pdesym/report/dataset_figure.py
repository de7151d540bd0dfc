"""The figures of a dataset: some trajectories, and its spectra, drifts and errors."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from pdesym.datasets.stored import OWN_SCALES
from pdesym.datasets.stretched import STRETCH
from pdesym.datasets.summary import FieldSummary, SplitSummary, Summary
from pdesym.report.figures.house_style import (
    FAINT,
    FURTHER,
    GRID,
    house_style,
    new_figure,
    shortened,
    show_decades,
    wrapped,
)
from pdesym.report.figures.space_time import draw_field, largest
from pdesym.report.number_text import given_text, power_of_ten_text

_SHOWN_FRAMES = 4
_LOWEST = 1e-17
_LEAST_DRIFT = 1e-20
_ROOM = 0.1
"""Of the height of a panel that an entry of its legend takes."""


def trajectories_figure(
    summary: Summary, fields: Mapping[str, Float[np.ndarray, "sample time ..."]], samples: Sequence[int]
) -> Figure:
    """Some trajectories: a row for each field; over space and time in 1D, at some times beyond.

    In 2D and 3D the first trajectory is shown alone, in 3D in the plane through the middle of the last axis.

    Args:
        summary: of the dataset.
        fields: of these samples, `(sample, time, *space)`.
        samples: their indices in the split.
    """
    coordinates = [np.arange(axis.points) * axis.length / axis.points for axis in summary.axes]
    flat = len(coordinates) == 1
    times = summary.times
    labels = [f"{axis.name}, on the common box" if own_length(summary) else axis.name for axis in summary.axes]
    clock = "t, before it is stretched" if STRETCH in summary.distributions else "t"
    frames = np.unique(np.linspace(0, len(times) - 1, _SHOWN_FRAMES).round().astype(int))
    columns = len(samples) if flat else len(frames)
    with house_style():
        figure = new_figure(2.9 * columns + 0.9, 2.6 * len(fields) + 0.3)
        grid = figure.subplots(len(fields), columns, squeeze=False)
        for row, (name, values) in enumerate(fields.items()):
            scale = largest(values)
            for column, axes in enumerate(grid[row]):
                if flat:
                    image = draw_field(axes, coordinates[0], times, values[column], scale)
                    axes.set(title=f"{name}, sample {samples[column]}", xlabel=labels[0])
                else:
                    frame = values[0, frames[column]]
                    plane = frame if frame.ndim == 2 else frame[..., frame.shape[-1] // 2]
                    image = draw_field(axes, coordinates[0], coordinates[1], plane.T, scale)
                    title = f"{name}, sample {samples[0]}, t = {times[frames[column]]:.4g}"
                    axes.set(title=shortened(title, 34), xlabel=labels[0])
                    axes.set_aspect("equal" if 0.2 < _aspect(summary) < 5 else "auto")
                if column == 0:
                    axes.set_ylabel(clock if flat else labels[1])
            figure.colorbar(image, ax=list(grid[row]), label=name, pad=0.01).outline.set_visible(False)
    return figure


def own_length(summary: Summary) -> bool:
    """Whether every sample has a box of its own."""
    return any(name in summary.distributions for name in OWN_SCALES if name != STRETCH)


def numbers_figure(summary: Summary, split: SplitSummary) -> Figure:
    """The spectra at some times, the drift of the invariants over time, and the estimated errors of one split."""
    shown = [field for field in split.fields if field.power][:3]
    columns = 3 if len(shown) == 1 else 2
    rows = math.ceil((len(shown) + 2) / columns)
    with house_style():
        figure = new_figure(4.1 * columns, 3.1 * rows)
        panels = figure.subplots(rows, columns, squeeze=False).flatten()
        for axes, field in zip(panels, shown, strict=False):
            _draw_spectrum(axes, summary, field)
        for axes in panels[len(shown) : -2]:
            axes.set_axis_off()
        _draw_drift(panels[-2], summary, split)
        _draw_errors(panels[-1], summary, split)
    return figure


def _aspect(summary: Summary) -> float:
    return summary.axes[0].length / summary.axes[1].length


def _draw_spectrum(axes: Axes, summary: Summary, field: FieldSummary) -> None:
    """The spectrum along the first periodic axis; later frames are darker."""
    axis, power = next(iter(field.power.items()))
    wavenumbers = np.arange(1, power.shape[1])
    for number, frame in enumerate(field.frames):
        colour = colormaps["viridis_r"](0.1 + 0.9 * number / max(len(field.frames) - 1, 1))
        label = f"t = {summary.times[frame]:.4g}"
        axes.plot(wavenumbers, np.maximum(power[number, 1:], _LOWEST**2), color=colour, linewidth=1.2, label=label)
    show_decades(axes)
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: given_text(value)))
    axes.grid(axis="y", color=GRID, linewidth=0.8)
    axes.set(title=f"mean power of {field.name} along {axis}", xlabel="wavenumber, in 2π/L")
    axes.legend(frameon=False, fontsize=8, handlelength=1.2)


def _draw_drift(axes: Axes, summary: Summary, split: SplitSummary) -> None:
    axes.set(title="largest drift of the invariants, stored points", xlabel="t")
    if not split.invariants:
        _say(axes, "no invariants are stored")
        return
    for number, invariant in enumerate(split.invariants):
        kind = " (of 0, absolute)" if invariant.relative is None else " (of sampling)" if invariant.sampled else ""
        colour = FURTHER[number % len(FURTHER)]
        drift = np.maximum(invariant.drift[1:], _LEAST_DRIFT)
        line = (0, (4, 2)) if invariant.sampled else "solid"
        label = shortened(f"{invariant.name}{kind}")
        axes.plot(summary.times[1:], drift, color=colour, linestyle=line, label=label)
    show_decades(axes)
    low, high = axes.get_ylim()
    if high < 10 * low:  # at least two ticks
        low, high = 10.0 ** math.floor(math.log10(low)), 10.0 ** math.ceil(math.log10(high))
    free = min(_ROOM * len(split.invariants), 0.6)
    axes.set_ylim(low, high * (high / low) ** (free / (1 - free)))
    axes.grid(axis="y", color=GRID, linewidth=0.8)
    axes.legend(frameon=False, fontsize=8, loc="upper left")
    if any(invariant.sampled for invariant in split.invariants):
        axes.set_xlabel(f"t\n{wrapped('of sampling: ' + split.resolution.reasons[0], 56)}")


def _draw_errors(axes: Axes, summary: Summary, split: SplitSummary) -> None:
    axes.set(title="estimated relative errors", xlabel="error", ylabel="samples")
    errors = split.error[split.error > 0]
    if not len(errors):
        _say(axes, "no errors were estimated")
        return
    low, high = math.floor(np.log10(errors.min())), math.ceil(np.log10(errors.max()))
    high = max(high, low + 1)
    axes.hist(errors, bins=list(np.logspace(low, high, 8 * (high - low) + 1)), color=FURTHER[2])
    rtol = summary.attributes.get("rtol")
    if isinstance(rtol, float):
        axes.axvline(rtol, color=FAINT, linewidth=1.0, linestyle=(0, (4, 3)), label="tolerance")
        axes.legend(frameon=False, fontsize=8)
    axes.set_xscale("log")
    axes.yaxis.set_major_locator(MaxNLocator(5, integer=True))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: power_of_ten_text(value)))
    axes.xaxis.set_minor_formatter(FuncFormatter(lambda value, _: ""))


def _say(axes: Axes, text: str) -> None:
    axes.text(0.5, 0.5, text, ha="center", va="center", color=FAINT, transform=axes.transAxes)
    axes.set(xticks=[], yticks=[], xlabel="", ylabel="")
    axes.spines[:].set_visible(False)
