"""Lie algebras of generators as text, LaTeX and HTML."""

import html
from collections.abc import Sequence
from typing import TYPE_CHECKING

import sympy

from pdesym.symmetry.generator import Generator
from pdesym.symmetry.structure import Constant
from pdesym.symmetry.vector_field import VectorField

if TYPE_CHECKING:
    from pdesym.symmetry.algebra import Algebra


def pretty(algebra: "Algebra") -> str:
    """One line for each generator, with its name v1, v2, …."""
    lines = [f"Lie algebra of dimension {algebra.dimension} in {', '.join(map(str, algebra.variables))}"]
    lines += [f"  v{i} = {generator.vector_field.text}" for i, generator in enumerate(algebra.basis, start=1)]
    return "\n".join(lines)


def commutator_table(algebra: "Algebra") -> str:
    """[v_i, v_j] in the row of v_i and the column of v_j, `outside` where it leaves the span."""
    names = [f"v{i}" for i in range(1, algebra.dimension + 1)]
    cells = [["[,]", *names]]
    cells += [[name, *row] for name, row in zip(names, _brackets(algebra, names, "*"), strict=True)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(names) + 1)]
    lines = ["  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True)) for line in cells]
    return "\n".join(lines)


def _brackets(algebra: "Algebra", names: Sequence[str], times: str) -> list[list[str]]:
    left_out = {*algebra.outside, *((j, i) for i, j in algebra.outside)}
    return [
        ["outside" if (i, j) in left_out else combination(entry, names, times) for j, entry in enumerate(row)]
        for i, row in enumerate(algebra.structure_constants)
    ]


def combination(constants: Sequence[Constant], names: Sequence[str], times: str = "*") -> str:
    """Σ_k c_k v_k as text; floats with four digits, those below 1e-9 left out."""
    terms = []
    for constant, name in zip(constants, names, strict=True):
        if constant == 0 or (isinstance(constant, float) and abs(constant) < 1e-9):
            continue
        number = sympy.Float(constant, 4) if isinstance(constant, float) else constant
        if number in (1, -1):
            terms.append(("-" if number == -1 else "") + name)
            continue
        text = str(number)
        terms.append(f"({text}){times}{name}" if isinstance(number, sympy.Add) else f"{text}{times}{name}")
    return " + ".join(terms).replace("+ -", "- ") or "0"


def latex_generator(generator: Generator) -> str:
    r"""The generator in LaTeX: t\,\partial_{x} + \partial_{u}."""
    return latex_vector_field(generator.vector_field)


def latex_vector_field(vector_field: VectorField) -> str:
    r"""The vector field in LaTeX: t\,\partial_{x} + \partial_{u}."""
    terms = []
    for coefficient, z in zip(vector_field.components, vector_field.variables, strict=True):
        direction = rf"\partial_{{{sympy.latex(z)}}}"
        if coefficient == 0:
            continue
        if coefficient in (1, -1):
            terms.append(("-" if coefficient == -1 else "") + direction)
            continue
        text = sympy.latex(coefficient)
        terms.append(rf"\left({text}\right)\,{direction}" if coefficient.is_Add else rf"{text}\,{direction}")
    return " + ".join(terms).replace("+ - ", "- ").replace("+ -", "- ") or "0"


def latex(algebra: "Algebra") -> str:
    """The basis as aligned equations, to stand in mathematics mode."""
    lines = [rf"v_{{{i}}} &= {latex_generator(v)}" for i, v in enumerate(algebra.basis, start=1)]
    return r"\begin{aligned}" + r" \\ ".join(lines) + r"\end{aligned}"


def as_html(algebra: "Algebra") -> str:
    """Two tables: the basis, and the brackets."""
    names = [f"v<sub>{i}</sub>" for i in range(1, algebra.dimension + 1)]
    basis = "".join(
        f"<tr><th>{name}</th><td>{html.escape(v.vector_field.text)}</td></tr>"
        for name, v in zip(names, algebra.basis, strict=True)
    )
    head = "".join(f"<th>{name}</th>" for name in names)
    rows = "".join(
        f"<tr><th>{name}</th>" + "".join(f"<td>{entry}</td>" for entry in row) + "</tr>"
        for name, row in zip(names, _brackets(algebra, names, " "), strict=True)
    )
    return (
        f'<table class="generators"><tbody>{basis}</tbody></table>'
        f'<table class="commutators"><thead><tr><th>[·,·]</th>{head}</tr></thead><tbody>{rows}</tbody></table>'
    )
