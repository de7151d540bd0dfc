"""Spectra and commutators: what is drawn is what the file says, whole and legible."""

import io
from itertools import combinations

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.patches import Rectangle
from PIL import Image

from pdesym.report import png
from pdesym.report.figures.commutators import commutators_figure, generator_colour
from pdesym.report.figures.spectra import LOWEST, spectra_figure
from tests.report.symmetry_documents import constants, determined, discovered


def five_sources():
    return [
        discovered(),
        discovered("operator", 4, 1e-7, 1e-9, "exact solver of u_t = -u*u_x - u_xxx"),
        discovered("data", 3, 1e-3, 1e-17, "u_t = -1.0003*u_xxx -0.50002*(u**2)_x"),
        discovered("operator", 2, 2e-2, 1e-3, "a/folder/with/a/name/that/is/much/too/long/for/any/figure/of/ours"),
        discovered("data", 0, None),
    ]


def wide_algebra():
    size = 9
    brackets = {(i, j): {j: i, i: f"{j}*nu + {i}*kappa"} for i, j in combinations(range(1, size + 1), 2)}
    generators = [f"x**{k}*t*d_x + {k}*x**{k}*u*d_u + exp(t)*cos(x)*d_t + {k}*d_u" for k in range(size)]
    return determined() | {"generators": generators, "structure_constants": constants(brackets, size)}


FIGURES = {
    "one spectrum": lambda: spectra_figure([discovered()]),
    "five spectra": lambda: spectra_figure(five_sources()),
    "commutators": lambda: commutators_figure(determined()),
    "many commutators": lambda: commutators_figure(wide_algebra()),
    "no generators": lambda: commutators_figure(determined() | {"generators": [], "structure_constants": []}),
    "no brackets": lambda: commutators_figure(determined() | {"structure_constants": None}),
}


def texts_with_places(figure):
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    renderer = canvas.get_renderer()
    (axes,) = figure.axes
    shown = [*axes.texts, *(text for legend in figure.legends for text in legend.get_texts())]
    if axes.axison:
        shown += [axes.xaxis.label, axes.yaxis.label, axes._left_title]
        for side, axis in enumerate((axes.xaxis, axes.yaxis)):
            low, high = sorted(axis.get_view_interval())
            shown += [label for label in axis.get_ticklabels() if low <= label.get_position()[side] <= high]
    return [(text.get_text(), text.get_window_extent(renderer)) for text in shown if text.get_text()]


@pytest.mark.parametrize("name", FIGURES)
def test_nothing_is_cut_off_and_no_texts_overlap(name):
    figure = FIGURES[name]()
    data = png(figure, source="discovery.json")
    with Image.open(io.BytesIO(data)) as image:
        pixels = np.asarray(image.convert("RGB"))
        assert image.info["Source"] == "discovery.json"
    for edge in (pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]):
        assert (edge == 255).all()
    pairs = combinations(texts_with_places(figure), 2)
    assert [(one, other) for (one, a), (other, b) in pairs if a.padded(-1.0).overlaps(b.padded(-1.0))] == []


def markers(figure, kind):
    (axes,) = figure.axes
    return [line for line in axes.lines if str(line.get_label()).startswith(kind)]


def test_as_many_markers_are_filled_as_there_are_symmetries():
    sources = five_sources()
    figure = spectra_figure(sources)
    filled, open_ones = markers(figure, "zero"), markers(figure, "other")
    assert [len(line.get_ydata()) for line in filled] == [4, 4, 3, 2, 0]
    for source, zero, other in zip(sources, filled, open_ones, strict=True):
        drawn = [*zero.get_ydata(), *other.get_ydata()]
        np.testing.assert_allclose(drawn, np.maximum(source["spectrum"], LOWEST))
        assert other.get_markerfacecolor() == "white"
        assert zero.get_markerfacecolor() != "white"


def test_floors_are_drawn_where_there_are_any():
    (axes,) = spectra_figure(five_sources()).axes
    floors = [line.get_ydata()[0] for line in axes.lines if line.get_linestyle() == "--"]
    assert floors == [2.2e-13, 1e-7, 1e-3, 2e-2]


def test_a_value_of_zero_is_drawn_at_the_bottom():
    source = discovered()
    source["spectrum"][:2] = [0.0, 1e-300]
    (zero,) = markers(spectra_figure([source]), "zero")
    assert list(zero.get_ydata()[:2]) == [LOWEST, LOWEST]


def test_the_legend_says_source_dimension_and_floor():
    (legend,) = spectra_figure(five_sources()).legends
    texts = [text.get_text() for text in legend.get_texts()]
    assert texts[0] == "equation: u_t = -u*u_x - u_xxx: 4 symmetries, floor 2.2e-13"
    assert texts[4].endswith("0 symmetries, no floor")


@pytest.mark.parametrize("count", [0, 6])
def test_more_spectra_than_can_be_told_apart_are_refused(count):
    with pytest.raises(ValueError, match=rf"^Expected 1 to 5 spectra for one figure, got {count}"):
        spectra_figure([discovered()] * count)


def test_brackets_that_leave_the_span_are_drawn_as_outside():
    (axes,) = commutators_figure(determined() | {"outside": [[1, 2]]}).axes
    assert [text.get_text() for text in axes.texts].count("outside") == 2


def test_entries_are_the_brackets_in_the_colour_of_their_generator():
    figure = commutators_figure(determined())
    (axes,) = figure.axes
    written = [text.get_text() for text in axes.texts]
    for entry in ("v1", "-v1", "a v1", "-a v1", "3 v2", "-3 v2", "-2 v3", "2 v3"):
        assert entry in written
    assert written.count("0") == 8
    cells = [patch for patch in axes.patches if isinstance(patch, Rectangle) and patch.get_width() > 0.3]
    assert len(cells) == 8
    assert {f"v{k} = {text}" for k, text in enumerate(determined()["generators"], start=1)} <= set(written)
    assert generator_colour(1) != generator_colour(2)


def test_a_wrong_generator_is_not_in_the_figure():
    (axes,) = commutators_figure(determined()).axes
    assert not any("t*d_x - d_u" in text.get_text() for text in axes.texts)
