"""What compiled functions are given: where everything lies in one array, and the lists they go through."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pdesym.solvers.kernel.lengths import Transform

Integers = NDArray[np.int64]
Numbers = NDArray[np.float64]


class Layout(NamedTuple):
    """Sizes, and places in the one array that holds the lanes, counted in vectors.

    Spectra are pairs of real and imaginary part of the modes 0, 1, …, field after field, the state and then its
    tangents.

    Attributes:
        fields: number of fields.
        kept: modes below the Nyquist mode.
        modes: the same, rounded up to an even number; what is added stays zero.
        copies: 1 + number of tangents.
        size: of one spectrum of all copies.
        origin: the state at the start of the segment.
        table: the coefficients of the step, one block of all modes after the other.
        real: whether the coefficients are real, one number a mode instead of two.
        constant: the part of N that depends on x alone, of the state only.
        has_constant: whether there is one.
        coefficients: those of `Program`.
        points: the slots of `Program`, real fields.
        scratch: four vectors for sums.
    """

    fields: int
    kept: int
    modes: int
    copies: int
    size: int
    origin: int
    table: int
    real: bool
    constant: int
    has_constant: bool
    coefficients: int
    points: int
    scratch: int


class Method(NamedTuple):
    """The combinations of a stepper: of each stage, of the result, of the estimate.

    Attributes:
        stages: evaluations of N in a step.
        first: of combination c and field a the terms first[c·fields + a] … first[c·fields + a + 1].
        terms: for each its block in the table, and twice a source and its field; a second source −1 is none. Sources
            count N at the stages, N at the new state, the state and the new state.
        signs: by which the two sources are multiplied.
        located: room for `terms` with places instead of numbers.
    """

    stages: int
    first: Integers
    terms: Integers
    signs: Numbers
    located: Integers


class Flux(NamedTuple):
    """The `Program` of an equation as arrays.

    Attributes:
        jets: field and turn of each.
        jet_scales: `(jets, modes, 2)`, see `synthesise`.
        instructions: target, final, add, coefficient, number of factors, three factors.
        slopes: first and last instruction of the slopes.
        products: first and last instruction of the value, those of the derivative, first and last use.
        uses: field, turn, add.
        use_scales: `(uses, modes, 2)`, see `project`.
        work: slot of the product at hand.
    """

    jets: Integers
    jet_scales: Numbers
    instructions: Integers
    slopes: Integers
    products: Integers
    uses: Integers
    use_scales: Numbers
    work: int


class Plane(NamedTuple):
    """The transforms of a plane, and where their arrays lie, counted in vectors.

    Attributes:
        along: tables of the transform along the first axis, whose H is the number of points.
        across: tables of the real transform along the second axis.
        order: of each place in a transformed block the point along the first axis, −1 behind the last.
        rows: of each row of a spectrum where it stands among the points.
        height: places in a transformed block, points rounded up to a multiple of `LANES`.
        blocks: blocks of columns.
        columns: of a spectrum.
        jets: for each source of a jet its field, turn and table, the jet, whether it adds to the sources before, and
            whether it is the last.
        uses: product, field, turn, table, and whether it adds to what is there.
        spans: first and last instruction of each product, and of its derivative along a tangent.
        spectra: number of jets and products.
        half: jets and then products, of the state and then of each tangent, transformed along the first axis only.
        line: `LANES` lines, transformed along the first axis only.
        ones: `(columns, 2)` ones.
        weight: as many times half of 1/(number of points).
        tail: weights of the modes, 1 in the tail.
    """

    along: Transform
    across: Transform
    order: Integers
    rows: Integers
    height: int
    blocks: int
    columns: int
    jets: Integers
    uses: Integers
    spans: Integers
    spectra: int
    half: int
    line: int
    ones: Numbers
    weight: Numbers
    tail: int
