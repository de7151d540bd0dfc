"""One picture of a whole run: the data, the forecast, the symmetry."""

from collections.abc import Mapping
from typing import Any

from matplotlib.figure import Figure

from pdesym.report.example import Example
from pdesym.report.figures.defect_bars import draw_defects, largest_defect
from pdesym.report.figures.error_growth import draw_errors
from pdesym.report.figures.house_style import house_style, new_figure, wrapped
from pdesym.report.figures.space_time import draw_field, largest
from pdesym.report.table import defect_table


def summary_figure(example: Example, forecast: Mapping[str, Any], defects: Mapping[str, Any], formula: str) -> Figure:
    """Left a trajectory of the equation, in the middle the NMSE of each frame, right the defects as bars."""
    with house_style():
        figure = new_figure(12.4, 4.3)
        field, errors, bars = figure.subplots(1, 3, width_ratios=[0.8, 0.95, 1.4])
        image = draw_field(field, example.x, example.times, example.truth, largest(example.truth))
        field.set(xlabel="x", ylabel="t", title=wrapped(f"u(x, t) with {formula}", 44))
        figure.colorbar(image, ax=field, pad=0.02).outline.set_visible(False)
        draw_errors(errors, forecast)
        errors.set(xlabel="t", title="NMSE of each frame of the forecast")
        draw_defects(bars, defect_table(defects), largest_defect(defects), value_room=0.18, label_width=18)
        bars.set_xlabel("relative defect")
    return figure
