"""The verbs about datasets."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from pdesym.cli.app import RUN_FAILED, Overrides, Parameters, Where, app

Folder = Annotated[Path, typer.Argument(help="Folder of a dataset.")]


@app.command()
def generate(
    recipe: Annotated[str, typer.Argument(help="A recipe that comes with pdesym, or a YAML file.")],
    out: Annotated[Path | None, typer.Option(help="Folder of the dataset; an unfinished one is continued.")] = None,
    overrides: Overrides = None,
    workers: Annotated[int, typer.Option(help="Processes that share the work; the result does not depend on it.")] = 1,
    scheduler: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Of a dask cluster that does the work, tcp://host:8786.")
    ] = None,
    device: Annotated[str, typer.Option(help="Where torch computes, cpu or cuda.")] = "cpu",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say size, memory and cost; write nothing.")] = False,
) -> None:
    """A dataset from a recipe.

    With --dry-run it solves a few samples, whose cost stands for that of all.
    """
    if out is None and not dry_run:
        raise typer.BadParameter(
            "give --out FOLDER, or --dry-run to see what the dataset would cost.", param_hint="--out"
        )

    from pdesym.datasets import load_recipe

    resolved = load_recipe(recipe, overrides or [])  # before the import of torch: a typo is answered at once

    if dry_run:
        from pdesym.datasets import pilot, plan

        size = plan(resolved)
        print(f"{size}\n{size.details}", flush=True)
        print(pilot(resolved, device=device))
    elif out is not None:
        from pdesym.datasets import generate

        print(generate(resolved, out, workers=workers, device=device, scheduler=scheduler))


@app.command()
def recipes(
    name: Annotated[str | None, typer.Argument(help="Print this one, to be changed into one of your own.")] = None,
) -> None:
    """The recipes that come with pdesym."""
    from pdesym.datasets.recipe import recipe_text, shipped_recipes

    if name is not None:
        print(recipe_text(name), end="")
        return
    shipped = shipped_recipes()
    width = max(map(len, shipped))
    for name, meaning in shipped.items():
        print(f"{name:<{width}}  {meaning}")


@app.command()
def describe(
    folder: Folder,
    out: Annotated[Path | None, typer.Option(help="Folder of the card; that of the dataset if not given.")] = None,
    symmetries: Annotated[bool, typer.Option(help="Whether to determine the symmetries of the equation.")] = True,
) -> None:
    """A dataset's card: equation, symmetries, spectra, what is conserved, errors, and a figure.

    Prints it, and writes README.md and its figure beside the data.
    """
    from pdesym.report.dataset_card import describe_dataset
    from pdesym.report.terminal import print_on_terminal

    print_on_terminal(describe_dataset(folder, out, symmetries=symmetries).parts())


@app.command()
def verify(
    folder: Folder,
    samples: Annotated[int, typer.Option(min=0, help="So many samples are solved again and compared.")] = 8,
    seed: Annotated[int, typer.Option(min=0, help="Of the draw of these samples.")] = 0,
) -> None:
    """Whether a dataset is what its recipe says, and nothing in it was damaged or changed.

    Every byte is checked; some samples are solved again. Ends with exit code 1 when something is wrong.
    """
    from pdesym.datasets import verify

    found = verify(folder, samples=samples, seed=seed)
    print(found)
    if not found.ok:
        raise typer.Exit(RUN_FAILED)


Format = Literal["well", "pdebench", "netcdf"]


@app.command("export")
def export_(
    folder: Folder,
    out: Annotated[Path, typer.Option(help="Folder of the files; new or empty.")],
    format: Annotated[Format, typer.Option(help="The Well's HDF5, PDEBench's HDF5, or netCDF.")],
    split: Annotated[list[str] | None, typer.Option(help="One to write, all if not given; repeatable.")] = None,
) -> None:
    """A dataset in a format that others read.

    `pdesym import` brings it back exactly.
    """
    from pdesym.datasets import export_dataset

    print(export_dataset(folder, out, format=format, splits=split))


@app.command("import")
def import_(
    source: Annotated[Path, typer.Argument(help="File or folder in the format of The Well, PDEBench or netCDF.")],
    out: Annotated[Path, typer.Option(help="Folder of the dataset; new or empty.")],
    format: Annotated[Format | None, typer.Option(help="Of the source; found out if not given.")] = None,
    split: Annotated[str | None, typer.Option(help="Of a single file; what it says itself if not given.")] = None,
    name: Annotated[str | None, typer.Option(help="Of the dataset; that of the file if not given.")] = None,
    field: Annotated[
        list[str] | None, typer.Option(help="Names for the channels of PDEBench, else a field to take; repeatable.")
    ] = None,
    periodic: Annotated[
        bool | None, typer.Option("--periodic/--bounded", help="Of all axes; what the file says if not given.")
    ] = None,
    length: Annotated[
        list[float] | None, typer.Option(help="Of the axes, where the points show it to a few digits; repeatable.")
    ] = None,
    equation: Annotated[
        list[str] | None, typer.Option(help="That the fields solve, text or a name of the list; repeatable.")
    ] = None,
    where: Where = None,
    parameters: Parameters = None,
    allow_nan: Annotated[
        bool, typer.Option("--allow-nan", help="Mark samples that are not finite as failed, instead of refusing them.")
    ] = False,
) -> None:
    """A dataset from files of others."""
    from pdesym.datasets import import_dataset
    from pdesym.lab.equation_source import parameter_values

    texts = equation[0] if equation and len(equation) == 1 else equation
    print(
        import_dataset(
            source,
            out,
            format,
            split=split,
            name=name,
            fields=field,
            periodic=periodic,
            length=length,
            equation=texts,
            where=tuple(where or ()),
            parameters={key: float(value) for key, value in parameter_values(parameters or []).items()},
            allow_nan=allow_nan,
        )
    )
