"""The error of a forecast, frame by frame."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pdesym.report.figures.house_style import house_style, new_figure
from pdesym.report.figures.seed_lines import curves_by_operator, draw_seed_lines
from pdesym.report.record import Record


def error_figure(forecast: Mapping[str, Any]) -> Figure:
    """The NMSE of each frame of the forecast over its time, from a loaded `forecast.json`."""
    with house_style():
        figure = new_figure(7.2, 3.8)
        axes = figure.add_subplot()
        draw_errors(axes, forecast)
        axes.set(xlabel="t", ylabel="NMSE of the frame")
    return figure


def draw_errors(axes: Axes, forecast: Mapping[str, Any]) -> None:
    """Draws one line an arm, and the mean over the seeds."""
    record = Record("forecast.json", (), forecast)
    times = np.array(record["times"].numbers)
    curves = curves_by_operator(record["arms"], "nmse_per_frame")
    for name, seeds in curves.items():
        for curve in seeds:
            if len(curve) != len(times):
                raise ValueError(
                    f"Expected {len(times)} values of nmse_per_frame for the {name} in results/forecast.json, "
                    f"one for each of times, got {len(curve)}."
                )
    draw_seed_lines(axes, dict.fromkeys(curves, times), curves)
