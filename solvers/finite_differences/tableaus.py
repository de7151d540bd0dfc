"""The Runge-Kutta pairs of the method of lines, by the names that `solve` takes."""

from pdesym.solvers.steppers.tableaus import ARK4, DORMAND_PRINCE, Tableau

EXPLICIT, IMPLICIT = DORMAND_PRINCE, ARK4
TABLEAUS = {"dopri5": EXPLICIT, "imex4": IMPLICIT}

__all__ = ["EXPLICIT", "IMPLICIT", "TABLEAUS", "Tableau"]
