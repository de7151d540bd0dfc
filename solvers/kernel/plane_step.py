"""One trajectory on a plane, with its tangents: N by transforms that stay in the cache, and the steps of one segment.

The half spectrum of a field has its columns, the wavenumbers of the second axis, in blocks of `LANES`, one in each
lane; a block is a list of complex numbers along the first axis. Transforms along the first axis therefore are those of
the row kernel. For the others `LANES` lines of points at a time are turned by 90°, so that each has a lane; all factors
of the products are brought to the points of these lines, multiplied and brought back before the next lines are touched.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from pdesym.solvers.kernel.fourier import analyse, complex_transform, project, synthesise
from pdesym.solvers.kernel.jit import SOURCES, cached, jitted
from pdesym.solvers.kernel.lengths import LANES
from pdesym.solvers.kernel.memory import Flux, Layout, Method, Plane
from pdesym.solvers.kernel.step import execute, stepping
from pdesym.solvers.kernel.vectors import load, splat, store, transpose


@jitted
def _along_first(z: Any, state: int, copy: int, layout: Layout, plane: Plane) -> None:
    """The jets of the state or of a tangent, transformed along the first axis."""
    rows, size = plane.rows.shape[0], 2 * plane.height
    zero = splat(0.0)
    for j in range(plane.jets.shape[0]):
        field, turn, table = plane.jets[j, 0], plane.jets[j, 1], plane.jets[j, 2]
        jet, add, last = plane.jets[j, 3], plane.jets[j, 4] == 1, plane.jets[j, 5] == 1
        for block in range(plane.blocks):
            target = plane.half + ((copy * plane.spectra + jet) * plane.blocks + block) * size
            if not add:
                for i in range(2 * plane.along.half):
                    store(z, target + i, zero)
            source = state + 2 * (layout.modes * (copy * layout.fields + field) + block * rows)
            scale = table + block * rows
            for r in range(rows):
                at = target + 2 * plane.rows[r]
                re, im = load(z, source + 2 * r), load(z, source + 2 * r + 1)
                if table >= 0:
                    s = load(z, scale + r)
                    re, im = s * re, s * im
                if turn == 1:
                    re, im = zero - im, re
                if add:
                    re, im = re + load(z, at), im + load(z, at + 1)
                store(z, at, re)
                store(z, at + 1, im)
            if last:
                complex_transform(z, target, np.int64(1), plane.along)


@jitted
def _lines(z: Any, flux: Flux, layout: Layout, plane: Plane) -> None:
    """The products, from jets and to spectra transformed along the first axis, `LANES` lines after the others.

    All in one function: handing the tables on to smaller ones takes as long as a quarter of the work.
    """
    size, points = 2 * plane.height, 2 * plane.across.half
    jets, products = flux.jets.shape[0], plane.spans.shape[0]
    for first in range(0, plane.height, LANES):
        for copy in range(layout.copies):
            if copy == 1:
                execute(z, flux.slopes[0], flux.slopes[1], flux, layout, plane.across)
            part = 0 if copy == 0 else 2
            for jet in range(jets):
                for block in range(plane.blocks):
                    source = plane.half + ((copy * plane.spectra + jet) * plane.blocks + block) * size + 2 * first
                    target = plane.line + 2 * LANES * block
                    transpose(z, source, 2, target, 2)
                    transpose(z, source + 1, 2, target + 1, 2)
                synthesise(z, layout.points + jet * points, plane.line, plane.columns, plane.ones, 0, plane.across)
            for product in range(products):
                begin, end = plane.spans[product, part], plane.spans[product, part + 1]
                execute(z, begin, end, flux, layout, plane.across)
                work = layout.points + flux.work * points
                analyse(z, work, plane.across)
                project(z, work, plane.line, plane.columns, plane.weight, 0, False, plane.across)
                place = copy * plane.spectra + jets + product
                for block in range(plane.blocks):
                    source = plane.line + 2 * LANES * block
                    target = plane.half + (place * plane.blocks + block) * size
                    transpose(z, source, 2, layout.scratch, 2)
                    transpose(z, source + 1, 2, layout.scratch + 1, 2)
                    for i in range(LANES):
                        n = plane.order[first + i]
                        if n >= 0:
                            store(z, target + 2 * n, load(z, layout.scratch + 2 * i))
                            store(z, target + 2 * n + 1, load(z, layout.scratch + 2 * i + 1))


@jitted
def _back(z: Any, target: int, copy: int, flux: Flux, layout: Layout, plane: Plane) -> None:
    """The products to spectra, and into the equations of the fields."""
    rows, size = plane.rows.shape[0], 2 * plane.height
    first, place = copy * plane.spectra + flux.jets.shape[0], plane.along.place
    zero = splat(0.0)
    for block in range(plane.blocks):
        for product in range(plane.spans.shape[0]):
            at = plane.half + ((first + product) * plane.blocks + block) * size
            complex_transform(z, at, np.int64(0), plane.along)
        for u in range(plane.uses.shape[0]):
            product, field, turn = plane.uses[u, 0], plane.uses[u, 1], plane.uses[u, 2]
            table, add = plane.uses[u, 3], plane.uses[u, 4] == 1
            source = plane.half + ((first + product) * plane.blocks + block) * size
            to = target + 2 * (layout.modes * (copy * layout.fields + field) + block * rows)
            for r in range(rows):
                at = source + 2 * place[plane.rows[r]]
                s = load(z, table + block * rows + r)
                re, im = s * load(z, at), s * load(z, at + 1)
                if turn == 1:
                    re, im = zero - im, re
                if add:
                    re, im = re + load(z, to + 2 * r), im + load(z, to + 2 * r + 1)
                store(z, to + 2 * r, re)
                store(z, to + 2 * r + 1, im)


@jitted
def _evaluate(z: Any, state: int, target: int, flux: Flux, layout: Layout, plane: Plane) -> None:
    """N of a state, and N' there of its tangents."""
    if layout.has_constant:
        # All uses of products then add.
        one = 2 * layout.modes * layout.fields
        for i in range(one):
            store(z, target + i, load(z, layout.constant + i))
        for i in range(one, layout.size):
            store(z, target + i, splat(0.0))
    for copy in range(layout.copies):
        _along_first(z, state, copy, layout, plane)
    _lines(z, flux, layout, plane)
    for copy in range(layout.copies):
        _back(z, target, copy, flux, layout, plane)


_advance_one = stepping(_evaluate)


@jitted
def _across_lanes(z: Any, place: int) -> float:
    total = 0.0
    for lane in range(LANES):
        total += z[place * LANES + lane]
    return total


@jitted
def _norms(z: Any, state: int, layout: Layout, plane: Plane) -> None:
    """Leaves the squared norm of the state in the second vector of the scratch, that of its tail in the third."""
    total, tail = splat(0.0), splat(0.0)
    for field in range(layout.fields):
        at = state + 2 * layout.modes * field
        for mode in range(layout.modes):
            re, im = load(z, at + 2 * mode), load(z, at + 2 * mode + 1)
            square = re * re + im * im
            total, tail = total + square, tail + square * load(z, plane.tail + mode)
    store(z, layout.scratch + 1, total)
    store(z, layout.scratch + 2, tail)


def _compiled(sources: int) -> Callable[..., tuple[float, int, float, float]]:
    def advance(
        z: Any,
        steps: int,
        anew: bool,
        estimated: bool,
        places: Any,
        flux: Flux,
        layout: Layout,
        method: Method,
        plane: Plane,
    ) -> Any:
        if anew:
            _evaluate(z, places[method.stages + 1], places[0], flux, layout, plane)
        # The number has no other use than to be part of what the compiled function is kept under.
        largest, finite = 0.0 * (sources >= 0), 0
        for _ in range(steps):
            _advance_one(z, estimated, places, flux, layout, method, plane)
            if estimated:
                square = _across_lanes(z, layout.scratch)
                # What is no number stays so.
                if largest == largest and not square <= largest:
                    largest = square
                if math.isfinite(largest):
                    finite += 1
        _norms(z, places[method.stages + 1], layout, plane)
        return largest, finite, _across_lanes(z, layout.scratch + 1), _across_lanes(z, layout.scratch + 2)

    return cached(advance)


advance = _compiled(SOURCES)
"""Take the steps of a segment: (largest squared estimate, steps for which it was finite, |state|², |tail|²)."""
