"""Sections of a card: sentences, a table, code; the same for a terminal and for Markdown."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.console import RenderableType
from rich.padding import Padding
from rich.text import Text

from pdesym.report.number_text import NOT_MEASURED
from pdesym.report.terminal import heading, line, ruled_table


@dataclass(frozen=True)
class Figure:
    """A picture: its file below the folder of the card, and what it shows."""

    path: str
    caption: str


@dataclass(frozen=True)
class Section:
    """A part of a card.

    Attributes:
        title: above it.
        lines: sentences, or entries of a list.
        heads: of the columns of its table.
        rows: of its table.
        code: text that is shown as it is.
        language: of the code.
        figure: below it; a terminal shows where it lies.
    """

    title: str
    lines: tuple[str, ...] = ()
    heads: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    code: str = ""
    language: str = ""
    figure: Figure | None = None


def terminal_parts(title: str, sections: Sequence[Section]) -> Iterator[RenderableType]:
    """The sections for a terminal, one after the other."""
    yield heading(title)
    for section in sections:
        yield Text("")
        yield heading(section.title)
        yield from map(line, section.lines)
        if section.rows:
            table = ruled_table(section.heads, _columns_of_words(section.rows))
            for row in section.rows:
                table.add_row(*map(Text, row))
            yield table
        if section.code:
            yield Padding(Text(section.code), (0, 0, 0, 4), expand=False)
        if section.figure is not None:
            yield line(f"{section.figure.path}: {section.figure.caption}")


def markdown_text(title: str, sections: Sequence[Section]) -> str:
    """The sections as a Markdown document."""
    parts = [f"# {escaped(title)}"]
    for section in sections:
        parts.append(f"## {escaped(section.title)}")
        if section.lines:
            parts.append("\n".join(f"- {escaped(text)}" for text in section.lines))
        if section.rows:
            words = _columns_of_words(section.rows)
            ruled = ["---" if k in words else "---:" for k in range(len(section.heads))]
            table = [section.heads, ruled, *section.rows]
            parts.append("\n".join(f"| {' | '.join(map(_cell, row))} |" for row in table))
        if section.code:
            longest = max(map(len, re.findall("`+", section.code)), default=0)  # a fence has to be longer
            fence = "`" * max(3, 1 + longest)
            parts.append(f"{fence}{section.language}\n{section.code}\n{fence}")
        if section.figure is not None:
            parts.append(f"![{escaped(section.figure.caption)}]({section.figure.path})")
    return "\n\n".join(parts) + "\n"


def listed(words: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return " and ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else "".join(words)


def escaped(text: str) -> str:
    """Text on one line in which nothing is taken for Markdown or HTML."""
    flat = " ".join(text.split()).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return "".join(f"\\{letter}" if letter in "\\`*_[]#|" else letter for letter in flat)


def _columns_of_words(rows: Sequence[Sequence[str]]) -> set[int]:
    """The columns that do not hold numbers alone, and the first."""
    return {k for row in rows for k, cell in enumerate(row) if k == 0 or not _is_number(cell)}


def _is_number(cell: str) -> bool:
    """Whether a cell starts with a number, as `1.4`, `50,000` and `90.4 kB` do, or says that there is none."""
    first = cell.partition(" ")[0].replace(",", "")
    try:
        float(first)
    except ValueError:
        return first in ("", NOT_MEASURED)
    return True


def _cell(text: str) -> str:
    return text if set(text) <= set("-:") else escaped(text)
