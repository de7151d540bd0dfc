"""The brackets of a Lie algebra as text, from its JSON."""

from collections.abc import Mapping, Sequence
from typing import Any

OUTSIDE = "outside"
"""The entry of a bracket that is no combination of the generators."""

NEGLIGIBLE = 1e-9
"""Measured constants below this are left out."""


def bracket_table(algebra: Mapping[str, Any]) -> list[list[str]] | None:
    """[v_i, v_j] in row i and column j: `0`, `v1`, `-2 v3`, `v1 + 3/2 v2`; None where the file has no brackets.

    A bracket that leaves the span is `outside`. Of measured generators, which are known up to an uncertainty, all
    entries are the nearest combinations, and the closure says how far these miss.

    Args:
        algebra: what `Algebra.to_json`, `Determined.to_json` or `Discovery.to_json` gave.
    """
    constants = algebra["structure_constants"]
    if constants is None:
        return None
    outside = () if "uncertainty" in algebra else algebra.get("outside", ())
    left_out = {pair for i, j in outside for pair in ((i, j), (j, i))}
    return [
        [OUTSIDE if (i, j) in left_out else combination(entry) for j, entry in enumerate(row)]
        for i, row in enumerate(constants)
    ]


def combination(constants: Sequence[int | float | str]) -> str:
    """Σ_k c_k v_k; measured constants with three digits, exact ones as they are."""
    terms = []
    for k, constant in enumerate(constants, start=1):
        text = f"{constant:.3g}" if isinstance(constant, float) else str(constant)
        if text == "0" or (isinstance(constant, float) and abs(constant) < NEGLIGIBLE):
            continue
        if text in ("1", "-1"):
            terms.append(f"{text[:-1]}v{k}")
        else:
            terms.append(f"({text}) v{k}" if " " in text else f"{text} v{k}")
    return " + ".join(terms).replace("+ -", "- ") or "0"
