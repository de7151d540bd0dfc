"""Symmetry algebras that were discovered, for a terminal, with the evidence for them."""

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.console import RenderableType
from rich.text import Text

from pdesym.report.algebra_text import structure_sentences
from pdesym.report.brackets import bracket_table
from pdesym.report.figures.house_style import shortened
from pdesym.report.number_text import measured_text
from pdesym.report.terminal import bracket_view, generator_table, heading, line, ruled_table

_WIDTH = 96


def discovery_parts(discovery: Mapping[str, Any]) -> Iterator[RenderableType]:
    """Generators, brackets, kind, and the evidence, from a loaded `discovery.json`; then its sources side by side."""
    yield from _one(discovery)
    beside = discovery.get("beside", [])
    for other in beside:
        yield Text("")
        yield from _found(other)
    if beside:
        yield Text("")
        yield _side_by_side([discovery, *beside])


def source_label(discovery: Mapping[str, Any]) -> str:
    """What was looked at: `equation: u_t = -u*u_x - u_xxx`."""
    return f"{discovery['source']}: {discovery['subject']}"


def boundary(discovery: Mapping[str, Any]) -> tuple[float | None, float | None]:
    """The last singular value that counts as zero and the first that does not; None where there is none."""
    values, count = discovery["spectrum"], discovery["dimension"]
    return (values[count - 1] if count else None, values[count] if count < len(values) else None)


def _one(discovery: Mapping[str, Any]) -> Iterator[RenderableType]:
    yield from _found(discovery)
    brackets = bracket_table(discovery)
    if brackets:
        yield Text("")
        yield heading("Brackets")
        yield bracket_view(brackets)
    if discovery["generators"]:
        yield Text("")
        yield heading("Structure")
        yield from map(line, structure_sentences(discovery))
    yield Text("")
    yield heading("Evidence")
    zero, other = boundary(discovery)
    count = discovery["dimension"]
    yield line(f"σ_{count} = {measured_text(zero)}, σ_{count + 1} = {measured_text(other)}")
    yield line(f"floor {measured_text(discovery['floor'])}, margin {measured_text(discovery['margin'])}")
    yield line(f"basis known up to {measured_text(discovery['uncertainty'])} radians")
    yield from _paragraph(f"fractions {discovery['closed_forms']}")
    yield from _paragraph(f"rule: {discovery['rule']}")


def _found(discovery: Mapping[str, Any]) -> Iterator[RenderableType]:
    yield heading(source_label(discovery))
    count = discovery["dimension"]
    yield line(f"{count} symmetr{'y' if count == 1 else 'ies'} among {len(discovery['library'])} vector fields")
    yield generator_table(discovery["generators"])
    if discovery["superposition"]:
        yield line("and, because it is linear, φ ∂_u for every solution φ, among them")
        yield from (Text(f"    {generator}") for generator in discovery["superposition"])
    for flag in discovery["flags"]:
        yield from (Text(text.plain, style="yellow") for text in _paragraph(f"doubtful: {flag}"))


def _paragraph(text: str) -> list[Text]:
    return [line(part) for part in textwrap.wrap(text, _WIDTH, subsequent_indent="  ", break_on_hyphens=False)]


def _side_by_side(discoveries: Sequence[Mapping[str, Any]]) -> RenderableType:
    table = ruled_table(["source", "symmetries", "last zero", "floor", "first other", "margin", "closure"])
    for discovery in discoveries:
        zero, other = boundary(discovery)
        numbers = (zero, discovery["floor"], other, discovery["margin"], float(discovery["closure"]))
        name = Text(shortened(source_label(discovery), 44))
        table.add_row(name, str(discovery["dimension"]), *map(measured_text, numbers))
    return table
