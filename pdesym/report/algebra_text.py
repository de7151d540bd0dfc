"""What is known of a symmetry algebra as sentences, from its JSON."""

from collections.abc import Mapping
from typing import Any

from pdesym.report.number_text import measured_text


def variables_text(algebra: Mapping[str, Any]) -> str:
    """The variables of the generators: `x, t, u`."""
    return ", ".join((*algebra["coordinates"], "t", *algebra["fields"]))


def structure_sentences(algebra: Mapping[str, Any]) -> list[str]:
    """Whether the space is closed under brackets and, where it is, what kind of Lie algebra it is."""
    closure, structure = algebra["closure"], algebra["structure"]
    closed = "closed under brackets, exactly" if closure == 0 else f"closure {measured_text(float(closure))}"
    if structure is None and algebra.get("closed"):
        return [f"{closed}, which is within what is known of the basis"]
    if structure is None:
        return [f"{closed}: no finite algebra of its own, so it has no structure to tell"]
    kinds = [name if structure[name] else f"not {name}" for name in ("solvable", "nilpotent", "semisimple")]
    return [
        closed,
        ", ".join(kinds),
        f"derived series {_series(structure['derived_series'])}; "
        f"lower central series {_series(structure['lower_central_series'])}",
        f"Killing form of rank {structure['killing_rank']}; centre {', '.join(structure['center']) or 'trivial'}",
    ]


def _series(dimensions: list[int]) -> str:
    return " > ".join(map(str, dimensions))
