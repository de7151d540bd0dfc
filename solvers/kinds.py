"""Arguments of another kind than a solver takes, told in one sentence before anything is looked up in them."""

from collections.abc import Iterable
from numbers import Real

from torch import Tensor

from pdesym.solvers.equation import Equation
from pdesym.solvers.finite_differences.grid import FiniteDifferenceGrid
from pdesym.solvers.grid import Grid


def refuse_other_kinds(equation: object, u0: object, grid: object) -> None:
    """Raises TypeError unless these are an equation, a tensor and a grid."""
    if not isinstance(equation, Equation):
        raise TypeError(f'Expected an equation, such as kdv() or Equation("u_t = -u*u_x"), got {_kind(equation)}.')
    if not isinstance(u0, Tensor):
        raise TypeError(
            f"Expected u0 as a torch tensor (batch, channel, *space), got {_kind(u0)}: torch.as_tensor(u0)."
        )
    if not isinstance(grid, Grid | FiniteDifferenceGrid):
        raise TypeError(f"Expected a grid, such as Grid(64, length=1.0), got {_kind(grid)}.")


def output_times(times: object) -> tuple[float, ...]:
    """Output times as numbers.

    Raises:
        TypeError: unless they are a list of numbers, or a tensor with one axis.
    """
    if isinstance(times, Tensor) and times.ndim == 1:
        return tuple(float(t) for t in times.tolist())
    if isinstance(times, Iterable) and not isinstance(times, str | Tensor):
        values = list(times)
        if all(isinstance(t, Real) for t in values):
            return tuple(map(float, values))
    shown = f"a tensor of shape {tuple(times.shape)}" if isinstance(times, Tensor) else repr(times)
    raise TypeError(f"Expected a list of output times, such as [1.0, 2.0], or a tensor (time,), got {shown}.")


def refuse_no_number(**values: object) -> None:
    """Raises TypeError for the first argument, by its name, that is neither a number nor None."""
    for name, value in values.items():
        if value is not None and (isinstance(value, bool) or not isinstance(value, Real)):
            raise TypeError(f"Expected {name} to be a number, got {value!r}.")


def _kind(value: object) -> str:
    return (
        f"the class or function {value.__name__}"
        if callable(value) and hasattr(value, "__name__")
        else repr(type(value).__name__)
    )
