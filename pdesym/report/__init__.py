"""Figures, tables and the page of a run, drawn from its result files; nothing is computed here."""

from pdesym.report.example import Example, read_example
from pdesym.report.figures import (
    commutators_figure,
    defect_figure,
    error_figure,
    forecast_figure,
    loss_figure,
    png,
    save_figure,
    spectra_figure,
    summary_figure,
    trajectory_figure,
)
from pdesym.report.page import write_page
from pdesym.report.results import Results, read_results
from pdesym.report.table import DefectTable, defect_table, html_table, markdown_table, terminal_table

__all__ = [
    "DefectTable",
    "Example",
    "Results",
    "commutators_figure",
    "defect_figure",
    "defect_table",
    "error_figure",
    "forecast_figure",
    "html_table",
    "loss_figure",
    "markdown_table",
    "png",
    "read_example",
    "read_results",
    "save_figure",
    "spectra_figure",
    "summary_figure",
    "terminal_table",
    "trajectory_figure",
    "write_page",
]
