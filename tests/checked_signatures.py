"""Shapes and types of all calls are checked, at a tenth of what `jaxtyping.jaxtyped` takes for it.

That binds the arguments of every call to their names, for the text of an error, and checks them twice. Here a function
itself is checked by beartype, in a context of jaxtyping in which the name of an axis has one size; one without shapes
in its annotations needs no context.
"""

import inspect
from collections.abc import Callable, Iterator
from functools import partial, wraps
from typing import Any, ForwardRef, Literal, get_args, get_origin

import jaxtyping
from beartype import BeartypeConf, beartype

thorough = jaxtyping.jaxtyped
_checked_by_beartype = beartype(conf=BeartypeConf(violation_type=jaxtyping.TypeCheckError))


def install() -> None:
    """Has every function of `pdesym` checked that is imported from now on."""
    jaxtyping.install_import_hook("pdesym", "beartype.beartype")
    # By this name the hook puts it over each function.
    jaxtyping.jaxtyped = lambda *, typechecker: partial(checked, typechecker=typechecker)


def checked(function: Any, typechecker: Callable[..., Any] = beartype) -> Any:
    """A function whose arguments and result are checked at every call.

    What is no plain function is left to jaxtyping: classes, generators, and what is annotated with names in quotes,
    which may not be there yet.
    """
    hints = list(_parts(list(getattr(function, "__annotations__", {}).values())))
    quoted = any(isinstance(hint, str | ForwardRef) for hint in hints)
    if quoted or not inspect.isfunction(function) or inspect.isgeneratorfunction(function):
        return thorough(function, typechecker=typechecker)
    inner = _checked_by_beartype(function)
    if not any(isinstance(hint, type) and issubclass(hint, jaxtyping.AbstractArray) for hint in hints):
        return inner

    @wraps(function)
    def outer(*args: Any, **kwargs: Any) -> Any:
        with thorough("context"):
            try:
                return inner(*args, **kwargs)
            except jaxtyping.TypeCheckError:
                jaxtyping.print_bindings()
                raise

    return outer


def _parts(hint: Any) -> Iterator[Any]:
    """An annotation and all that stands inside it; the arguments of a Callable stand in a list, texts in a Literal."""
    yield hint
    if get_origin(hint) is not Literal:
        for part in hint if isinstance(hint, list) else get_args(hint):
            yield from _parts(part)
