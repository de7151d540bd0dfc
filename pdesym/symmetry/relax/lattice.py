"""Lattices of wavenumbers: subgroups of Z^d, and the translations on which all their waves are 1.

A lattice is the tuple of its basis rows in echelon form, leading entries positive and the entries above them reduced
(Hermite's normal form), so that equal lattices are equal values. Everything is exact, in integers.
"""

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from math import lcm
from typing import TypeAlias

Vector: TypeAlias = tuple[int, ...]
Lattice: TypeAlias = tuple[Vector, ...]


@dataclass(frozen=True)
class Extension:
    """Λ + Z k.

    Args:
        lattice: its basis.
        index: the least m > 0 with m k ∈ Λ; 0 where there is none.
        coefficients: c with k = Σ cᵢ bᵢ over the basis of Λ; empty where index is 0.
        transform: the new basis as integer combinations of the old one and k.
    """

    lattice: Lattice
    index: int
    coefficients: tuple[float, ...]
    transform: tuple[Vector, ...]


@lru_cache(maxsize=4096)
def extended(lattice: Lattice, k: Vector) -> Extension:
    """The lattice that k generates beside another."""
    coefficients = _coefficients(lattice, k)
    rows = [list(row) for row in (*lattice, k)]
    units = [[int(i == j) for j in range(len(rows))] for i in range(len(rows))]
    basis, transform = _echelon(rows, units)
    index = 0 if coefficients is None else lcm(*(c.denominator for c in coefficients), 1)
    return Extension(basis, index, tuple(float(c) for c in coefficients or ()), transform)


@lru_cache(maxsize=4096)
def dual(lattice: Lattice, dims: int) -> tuple[tuple[Vector, ...], Vector]:
    """Q⁻¹ and the divisors d of the translations α ∈ R^d/Z^d with k·α ∈ Z for all k of the lattice.

    They are α = Q⁻¹ γ with γᵢ ∈ {0, 1/dᵢ, …, (dᵢ−1)/dᵢ}, each once, and γᵢ ∈ [0, 1) where dᵢ is 0: with the basis
    B = P D Q in Smith's form, of unimodular P and Q and diagonal D, B α is integer where D Q α is.
    """
    work = [list(row) for row in lattice]
    inverse = [[int(i == j) for j in range(dims)] for i in range(dims)]
    for place in range(len(work)):
        _clear(work, inverse, place)
    divisors = tuple(abs(work[i][i]) if i < len(work) else 0 for i in range(dims))
    return tuple(tuple(row) for row in inverse), divisors


def _coefficients(lattice: Lattice, k: Vector) -> list[Fraction] | None:
    """c with k = Σ cᵢ bᵢ, None where there is none."""
    left = [Fraction(entry) for entry in k]
    found = []
    for row in lattice:
        lead = _lead(row)
        c = left[lead] / row[lead]
        left = [a - c * b for a, b in zip(left, row, strict=True)]
        found.append(c)
    return None if any(left) else found


def _lead(row: Vector | list[int]) -> int:
    return next(place for place, entry in enumerate(row) if entry)


def _echelon(rows: list[list[int]], units: list[list[int]]) -> tuple[Lattice, tuple[Vector, ...]]:
    """Hermite's normal form, and its rows as combinations of the given ones."""
    done = 0
    for column in range(len(rows[0])):
        while True:
            nonzero = [i for i in range(done, len(rows)) if rows[i][column]]
            if len(nonzero) <= 1:
                break
            pivot = min(nonzero, key=lambda i: abs(rows[i][column]))
            for i in nonzero:
                if i != pivot:
                    _subtract(rows, units, i, pivot, rows[i][column] // rows[pivot][column])
        if not nonzero:
            continue
        (pivot,) = nonzero
        for table in (rows, units):
            table[done], table[pivot] = table[pivot], table[done]
        if rows[done][column] < 0:
            rows[done], units[done] = [-a for a in rows[done]], [-a for a in units[done]]
        for i in range(done):
            _subtract(rows, units, i, done, rows[i][column] // rows[done][column])
        done += 1
    return tuple(map(tuple, rows[:done])), tuple(map(tuple, units[:done]))


def _subtract(rows: list[list[int]], units: list[list[int]], i: int, pivot: int, times: int) -> None:
    for table in (rows, units):
        table[i] = [a - times * b for a, b in zip(table[i], table[pivot], strict=True)]


def _clear(work: list[list[int]], inverse: list[list[int]], place: int) -> None:
    """Makes row and column `place` zero off the diagonal; the column operations are repeated on `inverse`."""
    rows, columns = range(place, len(work)), range(place, len(inverse))
    while True:
        i, j = min(((i, j) for i in rows for j in columns if work[i][j]), key=lambda at: abs(work[at[0]][at[1]]))
        work[place], work[i] = work[i], work[place]
        for table in (work, inverse):
            for row in table:
                row[place], row[j] = row[j], row[place]
        pivot = work[place][place]
        for i in rows:
            if i != place:
                times = work[i][place] // pivot
                work[i] = [a - times * b for a, b in zip(work[i], work[place], strict=True)]
        for j in columns:
            if j != place:
                times = work[place][j] // pivot
                for table in (work, inverse):
                    for row in table:
                        row[j] -= times * row[place]
        if not any(work[i][place] for i in rows if i != place) and not any(
            work[place][j] for j in columns if j != place
        ):
            return
