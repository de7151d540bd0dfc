"""What is said of data that this package did not compute: their name, equation and parameters."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

import pdesym
from pdesym.datasets import schema
from pdesym.datasets.formats.source import Described
from pdesym.datasets.recipe_problem import did_you_mean
from pdesym.solvers import CATALOGUE, Equation

SHARD_BYTES = 64 * 2**20
"""Of the samples of one shard, when the caller does not say how many they are."""


def declared_equation(
    equation: str | Sequence[str] | None,
    where: str | Sequence[str],
    parameters: Mapping[str, float | np.ndarray],
    fields: Sequence[str],
    dims: int,
) -> Equation | None:
    """The equation that the fields solve: a name of the catalogue, or text; None stays None.

    Raises:
        ValueError: for text that is no equation, and fields or parameters that are not those of the equation.
    """
    if equation is None:
        if where:
            raise ValueError("Relations (where) were given without an equation: add the equation.")
        return None
    values: dict[str, Any] = {
        name: torch.as_tensor(value) if isinstance(value, np.ndarray) else value for name, value in parameters.items()
    }
    texts = (equation,) if isinstance(equation, str) else tuple(equation)
    if len(texts) > 1 or "=" in texts[0]:
        found = Equation(*texts, where=where, **values)
    elif texts[0] in CATALOGUE:
        if where:
            raise ValueError(f"The equation {texts[0]} of the catalogue has its own relations: leave out where.")
        try:
            found = CATALOGUE[texts[0]](**values)
        except TypeError:
            raise ValueError(
                f"The equation {texts[0]} does not take the parameters {', '.join(values) or 'none'}: see "
                f"`pdesym equations`, or give the equation as text."
            ) from None
    else:
        raise ValueError(
            f"No equation is named {texts[0]}{did_you_mean(texts[0], list(CATALOGUE))}: the catalogue has "
            f"{', '.join(CATALOGUE)}, and a text like 'u_t = -u*u_x - u_xxx' works too."
        )
    if set(found.fields) != set(fields):
        raise ValueError(
            f"The equation {found.statement} is one for {', '.join(found.fields)}, and the fields are "
            f"{', '.join(fields)}: name them alike."
        )
    if found.least_dims > dims:
        raise ValueError(f"The equation {found.statement} needs {found.least_dims} dimensions, the fields have {dims}.")
    return found


def split_parameters(parameters: Mapping[str, Any], samples: int) -> tuple[dict[str, float], dict[str, np.ndarray]]:
    """Parameters that all samples share, and those with one value a sample, float64.

    Raises:
        ValueError: naming the parameter that is no finite number, nor an array with one for each sample.
    """
    fixed, drawn = {}, {}
    for name, value in parameters.items():
        array = np.asarray(value)
        if array.dtype.kind not in "fiu" or array.shape not in ((), (samples,)) or not np.isfinite(array).all():
            raise ValueError(
                f"The parameter {name} has the shape {array.shape} and holds {array.dtype}: expected a finite number, "
                f"or one for each of the {samples} samples."
            )
        if array.ndim:
            drawn[name] = array.astype("float64")
        else:
            fixed[name] = float(array)
    return fixed, drawn


def attributes_of(
    name: str,
    split: str,
    fields: Sequence[str],
    parameters: Mapping[str, float],
    equation: Equation | None,
    shard: int,
    source: str,
) -> dict[str, Any]:
    """The attributes of a split of data from elsewhere, as `pdesym.datasets.schema` has them."""
    stated = equation.statement if equation else ""
    fixed = dict(parameters)
    if equation:  # a name of the catalogue brings parameters of its own
        fixed |= {key: value for key, value in equation.parameters.items() if isinstance(value, float)}
    return {
        "Conventions": "CF-1.11",
        "title": f"{name}: {split}" if split else name,
        "pdesym_schema": schema.VERSION,
        "name": name,
        "split": split,
        "fields": json.dumps(list(fields)),
        "equation": stated,
        "equation_text": json.dumps(equation.text if equation else []),
        "where": json.dumps(equation.where if equation else []),
        "parameters": json.dumps(fixed),
        "solver": "unknown",
        "shard": shard,
        "source": source,
        "pdesym_version": pdesym.__version__,
        "numpy_version": np.__version__,
        "complete": 0,
    }


def described_parameter(name: str, samples: int) -> Described:
    """The array of a parameter with one value a sample."""
    return Described(("sample",), (samples,), "float64", {"units": "1", "long_name": f"parameter {name}"})


def described_account(samples: int) -> dict[str, Described]:
    """What the solver would say of each sample; of data from elsewhere it is not known."""
    return {
        one.name: Described(one.dims, one.shape, one.dtype, dict(one.attributes))
        for one in schema.account_variables(samples, 1)
    }


def unknown_account(samples: int) -> dict[str, np.ndarray]:
    """The values that stand for what is not known: nan, and 0 steps on 0 points."""
    return {
        name: np.full(samples, np.nan) if one.dtype == "float64" else np.zeros(samples, one.dtype)
        for name, one in described_account(samples).items()
    }


def default_shard(bytes_per_sample: int, samples: int) -> int:
    """As many samples as make a shard of about 64 MB."""
    return max(1, min(samples, SHARD_BYTES // max(bytes_per_sample, 1)))


def file_name(path: Path) -> str:
    """The name of a file or folder without the way to it."""
    return path.resolve().name
