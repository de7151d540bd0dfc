"""The exact symmetry algebra of an equation for a terminal."""

from collections.abc import Iterator, Mapping
from typing import Any

from rich.console import RenderableType
from rich.text import Text

from pdesym.report.algebra_text import structure_sentences, variables_text
from pdesym.report.brackets import OUTSIDE, bracket_table
from pdesym.report.terminal import bracket_view, generator_table, heading, line


def determined_parts(determined: Mapping[str, Any]) -> Iterator[RenderableType]:
    """Generators, brackets, kind, superposition, special values, from a loaded `algebra.json`."""
    values = ", ".join(f"{name} = {value}" for name, value in determined.get("values", {}).items())
    yield heading(f"{determined['equation']} with {values}" if values else determined["equation"])
    if determined["parameters"]:
        yield line(f"for any {', '.join(determined['parameters'])}, special values apart")
    count = determined["dimension"]
    yield line(
        f"{count} generator{'s' * (count != 1)} in {variables_text(determined)}, exactly, of degree "
        f"{determined['degree']} in space and fields"
    )
    yield generator_table(determined["generators"])
    yield from (line(text) for text in _infinite(determined))
    brackets = bracket_table(determined)
    if brackets:
        yield Text("")
        yield heading("Brackets")
        yield bracket_view(brackets)
        if any(OUTSIDE in row for row in brackets):
            yield line("outside: this bracket is no combination of the generators")
    if count:
        yield Text("")
        yield heading("Structure")
        yield from map(line, structure_sentences(determined))
    if determined["special"]:
        yield Text("")
        yield heading("Special values of the parameters")
        for special in determined["special"]:
            yield from _special(special)


def _special(special: Mapping[str, Any]) -> Iterator[RenderableType]:
    condition, algebra = Text(f"  {special['condition']}", style="cyan"), special["algebra"]
    if algebra is None:
        yield condition + Text(f": {special['note']}", style="default")
    elif special["closure"] != 0:
        count = algebra["dimension"] + len(special["families"])
        yield condition + Text(f": {count} in the ansatz, not closed, most likely infinitely many", style="default")
    else:
        count = algebra["dimension"]
        yield condition + Text(f": {count} generator{'s' * (count != 1)}", style="default")
        yield from (Text(f"    {generator}") for generator in algebra["generators"])
        yield from (line(f"  {text}") for text in _infinite(special))


def _infinite(found: Mapping[str, Any]) -> Iterator[str]:
    """What comes with the finite part: a superposition, and arbitrary functions of time."""
    if found["ideal"] is not None:
        yield f"and the superposition {found['ideal']['direction']} with {found['ideal']['equation']}"
    yield from (f"and {family['text']}" for family in found["families"])
