"""Real discrete Fourier transforms of even length with factors 2, 3 and 5, of `LANES` fields at once.

The N = 2H real numbers of a field are read as H complex ones, z_n = u_2n + i u_2n+1. Their transform Z gives that of u,

    û_k = (A_k + B_k)/2,   A_k = Z_k + Z*_{H−k},   B_k = −i e^{−2πik/N} (Z_k − Z*_{H−k}),

and the same relation backwards. Z is computed in place by decimation in frequency, with butterflies of 2, 3, 4, 5 and
8 points, and comes out in another order, `place[k]`. That order costs nothing: every number is a vector of `LANES`, and
any of them is read as fast as the next. Fields are likewise left in that order, and put right where products are
written.
"""

from typing import Any

import numpy as np

from pdesym.solvers.kernel.jit import jitted
from pdesym.solvers.kernel.lengths import Transform
from pdesym.solvers.kernel.vectors import load, splat, store


@jitted
def _put(z: Any, at: int, o: Any, re: Any, im: Any) -> None:
    store(z, at + o, re)
    store(z, at + 1 - o, im)


@jitted
def _rotate(z: Any, at: int, o: Any, re: Any, im: Any, t: Any, k: int) -> None:
    cos, sin = splat(t[k]), splat(t[k + 1])
    store(z, at + o, re * cos - im * sin)
    store(z, at + 1 - o, re * sin + im * cos)


@jitted
def _of_two(z: Any, base: int, o: Any, n: int, blocks: Any, t: Any, first: Any) -> None:
    m = n // 2
    for b in range(blocks):
        k = first
        for p in range(base + 2 * b * n, base + 2 * (b * n + m), 2):
            q = p + 2 * m
            ar, ai, br, bi = load(z, p + o), load(z, p + 1 - o), load(z, q + o), load(z, q + 1 - o)
            _put(z, p, o, ar + br, ai + bi)
            if m > 1:
                _rotate(z, q, o, ar - br, ai - bi, t, k)
                k += 2
            else:
                _put(z, q, o, ar - br, ai - bi)


@jitted
def _of_three(z: Any, base: int, o: Any, n: int, blocks: Any, t: Any, first: Any) -> None:
    m = n // 3
    half, height = splat(0.5), splat(0.8660254037844386)
    for b in range(blocks):
        k = first
        for p in range(base + 2 * b * n, base + 2 * (b * n + m), 2):
            q, r = p + 2 * m, p + 4 * m
            ar, ai = load(z, p + o), load(z, p + 1 - o)
            br, bi = load(z, q + o), load(z, q + 1 - o)
            cr, ci = load(z, r + o), load(z, r + 1 - o)
            sr, si = br + cr, bi + ci
            dr, di = (br - cr) * height, (bi - ci) * height
            er, ei = ar - sr * half, ai - si * half
            _put(z, p, o, ar + sr, ai + si)
            if m > 1:
                _rotate(z, q, o, er + di, ei - dr, t, k)
                _rotate(z, r, o, er - di, ei + dr, t, k + 2)
                k += 4
            else:
                _put(z, q, o, er + di, ei - dr)
                _put(z, r, o, er - di, ei + dr)


@jitted
def _of_four(z: Any, base: int, o: Any, n: int, blocks: Any, t: Any, first: Any) -> None:
    m = n // 4
    for block in range(blocks):
        k = first
        for p in range(base + 2 * block * n, base + 2 * (block * n + m), 2):
            q, r, s = p + 2 * m, p + 4 * m, p + 6 * m
            ar, ai = load(z, p + o), load(z, p + 1 - o)
            br, bi = load(z, q + o), load(z, q + 1 - o)
            cr, ci = load(z, r + o), load(z, r + 1 - o)
            dr, di = load(z, s + o), load(z, s + 1 - o)
            er, ei, fr, fi = ar + cr, ai + ci, ar - cr, ai - ci
            gr, gi, hr, hi = br + dr, bi + di, br - dr, bi - di
            _put(z, p, o, er + gr, ei + gi)
            if m > 1:
                _rotate(z, q, o, fr + hi, fi - hr, t, k)
                _rotate(z, r, o, er - gr, ei - gi, t, k + 2)
                _rotate(z, s, o, fr - hi, fi + hr, t, k + 4)
                k += 6
            else:
                _put(z, q, o, fr + hi, fi - hr)
                _put(z, r, o, er - gr, ei - gi)
                _put(z, s, o, fr - hi, fi + hr)


@jitted
def _of_five(z: Any, base: int, o: Any, n: int, blocks: Any, t: Any, first: Any) -> None:
    m = n // 5
    c1, c2 = splat(0.30901699437494745), splat(-0.8090169943749475)
    s1, s2 = splat(0.9510565162951535), splat(0.5877852522924731)
    for block in range(blocks):
        k = first
        for p in range(base + 2 * block * n, base + 2 * (block * n + m), 2):
            q, r, s, u = p + 2 * m, p + 4 * m, p + 6 * m, p + 8 * m
            ar, ai = load(z, p + o), load(z, p + 1 - o)
            br, bi = load(z, q + o), load(z, q + 1 - o)
            cr, ci = load(z, r + o), load(z, r + 1 - o)
            dr, di = load(z, s + o), load(z, s + 1 - o)
            er, ei = load(z, u + o), load(z, u + 1 - o)
            br, bi, er, ei = br + er, bi + ei, br - er, bi - ei
            cr, ci, dr, di = cr + dr, ci + di, cr - dr, ci - di
            xr, xi = ar + br * c1 + cr * c2, ai + bi * c1 + ci * c2
            yr, yi = ar + br * c2 + cr * c1, ai + bi * c2 + ci * c1
            vr, vi = er * s1 + dr * s2, ei * s1 + di * s2
            wr, wi = er * s2 - dr * s1, ei * s2 - di * s1
            _put(z, p, o, ar + br + cr, ai + bi + ci)
            if m > 1:
                _rotate(z, q, o, xr + vi, xi - vr, t, k)
                _rotate(z, r, o, yr + wi, yi - wr, t, k + 2)
                _rotate(z, s, o, yr - wi, yi + wr, t, k + 4)
                _rotate(z, u, o, xr - vi, xi + vr, t, k + 6)
                k += 8
            else:
                _put(z, q, o, xr + vi, xi - vr)
                _put(z, r, o, yr + wi, yi - wr)
                _put(z, s, o, yr - wi, yi + wr)
                _put(z, u, o, xr - vi, xi + vr)


@jitted
def _of_eight(z: Any, base: int, o: Any, n: int, blocks: Any, t: Any, first: Any) -> None:
    m = n // 8
    root = splat(0.7071067811865476)
    for block in range(blocks):
        k = first
        for p in range(base + 2 * block * n, base + 2 * (block * n + m), 2):
            # Four points of the even ones, four of the odd ones.
            ar, ai = load(z, p + o), load(z, p + 1 - o)
            br, bi = load(z, p + 4 * m + o), load(z, p + 4 * m + 1 - o)
            cr, ci = load(z, p + 8 * m + o), load(z, p + 8 * m + 1 - o)
            dr, di = load(z, p + 12 * m + o), load(z, p + 12 * m + 1 - o)
            xr, xi, yr, yi = ar + cr, ai + ci, ar - cr, ai - ci
            ur, ui, vr, vi = br + dr, bi + di, br - dr, bi - di
            e0r, e0i, e2r, e2i = xr + ur, xi + ui, xr - ur, xi - ui
            e1r, e1i, e3r, e3i = yr + vi, yi - vr, yr - vi, yi + vr
            ar, ai = load(z, p + 2 * m + o), load(z, p + 2 * m + 1 - o)
            br, bi = load(z, p + 6 * m + o), load(z, p + 6 * m + 1 - o)
            cr, ci = load(z, p + 10 * m + o), load(z, p + 10 * m + 1 - o)
            dr, di = load(z, p + 14 * m + o), load(z, p + 14 * m + 1 - o)
            xr, xi, yr, yi = ar + cr, ai + ci, ar - cr, ai - ci
            ur, ui, vr, vi = br + dr, bi + di, br - dr, bi - di
            # The odd ones turned by multiples of 45°, the third with its imaginary part reversed.
            f0r, f0i, f2r, f2i = xr + ur, xi + ui, xi - ui, ur - xr
            gr, gi, hr, hi = yr + vi, yi - vr, yr - vi, yi + vr
            f1r, f1i, f3r, f3i = (gr + gi) * root, (gi - gr) * root, (hi - hr) * root, (hr + hi) * root
            _put(z, p, o, e0r + f0r, e0i + f0i)
            if m > 1:
                _rotate(z, p + 2 * m, o, e1r + f1r, e1i + f1i, t, k)
                _rotate(z, p + 4 * m, o, e2r + f2r, e2i + f2i, t, k + 2)
                _rotate(z, p + 6 * m, o, e3r + f3r, e3i - f3i, t, k + 4)
                _rotate(z, p + 8 * m, o, e0r - f0r, e0i - f0i, t, k + 6)
                _rotate(z, p + 10 * m, o, e1r - f1r, e1i - f1i, t, k + 8)
                _rotate(z, p + 12 * m, o, e2r - f2r, e2i - f2i, t, k + 10)
                _rotate(z, p + 14 * m, o, e3r - f3r, e3i + f3i, t, k + 12)
                k += 14
            else:
                _put(z, p + 2 * m, o, e1r + f1r, e1i + f1i)
                _put(z, p + 4 * m, o, e2r + f2r, e2i + f2i)
                _put(z, p + 6 * m, o, e3r + f3r, e3i - f3i)
                _put(z, p + 8 * m, o, e0r - f0r, e0i - f0i)
                _put(z, p + 10 * m, o, e1r - f1r, e1i - f1i)
                _put(z, p + 12 * m, o, e2r - f2r, e2i - f2i)
                _put(z, p + 14 * m, o, e3r - f3r, e3i + f3i)


@jitted
def complex_transform(z: Any, base: int, o: Any, tables: Transform) -> None:
    """Σ_n z_n e^{−2πikn/H} in place, k at place[k]; with o = 1 real and imaginary parts trade places: e^{+2πikn/H}."""
    # Whole numbers as written would be types of their own, and everything compiled once for each.
    n, blocks, first, t = tables.half, np.int64(1), np.int64(0), tables.twiddles
    for radix in tables.radices:
        if radix == 4:
            _of_four(z, base, o, n, blocks, t, first)
        elif radix == 8:
            _of_eight(z, base, o, n, blocks, t, first)
        elif radix == 2:
            _of_two(z, base, o, n, blocks, t, first)
        elif radix == 3:
            _of_three(z, base, o, n, blocks, t, first)
        else:
            _of_five(z, base, o, n, blocks, t, first)
        m = n // radix
        if m > 1:
            first += 2 * (radix - 1) * m
        n = m
        blocks *= radix


@jitted
def synthesise(z: Any, field: int, spectrum: int, kept: int, scale: Any, turn: int, tables: Transform) -> None:
    """The field Σ_k s_k û_k e^{ikx} of a half spectrum without Nyquist mode, in the order `place`.

    Args:
        z: the array that holds everything.
        field: where the 2H real numbers go, in vectors.
        spectrum: where û is, `kept` pairs of a real and an imaginary part.
        kept: modes of the spectrum, those beyond are zero.
        scale: s as `(kept, 2)` numbers that multiply real and imaginary parts …
        turn: … after the two have traded places (1) or not (0): a factor i or 1.
        tables: of 2H points.
    """
    half, rotation = tables.half, tables.rotation
    zero = splat(0.0)
    first = load(z, spectrum + turn) * splat(scale[0, 0])
    store(z, field, first)
    store(z, field + 1, first)
    for k in range(1, (half + 1) // 2):
        j = half - k
        ar, ai, br, bi = zero, zero, zero, zero
        if k < kept:
            ar = load(z, spectrum + 2 * k + turn) * splat(scale[k, 0])
            ai = load(z, spectrum + 2 * k + 1 - turn) * splat(scale[k, 1])
        if j < kept:
            br = load(z, spectrum + 2 * j + turn) * splat(scale[j, 0])
            bi = load(z, spectrum + 2 * j + 1 - turn) * splat(scale[j, 1])
        cos, sin = splat(rotation[2 * k]), splat(rotation[2 * k + 1])
        sr, si, dr, di = ar + br, ai - bi, ar - br, ai + bi
        tr, ti = dr * sin + di * cos, dr * cos - di * sin
        at = field + 2 * k
        store(z, at, sr - tr)
        store(z, at + 1, si + ti)
        at = field + 2 * j
        store(z, at, sr + tr)
        store(z, at + 1, ti - si)
    if half % 2 == 0:
        k = half // 2
        at = field + 2 * k
        if k < kept:
            store(z, at, splat(2.0 * scale[k, 0]) * load(z, spectrum + 2 * k + turn))
            store(z, at + 1, splat(-2.0 * scale[k, 1]) * load(z, spectrum + 2 * k + 1 - turn))
        else:
            store(z, at, zero)
            store(z, at + 1, zero)
    complex_transform(z, field, np.int64(1), tables)


@jitted
def _keep(z: Any, at: int, scale: Any, k: Any, turn: int, add: bool, re: Any, im: Any) -> None:
    re, im = re * splat(scale[k, turn]), im * splat(scale[k, 1 - turn])
    if add:
        re, im = re + load(z, at + turn), im + load(z, at + 1 - turn)
    store(z, at + turn, re)
    store(z, at + 1 - turn, im)


@jitted
def analyse(z: Any, field: int, tables: Transform) -> None:
    """Replace a field by what `project` makes its spectrum of."""
    complex_transform(z, field, np.int64(0), tables)


@jitted
def project(z: Any, field: int, spectrum: int, kept: int, scale: Any, turn: int, add: bool, tables: Transform) -> None:
    """The spectrum 2 s_k Σ_n u_n e^{−ikx_n} of an analysed field, without Nyquist mode, written to or added to another.

    The arguments are those of `synthesise`.
    """
    half, place, rotation = tables.half, tables.place, tables.rotation
    two = splat(2.0)
    at = field + 2 * place[0]
    mean = (load(z, at) + load(z, at + 1)) * two
    _keep(z, spectrum, scale, np.int64(0), turn, add, mean, splat(0.0))
    for k in range(1, (half + 1) // 2):
        if k >= kept:
            break
        j = half - k
        at = field + 2 * place[k]
        ar, ai = load(z, at), load(z, at + 1)
        at = field + 2 * place[j]
        br, bi = load(z, at), load(z, at + 1)
        cos, sin = splat(rotation[2 * k]), splat(rotation[2 * k + 1])
        sr, si, dr, di = ar + br, ai - bi, ar - br, ai + bi
        tr, ti = di * cos - dr * sin, dr * cos + di * sin
        _keep(z, spectrum + 2 * k, scale, k, turn, add, sr + tr, si - ti)
        if j < kept:
            _keep(z, spectrum + 2 * j, scale, j, turn, add, sr - tr, splat(0.0) - si - ti)
    if half % 2 == 0 and half // 2 < kept:
        k = half // 2
        at = field + 2 * place[k]
        _keep(z, spectrum + 2 * k, scale, k, turn, add, load(z, at) * two, load(z, at + 1) * splat(-2.0))
