"""A JSON file inside the page: pretty printed, with a place to link to at every entry."""

import json
from collections.abc import Mapping
from html import escape

from pdesym.report.citation import anchor, file_anchor
from pdesym.report.record import Record

WIDTH = 110


def json_block(record: Record) -> str:
    """A collapsed block with the whole file and a link to the file itself; its text is the same JSON."""
    path = f"results/{record.file}"
    return (
        f'<details id="{anchor(record)}">\n<summary>{escape(path)}</summary>\n'
        f'<p><a href="{escape(path)}">open the file {escape(path)}</a></p>\n'
        f'<pre id="{file_anchor(record.file)}">' + f"{_printed(record, 0)}</pre>\n</details>"
    )


def _printed(record: Record, depth: int) -> str:
    value = record.value
    if isinstance(value, Mapping) and value:
        entries = [f"{escape(_scalar(entry.key))}: {_place(entry, depth + 1)}" for entry in record]
        return _lines("{", entries, "}", depth)
    if isinstance(value, list) and any(isinstance(element, Mapping | list) for element in value):
        return _lines("[", [_place(element, depth + 1) for element in record], "]", depth)
    if isinstance(value, list) and value:
        lines = _filled([escape(_scalar(element)) for element in value], WIDTH - 2 * depth)
        return f"[{lines[0]}]" if len(lines) == 1 else _lines("[", lines, "]", depth)
    return escape(_scalar(value))


def _place(record: Record, depth: int) -> str:
    return f'<span id="{anchor(record)}">{_printed(record, depth)}</span>'


def _lines(begin: str, entries: list[str], end: str, depth: int) -> str:
    indent = "  " * (depth + 1)
    return begin + "\n" + ",\n".join(indent + entry for entry in entries) + "\n" + "  " * depth + end


def _filled(elements: list[str], width: int) -> list[str]:
    """The elements on lines as full as the width lets them be."""
    lines = elements[:1]
    for element in elements[1:]:
        if len(lines[-1]) + len(element) + 2 <= width:
            lines[-1] += f", {element}"
        else:
            lines.append(element)
    return lines


def _scalar(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
