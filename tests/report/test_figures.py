import io
import math
import subprocess
import sys
from functools import cache
from itertools import combinations
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import QuadMesh
from matplotlib.colors import to_hex
from PIL import Image

from pdesym.report import (
    Example,
    defect_figure,
    error_figure,
    forecast_figure,
    loss_figure,
    png,
    save_figure,
    summary_figure,
    trajectory_figure,
)
from pdesym.report.figures.house_style import OPERATORS

ROOT = Path(__file__).parents[2]


def as_example(arrays):
    predictions = {name.removeprefix("prediction/"): array for name, array in arrays.items() if "/" in name}
    return Example(arrays["x"], arrays["times"], arrays["truth"], arrays["t_pred"], predictions)


@pytest.fixture
def shown(arrays):
    return as_example(arrays)


DRAW = {
    "trajectory": lambda contents, shown: trajectory_figure(shown.x, shown.times, shown.truth),
    "forecast": lambda contents, shown: forecast_figure(shown),
    "errors": lambda contents, shown: error_figure(contents["forecast"]),
    "defects": lambda contents, shown: defect_figure(contents["defects"]),
    "losses": lambda contents, shown: loss_figure(contents["training"]),
    "summary": lambda contents, shown: summary_figure(shown, contents["forecast"], contents["defects"], "uₜ = 0"),
}


@pytest.fixture(scope="module")
def drawn(run_documents, run_example):
    """Draws a figure when it is first asked for: the figure and its PNG."""

    @cache
    def draw(name):
        figure = DRAW[name](run_documents(), as_example(run_example()))
        return figure, png(figure, source="results/some.json")

    return draw


def colour_limits(axes):
    (image,) = [artist for artist in axes.collections if isinstance(artist, QuadMesh)]
    return image.get_clim()


def thick_and_thin(axes):
    lines = [line for line in axes.lines if len(line.get_xdata()) > 2]
    return [line for line in lines if line.get_linewidth() > 2], [line for line in lines if line.get_linewidth() < 1]


def bars(axes):
    return {(round(bar.get_y() + bar.get_height() / 2, 3), to_hex(bar.get_facecolor())): bar for bar in axes.patches}


@pytest.mark.parametrize("name", DRAW)
def test_a_figure_is_a_png_of_sensible_size_with_its_source(name, drawn):
    _, data = drawn(name)
    with Image.open(io.BytesIO(data)) as image:
        image.load()
        assert image.format == "PNG"
        assert image.info["Source"] == "results/some.json"
        assert 1000 <= image.width <= 2400
        assert 500 <= image.height <= 1600
        colours = image.convert("RGB").getcolors(maxcolors=1 << 24)
        pixels = np.asarray(image.convert("RGB"))
    assert len(colours) > 20  # something is drawn
    for edge in (pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]):
        assert (edge == 255).all()  # and nothing is cut off
    assert len(data) < 600_000


def texts_with_places(figure):
    """The texts that a figure shows, with their boxes in points of the screen."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    renderer = canvas.get_renderer()
    shown = []
    for axes in figure.axes:
        shown += [*axes.texts, axes.xaxis.label, axes.yaxis.label, axes._left_title]
        shown += axes.get_legend().get_texts() if axes.get_legend() else []
        # Ticks beyond the ends of an axis exist and are not drawn.
        for side, axis in enumerate((axes.xaxis, axes.yaxis)):
            low, high = sorted(axis.get_view_interval())
            shown += [label for label in axis.get_ticklabels() if low <= label.get_position()[side] <= high]
    return [
        (text.get_text(), text.get_window_extent(renderer)) for text in shown if text.get_visible() and text.get_text()
    ]


@pytest.mark.parametrize("name", DRAW)
def test_texts_do_not_overlap(name, drawn):
    figure, _ = drawn(name)
    texts = texts_with_places(figure)
    assert len(texts) > 8
    pairs = combinations(texts, 2)
    assert [(one, other) for (one, a), (other, b) in pairs if a.padded(-1.0).overlaps(b.padded(-1.0))] == []


def test_the_detector_sees_a_planted_overlap(drawn):
    figure, _ = drawn("losses")
    figure.axes[0].text(0.5, 0.5, "planted", transform=figure.axes[0].transAxes)
    figure.axes[0].text(0.52, 0.51, "upon", transform=figure.axes[0].transAxes)
    (planted, a), (upon, b) = texts_with_places(figure)[2:4]
    assert (planted, upon) == ("planted", "upon")
    assert a.padded(-1.0).overlaps(b.padded(-1.0))


@pytest.mark.parametrize("name", DRAW)
def test_the_same_data_give_the_same_bytes_whatever_the_settings(name, drawn, contents, shown):
    _, first = drawn(name)
    with matplotlib.rc_context({"font.size": 20, "axes.facecolor": "black", "savefig.dpi": 50, "image.cmap": "jet"}):
        assert png(DRAW[name](contents, shown), source="results/some.json") == first


def test_drawing_leaves_the_settings_of_matplotlib_alone(contents, shown):
    before = dict(matplotlib.rcParams)
    png(DRAW["summary"](contents, shown), source="a")
    assert dict(matplotlib.rcParams) == before


def test_the_room_needs_neither_torch_nor_pyplot():
    code = "import pdesym.report, sys; print(sorted({'torch', 'neuralop', 'matplotlib.pyplot'} & set(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


def test_fields_share_a_scale_centred_at_zero_and_errors_have_their_own(shown):
    figure = forecast_figure(shown)
    panels = {axes.get_title(loc="left"): axes for axes in figure.axes if axes.get_title(loc="left")}
    assert set(panels) == {"truth", "plain FNO", "boosted FNO", "error of the plain FNO", "error of the boosted FNO"}
    largest = np.abs(shown.forecast_truth).max()
    for name in ("truth", "plain FNO", "boosted FNO"):
        assert colour_limits(panels[name]) == (-largest, largest)
    worst = np.abs(shown.predictions["plain FNO"] - shown.forecast_truth).max()
    for name in ("plain FNO", "boosted FNO"):
        assert colour_limits(panels[f"error of the {name}"]) == (-worst, worst)
        (image,) = panels[f"error of the {name}"].collections
        np.testing.assert_array_equal(image.get_array(), shown.predictions[name] - shown.forecast_truth)
    assert worst < largest / 2


def test_space_runs_to_the_right_and_time_upwards(shown):
    axes = trajectory_figure(shown.x, shown.times, shown.truth).axes[0]
    (image,) = axes.collections
    corners = image.get_coordinates()
    assert (corners[0, -1, 0] > corners[0, 0, 0]) & (corners[-1, 0, 1] > corners[0, 0, 1])
    low, high = axes.get_ylim()
    assert low < shown.times[0] < shown.times[-1] < high
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("x", "t")


@pytest.mark.parametrize(
    ("draw", "document", "key"), [(error_figure, "forecast", "nmse_per_frame"), (loss_figure, "training", "loss")]
)
def test_seeds_are_thin_and_their_mean_is_thick(contents, draw, document, key):
    (axes,) = draw(contents[document]).axes
    thick, thin = thick_and_thin(axes)
    arms = contents[document]["arms"]
    assert len(thin) == len(arms) == 4
    for line, operator in zip(thick, ("plain FNO", "boosted FNO"), strict=True):
        seeds = [arm[key] for arm in arms if arm["operator"] == operator]
        np.testing.assert_allclose(line.get_ydata(), np.mean(seeds, axis=0))
        assert line.get_color() == OPERATORS[operator]
    assert axes.get_yscale() == "log"
    assert {text.get_text() for text in axes.texts} == {"plain FNO", "boosted FNO"}


def test_one_seed_is_one_thick_line(contents):
    contents["forecast"]["arms"] = contents["forecast"]["arms"][:2]
    thick, thin = thick_and_thin(error_figure(contents["forecast"]).axes[0])
    assert (len(thick), len(thin)) == (2, 0)


def test_bars_end_at_the_defects(contents):
    (axes,) = defect_figure(contents["defects"]).axes
    drawn = sorted(bars(axes).items())
    order = ["d_x", "t*d_x + d_u", "u*d_u", "t*d_x - d_u"]
    expected = [
        (OPERATORS[operator["name"]], operator["defects"][text]["mean"])
        for text in order
        for operator in contents["defects"]["operators"]
    ]
    assert [colour for (_, colour), _ in drawn] == [colour for colour, _ in expected]
    np.testing.assert_allclose([bar.get_x() + bar.get_width() for _, bar in drawn], [mean for _, mean in expected])
    assert axes.get_xscale() == "log"
    (dashed,) = [line for line in axes.lines if line.get_linestyle() == "--"]
    assert set(dashed.get_xdata()) == {math.sqrt(2)}
    written = [text.get_text() for text in axes.texts]
    assert {"3.1e-15", "4.3e-07", "0.33", "0.021", "symmetries (0 is right)"} <= set(written)


def test_what_is_not_finite_or_zero_is_written_and_has_no_bar(contents):
    cells = [operator["defects"]["d_x"] for operator in contents["defects"]["operators"]]
    for cell, value in zip(cells, (0.0, math.nan, math.inf), strict=True):
        cell.update(mean=value, low=value, high=value)
    figure = defect_figure(contents["defects"])
    assert len(bars(figure.axes[0])) == 9
    assert {"0", "nan", "inf"} <= {text.get_text() for text in figure.axes[0].texts}
    png(figure, source="a")


def test_a_diverged_forecast_is_drawn_as_far_as_it_goes(contents, shown):
    for arm in contents["forecast"]["arms"][::2]:
        arm["nmse_per_frame"][25:] = [math.inf, math.nan, None] * 5
    thick, _ = thick_and_thin(error_figure(contents["forecast"]).axes[0])
    assert np.isfinite(thick[0].get_ydata()).sum() == 25
    for arm in contents["training"]["arms"]:
        arm["loss"] = [math.nan] * 100
    png(loss_figure(contents["training"]), source="a")
    shown.predictions["plain FNO"][30:] = np.inf
    shown.predictions["boosted FNO"][:] = np.nan
    png(forecast_figure(shown), source="a")


def test_long_names_leave_room_for_the_figure(contents, shown):
    long = "a name of very many words, " * 8 + "andonewithoutanyblank" * 9
    for operator in contents["defects"]["operators"]:
        operator["name"] += long
    for generator in contents["defects"]["generators"]:
        generator["meaning"] += long
    for arm in contents["forecast"]["arms"]:
        arm["operator"] += long
    shown.predictions[long] = shown.predictions["plain FNO"]
    png(summary_figure(shown, contents["forecast"], contents["defects"], long), source="a")
    png(forecast_figure(shown), source="a")


def test_a_name_with_a_dollar_is_a_name(contents):
    for arm in contents["forecast"]["arms"]:
        arm["operator"] = "a $\\frac{ name"
    assert png(error_figure(contents["forecast"]), source="a")


def test_curves_of_another_length_are_refused(contents):
    contents["forecast"]["arms"][1]["nmse_per_frame"].pop()
    with pytest.raises(ValueError, match=r"Expected 40 values of nmse_per_frame for the boosted FNO .* got 39\.$"):
        error_figure(contents["forecast"])
    contents["training"]["arms"][2]["steps"][0] = 1
    with pytest.raises(ValueError, match=r"Expected the same steps for every seed of the plain FNO"):
        loss_figure(contents["training"])


@pytest.mark.parametrize("maximum", [0.0, -1.0, math.nan, None])
def test_a_bound_that_is_no_positive_number_is_refused(contents, maximum):
    contents["defects"]["maximum"] = maximum
    with pytest.raises(ValueError, match="Expected a positive number at maximum"):
        defect_figure(contents["defects"])


def test_a_figure_is_saved_whole(tmp_path, contents):
    figure = defect_figure(contents["defects"])
    path = save_figure(figure, tmp_path / "new" / "defects.png", source="results/defects.json")
    assert path.read_bytes() == png(figure, source="results/defects.json")
    assert list(path.parent.iterdir()) == [path]
