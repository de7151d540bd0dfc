"""The part of the page on the symmetries that were found in each operator."""

from html import escape

from pdesym.report.citation import cited, link
from pdesym.report.number_text import given_text
from pdesym.report.record import Record
from pdesym.report.results import Results

HEADS = ("looked at", "symmetries", "found", "largest that counts", "next", "error")


def learned_libraries(results: Results) -> list[str]:
    """For each library its heading, table and evidence; the first begins the section."""
    record = Record("discovery.json", (), results.discovery)
    parts = [_library(library) for library in record["libraries"].elements]
    parts[0] = _introduction(record) + parts[0]
    return parts


def _introduction(record: Record) -> str:
    return (
        "<h2>Which symmetries each operator has, when none is named</h2>\n"
        f"<p>{escape(record['method'].text)} Measured on {link(record['windows'], given_text)} windows of the test "
        "trajectories.</p>\n"
        "<p>The equation is exact, and what it has is the truth. For the solver and the operators, singular values "
        "that their errors explain count as zero; the rule and its evidence stand below each table. Where the exact "
        "solver lacks a symmetry of the equation, what is cut off has reached the window, and of that symmetry nothing "
        "can be said of the other operators either. A dimension that is flagged may be wrong, and what the equation "
        "has not is then no discovery but error.</p>\n"
    )


def _library(library: Record) -> str:
    sources = library["sources"].elements
    rows = "".join(f"<tr>{_row(source)}</tr>\n" for source in sources)
    heads = "".join(f'<th scope="col">{head}</th>' for head in HEADS)
    rules = "".join(f"<li>{_evidence(source)}</li>\n" for source in sources)
    name = cited(library["name"], library["name"].text)
    return (
        f"<h3>Among {link(library['columns'], given_text)} vector fields, {name}</h3>\n"
        f'<div class="wide"><table>\n<thead>\n<tr>{heads}</tr>\n</thead>\n{rows}</table></div>\n<ul>\n{rules}</ul>'
    )


def _row(source: Record) -> str:
    found = [f"<code>{escape(each.text)}</code>" for each in (*source["generators"], *source["superposition"])]
    cells = [
        link(source["dimension"], given_text),
        "<br>".join(found) or "none",
        link(source["last_zero"]),
        link(source["first_other"]),
        link(source["error"]),
    ]
    name = f'<th scope="row">{escape(source["name"].text)}</th>'
    return name + "".join(f"<td>{cell}</td>" for cell in cells)


def _evidence(source: Record) -> str:
    flags = "; ".join(flag.text for flag in source["flags"])
    doubt = f" <em>{cited(source['flags'], flags)}.</em>" if flags else ""
    return f"{escape(source['name'].text)}: {cited(source['rule'], source['rule'].text)}.{doubt}"
