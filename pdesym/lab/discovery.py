"""Discovery from what a person names: an equation, a dataset, an operator, the solver."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from pdesym.datasets import schema
from pdesym.lab.dataset_discovery import dataset_job
from pdesym.lab.equation_source import equation_with_numbers, has_parameter, is_equation, unknown_equation
from pdesym.lab.operator_discovery import operator_job, solver_job
from pdesym.lab.search import Search
from pdesym.lab.waiting import shown_waiting
from pdesym.report.figures.spectra import LOOKS
from pdesym.symmetry.discover import Discovery, discover_from_equation

SOLVER = "solver"
MOST = len(LOOKS)


def discoveries(sources: Sequence[str], search: Search) -> dict[str, Any]:
    """The JSON of the first source's discovery, with those of the others in a list under `beside`.

    Raises:
        FileNotFoundError: before anything is computed, for a folder that is not what is expected.
        ValueError: likewise, for a source, a parameter or a library that does not fit.
    """
    if len(sources) > MOST:
        raise ValueError(f"At most {MOST} sources stand on one axis, got {len(sources)}: leave some out.")
    if search.alike and not any(_is_operator(Path(source)) for source in sources):
        raise ValueError("Operators trained alike stand beside an operator, and none is among the sources.")
    jobs = [discovery_job(source, _of_one(source, sources, search)) for source in sources]
    found = []
    for source, job in zip(sources, jobs, strict=True):
        with shown_waiting(f"looking for the symmetries of {source}"):
            found.append(job().to_json())
    return found[0] | {"beside": found[1:]}


def discovery_job(source: str, search: Search) -> Callable[[], Discovery]:
    """What discovers the symmetries of a source; what can be wrong with it is said before it is called.

    Args:
        source: the text of an equation, a name of the catalogue, the folder of a dataset or of an operator, or the
            word "solver".
        search: where to look.
    """
    if is_equation(source):
        return _equation_job(source, search)
    if source == SOLVER:
        return solver_job(search)
    folder = Path(source)
    if not folder.is_dir():
        raise FileNotFoundError(f"{unknown_equation(source)}; or the folder of a dataset or of an operator.")
    if (folder / "arms").is_dir():
        raise ValueError(
            f"{folder} is a whole run of the lab: name its dataset, {folder / 'data'}, or one of its operators in "
            f"{folder / 'arms'}."
        )
    if (folder / schema.STORE).is_dir() or (folder / schema.RECIPE_FILE).is_file():
        return dataset_job(folder, search)
    if _is_operator(folder):
        return operator_job(folder, search)
    raise FileNotFoundError(
        f"{folder} holds neither a dataset nor an operator: expected a folder that `pdesym generate` or `pdesym "
        "import` has filled, or that of a checkpoint or of a training run."
    )


def _is_operator(folder: Path) -> bool:
    return (folder / "last").is_file() or (folder / "config.json").is_file()


def _of_one(source: str, sources: Sequence[str], search: Search) -> Search:
    """The search with the parameters that this one of several equations has."""
    equations = [each for each in sources if is_equation(each)]
    for name in search.parameters:
        if not any(has_parameter(each, name) for each in equations):
            raise ValueError(f"No equation among the sources has a parameter {name}: leave out --param {name}=….")
    if not is_equation(source):
        return search
    own = {name: value for name, value in search.parameters.items() if has_parameter(source, name)}
    return replace(search, parameters=own)


def _equation_job(source: str, search: Search) -> Callable[[], Discovery]:
    equation = equation_with_numbers(source, search.where, search.parameters)
    library = search.library(equation.fields, ("x", "y", "z")[: equation.least_dims])
    values = ", ".join(f"{name} = {value:g}" for name, value in equation.parameters.items())

    def job() -> Discovery:
        found = discover_from_equation(equation, library, seed=search.seed)
        return replace(found, subject=f"{found.subject} with {values}") if values else found

    return job
