"""How the functions of the row kernel are compiled."""

import hashlib
import inspect
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from numba import njit
from numba.extending import overload

Function = TypeVar("Function", bound=Callable[..., Any])

# Whole numbers are never divided by zero here, and a solution that blows up shall become inf and nan, not an exception.
# Nothing is allocated, so nothing is counted: references inside inner loops cost more than the arithmetic.
_OPTIONS = {"error_model": "numpy", "boundscheck": False, "nogil": True, "_nrt": False, "no_cfunc_wrapper": True}


def jitted(function: Function) -> Function:
    """A function that other compiled functions call."""
    result: Function = njit(inspect.unwrap(function), no_cpython_wrapper=True, **_OPTIONS)
    return result


def cached(function: Function) -> Function:
    """A function that Python calls, kept on disk: beside this file, or in the user's cache where that is read-only.

    Where neither can be written it is compiled in each process.

    Numba compiles anew when the file of this function changes, not those of the functions that it calls; so it must
    take `SOURCES` from an enclosing scope.
    """
    result: Any = njit(inspect.unwrap(function), **_OPTIONS)
    with suppress(RuntimeError):
        result.enable_caching()
    compiled: Function = result
    return compiled


def callable_from_jitted(function: Callable[..., Any]) -> None:
    """Let compiled functions call a function that stays one of Python as well."""
    overload(function, jit_options=_OPTIONS, strict=False)(lambda *_: inspect.unwrap(function))


def _fingerprint() -> int:
    digest = hashlib.sha256()
    here = Path(__file__).parent
    compiled = ("jit", "lengths", "memory", "vectors", "fourier", "step", "lanes", "plane_step")
    for file in (*(here / f"{name}.py" for name in compiled), here.parent / "control.py"):
        digest.update(file.read_bytes())
    return int.from_bytes(digest.digest()[:7])


SOURCES = _fingerprint()
"""A number that changes with the sources of what is compiled, the rules of step control among them."""
