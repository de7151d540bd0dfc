"""One-step methods for v' = L v + N(v, t), by the names that `solve` takes."""

from collections.abc import Mapping
from types import MappingProxyType

from pdesym.solvers.steppers.exponential import COX_MATTHEWS, ETDRK2, KROGSTAD
from pdesym.solvers.steppers.runge_kutta import DOPRI5, IMEX4
from pdesym.solvers.steppers.stepper import STATE, Stepper, estimate, step

STEPPERS: Mapping[str, Stepper] = MappingProxyType(
    {
        "etdrk4": KROGSTAD,
        "etdrk4-cox-matthews": COX_MATTHEWS,
        "etdrk2": ETDRK2,
        "imex4": IMEX4,
        "dopri5": DOPRI5,
    }
)

DEFAULT = "etdrk4"


def stepper_named(name: str) -> Stepper:
    """The method of that name.

    Raises:
        ValueError: for an unknown name; the message lists the known ones.
    """
    if name not in STEPPERS:
        raise ValueError(f"There is no method {name!r}: choose one of {', '.join(STEPPERS)}.")
    return STEPPERS[name]


__all__ = [
    "COX_MATTHEWS",
    "DEFAULT",
    "DOPRI5",
    "ETDRK2",
    "IMEX4",
    "KROGSTAD",
    "STATE",
    "STEPPERS",
    "Stepper",
    "estimate",
    "step",
    "stepper_named",
]
