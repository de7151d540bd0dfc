"""The command `pdesym`: its options, what becomes of an error, and its main job."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from pdesym import __version__

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
Parameters = Annotated[
    list[str] | None, typer.Option("--param", metavar="NAME=NUMBER", help="Value of a parameter; repeatable.")
]
Where = Annotated[
    list[str] | None, typer.Option(help="Relation of an auxiliary field, such as 'lap(psi) = -w'; repeatable.")
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
