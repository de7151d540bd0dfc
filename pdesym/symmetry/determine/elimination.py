"""Linear equations for functions of time: A(t) c + B(t) c' = 0, brought to c' = M(t) c on the free components."""

from collections.abc import Iterable
from dataclasses import dataclass

from pdesym.symmetry.determine.coefficients import CoefficientField, Element

Row = dict[int, Element]
Equation = tuple[Row, Row]
"""(coefficients of c', coefficients of c)."""


@dataclass(frozen=True)
class Completed:
    """The system with all its consequences.

    Attributes:
        free: components of c that nothing determines at one time.
        fixed: the others, as combinations of the free ones at the same time; beside them free ones that are shifted by
            arbitrary ones, as combinations of what takes their place.
        rates: c' of free components, as combinations of the free ones.
        arbitrary: free components whose c' is not determined either: arbitrary functions of time.
        pivots: by what the elimination has divided, without plain numbers: it holds where none of them vanishes.
    """

    free: tuple[int, ...]
    fixed: dict[int, Row]
    rates: dict[int, Row]
    arbitrary: tuple[int, ...]
    pivots: tuple[Element, ...]


class Elimination:
    """Gauss's algorithm on sparse rows, in turn with differentiation in time.

    Args:
        field: of the coefficients.
        unknowns: the number of components of c.
    """

    def __init__(self, field: CoefficientField, unknowns: int):
        self.field, self.unknowns = field, unknowns
        self.fixed: dict[int, Row] = {}
        self.rates_of_fixed: dict[int, Row] = {}
        self.pivots: list[Element] = []

    def complete(self, equations: Iterable[Equation]) -> Completed:
        """All consequences: relations between c at one time are differentiated until nothing new follows."""
        rows = self._distinct(equations)
        while True:
            rows = self._distinct(self._inserted(row) for row in rows)
            if relations := [c for d, c in rows if not d]:
                rows = [row for row in rows if row[0]]
                self._fix(relations)
                continue
            rates, relations = self._solved_for_rates(rows)
            if not relations:
                break
            rows = [({k: self.field.one, **_negative(d)}, _negative(c)) for k, (d, c) in rates.items()]
            self._fix(relations)
        free = tuple(k for k in range(self.unknowns) if k not in self.fixed)
        arbitrary = tuple(k for k in free if k not in rates)
        states, given = self._shifted(rates)
        return Completed(free, given, states, arbitrary, tuple(self.pivots))

    def _shifted(self, rates: dict[int, Equation]) -> tuple[dict[int, Row], dict[int, Row]]:
        """The rates and the combinations of all components, with s_k in place of c_k = s_k + Σ a_j c_j.

        Where c'_k = Σ a_j c'_j + … with arbitrary c_j, the rate of s_k is free of c'_j.
        """
        shifts = {k: d for k, (d, _) in rates.items() if d}
        states: dict[int, Row] = {}
        for k, (d, c) in rates.items():
            row = dict(c)
            for j, a in d.items():
                _add(row, j, -self.field.rate(a))
            states[k] = self._with(shifts, row)
        given = {k: self._with(shifts, row) for k, row in self.fixed.items()}
        return states, given | {k: {k: self.field.one, **d} for k, d in shifts.items()}

    def _with(self, shifts: dict[int, Row], row: Row) -> Row:
        result = dict(row)
        for k in [k for k in row if k in shifts]:
            for j, a in shifts[k].items():
                _add(result, j, row[k] * a)
        return _nonzero(result)

    def _distinct(self, rows: Iterable[Equation]) -> list[Equation]:
        """The rows without zeros and without copies, short ones first."""
        found: dict[object, Equation] = {}
        for d, c in rows:
            d, c = _nonzero(d), _nonzero(c)
            if d or c:
                lead = next(iter((d or c).values()))
                key = (
                    frozenset((k, a / lead) for k, a in d.items()),
                    frozenset((k, a / lead) for k, a in c.items()),
                )
                found.setdefault(key, (d, c))
        return sorted(found.values(), key=lambda row: len(row[0]) + len(row[1]))

    def _inserted(self, row: Equation) -> Equation:
        """A row with what is known of the fixed components in it."""
        d, c = dict(row[0]), dict(row[1])
        for k in [k for k in d if k in self.fixed]:
            a = d.pop(k)
            for j, b in self.fixed[k].items():
                _add(d, j, a * b)
            for j, b in self._rate_of_fixed(k).items():
                _add(c, j, a * b)
        for k in [k for k in c if k in self.fixed]:
            a = c.pop(k)
            for j, b in self.fixed[k].items():
                _add(c, j, a * b)
        return d, c

    def _rate_of_fixed(self, k: int) -> Row:
        if k not in self.rates_of_fixed:
            self.rates_of_fixed[k] = _nonzero({j: self.field.rate(b) for j, b in self.fixed[k].items()})
        return self.rates_of_fixed[k]

    def _fix(self, relations: list[Row]) -> None:
        """Solves relations Σ a_k c_k = 0, each for one component, and inserts it everywhere."""
        self.rates_of_fixed = {}
        waiting = list(relations)
        while waiting:
            waiting.sort(key=lambda row: (len(row), min(self.field.size(a) for a in row.values())))
            row, *waiting = waiting
            k = self._pivot(row)
            a = row.pop(k)
            solution = {j: -b / a for j, b in row.items()}
            for other in self.fixed.values():
                _insert(other, k, solution)
            self.fixed[k] = solution
            kept = []
            for other in waiting:
                _insert(other, k, solution)
                if other := _nonzero(other):
                    kept.append(other)
            waiting = kept
        self.fixed = {k: _nonzero(row) for k, row in self.fixed.items()}

    def _solved_for_rates(self, rows: list[Equation]) -> tuple[dict[int, Equation], list[Row]]:
        """c'_k = Σ d_j c'_j + Σ a_j c_j for as many k as possible, and the relations without c' that are left."""
        solved: dict[int, Equation] = {}
        relations = []
        for row in rows:
            d, c = dict(row[0]), dict(row[1])
            for k in [k for k in d if k in solved]:
                a = d.pop(k)
                for j, b in solved[k][0].items():
                    _add(d, j, a * b)
                for j, b in solved[k][1].items():
                    _add(c, j, a * b)
            d, c = _nonzero(d), _nonzero(c)
            if not d:
                if c:
                    relations.append(c)
                continue
            k = self._pivot(d)
            a = d.pop(k)
            solution = ({j: -b / a for j, b in d.items()}, {j: -b / a for j, b in c.items()})
            for other_d, other_c in solved.values():
                if k in other_d:
                    factor = other_d.pop(k)
                    for j, b in solution[0].items():
                        _add(other_d, j, factor * b)
                    for j, b in solution[1].items():
                        _add(other_c, j, factor * b)
            solved[k] = solution
        return {k: (_nonzero(d), _nonzero(c)) for k, (d, c) in solved.items()}, relations

    def _pivot(self, row: Row) -> int:
        """For what to solve: a plain number before it if possible, then the last column."""
        k = min(row, key=lambda k: (not self.field.is_number(row[k]), self.field.size(row[k]), -k))
        if not self.field.is_number(row[k]):
            self.pivots.append(row[k])
        return k


def _add(row: Row, k: int, value: Element) -> None:
    row[k] = row[k] + value if k in row else value


def _insert(row: Row, k: int, solution: Row) -> None:
    if k in row:
        a = row.pop(k)
        for j, b in solution.items():
            _add(row, j, a * b)


def _nonzero(row: Row) -> Row:
    return {k: a for k, a in row.items() if a != 0}


def _negative(row: Row) -> Row:
    return {k: -a for k, a in row.items()}
