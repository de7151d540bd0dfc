"""Difference formulas on equidistant nodes: central in the interior, closed in a stable way at an end.

Everything is in units of the spacing, at an end in the coordinate s = 0, 1, 2 … that counts nodes inwards.

* **First derivatives** are closed by summation by parts with a full norm: there is H > 0 with
  H D + (H D)ᵀ = diag(−1, 0, …, 0, 1), so that v' = −D v cannot grow but through its inflow, whatever the order
  (Kreiss and Scherer 1974; Strand, J. Comput. Phys. 110, 1994). **Third derivatives** of order 6 and 8 where u and u_x
  are given likewise have an H in which uᵀ H D u ≤ 0 for the two zero. Both come from `closures.yaml`.
* **Others** reach beyond the end to ghost nodes, whose values are those of the polynomial through the nodes at the end
  that satisfies the conditions there. With enough conditions for the order of the derivative this is stable, unlike
  one-sided formulas of the same order, which do not know of them.
"""

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from importlib.resources import files

import torch
import yaml
from torch import Tensor

Row = list[Fraction]
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True)
class Closure:
    """The rows of a difference operator next to an end.

    Attributes:
        nodes: `(rows, width)`: factors of the values at s = 0 … width − 1.
        data: `(rows, conditions)`: factors of the derivatives dᵠu/dsᵠ(0), for the conditions of order q ≥ 1.
        orders: those q.
    """

    nodes: Tensor
    data: Tensor
    orders: tuple[int, ...]


def half_width(derivative: int, order: int) -> int:
    """How many neighbours on each side a central difference needs."""
    return (derivative + 1) // 2 + order // 2 - 1


@lru_cache(maxsize=64)
def exact_central(derivative: int, order: int) -> tuple[Fraction, ...]:
    """The weights of `central` as fractions."""
    from findiff import coefficients  # type: ignore[import-untyped]  # on demand: it takes a tenth of a second to import

    # With numbers instead of fractions its coefficients are inexact, by far more than rounding.
    weights = coefficients(derivative, order, symbolic=True)["center"]["coefficients"]
    return tuple(Fraction(int(w.p), int(w.q)) for w in weights)


def central(derivative: int, order: int) -> tuple[float, ...]:
    """The weights of the central difference of an accuracy `order`, from the leftmost neighbour to the rightmost."""
    return tuple(float(w) for w in exact_central(derivative, order))


def closure(derivative: int, order: int, conditions: tuple[int, ...], symmetric: bool = False) -> Closure:
    """The rows next to an end where conditions of these orders hold; order 0 means that the end node is known.

    Args:
        derivative: which.
        order: of accuracy.
        conditions: the orders of the conditions, ascending.
        symmetric: take second derivatives of order 6 and 8 beside a given value from the table in which they are
            symmetric in a norm. Their eigenvalues are then real, which waves need; ghost values are a hundred times
            more exact.
    """
    orders = tuple(q for q in conditions if q)
    if derivative == 1:
        rows = tabulated(1, (), order)["difference"]
        return Closure(rows, torch.zeros(len(rows), len(orders), dtype=torch.float64), orders)
    if (derivative, conditions, order) in _tables() and (derivative == 3 or symmetric):
        # The table has no row for the first node, whose value is given.
        table = tabulated(derivative, conditions, order)
        nodes = torch.cat([table["data"][:, :1], table["difference"]], 1)
        return Closure(_below_zeros(nodes), _below_zeros(table["data"][:, 1:]), orders)
    return _ghost_closure(derivative, order, orders)


def _below_zeros(rows: Tensor) -> Tensor:
    return torch.cat([torch.zeros(1, rows.shape[1], dtype=torch.float64), rows])


Table = dict[str, Tensor]


@lru_cache(maxsize=1)
def _tables() -> dict[tuple[int, tuple[int, ...], int], Table]:
    text = files(__package__).joinpath("closures.yaml").read_text(encoding="utf-8")
    return {
        (entry["derivative"], tuple(entry["conditions"]), entry["order"]): {
            name: torch.tensor(entry[name], dtype=torch.float64) for name in ("norm", "difference", "data")
        }
        for entry in yaml.load(text, _Loader)
    }


def tabulated(derivative: int, conditions: tuple[int, ...], order: int) -> Table:
    """An entry of `closures.yaml`.

    `norm` `(rows, rows)`; `difference` `(rows, width)`, nodes counted from the first whose value is not given; `data`
    `(rows, conditions)`, factors of the given derivatives.
    """
    return _tables()[derivative, conditions, order]


def degree(derivative: int, order: int, conditions: tuple[int, ...]) -> int:
    """Degree of the polynomial that gives ghost values.

    Its error s^(degree+1) over h^derivative is below the order in the rows it touches, but gains a factor h for each
    derivative in the solution, as far as a condition of order q does not cost q of them. Degrees beyond what accuracy
    needs make the constant smaller where they are stable: for even derivatives.
    """
    highest = max(conditions, default=0)
    return order + highest + 1 if derivative % 2 == 0 else order - 1 + max(highest, 1)


@lru_cache(maxsize=256)
def _ghost_closure(derivative: int, order: int, orders: tuple[int, ...]) -> Closure:
    nodes, data = exact_ghost_closure(derivative, order, orders)
    return Closure(_tensor(nodes, len(nodes[0])), _tensor(data, len(orders)), orders)


def exact_ghost_closure(derivative: int, order: int, orders: tuple[int, ...]) -> tuple[list[Row], list[Row]]:
    """The nodes and data of a closure by ghost values, as fractions, for conditions of the orders q ≥ 1."""
    reach = half_width(derivative, order)
    # With u_xx and more given in addition to a value, what is known of the end is worth as many nodes.
    size = max(degree(derivative, order, orders), max(orders, default=0)) + 1
    nodes = size - len(orders)
    conditions = [[Fraction(s) ** k for k in range(size)] for s in range(nodes)]
    conditions += [[Fraction(_factorial(q)) if k == q else Fraction(0) for k in range(size)] for q in orders]
    ghosts = [[Fraction(-g) ** k for k in range(size)] for g in range(1, reach + 1)]
    # The ghost value is Σ_k (−g)ᵏ p_k, where the conditions times p are nodes and data: solve with the transpose.
    weights = _solved([list(column) for column in zip(*conditions, strict=True)], ghosts)
    formula = exact_central(derivative, order)
    width = max(nodes, 2 * reach)
    rows: list[Row] = []
    data: list[Row] = []
    for i in range(reach):
        row, datum = [Fraction(0)] * width, [Fraction(0)] * len(orders)
        for offset, weight in zip(range(-reach, reach + 1), formula, strict=True):
            if i + offset >= 0:
                row[i + offset] += weight
                continue
            ghost = weights[-(i + offset) - 1]
            for s in range(nodes):
                row[s] += weight * ghost[s]
            for c in range(len(orders)):
                datum[c] += weight * ghost[nodes + c]
        rows.append(row)
        data.append(datum)
    return rows, data


def _factorial(n: int) -> int:
    return 1 if n < 2 else n * _factorial(n - 1)


def _tensor(rows: list[Row], width: int) -> Tensor:
    return torch.tensor([[float(x) for x in row] for row in rows], dtype=torch.float64).reshape(len(rows), width)


def _solved(matrix: list[Row], right_sides: list[Row]) -> list[Row]:
    """x with matrix · x = b for several b, exact."""
    size = len(matrix)
    table = [row + [b[i] for b in right_sides] for i, row in enumerate(matrix)]
    for k in range(size):
        pivot = next(i for i in range(k, size) if table[i][k])
        table[k], table[pivot] = table[pivot], table[k]
        first = table[k][k]
        table[k] = [x / first for x in table[k]]
        for i in range(size):
            factor = table[i][k]
            if i != k and factor:
                table[i] = [a - factor * b for a, b in zip(table[i], table[k], strict=True)]
    return [[table[i][size + j] for i in range(size)] for j in range(len(right_sides))]
