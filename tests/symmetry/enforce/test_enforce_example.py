"""The example in the docstring of the package is run."""

import textwrap

import pdesym.symmetry.enforce as enforce
from pdesym.symmetry.functions import Polynomials


def test_the_example_says_what_happens():
    indented = [line for line in enforce.__doc__.splitlines() if line.startswith("    ")]
    names = {**vars(enforce), "Polynomials": Polynomials}
    exec(textwrap.dedent("\n".join(indented)), names)
    assert names["layer"].weight.shape == (18, 20)
    vector = names["vector"]
    assert enforce.equivariant_maps(vector * vector, vector * vector).shape == (3, 9, 9)
    assert names["kernels"].basis.shape[:3] == (6, 2, 2)
