"""The report of a run: one HTML page that needs nothing but itself."""

import itertools
from base64 import b64encode
from html import escape
from importlib.resources import files
from pathlib import Path

from pdesym.report import page_sections
from pdesym.report.atomic import write_atomically
from pdesym.report.citation import file_link
from pdesym.report.drawing import Drawing, drawings
from pdesym.report.figures import png
from pdesym.report.json_block import json_block
from pdesym.report.learned_section import learned_libraries
from pdesym.report.learning_section import learned_generators
from pdesym.report.record import Record
from pdesym.report.results import JSON_FILES, Results, read_results

CSS_DOTS_PER_INCH = 96
BROAD = 8.0  # inches; a figure that is wider scrolls on a phone instead of shrinking


def write_page(folder: Path) -> Path:
    """Writes `folder/index.html` from `folder/results/`, and its figures as files into `folder/figures/`.

    The page holds its figures and the result files themselves; every number in it links to its place in them. It
    loads nothing and runs no script. Page and figures depend on the result files alone, and each file appears at once.

    Returns:
        The path of the page.

    Raises:
        FileNotFoundError: a result file is missing.
        ValueError: a result file has not the entry that the report needs; the message names both.
    """
    results = read_results(folder)
    # All text comes first: it takes no time, and reads what a figure may lack.
    text = {
        section.__name__: section(results)
        for section in (
            page_sections.introduction,
            page_sections.defects,
            page_sections.forecasts,
            page_sections.data_set,
            page_sections.training,
            page_sections.repetition,
        )
    }
    libraries = learned_libraries(results)
    images = {}
    for drawing in drawings(results):
        source = ", ".join(f"results/{name}" for name in drawing.sources)
        image = png(drawing.figure, source)
        write_atomically(folder / "figures" / f"{drawing.name}.png", image)
        images[drawing.name] = _figure(drawing, image)
    parts = [
        text["introduction"],
        text["defects"],
        images["defects"],
        *itertools.chain.from_iterable((part, images[f"spectra-{k}"]) for k, part in enumerate(libraries, start=1)),
        learned_generators(results),
        text["forecasts"],
        images["errors"],
        images["forecast"],
        text["data_set"],
        images["trajectory"],
        text["training"],
        images["losses"],
        text["repetition"],
        _files(results),
    ]
    return write_atomically(folder / "index.html", _document(results, parts).encode())


def _document(results: Results, parts: list[str]) -> str:
    title = Record("data.json", (), results.data)["formula"].text
    css = (files("pdesym.report") / "page.css").read_text(encoding="utf-8")
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>pdesym: {escape(title)}</title>\n<style>\n{css}</style>\n</head>\n<body>\n<main>\n"
        + "\n".join(parts)
        + "\n</main>\n</body>\n</html>\n"
    )


def _figure(drawing: Drawing, image: bytes) -> str:
    width, height = drawing.figure.get_size_inches()
    kind = ' class="broad"' if width > BROAD else ""
    sources = ", ".join(file_link(name) for name in drawing.sources)
    return (
        f'<figure id="figure-{drawing.name}">\n<div class="wide"><img{kind} alt="{escape(drawing.caption)}" '
        f'width="{width * CSS_DOTS_PER_INCH:.0f}" height="{height * CSS_DOTS_PER_INCH:.0f}" '
        f'src="data:image/png;base64,{b64encode(image).decode()}"></div>\n'
        f"<figcaption>{escape(drawing.caption)} Drawn from {sources}.</figcaption>\n</figure>"
    )


def _files(results: Results) -> str:
    blocks = [json_block(Record(f"{name}.json", (), getattr(results, name))) for name in JSON_FILES]
    example = f"<p>The fields of the example are in {file_link('example.npz')}.</p>"
    return "\n".join(["<h2>The result files</h2>", *blocks, example])
