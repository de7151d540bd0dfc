"""The parts of the page, each from the result files to HTML; everything that comes from a file is escaped."""

from collections.abc import Callable, Iterable, Mapping
from html import escape

import yaml

from pdesym.report.citation import cited, link
from pdesym.report.number_text import given_text, largest_text, measured_text, seconds_text
from pdesym.report.record import Record
from pdesym.report.results import Results
from pdesym.report.table import defect_table, html_table

TAUGHT = {
    "boosted FNO": " The boosted one saw every training trajectory from a frame that moves at a random speed, the "
    "plain one as it is.",
    "self-boosted FNO": " The self-boosted one was told nothing: it moved its trajectories along symmetries that were "
    "learned from them.",
}


def introduction(results: Results) -> str:
    """Title, equation, and one paragraph on what was run."""
    data, forecast = Record("data.json", (), results.data), Record("forecast.json", (), results.forecast)
    splits = [f"{link(split, given_text)} {escape(split.key)}" for split in data["splits"]]
    operators: dict[str, list[Record]] = {}
    for arm in forecast["arms"].elements:
        operators.setdefault(arm["operator"].text, []).append(arm)
    outcome = [
        f"{_listed([link(arm['nmse_unrolled']) for arm in arms])} ({escape(name)})" for name, arms in operators.items()
    ]
    return (
        f"<h1>A symmetry report: {escape(data['formula'].text)}</h1>\n"
        f'<p class="equation"><code>{escape(data["equation"].text)}</code></p>\n'
        f"<p>The equation was solved from random initial conditions for {_listed(splits)} trajectories, to a relative "
        f"error of {link(data['rtol'], given_text)} (largest estimate {link(data['largest_error'])}). "
        f"The {_listed([escape(name) for name in operators])} learned it from the training "
        f"trajectories, in {_distinct(forecast['arms'], 'steps')} steps, from the seeds "
        f"{_distinct(forecast['arms'], 'seed')}.{''.join(text for name, text in TAUGHT.items() if name in operators)} "
        f"The NMSE of their unrolled forecasts of the test trajectories is {', '.join(outcome)}{_ratios(forecast)}. "
        "Then each operator, and the solver itself, was asked how far it breaks the symmetries of the equation, and "
        "transformations that are none.</p>\n"
        "<p>Every number on this page leads to its place in the result files, which are at the end of the page and "
        "beside it in the folder <code>results</code>.</p>"
    )


def defects(results: Results) -> str:
    """The table operator x generator and what its numbers are."""
    record = Record("defects.json", (), results.defects)
    return (
        "<h2>Who keeps which symmetry</h2>\n"
        f"<p>{escape(record['metric'].text)} Zero means that the operator commutes with the transformation; the "
        f"largest possible value is {link(record['maximum'], largest_text)}. Measured on "
        f"{link(record['windows'], given_text)} windows of the test trajectories; for trained operators the mean over "
        "the seeds, and below it the smallest and the largest.</p>\n"
        f'<div class="wide">{html_table(defect_table(results.defects))}</div>'
    )


def forecasts(results: Results) -> str:
    """Errors and cost of every trained operator."""
    record = Record("forecast.json", (), results.forecast)
    rows = [
        [
            escape(arm["operator"].text),
            link(arm["seed"], given_text),
            link(arm["nmse_unrolled"]),
            link(arm["nmse_first_block"]),
        ]
        for arm in record["arms"]
    ]
    ratios = [f"<p>{_seeds_of(ratio)}; together {link(ratio['mean'])}.</p>" for ratio in record["ratios"]]
    return (
        "<h2>The forecast</h2>\n"
        f"<p>{escape(record['metric'].text)}</p>\n"
        + _table(["operator", "seed", "unrolled NMSE", "NMSE of the first block"], rows)
        + "\n".join(ratios)
    )


def _ratios(forecast: Record) -> str:
    """The ratios of the introduction, where there are any."""
    each = [f"{link(ratio['mean'])} ({escape(ratio['operator'].text)})" for ratio in forecast["ratios"]]
    return f"; relative to the plain FNO it is {_listed(each)}" if each else ""


def _seeds_of(ratio: Record) -> str:
    seeds = [f"{link(each['value'])} (seed {link(each['seed'], given_text)})" for each in ratio["seeds"].elements]
    return f"Ratio of the unrolled NMSE, {escape(ratio['operator'].text)} to plain FNO: {_listed(seeds)}"


def training(results: Results) -> str:
    """What each training cost."""
    rows = [
        [
            escape(arm["operator"].text),
            link(arm["seed"], given_text),
            link(arm["parameters"], given_text),
            link(arm["steps"], given_text),
            link(arm["train_seconds"], seconds_text),
        ]
        for arm in Record("forecast.json", (), results.forecast)["arms"]
    ]
    return "<h2>Training</h2>\n" + _table(["operator", "seed", "parameters", "steps", "time"], rows)


def data_set(results: Results) -> str:
    """Every entry of `data.json`."""
    record = Record("data.json", (), results.data)
    return "<h2>The data</h2>\n" + _table([], [[escape(name), text] for name, text in _entries(record)])


def repetition(results: Results) -> str:
    """The command, the recipe, the time each part took and the versions of the software."""
    record = Record("run.json", (), results.run)
    recipe = yaml.safe_dump(record["recipe"].value, sort_keys=False, allow_unicode=True)
    seconds = [[escape(part.key), link(part, seconds_text)] for part in record["seconds"]]
    versions = [[escape(part.key), cited(part, str(part.value))] for part in record["versions"]]
    return (
        "<h2>How to repeat it</h2>\n"
        f"<pre>{escape(record['command'].text)}</pre>\n"
        f"<p>The recipe ({cited(record['recipe'], 'run.json: recipe')}):</p>\n<pre>{escape(recipe)}</pre>\n"
        f"<p>What it took on {link(record['threads'], given_text)} threads, and the software it ran with:</p>\n"
        f'<div class="pair">{_table(["part", "time"], seconds)}{_table(["package", "version"], versions)}</div>'
    )


def _entries(record: Record) -> Iterable[tuple[str, str]]:
    """Name and linked value of everything in a record, what is nested under the names of what holds it."""
    for entry in record:
        if isinstance(entry.value, Mapping):
            yield from _entries(entry)
        else:
            name = " ".join(str(step) for step in entry.path).replace("_", " ")
            yield name, cited(entry, _value_text(entry, _style(entry.key)))


def _value_text(record: Record, style: Callable[[float | None], str]) -> str:
    if isinstance(record.value, bool | str):
        return str(record.value)
    if isinstance(record.value, list):
        if len(record.value) > 8 or any(isinstance(element, Mapping | list) for element in record.value):
            return f"{len(record.value)} entries"
        return ", ".join(_value_text(element, style) for element in record) or "none"
    return style(record.number)


def _style(key: str) -> Callable[[float | None], str]:
    if "second" in key:
        return seconds_text
    return measured_text if "error" in key else given_text


def _distinct(arms: Record, key: str) -> str:
    """The different values that the arms have under a key, linked and listed."""
    return _listed(list({arm[key].number: link(arm[key], given_text) for arm in arms}.values()))


def _listed(parts: list[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return " and ".join([", ".join(parts[:-1]), parts[-1]]) if len(parts) > 1 else "".join(parts)


def _table(heads: list[str], rows: list[list[str]]) -> str:
    """A table of cells that are HTML already; without heads, a list of names and values."""
    head = "".join(f'<th scope="col">{text}</th>' for text in heads)
    lines = [f"<thead>\n<tr>{head}</tr>\n</thead>"] if heads else []
    lines += [
        f'<tr><th scope="row">{name}</th>{"".join(f"<td>{cell}</td>" for cell in cells)}</tr>' for name, *cells in rows
    ]
    return '<div class="wide"><table>\n' + "\n".join(lines) + "\n</table></div>\n"
