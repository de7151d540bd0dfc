"""Datasets from arrays of one's own, and to and from the formats of others: the Well, PDEBench and netCDF."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pdesym.datasets.formats.arrays import dataset_from_arrays
    from pdesym.datasets.formats.exporting import export_dataset
    from pdesym.datasets.formats.importing import import_dataset
    from pdesym.datasets.formats.saving import save_dataset

# As in pdesym.datasets: torch and xarray wait until something is asked for.
_HOME = {
    "dataset_from_arrays": "arrays",
    "export_dataset": "exporting",
    "import_dataset": "importing",
    "save_dataset": "saving",
}

__all__ = ["dataset_from_arrays", "export_dataset", "import_dataset", "save_dataset"]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
