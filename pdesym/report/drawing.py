"""All figures of a run, each with what it shows in words and the files it was drawn from."""

from collections.abc import Iterator
from dataclasses import dataclass

from matplotlib.figure import Figure

from pdesym.report.figures import (
    defect_figure,
    error_figure,
    forecast_figure,
    loss_figure,
    summary_figure,
    trajectory_figure,
)
from pdesym.report.figures.spectra import spectra_figure
from pdesym.report.record import Record
from pdesym.report.results import Results


@dataclass(frozen=True)
class Drawing:
    """A figure, its name, the result files it was drawn from, and its caption."""

    name: str
    figure: Figure
    sources: tuple[str, ...]
    caption: str


def drawings(results: Results) -> Iterator[Drawing]:
    """Draws the figures of a run, one after the other, in the order of the page; the summary comes last."""
    yield Drawing(
        "defects",
        defect_figure(results.defects),
        ("defects.json",),
        "The table above as bars, on a logarithmic axis. A short bar is a kept symmetry. The black line over a bar "
        "goes from the smallest seed to the largest; the dashed line is the largest value a defect can have.",
    )
    for k, library in enumerate(Record("discovery.json", (), results.discovery)["libraries"].elements, start=1):
        yield Drawing(
            f"spectra-{k}",
            spectra_figure([source.value for source in library["sources"].elements]),
            ("discovery.json",),
            "The whole spectra of the table above, all in the same units. Filled: counted as a symmetry; a dashed line "
            "is the level up to which errors explain a singular value.",
        )
    yield Drawing(
        "errors",
        error_figure(results.forecast),
        ("forecast.json",),
        "The NMSE of each frame of the forecast, averaged over the test trajectories, while each operator is fed its "
        "own output. Thin: one seed; thick: the mean over the seeds.",
    )
    yield Drawing(
        "forecast",
        forecast_figure(results.example),
        ("example.npz",),
        "One test trajectory, what each operator predicted for it, and prediction minus truth. The fields share one "
        "colour scale, the errors another one; both are centred at zero.",
    )
    yield Drawing(
        "trajectory",
        trajectory_figure(results.example.x, results.example.times, results.example.truth),
        ("example.npz",),
        "The same trajectory over all its stored frames, as the solver computed it.",
    )
    yield Drawing(
        "losses",
        loss_figure(results.training),
        ("training.json",),
        "The loss over the steps of the training. Thin: one seed; thick: the mean over the seeds.",
    )
    formula = str(results.data.get("formula", "the equation"))
    yield Drawing(
        "summary",
        summary_figure(results.example, results.forecast, results.defects, formula),
        ("example.npz", "forecast.json", "defects.json"),
        "A trajectory, the error of the forecasts, and how far each operator breaks each symmetry.",
    )
