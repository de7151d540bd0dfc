"""The verbs about equations and their symmetries."""

import inspect
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pdesym.cli.app import Parameters, Where, app

if TYPE_CHECKING:
    from pdesym.solvers import Equation

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")]


@app.command()
def determine(
    equation: Annotated[list[str], typer.Argument(help="Text, one argument for each field, or a name of the list.")],
    where: Where = None,
    parameters: Parameters = None,
    degree: Annotated[int, typer.Option(min=0, help="Of the coefficients in space and fields.")] = 2,
    as_json: AsJson = False,
    out: Annotated[Path | None, typer.Option(help="Folder for algebra.json, algebra.tex and the figure.")] = None,
) -> None:
    """The exact symmetry algebra of an equation.

    Parameters without a value stay symbols; their special values are found too.
    """
    from pdesym.lab.equation_source import determined, parameter_values
    from pdesym.lab.waiting import shown_waiting
    from pdesym.report.determined_terminal import determined_parts
    from pdesym.report.symmetry_files import json_text, require_folder, write_determined
    from pdesym.report.terminal import print_on_terminal

    values = parameter_values(parameters or [])
    require_folder(out)
    with shown_waiting("determining the symmetries"):
        found = determined(equation, where or [], values, degree)
        document = found.to_json() | {"values": {name: str(value) for name, value in values.items()}}
    if out is not None:
        write_determined(out, document, found.latex())
    if as_json:
        print(json_text(document))
    else:
        print_on_terminal(determined_parts(document))


@app.command()
def discover(
    source: Annotated[str, typer.Argument(help="An equation (text, or a name of the list), or a folder.")],
    beside: Annotated[list[str] | None, typer.Option(help="Another source to compare with; repeatable.")] = None,
    data: Annotated[Path | None, typer.Option(help="Dataset on whose fields operators are looked at.")] = None,
    alike: Annotated[
        list[Path] | None,
        typer.Option(help="Operator trained alike from another seed, whose spread tells; repeatable."),
    ] = None,
    split: Annotated[str, typer.Option(help="Part of the datasets to look at.")] = "test",
    degree: Annotated[int | None, typer.Option(min=0, help="Of the polynomials to look among.  [default: 2]")] = None,
    library: Annotated[str | None, typer.Option(help="Functions to look among, such as '1,x,t,u,exp(t)'.")] = None,
    where: Where = None,
    parameters: Parameters = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the points and fields that are drawn.")] = 0,
    as_json: AsJson = False,
    out: Annotated[Path | None, typer.Option(help="Folder for discovery.json and the figures.")] = None,
) -> None:
    """The symmetry algebra of an equation, of data, or of a trained operator, by numbers.

    A source is the text of an equation, a name of the list, the folder of a dataset, or that of a checkpoint or a
    training run; and `solver`, the exact solution map of the equation behind --data.
    """
    from pdesym.lab.equation_source import parameter_values
    from pdesym.lab.search import Search
    from pdesym.report.symmetry_files import json_text, require_folder, write_discovery

    terms = tuple(term.strip() for term in library.split(",")) if library is not None else ()
    values = parameter_values(parameters or [])
    search = Search(degree, terms, values, tuple(where or ()), data, split, seed, tuple(alike or ()))
    sources = [source, *(beside or [])]
    require_folder(out)

    from pdesym.lab.discovery import discoveries
    from pdesym.report.discovery_terminal import discovery_parts
    from pdesym.report.terminal import print_on_terminal

    document = discoveries(sources, search)
    if out is not None:
        write_discovery(out, document)
    if as_json:
        print(json_text(document))
    else:
        print_on_terminal(discovery_parts(document))


@app.command()
def equations() -> None:
    """The equations that come with pdesym.

    What each one is, what its solutions do, what they conserve, and good values for a first run.
    """
    from pdesym.solvers import CATALOGUE

    print("\n\n".join(_described(name, equation) for name, equation in CATALOGUE.items()))


def _described(name: str, equation: Callable[..., "Equation"]) -> str:
    """The card of an equation of the catalogue, as text for a terminal."""
    defaults = {key: parameter.default for key, parameter in inspect.signature(equation).parameters.items()}
    needed = [key for key, value in defaults.items() if value is inspect.Parameter.empty]
    example = equation(**dict.fromkeys(needed, 1.0))  # the card is the same whatever the values are
    card = example.card
    if card is None:
        raise ValueError(f"The equation {name} of the catalogue has no card: give it one.")
    values = [key if key in needed else f"{key} = {defaults[key]:g}" for key in defaults]
    entries = {
        "text": "; ".join((*example.text, *(f"where {relation}" for relation in example.where))),
        "dimensions": " or ".join(f"{dims}D" for dims in card.dims),
        "parameters": ", ".join(values) or "none",
        "solutions": card.behaviour,
        "conserved": ", ".join(f"{key} ∫({density})" for key, density in card.invariants.items()) or "nothing known",
        "exact": "; ".join(f"{key}: {formula}" for key, formula in card.exact_solutions.items()) or "nothing known",
        "evidence": card.evidence or "the exact solutions",
        "good values": card.good_values,
        "ill-posed": card.ill_posed,
    }
    lines = [
        textwrap.fill(text, 100, initial_indent=f"  {label:<13}", subsequent_indent=" " * 15, break_on_hyphens=False)
        for label, text in entries.items()
    ]
    return "\n".join([f"{name}: {card.name}, {card.formula}", *lines])
