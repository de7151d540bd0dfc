"""The part of the page on the symmetries that were learned from the training trajectories."""

from html import escape

from pdesym.report.citation import cited, link
from pdesym.report.number_text import given_text, measured_text
from pdesym.report.record import Record
from pdesym.report.results import Results

HEADS = ("seed", "symmetries", "levels of all vector fields", "read off", "angle to the equation's, degrees", "used")


def learned_generators(results: Results) -> str:
    """What was learned from each seed, and how well; empty where nothing was to be learned."""
    record = Record("learning.json", (), results.learning)
    runs = list(record["runs"])
    if not runs:
        return ""
    heads = "".join(f'<th scope="col">{head}</th>' for head in HEADS)
    rows = "".join(f"<tr>{_row(run)}</tr>\n" for run in runs)
    notes = "".join(f"<li>Seed {link(run['seed'], given_text)}: {_evidence(run)}</li>\n" for run in runs)
    return (
        "<h2>Which symmetries the data taught</h2>\n"
        f"<p>{escape(record['method'].text)} Vector fields with a level up to "
        f"{link(runs[0]['tolerance'], given_text)} are symmetries; the others say that there are no more. "
        "Trajectories that the symmetries moved are used when they still solve the equation.</p>\n"
        f'<div class="wide"><table>\n<thead>\n<tr>{heads}</tr>\n</thead>\n{rows}</table></div>\n<ul>\n{notes}</ul>'
    )


def _row(run: Record) -> str:
    cells = [
        link(run["dimension"], given_text),
        cited(run["levels"], ", ".join(measured_text(level) for level in run["levels"].numbers)),
        "<br>".join(f"<code>{escape(each.text)}</code>" for each in run["generators"]) or "none",
        link(run["angle"]),
        link(run["accepted"]),
    ]
    name = f'<th scope="row">{link(run["seed"], given_text)}</th>'
    return name + "".join(f"<td>{cell}</td>" for cell in cells)


def _evidence(run: Record) -> str:
    flags = "; ".join(flag.text for flag in run["flags"])
    doubt = f" <em>{cited(run['flags'], flags)}.</em>" if flags else ""
    return f"{cited(run['equation'], run['equation'].text)}.{doubt}"
