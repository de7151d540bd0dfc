"""Strict and relaxed defects of random networks, at inputs with more and fewer symmetries.

    .venv/bin/python -m experiments.relaxed.tables --preset laptop    # seconds

The cyclic shifts of twelve numbers, and translations of a circle by any distance. Three maps each, none of them
trained: a network f that knows no symmetry, h f(h⁻¹ x) around it, and one that commutes with the group. Expected, in
double precision: the relaxed defect of h f(h⁻¹ x) is rounding everywhere, its strict defect where |G_x| = 1 alone, and
its output has no symmetry; the output of the one that commutes has those of its input; f has neither property, but
where G_x is all of G: there every map is relaxed equivariant, as nothing is asked of it.

Writes results/tables.json and the tables beside it.
"""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from experiments.benchmarks.speed.machine import facts
from experiments.relaxed.arms import Coordinates, operator
from experiments.relaxed.pairs import waves
from experiments.relaxed.scores import rounded
from experiments.verdict import met
from pdesym.operators import fno
from pdesym.report.number_text import measured_text
from pdesym.report.rendered import write_rendered
from pdesym.solvers import Grid
from pdesym.symmetry.relax import (
    CyclicShifts,
    GroupAction,
    RelaxedEquivariant,
    TorusTranslations,
    relaxed_defect,
    strict_defect,
)

HERE = Path(__file__).parent
GRID = Grid(96, length=2 * torch.pi)
ROUNDING, BROKEN = 1e-10, 1e-3
SAMPLES, SEED = 4, 0
ENTRIES = 12
TITLES = {
    "shifts": "Shifts of twelve numbers.",
    "translations": f"Translations of a circle of {GRID.points[0]} points, also by parts of a cell.",
}
HEADS = (
    "order of G_x",
    "f, relaxed defect",
    "h f(h⁻¹ x): strict",
    "relaxed",
    "order",
    "commutes: strict",
    "relaxed",
    "order",
)


class Circulant(nn.Module):
    """x ↦ C₂ tanh(C₁ x + b): circulant matrices, one number as bias; it commutes with shifts."""

    def __init__(self, entries: int, rng: torch.Generator):
        super().__init__()
        shifts = (torch.arange(entries)[:, None] - torch.arange(entries)) % entries
        first, second = torch.randn(2, entries, generator=rng, dtype=torch.float64) / entries**0.5
        self.register_buffer("first", first[shifts])
        self.register_buffer("second", second[shifts])

    def forward(self, x: Float[Tensor, "batch entries"]) -> Float[Tensor, "batch entries"]:
        """The image of each row."""
        return torch.tanh(x @ self.first.T + 0.3) @ self.second.T


class Dense(nn.Module):
    """x ↦ W₂ tanh(W₁ x + b), all weights drawn."""

    def __init__(self, entries: int, rng: torch.Generator):
        super().__init__()
        for name, shape in (("first", (32, entries)), ("bias", (32,)), ("second", (entries, 32))):
            self.register_buffer(name, torch.randn(*shape, generator=rng, dtype=torch.float64) / shape[-1] ** 0.5)

    def forward(self, x: Float[Tensor, "batch entries"]) -> Float[Tensor, "batch entries"]:
        """The image of each row."""
        return torch.tanh(x @ self.first.T + self.bias) @ self.second.T


def shift_rows() -> list[dict[str, Any]]:
    """The table for C_12."""
    rng = torch.Generator().manual_seed(SEED)
    action, f = CyclicShifts(ENTRIES), Dense(ENTRIES, rng)
    maps = {"f": f, "relaxed": RelaxedEquivariant(f, action), "strict": Circulant(ENTRIES, rng)}
    rows = []
    for order in (1, 2, 3, 4, 6, ENTRIES):
        x = torch.randn(SAMPLES, ENTRIES // order, generator=rng, dtype=torch.float64).repeat(1, order)
        rows.append(_row(order, maps, action, x, rng))
    return rows


def translation_rows() -> list[dict[str, Any]]:
    """The table for a circle, with Fourier neural operators in double precision."""
    rng = torch.Generator().manual_seed(SEED)
    action = TorusTranslations(GRID)
    f = Coordinates(fno(3, 1, modes=12, width=12, layers=2, seed=SEED)).double()
    enforced = operator("enforced", GRID, 1, 12, 12, 2, SEED).double()
    maps = {"f": f, "relaxed": RelaxedEquivariant(f, action), "strict": enforced}
    rows = []
    for order in (1, 2, 3, 4, 0):
        numbers = tuple(order * k for k in (1, 2, 3))
        u = (torch.tensor([[[1.0], [0.7], [0.4]]]) * waves(GRID, numbers, rng, SAMPLES)).sum(1) if order else None
        mean = torch.rand(SAMPLES, 1, generator=rng, dtype=torch.float64).expand(SAMPLES, GRID.points[0])
        x = mean if u is None else u + mean
        rows.append(_row(order, maps, action, x.reshape(SAMPLES, 1, 1, -1), rng))
    return rows


def _row(
    order: int, maps: Mapping[str, nn.Module], action: GroupAction, x: Tensor, rng: torch.Generator
) -> dict[str, Any]:
    found = {}
    with torch.no_grad():
        if action.stabiliser(x).order.tolist() != [order] * len(x):
            raise RuntimeError(f"Expected inputs with {order} symmetries, got {action.stabiliser(x).order.tolist()}.")
        for name, network in maps.items():
            seed = int(torch.randint(2**31, (), generator=rng))
            strict, relaxed = (
                defect(network, action, x, generator=torch.Generator().manual_seed(seed)).max()
                for defect in (strict_defect, relaxed_defect)
            )
            orders = sorted(set(action.stabiliser(network(x)).order.tolist()))
            found[name] = {"strict": rounded(strict), "relaxed": rounded(relaxed), "orders": orders}
    return {"order": order, **found}


def report(record: Mapping[str, Any]) -> str:
    """Both tables, and whether what was expected came."""
    lines = []
    for name, title in TITLES.items():
        rows = record[name]
        lines += [
            f"{title} The largest defect over {SAMPLES} inputs, and the orders of the outputs' stabilisers.",
            "",
            f"| {' | '.join(HEADS)} |",
            "|" + " ---: |" * len(HEADS),
            *(_line(row) for row in rows),
            "",
            *verdicts(rows),
            "",
        ]
    return "\n".join(lines)


def _line(row: Mapping[str, Any]) -> str:
    cells = [order_text(row["order"]), measured_text(row["f"]["relaxed"])]
    for name in ("relaxed", "strict"):
        found = row[name]
        orders = ", ".join(map(order_text, found["orders"]))
        cells += [measured_text(found["strict"]), measured_text(found["relaxed"]), orders]
    return f"| {' | '.join(cells)} |"


def order_text(order: int) -> str:
    """The order of a stabiliser, ∞ for that of a constant."""
    return str(order) if order else "∞"


def verdicts(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Whether what was expected came, for one group."""
    relaxed = max(row["relaxed"]["relaxed"] for row in rows)
    alone = max(row["relaxed"]["strict"] for row in rows if row["order"] == 1)
    broken = min(row["relaxed"]["strict"] for row in rows if row["order"] != 1)
    control = min(row["f"]["relaxed"] for row in rows[:-1])
    keeps = all(row["strict"]["orders"] == [row["order"]] for row in rows)
    breaks = all(row["relaxed"]["orders"] == [1] for row in rows)
    return [
        f"* Relaxed defect of h f(h⁻¹ x) at most {measured_text(relaxed)}, expected {ROUNDING:g}: "
        f"{met(relaxed <= ROUNDING)}.",
        f"* Its strict defect where only the identity leaves x: {measured_text(alone)}, expected at most {ROUNDING:g}: "
        f"{met(alone <= ROUNDING)}; where more does, at least {measured_text(broken)}, expected at least {BROKEN:g}: "
        f"{met(broken >= BROKEN)}.",
        f"* Its output has no symmetry: {met(breaks)}. That of the map that commutes keeps those of its input: "
        f"{met(keeps)}.",
        f"* Control: f alone fails by {measured_text(control)} at least, expected {BROKEN:g}: "
        f"{met(control >= BROKEN)}. "
        "Where every element of G leaves x, the last row, any map is relaxed equivariant, as g s may be anything.",
    ]


def main() -> None:
    """Both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--preset", default="laptop", choices=("laptop",))
    parser.parse_args()
    record = {"shifts": shift_rows(), "translations": translation_rows(), "machine": facts()}
    write_rendered(HERE / "results" / "tables.json", record, report(record))
    print(report(record))


if __name__ == "__main__":
    main()
