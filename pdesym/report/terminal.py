"""Tables and text for a terminal."""

from collections.abc import Collection, Iterable, Sequence

from rich import box
from rich.columns import Columns
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

_WIDEST = 100
_WIDTH_OF_A_FILE = 120


def print_on_terminal(parts: Iterable[RenderableType]) -> None:
    """Prints one part after the other to standard output, in colours on a terminal alone."""
    terminal = Console(highlight=False)
    console = terminal if terminal.is_terminal else Console(highlight=False, width=_WIDTH_OF_A_FILE)
    for part in parts:
        console.print(part)


def heading(text: str) -> Text:
    """A line that stands out."""
    return Text(text, style="bold")


def line(text: str) -> Text:
    """A line below a heading, indented also where it is continued."""
    return Text(f"  {text}")


def generator_table(generators: Sequence[str]) -> Table:
    """The generators with their names v1, v2, …."""
    table = Table(box=None, show_header=False, padding=(0, 1, 0, 2))
    for k, generator in enumerate(generators, start=1):
        table.add_row(Text(f"v{k}", style="cyan"), Text(generator))
    return table


def bracket_view(brackets: Sequence[Sequence[str]]) -> Table | Columns:
    """[v_i, v_j] in the row of v_i and the column of v_j; where that is too wide, a list of those that are not 0."""
    names = [f"v{k}" for k in range(1, len(brackets) + 1)]
    widths = [max(len(name), *(len(row[k]) for row in brackets)) + 2 for k, name in enumerate(names)]
    if sum(widths) + 8 > _WIDEST:
        listed = [
            f"  [{names[i]}, {names[j]}] = {brackets[i][j]}"
            for i in range(len(names))
            for j in range(i + 1, len(names))
            if brackets[i][j] != "0"
        ]
        return Columns([Text(text) for text in listed], padding=(0, 2))
    table = ruled_table(["[·,·]", *names])
    for name, row in zip(names, brackets, strict=True):
        table.add_row(Text(name, style="cyan"), *(Text(entry, style="dim" if entry == "0" else "") for entry in row))
    return table


def ruled_table(heads: Sequence[str], words: Collection[int] = (0,)) -> Table:
    """An empty table with a rule below its heads, the columns of words on the left, the others on the right."""
    table = Table(box=box.SIMPLE_HEAD, header_style="cyan", pad_edge=True, show_edge=False)
    for k, head in enumerate(heads):
        table.add_column(Text(head), justify="left" if k in words else "right")
    return table
