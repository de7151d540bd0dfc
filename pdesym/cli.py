"""The command line, `pdesym`: one verb a job. Each verb imports its room when it runs, so that help comes at once."""

import inspect
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from pdesym import __version__

if TYPE_CHECKING:
    from pdesym.solvers import Equation

BAD_INPUT, RUN_FAILED, INTERRUPTED = 2, 1, 130


def _sentence(error: Exception) -> str:
    """What the error says, without the number of the system's own errors."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror + (f": {error.filename}" if error.filename else "")
    return str(error)


def _exit_code(error: Exception) -> int | None:
    """The exit code of an error that speaks to the user; None for a fault of the program or a closed pipe."""
    if isinstance(error, BrokenPipeError):
        return None
    if isinstance(error, ValueError | FileNotFoundError | FileExistsError | NotADirectoryError | IsADirectoryError):
        return BAD_INPUT
    if isinstance(error, OSError) or type(error).__module__.startswith("pdesym."):
        return RUN_FAILED
    return None


class _OneSentence(TyperGroup):
    """The verbs; an error that speaks to the user ends in its sentence, and with --debug in its traceback."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            print("\nInterrupted: the same command continues from here.", file=sys.stderr)
            ctx.exit(INTERRUPTED)
        except Exception as error:
            code = _exit_code(error)
            if ctx.params["debug"] or code is None:
                raise
            print(f"pdesym: {_sentence(error)}", file=sys.stderr)
            ctx.exit(code)


app = typer.Typer(
    cls=_OneSentence, no_args_is_help=True, add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False
)

Overrides = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change one entry of the recipe; repeatable.")
]


def _print_version(wanted: bool) -> bool:
    if wanted:
        print(f"pdesym {__version__}")
        raise typer.Exit
    return wanted


@app.callback()
def pdesym(
    version: Annotated[bool, typer.Option("--version", callback=_print_version, is_eager=True)] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
) -> None:
    """Symmetry in neural operators: a PDE as text, its solver, its datasets, its Lie algebra."""


@app.command()
def lab(
    out: Annotated[Path, typer.Option(help="Folder of the run; an unfinished one is continued.")] = Path("runs/lab"),
    recipe: Annotated[str, typer.Option(help="A recipe that comes with pdesym, or a YAML file.")] = "kdv",
    overrides: Overrides = None,
) -> None:
    """The whole loop, from an equation to a report.

    Solves, stores, trains two operators, measures their symmetry and writes a report with every number and figure.
    """
    from pdesym.lab import run_lab

    print(f"The report: {run_lab(out, recipe, overrides or [])}")


@app.command()
def generate(
    recipe: Annotated[str, typer.Argument(help="A recipe that comes with pdesym, or a YAML file.")],
    out: Annotated[Path, typer.Option(help="Folder of the dataset; an unfinished one is continued.")],
    overrides: Overrides = None,
    workers: Annotated[int, typer.Option(help="Processes that share the work; the result does not depend on it.")] = 1,
    device: Annotated[str, typer.Option(help="Where torch computes, cpu or cuda.")] = "cpu",
) -> None:
    """A dataset from a recipe."""
    from pdesym.datasets import load_recipe

    resolved = load_recipe(recipe, overrides or [])  # before the import of torch: a typo is answered at once

    from pdesym.datasets import generate

    print(generate(resolved, out, workers=workers, device=device))


Parameters = Annotated[
    list[str] | None, typer.Option("--param", metavar="NAME=NUMBER", help="Value of a parameter; repeatable.")
]
Where = Annotated[
    list[str] | None, typer.Option(help="Relation of an auxiliary field, such as 'lap(psi) = -w'; repeatable.")
]
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
