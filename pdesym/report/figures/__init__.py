"""Figures of a run: each takes what was loaded from the result files and gives back a matplotlib figure."""

from pdesym.report.figures.commutators import commutators_figure
from pdesym.report.figures.defect_bars import defect_figure
from pdesym.report.figures.error_growth import error_figure
from pdesym.report.figures.loss_curves import loss_figure
from pdesym.report.figures.png import png, save_figure
from pdesym.report.figures.space_time import forecast_figure, trajectory_figure
from pdesym.report.figures.spectra import spectra_figure
from pdesym.report.figures.summary import summary_figure

__all__ = [
    "commutators_figure",
    "defect_figure",
    "error_figure",
    "forecast_figure",
    "loss_figure",
    "png",
    "save_figure",
    "spectra_figure",
    "summary_figure",
    "trajectory_figure",
]
