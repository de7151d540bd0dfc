"""The one door to neuralop."""

import importlib
import warnings
from types import ModuleType


def neuralop_models() -> ModuleType:
    """The module `neuralop.models`, imported on the first call (seconds; it loads wandb, but opens no connection).

    Its modules put `once` for every UserWarning in front of the interpreter's warning filters, over a caller's
    `error` or `ignore`; here the filters stay the caller's. What it warns of while it is imported is shown.
    """
    with warnings.catch_warnings():
        return importlib.import_module("neuralop.models")
