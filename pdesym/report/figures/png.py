"""Figures as PNG files that say what they were drawn from."""

from io import BytesIO
from pathlib import Path

from matplotlib.figure import Figure

from pdesym.report.atomic import write_atomically
from pdesym.report.figures.house_style import house_style


def png(figure: Figure, source: str, dots_per_inch: int = 180) -> bytes:
    """The figure as a PNG image; its metadata name the result files it was drawn from.

    The same figure gives the same bytes: neither the date nor the version of matplotlib goes in.
    """
    buffer = BytesIO()
    with house_style():
        figure.savefig(
            buffer, format="png", dpi=dots_per_inch, facecolor="white", metadata={"Software": None, "Source": source}
        )
    return buffer.getvalue()


def save_figure(figure: Figure, path: Path, source: str) -> Path:
    """Writes the figure as a PNG file, at once; gives back the path."""
    return write_atomically(path, png(figure, source))
