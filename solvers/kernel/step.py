"""One step of all lanes."""

from collections.abc import Callable
from typing import Any

from pdesym.solvers.kernel.fourier import analyse, project, synthesise
from pdesym.solvers.kernel.jit import jitted
from pdesym.solvers.kernel.lengths import Transform
from pdesym.solvers.kernel.memory import Flux, Layout, Method
from pdesym.solvers.kernel.vectors import load, splat, store


@jitted
def execute(z: Any, first: int, last: int, flux: Flux, layout: Layout, tables: Transform) -> None:
    """Instructions first … last − 1, each over all points; fields lie in the order that `synthesise` leaves."""
    half, place = tables.half, tables.place
    for i in range(first, last):
        target = layout.points + flux.instructions[i, 0] * 2 * half
        final, add = flux.instructions[i, 1] == 1, flux.instructions[i, 2] == 1
        index, count = flux.instructions[i, 3], flux.instructions[i, 4]
        a = layout.points + flux.instructions[i, 5] * 2 * half
        b = layout.points + flux.instructions[i, 6] * 2 * half
        c = layout.points + flux.instructions[i, 7] * 2 * half
        factor = splat(1.0) if index < 0 else load(z, layout.coefficients + index)
        for n in range(half):
            p = 2 * place[n]
            even, odd = factor, factor
            if count > 0:
                if index < 0:
                    even, odd = load(z, a + p), load(z, a + p + 1)
                else:
                    even, odd = factor * load(z, a + p), factor * load(z, a + p + 1)
            if count > 1:
                even, odd = even * load(z, b + p), odd * load(z, b + p + 1)
            if count > 2:
                even, odd = even * load(z, c + p), odd * load(z, c + p + 1)
            q = target + (2 * n if final else p)
            if add:
                even, odd = even + load(z, q), odd + load(z, q + 1)
            store(z, q, even)
            store(z, q + 1, odd)


@jitted
def _jets(z: Any, state: int, flux: Flux, layout: Layout, tables: Transform) -> None:
    for j in range(flux.jets.shape[0]):
        field, turn = flux.jets[j, 0], flux.jets[j, 1]
        synthesise(
            z,
            layout.points + j * 2 * tables.half,
            state + 2 * layout.modes * field,
            layout.kept,
            flux.jet_scales[j],
            turn,
            tables,
        )


@jitted
def _use(z: Any, product: int, target: int, flux: Flux, layout: Layout, tables: Transform) -> None:
    work = layout.points + flux.work * 2 * tables.half
    analyse(z, work, tables)
    for u in range(flux.products[product, 4], flux.products[product, 5]):
        field, turn, add = flux.uses[u, 0], flux.uses[u, 1], flux.uses[u, 2] == 1
        spectrum = target + 2 * layout.modes * field
        project(z, work, spectrum, layout.kept, flux.use_scales[u], turn, add, tables)


@jitted
def evaluate(z: Any, state: int, target: int, flux: Flux, layout: Layout, tables: Transform) -> None:
    """N of a state, and N' there of its tangents."""
    one = 2 * layout.modes * layout.fields
    if layout.has_constant:
        # All uses of products then add.
        for i in range(one):
            store(z, target + i, load(z, layout.constant + i))
        for i in range(one, layout.size):
            store(z, target + i, splat(0.0))
    _jets(z, state, flux, layout, tables)
    for product in range(flux.products.shape[0]):
        execute(z, flux.products[product, 0], flux.products[product, 1], flux, layout, tables)
        _use(z, product, target, flux, layout, tables)
    if layout.copies == 1:
        return
    execute(z, flux.slopes[0], flux.slopes[1], flux, layout, tables)
    for copy in range(1, layout.copies):
        _jets(z, state + copy * one, flux, layout, tables)
        for product in range(flux.products.shape[0]):
            execute(z, flux.products[product, 2], flux.products[product, 3], flux, layout, tables)
            _use(z, product, target + copy * one, flux, layout, tables)


@jitted
def _sum(z: Any, offset: int, table: int, pitch: int, modes: int, first: int, last: int, terms: Any, signs: Any) -> Any:
    """Σ coefficient · source over the terms first … last − 1, at a mode and the next one.

    Args:
        z: the array that holds everything.
        offset: of the mode, and of the copy, in a spectrum.
        table: where the coefficients of the mode begin in the first block.
        pitch: numbers of a coefficient, 1 or 2.
        modes: of a block.
        first: first term.
        last: behind the last term.
        terms: block, place of the first source, of the second or −1.
        signs: as in `Method`.
    """
    zero = splat(0.0)
    xr, xi, yr, yi = zero, zero, zero, zero
    for t in range(first, last):
        at = terms[t, 1] + offset
        ar, ai, br, bi = load(z, at), load(z, at + 1), load(z, at + 2), load(z, at + 3)
        if terms[t, 2] >= 0:
            at = terms[t, 2] + offset
            p, q = splat(signs[t, 0]), splat(signs[t, 1])
            ar, ai = p * ar + q * load(z, at), p * ai + q * load(z, at + 1)
            br, bi = p * br + q * load(z, at + 2), p * bi + q * load(z, at + 3)
        at = table + pitch * modes * terms[t, 0]
        if pitch == 1:
            p, q = load(z, at), load(z, at + 1)
            xr, xi = xr + p * ar, xi + p * ai
            yr, yi = yr + q * br, yi + q * bi
        else:
            pr, pi, qr, qi = load(z, at), load(z, at + 1), load(z, at + 2), load(z, at + 3)
            xr, xi = xr + pr * ar - pi * ai, xi + pr * ai + pi * ar
            yr, yi = yr + qr * br - qi * bi, yi + qr * bi + qi * br
    return xr, xi, yr, yi


@jitted
def _locate(terms: Any, places: Any, located: Any, modes: int) -> None:
    """Sources as places instead of numbers."""
    for t in range(terms.shape[0]):
        located[t, 0] = terms[t, 0]
        located[t, 1] = places[terms[t, 1]] + 2 * modes * terms[t, 2]
        located[t, 2] = -1 if terms[t, 3] < 0 else places[terms[t, 3]] + 2 * modes * terms[t, 4]


@jitted
def _combine(z: Any, combination: int, target: int, layout: Layout, method: Method) -> None:
    fields, modes, pitch, table = layout.fields, layout.modes, 1 if layout.real else 2, layout.table
    terms, signs = method.located, method.signs
    for field in range(fields):
        first = method.first[combination * fields + field]
        last = method.first[combination * fields + field + 1]
        for copy in range(layout.copies):
            offset = 2 * modes * copy * fields
            at = target + offset + 2 * modes * field
            for mode in range(0, modes, 2):
                xr, xi, yr, yi = _sum(
                    z, offset + 2 * mode, table + pitch * mode, pitch, modes, first, last, terms, signs
                )
                store(z, at + 2 * mode, xr)
                store(z, at + 2 * mode + 1, xi)
                store(z, at + 2 * mode + 2, yr)
                store(z, at + 2 * mode + 3, yi)


@jitted
def _square(z: Any, combination: int, layout: Layout, method: Method) -> None:
    """Leaves the squared norm of a combination, of the state alone, in the first vector of the scratch."""
    fields, modes, pitch, table = layout.fields, layout.modes, 1 if layout.real else 2, layout.table
    terms, signs = method.located, method.signs
    square, other = splat(0.0), splat(0.0)
    for field in range(fields):
        first = method.first[combination * fields + field]
        last = method.first[combination * fields + field + 1]
        for mode in range(0, modes, 2):
            xr, xi, yr, yi = _sum(z, 2 * mode, table + pitch * mode, pitch, modes, first, last, terms, signs)
            square, other = square + xr * xr + xi * xi, other + yr * yr + yi * yi
    store(z, layout.scratch, square + other)


def stepping(evaluate: Callable[..., None]) -> Callable[..., None]:
    """The step of a kernel whose N is `evaluate`, with the arguments of `advance_one` and of `evaluate`."""

    @jitted
    def advance_one(
        z: Any, estimated: bool, places: Any, flux: Flux, layout: Layout, method: Method, tables: Any
    ) -> None:
        stages = method.stages
        state, new = stages + 1, stages + 2
        _locate(method.terms, places, method.located, layout.modes)
        for stage in range(1, stages):
            _combine(z, stage - 1, places[new], layout, method)
            evaluate(z, places[new], places[stage], flux, layout, tables)
        _combine(z, stages - 1, places[new], layout, method)
        evaluate(z, places[new], places[stages], flux, layout, tables)
        if estimated:
            _square(z, stages, layout, method)
        places[state], places[new] = places[new], places[state]
        places[0], places[stages] = places[stages], places[0]

    return advance_one


advance_one = stepping(evaluate)
"""One step of every lane; leaves the squared estimate of its error in the first vector of the scratch."""


@jitted
def norms(z: Any, state: int, tail: int, layout: Layout) -> None:
    """Leaves the squared norm of each lane's state in the second vector of the scratch, that of the modes from `tail`
    on in the third."""
    low, high = splat(0.0), splat(0.0)
    for field in range(layout.fields):
        at = state + 2 * layout.modes * field
        for i in range(at, at + 2 * tail, 2):
            a, b = load(z, i), load(z, i + 1)
            low = low + (a * a + b * b)
        for i in range(at + 2 * tail, at + 2 * layout.kept, 2):
            a, b = load(z, i), load(z, i + 1)
            high = high + (a * a + b * b)
    store(z, layout.scratch + 1, low + high)
    store(z, layout.scratch + 2, high)
