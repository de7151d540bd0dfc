"""Fields as images over space and time: x to the right, t upwards, colours centred at zero."""

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.figure import Figure

from pdesym.report.example import Example
from pdesym.report.figures.house_style import house_style, new_figure, shortened


def trajectory_figure(
    x: Float[np.ndarray, " x"], times: Float[np.ndarray, " time"], u: Float[np.ndarray, "time x"]
) -> Figure:
    """One trajectory u(x, t), with its colour bar; everything dimensionless."""
    with house_style():
        figure = new_figure(7.2, 4.2)
        axes = figure.add_subplot()
        image = draw_field(axes, x, times, u, largest(u))
        axes.set(xlabel="x", ylabel="t")
        figure.colorbar(image, ax=axes, label="u (dimensionless)", pad=0.02).outline.set_visible(False)
    return figure


def forecast_figure(example: Example) -> Figure:
    """Truth, predictions and their errors, aligned: fields share one colour scale, the errors another one.

    The error is prediction minus truth, dimensionless.
    """
    truth = example.forecast_truth
    errors = {name: field - truth for name, field in example.predictions.items()}
    field_scale, error_scale = largest(truth), largest(*errors.values())
    names = list(errors)
    with house_style():
        figure = Figure(figsize=(3.2 * (1 + len(names)) + 0.6, 5.4))
        cells = figure.add_gridspec(
            2, 1 + len(names), left=0.055, right=0.99, bottom=0.09, top=0.95, wspace=0.06, hspace=0.32
        )
        corner = figure.add_subplot(cells[0, 0])
        corner.set(title="truth", xlabel="x", ylabel="t")
        image = draw_field(corner, example.x, example.forecast_times, truth, field_scale)
        for column, name in enumerate(names, start=1):
            above = figure.add_subplot(cells[0, column], sharex=corner, sharey=corner, title=shortened(name))
            draw_field(above, example.x, example.forecast_times, example.predictions[name], field_scale)
            above.tick_params(labelbottom=False, labelleft=False)
            below = figure.add_subplot(
                cells[1, column], sharex=corner, sharey=corner, title=f"error of the {shortened(name)}"
            )
            error_image = draw_field(below, example.x, example.forecast_times, errors[name], error_scale)
            below.tick_params(labelleft=column == 1)
        # The free cell below the truth takes the two colour bars.
        free = cells[1, 0].get_position(figure)
        for bar_image, label, height in ((image, "u (dimensionless)", 0.72), (error_image, "prediction − truth", 0.22)):
            place = figure.add_axes((free.x0, free.y0 + height * free.height, 0.75 * free.width, 0.07 * free.height))
            figure.colorbar(bar_image, cax=place, orientation="horizontal", label=label).outline.set_visible(False)
    return figure


def draw_field(
    axes: Axes,
    x: Float[np.ndarray, " x"],
    times: Float[np.ndarray, " time"],
    field: Float[np.ndarray, "time x"],
    scale: float,
) -> QuadMesh:
    """Draws a field with colours from -scale to scale; values that are not finite stay grey."""
    axes.set_facecolor("#b0b0b0")
    axes.spines[:].set_visible(False)
    return axes.pcolormesh(x, times, np.ma.masked_invalid(field), shading="nearest", vmin=-scale, vmax=scale)


def largest(*fields: Float[np.ndarray, "..."]) -> float:
    """The largest finite absolute value of the fields, 1 when there is none but zero."""
    values = np.concatenate([np.abs(field[np.isfinite(field)]) for field in fields])
    return float(values.max(initial=0.0)) or 1.0
