"""Numbers of the page as links to where they stand in the result files."""

from collections.abc import Callable
from html import escape
from urllib.parse import quote

from pdesym.report.number_text import measured_text
from pdesym.report.record import Record


def anchor(record: Record) -> str:
    """The name of a value's place in the page, `forecast.json/arms/0/seed`, in characters that a link may have."""
    return "/".join(quote(str(step), safe="") for step in (record.file, *record.path))


def link(record: Record, text: Callable[[float | None], str] = measured_text) -> str:
    """A number as a link to its place; what the pointer shows over it is the file and the path of its key."""
    return cited(record, text(record.number))


def cited(record: Record, text: str) -> str:
    """Any text as a link to the place of a value."""
    title = f"results/{record.file}: {record.where}"
    return f'<a class="cited" href="#{anchor(record)}" title="{escape(title)}">{escape(text)}</a>'


def file_anchor(name: str) -> str:
    """The name of the place where the text of a whole file begins, inside the block that folds it."""
    return f"{anchor(Record(name, (), None))}/"


def file_link(name: str) -> str:
    """The name of a result file as a link: to its text in the page for JSON, to the file itself otherwise."""
    target = f"#{file_anchor(name)}" if name.endswith(".json") else f"results/{quote(name)}"
    return f'<a href="{target}">results/{escape(name)}</a>'
