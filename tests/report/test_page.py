import base64
import io
import json
import math
import re
from html.parser import HTMLParser
from types import SimpleNamespace
from urllib.parse import unquote

import pytest
from PIL import Image

from pdesym.report import write_page
from pdesym.report.number_text import measured_text

VOID = {"meta", "img", "br", "link", "input", "hr"}
LOADING = {"src", "srcset", "data", "poster", "action", "background"}


class Page(HTMLParser):
    """The tree of a page, flattened: elements with the names that enclose them, and the texts inside."""

    def __init__(self, text):
        super().__init__()
        self.open, self.elements, self.texts = [], [], []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        element = SimpleNamespace(tag=tag, attributes=dict(attributes), text="", inside=tuple(self.open))
        self.elements.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_endtag(self, tag):
        assert self.open.pop().tag == tag

    def handle_data(self, data):
        for element in self.open:
            element.text += data
        self.texts.append((data, {element.tag for element in self.open}))

    def all(self, tag):
        return [element for element in self.elements if element.tag == tag]

    def ids(self):
        return [element.attributes["id"] for element in self.elements if "id" in element.attributes]


@pytest.fixture(scope="module")
def parsed(report):
    return Page(report.text)


def value_at(contents, anchor):
    """What the JSON files hold at an anchor of the page."""
    file, *steps = (unquote(step) for step in anchor.split("/"))
    value = contents[file.removesuffix(".json")]
    for step in steps:
        value = value[int(step)] if isinstance(value, list) else value[step]
    return value


def test_the_page_parses_and_has_its_parts(report, parsed):
    assert report.path == report.folder / "index.html"
    assert [element.text for element in parsed.all("h1")] == ["A symmetry report: uₜ + u uₓ + uₓₓₓ = 0"]
    assert len(set(parsed.ids())) == len(parsed.ids())
    assert [block.attributes["id"] for block in parsed.all("details")] == [
        "forecast.json",
        "defects.json",
        "learning.json",
        "discovery.json",
        "data.json",
        "training.json",
        "run.json",
    ]
    assert all("open" not in block.attributes for block in parsed.all("details"))
    assert "pdesym lab --out runs/lab" in [element.text for element in parsed.all("pre")]
    assert any("name: kdv\ngrid:\n  points: 64" in element.text for element in parsed.all("pre"))
    (viewport,) = [meta for meta in parsed.all("meta") if meta.attributes.get("name") == "viewport"]
    assert "width=device-width" in viewport.attributes["content"]
    assert "prefers-color-scheme: dark" in parsed.all("style")[0].text


def test_the_page_loads_nothing_and_runs_no_script(report, parsed):
    assert not {element.tag for element in parsed.elements} & {"script", "link", "iframe", "object", "embed", "base"}
    for element in parsed.elements:
        for name, value in element.attributes.items():
            assert not name.startswith("on")
            assert name not in LOADING or value.startswith("data:image/png;base64,")
    assert not re.search(r"https?:|url\(|@import", re.sub(r"base64,[^\"]*", "", report.text))


def test_every_link_leads_somewhere(report, parsed):
    ids = set(parsed.ids())
    targets = [element.attributes["href"] for element in parsed.all("a")]
    assert len(targets) > 80
    for target in targets:
        if target.startswith("#"):
            assert target[1:] in ids
        else:
            assert (report.folder / target).is_file()
    for name in ("forecast", "defects", "discovery", "data", "training", "run"):
        assert f"results/{name}.json" in targets


def test_every_number_is_the_one_of_the_file_it_links_to(report, parsed):
    cited = [element for element in parsed.all("a") if element.attributes.get("class") == "cited"]
    compared = 0
    for element in cited:
        value = value_at(report.contents, element.attributes["href"][1:])
        assert element.attributes["title"].startswith("results/")
        if isinstance(value, float) and re.fullmatch(r"[-+.\de]+", element.text):
            assert float(element.text) == pytest.approx(value, rel=0.05)
            compared += 1
        elif isinstance(value, int) and not element.text.endswith("s"):
            assert int(element.text.replace(",", "")) == value
            compared += 1
        elif value is None:
            assert element.text == "–"
    assert compared > 60


def test_no_number_stands_without_a_link(report, parsed):
    given = [report.contents[name]["metric"] for name in ("forecast", "defects")]
    given += [report.contents[name]["method"] for name in ("discovery", "learning")]
    for text, tags in parsed.texts:
        if tags & {"a", "pre", "code", "style", "title", "h1", "summary"}:
            continue
        for passage in (*given, "(0 is right)"):
            text = text.replace(passage, "")
        assert not re.search(r"\d", text), text


def test_the_table_says_what_the_file_says(report, parsed):
    (table,) = [element for element in parsed.all("table") if element.attributes.get("class") == "defects"]
    rows = [element for element in parsed.all("tr") if table in element.inside][2:]
    operators = report.contents["defects"]["operators"]
    order = ["d_x", "t*d_x + d_u", "u*d_u", "t*d_x - d_u"]
    for row, operator in zip(rows, operators, strict=True):
        cells = [element for element in parsed.all("td") if row in element.inside]
        expected = [operator["nmse"], *(operator["defects"][text]["mean"] for text in order)]
        for cell, number in zip(cells, expected, strict=True):
            first = next(element for element in parsed.all("a") if cell in element.inside)
            assert first.text == measured_text(number)
        kinds = [cell.attributes.get("class") for cell in cells]
        assert kinds == [None, "symmetry", "symmetry", "other", "other"]


def test_each_library_has_its_table_of_what_was_found(report, parsed):
    for k, library in enumerate(report.contents["discovery"]["libraries"]):
        for i, source in enumerate(library["sources"]):
            place = f"#discovery.json/libraries/{k}/sources/{i}"
            (count,) = [a for a in parsed.all("a") if a.attributes.get("href") == f"{place}/dimension"]
            row = next(element for element in count.inside if element.tag == "tr")
            named = [code.text for code in parsed.all("code") if any(element is row for element in code.inside)]
            assert (int(count.text), named) == (source["dimension"], source["generators"])
            (evidence,) = [a for a in parsed.all("a") if a.attributes.get("href") == f"{place}/rule"]
            assert evidence.text == source["rule"]
            flags = [a.text for a in parsed.all("a") if a.attributes.get("href") == f"{place}/flags"]
            assert flags == source["flags"]


def test_the_blocks_hold_the_files(report, parsed):
    for block in parsed.all("details"):
        (text,) = [element.text for element in parsed.all("pre") if block in element.inside]
        assert json.loads(text) == report.contents[block.attributes["id"].removesuffix(".json")]
        assert max(len(line) for line in text.splitlines()) < 140


def test_figures_are_png_images_with_captions_and_sources(report, parsed):
    images = parsed.all("img")
    assert [image.inside[-2].attributes["id"] for image in images] == [
        "figure-defects",
        "figure-spectra-1",
        "figure-spectra-2",
        "figure-errors",
        "figure-forecast",
        "figure-trajectory",
        "figure-losses",
    ]
    for image in images:
        kind, _, data = image.attributes["src"].partition(";base64,")
        assert kind == "data:image/png"
        content = base64.b64decode(data, validate=True)
        name = image.inside[-2].attributes["id"].removeprefix("figure-")
        assert (report.folder / "figures" / f"{name}.png").read_bytes() == content
        with Image.open(io.BytesIO(content)) as picture:
            picture.load()
            shape = int(image.attributes["width"]) / int(image.attributes["height"])
            assert picture.width / picture.height == pytest.approx(shape, rel=0.01)
            assert picture.width >= 1.5 * int(image.attributes["width"])  # sharp on a fine screen
            source = picture.info["Source"]
        (caption,) = [c for c in parsed.all("figcaption") if image.inside[-2] in c.inside]
        assert caption.text.endswith(f"Drawn from {source}.")
        assert len(image.attributes["alt"]) > 40
    with Image.open(report.folder / "figures" / "summary.png") as picture:
        assert picture.info["Source"] == "results/example.npz, results/forecast.json, results/defects.json"


def test_the_same_results_give_the_same_page(report, folder):
    assert write_page(folder).read_bytes() == report.path.read_bytes()


HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(1)> $\\frac{ & \"'</pre></details>"


def spoil(value):
    """Every text of a document, keys but for those of the report's own, replaced by a hostile one."""
    if isinstance(value, dict):
        return {key: spoil(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [spoil(element) for element in value]
    return value + HOSTILE if isinstance(value, str) else value


def test_texts_are_escaped(tmp_path, write_run, contents, arrays, parsed):
    spoiled = {name: spoil(content) for name, content in contents.items()}
    for operator in spoiled["defects"]["operators"]:
        operator["defects"] = {text + HOSTILE: cell for text, cell in operator["defects"].items()}
    spoiled["data"]["grid"][HOSTILE] = 1.0
    spoiled["run"]["versions"][HOSTILE] = HOSTILE
    hostile = Page(write_page(write_run(tmp_path / "run", spoiled, arrays)).read_text(encoding="utf-8"))
    assert not hostile.all("script")
    assert len(hostile.all("img")) == len(parsed.all("img"))
    assert len(hostile.all("details")) == len(parsed.all("details"))
    assert hostile.all("h1")[0].text.endswith(HOSTILE)
    ids = set(hostile.ids())
    assert all(a.attributes["href"][1:] in ids for a in hostile.all("a") if a.attributes["href"].startswith("#"))
    for block in hostile.all("details"):
        (text,) = [element.text for element in hostile.all("pre") if block in element.inside]
        assert json.loads(text) == spoiled[block.attributes["id"].removesuffix(".json")]


def test_numbers_that_are_not_finite_are_shown_as_such(tmp_path, write_run, contents, arrays):
    arm = contents["forecast"]["arms"][0]
    arm.update(nmse_unrolled=math.inf, nmse_first_block=math.nan, train_seconds=None)
    arm["nmse_per_frame"][20:] = [math.nan] * 20
    contents["forecast"]["ratios"][0]["mean"] = math.nan
    contents["defects"]["operators"][1]["nmse"] = math.inf
    contents["defects"]["operators"][1]["defects"]["d_x"] = {"mean": math.nan, "low": math.nan, "high": math.nan}
    contents["data"]["largest_error"] = None
    arrays["prediction/plain FNO"][20:] = math.nan
    shown = Page(write_page(write_run(tmp_path / "run", contents, arrays)).read_text(encoding="utf-8"))
    cited = {a.attributes["href"]: a.text for a in shown.all("a")}
    assert cited["#forecast.json/arms/0/nmse_unrolled"] == "inf"
    assert cited["#forecast.json/arms/0/nmse_first_block"] == "nan"
    assert cited["#forecast.json/arms/0/train_seconds"] == "–"
    assert cited["#forecast.json/ratios/0/mean"] == "nan"
    assert cited["#defects.json/operators/1/defects/d_x/mean"] == "nan"
    assert cited["#data.json/largest_error"] == "–"


# Every entry that the report promises to need: one that is missing is named, and nothing is written.
NEEDED = {
    "forecast": ["metric", "times", "arms", "ratios"],
    "learning": ["method", "runs"],
    "defects": ["metric", "maximum", "windows", "generators", "operators"],
    "discovery": ["method", "windows", "libraries"],
    "data": ["equation", "formula", "splits", "rtol", "largest_error"],
    "training": ["arms"],
    "run": ["versions", "threads", "seconds", "recipe", "command"],
}


@pytest.mark.parametrize(("name", "key"), [(name, key) for name, keys in NEEDED.items() for key in keys])
def test_a_missing_entry_is_named(tmp_path, write_run, contents, arrays, name, key):
    del contents[name][key]
    folder = write_run(tmp_path / "run", contents, arrays)
    with pytest.raises(ValueError, match=rf"^results/{name}\.json has no {key}, which the report needs"):
        write_page(folder)
    assert not (folder / "index.html").exists()


@pytest.mark.parametrize("key", ["operator", "seed", "steps", "parameters", "train_seconds", "nmse_first_block"])
def test_a_missing_entry_of_an_arm_is_named(tmp_path, write_run, contents, arrays, key):
    del contents["forecast"]["arms"][3][key]
    with pytest.raises(ValueError, match=rf"^results/forecast\.json has no arms\[3\]\.{key}, which the report needs"):
        write_page(write_run(tmp_path / "run", contents, arrays))


def test_a_missing_file_is_named(folder):
    (folder / "results" / "defects.json").unlink()
    with pytest.raises(FileNotFoundError, match=r"results has no defects\.json, which the report is drawn from"):
        write_page(folder)
