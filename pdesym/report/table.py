"""The table operator x generator: how far each operator breaks each symmetry, with its test error beside it."""

import math
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from typing import Any

from pdesym.report.citation import link
from pdesym.report.number_text import measured_text
from pdesym.report.record import Record

SYMMETRIES = "symmetries (0 is right)"
OTHERS = "not symmetries (must not vanish)"


@dataclass(frozen=True)
class Column:
    """A generator of the table."""

    text: str
    meaning: str
    symmetry: bool


@dataclass(frozen=True)
class Cell:
    """The relative equivariance defect of an operator for a generator: mean over the seeds, smallest, largest."""

    mean: Record
    low: Record
    high: Record

    @property
    def varies(self) -> bool:
        """Whether the seeds differ."""
        return self.low.number != self.high.number


@dataclass(frozen=True)
class Row:
    """An operator of the table; its error is None where there is none, as for the solver."""

    operator: str
    nmse: Record
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class DefectTable:
    """Rows and columns of `defects.json`, the symmetries first."""

    columns: tuple[Column, ...]
    rows: tuple[Row, ...]

    @property
    def groups(self) -> tuple[tuple[str, int], ...]:
        """What each run of columns has in common, and how many they are."""
        symmetries = sum(column.symmetry for column in self.columns)
        groups = ((SYMMETRIES, symmetries), (OTHERS, len(self.columns) - symmetries))
        return tuple((name, count) for name, count in groups if count)


def defect_table(defects: Mapping[str, Any]) -> DefectTable:
    """The table of a loaded `defects.json`; ValueError names a key that is missing."""
    record = Record("defects.json", (), defects)
    listed = [Column(g["text"].text, g["meaning"].text, g["symmetry"].flag) for g in record["generators"].elements]
    columns = sorted(listed, key=lambda column: not column.symmetry)
    rows = []
    for operator in record["operators"].elements:
        found = [operator["defects"][column.text] for column in columns]
        cells = tuple(Cell(cell["mean"], cell["low"], cell["high"]) for cell in found)
        rows.append(Row(operator["name"].text, operator["nmse"], cells))
    return DefectTable(tuple(columns), tuple(rows))


def terminal_table(table: DefectTable) -> str:
    """The table as aligned text, at most 100 characters wide for four generators."""
    heads = [["operator"], ["test NMSE"]]
    heads += [[*textwrap.wrap(column.meaning, 16), column.text] for column in table.columns]
    depth = max(len(head) for head in heads)
    heads = [[""] * (depth - len(head)) + head for head in heads]
    body = [[row.operator, *(measured_text(number) for number in _numbers(row))] for row in table.rows]
    lines = [list(line) for line in zip(*heads, strict=True)] + body
    widths = [max(len(line[index]) for line in lines) for index in range(len(heads))]
    groups, rule, first = [" " * (widths[0] + 2 + widths[1])], ["─" * (widths[0] + 2 + widths[1])], 2
    for name, count in table.groups:
        group = range(first, first + count)
        missing = len(name) - sum(widths[index] for index in group) - 2 * (count - 1)
        for index in group:
            widths[index] += max(0, math.ceil(missing / count))
        width = sum(widths[index] for index in group) + 2 * (count - 1)
        groups.append(name.rjust(width))
        rule.append("─" * width)
        first += count
    text = ["  ".join(groups), *(_aligned(line, widths) for line in lines)]
    text.insert(depth + 1, "  ".join(rule))
    return "\n".join(line.rstrip() for line in text)


def markdown_table(table: DefectTable) -> str:
    """The table in Markdown; above each generator stands whether it is a symmetry."""
    heads = ["operator", "test NMSE"]
    for column in table.columns:
        kind = "symmetry" if column.symmetry else "**not** a symmetry"
        heads.append(f"{_markdown(column.meaning)}<br>`{_in_cell(column.text)}`<br>{kind}")
    lines = [heads, ["---", *["---:"] * (len(heads) - 1)]]
    lines += [[_markdown(row.operator), *(measured_text(number) for number in _numbers(row))] for row in table.rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def html_table(table: DefectTable) -> str:
    """The table in HTML; every number links to its place in `defects.json`."""
    groups = "".join(f'<th scope="colgroup" colspan="{count}">{escape(name)}</th>' for name, count in table.groups)
    heads = "".join(
        f'<th scope="col" class="{_kind(column)}">{escape(column.meaning)}<br><code>{escape(column.text)}</code></th>'
        for column in table.columns
    )
    body = []
    for row in table.rows:
        cells = "".join(
            f'<td class="{_kind(column)}">{_cell(cell)}</td>'
            for column, cell in zip(table.columns, row.cells, strict=True)
        )
        body.append(f'<tr><th scope="row">{escape(row.operator)}</th><td>{link(row.nmse)}</td>{cells}</tr>')
    return (
        f'<table class="defects">\n<thead>\n<tr><th colspan="2"></th>{groups}</tr>\n'
        f'<tr><th scope="col">operator</th><th scope="col">test NMSE</th>{heads}</tr>\n</thead>\n'
        "<tbody>\n" + "\n".join(body) + "\n</tbody>\n</table>"
    )


def _numbers(row: Row) -> list[float | None]:
    return [row.nmse.number, *(cell.mean.number for cell in row.cells)]


def _aligned(line: list[str], widths: list[int]) -> str:
    name, *rest = line
    return "  ".join(
        [name.ljust(widths[0]), *(text.rjust(width) for text, width in zip(rest, widths[1:], strict=True))]
    )


def _in_cell(text: str) -> str:
    return text.replace("|", "\\|").replace("`", "'")


def _markdown(text: str) -> str:
    escaped = "".join(f"\\{letter}" if letter in "\\`*_[]" else letter for letter in escape(text, quote=False))
    return escaped.replace("|", "\\|")


def _kind(column: Column) -> str:
    return "symmetry" if column.symmetry else "other"


def _cell(cell: Cell) -> str:
    if not cell.varies:
        return link(cell.mean)
    return f'{link(cell.mean)}<span class="range">{link(cell.low)} to {link(cell.high)}</span>'
