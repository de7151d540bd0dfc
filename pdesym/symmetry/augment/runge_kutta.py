"""One explicit step of order 6."""

from collections.abc import Callable

from jaxtyping import Float
from torch import Tensor

# Seven stages (Butcher, J. Austral. Math. Soc. 4, 1964): rows of coefficients, and weights.
_ROWS = (
    (),
    (1 / 3,),
    (0, 2 / 3),
    (1 / 12, 1 / 3, -1 / 12),
    (-1 / 16, 9 / 8, -3 / 16, -3 / 8),
    (0, 9 / 8, -3 / 8, -3 / 4, 1 / 2),
    (9 / 44, -9 / 11, 63 / 44, 18 / 11, 0, -16 / 11),
)
_WEIGHTS = (11 / 120, 0, 27 / 40, 27 / 40, -4 / 15, -4 / 15, 11 / 120)


def runge_kutta_step(
    rate: Callable[[Tensor, float], Tensor], state: Float[Tensor, "..."], r: float, h: float
) -> Float[Tensor, "..."]:
    """The state at r + h, from the state at r and its `rate(state, r)`."""
    slopes: list[Tensor] = []
    for row in _ROWS:
        slopes.append(rate(_added(state, h, row, slopes), r + h * sum(row)))
    return _added(state, h, _WEIGHTS, slopes)


def _added(state: Tensor, h: float, row: tuple[int | float, ...], slopes: list[Tensor]) -> Tensor:
    for factor, slope in zip(row, slopes, strict=True):
        if factor:
            state = state + h * factor * slope
    return state
