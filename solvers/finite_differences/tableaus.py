"""The Runge-Kutta pairs of the method of lines, as tables."""

from dataclasses import dataclass

from pdesym.solvers.steppers import DOPRI5, IMEX4, runge_kutta

Rows = tuple[tuple[float, ...], ...]


@dataclass(frozen=True)
class Tableau:
    """An embedded pair for u' = f(u, t) or u' = A u + b(t) + N(u, t).

    Attributes:
        name: its usual name with the source.
        order: of the result.
        estimate_order: the estimate of one step is of the order h^estimate_order.
        nodes: c_i of the stages.
        explicit: a_ij of N, or of f.
        implicit: a_ij of A u + b(t), diagonal included; empty for an explicit method.
        weights: b_j.
        estimate: differences to the embedded weights, the last for the new state where there is one more of them.
    """

    name: str
    order: int
    estimate_order: int
    nodes: tuple[float, ...]
    explicit: Rows
    implicit: Rows
    weights: tuple[float, ...]
    estimate: tuple[float, ...]


EXPLICIT = Tableau(
    DOPRI5.name,
    DOPRI5.order,
    DOPRI5.estimate_order,
    DOPRI5.nodes,
    runge_kutta._DOPRI,
    (),
    runge_kutta._DOPRI_WEIGHTS,
    runge_kutta._differences(runge_kutta._DOPRI_WEIGHTS, runge_kutta._DOPRI_EMBEDDED),
)
IMPLICIT = Tableau(
    IMEX4.name,
    IMEX4.order,
    IMEX4.estimate_order,
    IMEX4.nodes,
    runge_kutta._ARK_EXPLICIT,
    runge_kutta._ARK_IMPLICIT,
    runge_kutta._ARK_WEIGHTS,
    runge_kutta._differences(runge_kutta._ARK_WEIGHTS, runge_kutta._ARK_EMBEDDED),
)
TABLEAUS = {"dopri5": EXPLICIT, "imex4": IMPLICIT}
