"""Equation, method and grid as the arrays that the compiled functions go through."""

import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import sympy
import torch
from torch import Tensor

from pdesym.solvers.compiled import compile_equation
from pdesym.solvers.declaration import parameter_symbols
from pdesym.solvers.kernel.lengths import LANES, factors
from pdesym.solvers.kernel.memory import Flux, Integers, Layout, Method, Numbers
from pdesym.solvers.kernel.program import STRETCH, Instruction, Program, program
from pdesym.solvers.steppers import STATE, Stepper
from pdesym.solvers.system import SpectralSystem
from pdesym.solvers.torch_function import torch_function

# So many coefficients, each of a symbol with at most so many values, are kept: less than 72 MiB for any method.
_KEPT, _MOST_KEPT_MODES = 128, 1024
# i^n (a + ib) as signs of what becomes the real and the imaginary part.
_SIGNS = ((1.0, 1.0), (-1.0, 1.0), (-1.0, -1.0), (1.0, -1.0))


def program_of(system: SpectralSystem) -> Program | None:
    """The program of a system, None where the kernel has none for it."""
    if system.grid.dims != 1 or system.symbol.device.type != "cpu" or system.explicit_time or system.explicit_linear:
        return None
    points = product_length(system)
    if points % 2 or factors(points // 2) is None:
        return None
    compiled, space = compile_equation(system.equation, 1), system.equation.space(1)
    if any(jet.field >= len(system.equation.fields) for jet in compiled.jets):
        return None
    return program(compiled, space, system.stretch is not None)


def product_length(system: SpectralSystem) -> int:
    """On how many points products are taken."""
    points = system.product_points[0]
    if system.padded and not compile_equation(system.equation, 1).explicit_space:
        # More points do not change products that have no aliases.
        while points % 2 or factors(points // 2) is None:
            points += 1
    return points


def kept_modes(points: int) -> int:
    """Modes below the Nyquist mode."""
    return (points + 1) // 2


def flux_of(program: Program, system: SpectralSystem) -> Flux:
    """The arrays of a program."""
    has_constant = any(constant != 0 for constant in compile_equation(system.equation, 1).constants)
    k = 2 * math.pi / system.grid.length[0] * np.arange(kept_modes(system.grid.points[0]), dtype=np.float64)
    instructions: list[Instruction] = []

    def span(new: Sequence[Instruction]) -> list[int]:
        instructions.extend(new)
        return [len(instructions) - len(new), len(instructions)]

    products: list[list[int]] = []
    uses: list[list[int]] = []
    use_scales: list[Numbers] = []
    written: set[int] = set()
    for product in program.products:
        first = len(uses)
        for use in product.uses:
            uses.append([use.field, use.order % 2, int(has_constant or use.field in written)])
            use_scales.append(_scales(k, use.order, use.number / (2 * product_length(system))))
            written.add(use.field)
        products.append([*span(product.value), *span(product.derivative), first, len(uses)])
    slopes = span(program.slopes)
    return Flux(
        jets=_integers([[jet.field, jet.order % 2] for jet in program.jets], 2),
        jet_scales=np.array([_scales(k, jet.order, 1.0) for jet in program.jets]).reshape(-1, len(k), 2),
        instructions=instruction_rows(instructions),
        slopes=np.array(slopes),
        products=_integers(products, 6),
        uses=_integers(uses, 3),
        use_scales=np.array(use_scales).reshape(-1, len(k), 2),
        work=program.work,
    )


def instruction_rows(instructions: Sequence[Instruction]) -> Integers:
    """Instructions as `Flux` has them."""
    rows = [
        [i.target, i.final, i.add, i.coefficient, len(i.factors), *i.factors, *(0,) * (3 - len(i.factors))]
        for i in instructions
    ]
    return _integers(rows, 8)


def _scales(k: Numbers, order: int, number: float) -> Numbers:
    """number · (ik)^order as what multiplies the parts that end up real and imaginary."""
    scales: Numbers = number * (k**order)[:, None] * np.array(_SIGNS[order % 4])
    return scales


def _integers(rows: list[list[int]], width: int) -> Integers:
    return np.array(rows, dtype=np.int64).reshape(-1, width)


def numbers_of(program: Program, system: SpectralSystem, rows: Sequence[int]) -> tuple[Numbers, Numbers, Numbers]:
    """What differs from sample to sample: the coefficients, functions and constants of these rows, see `lanes.Rows`."""
    compiled = compile_equation(system.equation, 1)
    names = parameter_symbols(system.equation.declaration.parameters)
    values = {symbol: _of_rows(system.equation.parameters[name], rows) for name, symbol in names.items()}
    symbols, stretch = list(values), torch.ones((), dtype=torch.float64)
    if system.stretch is not None:
        stretch = system.stretch[list(rows), :1]
    (x,) = system.grid.refined((product_length(system),)).coordinates()

    def evaluated(expressions: Sequence[sympy.Expr], shape: tuple[int, ...]) -> Tensor:
        function = torch_function([*space.coordinates, *symbols, STRETCH], expressions)
        made = function(x * stretch, *values.values(), stretch)
        return torch.stack([torch.as_tensor(each, dtype=torch.float64).expand(shape) for each in made], dim=1)

    space = system.equation.space(1)
    count, points = len(rows), len(x)
    coefficients = evaluated(program.coefficients, (count, 1)) if program.coefficients else torch.zeros(count, 0, 1)
    functions = evaluated(program.functions, (count, points)) if program.functions else torch.zeros(1, 0, points)
    constant = torch.zeros(1, len(system.equation.fields), 1, 2)
    if any(each != 0 for each in compiled.constants):
        fields = evaluated(compiled.constants, (count, points))
        kept = kept_modes(system.grid.points[0])
        constant = torch.view_as_real(torch.fft.rfft(fields, norm="forward")[..., :kept])
    return coefficients[..., 0].double().numpy(), functions.double().numpy(), constant.double().numpy()


def _of_rows(value: float | Tensor, rows: Sequence[int]) -> Tensor:
    tensor = torch.as_tensor(value, dtype=torch.float64)
    return tensor[list(rows)].unsqueeze(1) if tensor.ndim else tensor


def layout_of(
    program: Program, method: Method, entries: int, system: SpectralSystem, copies: int
) -> tuple[Layout, Integers, int]:
    """(layout, where the sources of `Method` are at first, vectors in all)."""
    fields, kept = len(system.equation.fields), kept_modes(system.grid.points[0])
    modes = kept + kept % 2
    size = 2 * modes * fields * copies
    real = not bool(system.symbol.imag.any())
    blocks = entries * fields * (1 if system.diagonal else fields)
    has_constant = any(each != 0 for each in compile_equation(system.equation, 1).constants)
    sources = size * np.arange(method.stages + 3)
    origin = int(sources[-1]) + size
    table = origin + size
    constant = table + blocks * modes * (1 if real else 2)
    coefficients = constant + (2 * modes * fields if has_constant else 0)
    points = coefficients + len(program.coefficients)
    scratch = points + program.slots * product_length(system)
    layout = Layout(
        fields=fields,
        kept=kept,
        modes=modes,
        copies=copies,
        size=size,
        origin=origin,
        table=table,
        real=real,
        constant=constant,
        has_constant=has_constant,
        coefficients=coefficients,
        points=points,
        scratch=scratch,
    )
    return layout, sources.astype(np.int64), scratch + 4


def method_of(stepper: Stepper, fields: int, diagonal: bool) -> tuple[Method, tuple[int, ...]]:
    """The combinations of a stepper, and which of its coefficients differ from all before."""
    distinct, which = _distinct(stepper)
    stages = len(stepper.nodes)
    exponentials = len(stepper.stages) + 1
    entries = iter(which[exponentials:])
    combinations: list[list[tuple[int, float, int]]] = []
    for i, stage in enumerate((*stepper.stages, stepper.weights)):
        state = [(*which[i], stages + 1)]
        combinations.append(state + [(*next(entries), j) for j in stage])
    combinations.append([(*next(entries), stages + 1 if j == STATE else j) for j in stepper.estimate])
    first, terms, signs = [0], [], []
    for combination in combinations:
        paired = _paired(combination)
        for a in range(fields):
            for block, one, other in paired:
                for b in (a,) if diagonal else range(fields):
                    place = block * fields + a if diagonal else (block * fields + a) * fields + b
                    terms.append([place, one[0], b, -1 if other is None else other[0], b])
                    signs.append([one[1], 0.0 if other is None else other[1]])
            first.append(len(terms))
    located = np.zeros((len(terms), 3), dtype=np.int64)
    return Method(stages, np.array(first), _integers(terms, 5), np.array(signs).reshape(-1, 2), located), distinct


def _paired(
    combination: list[tuple[int, float, int]],
) -> list[tuple[int, tuple[int, float], tuple[int, float] | None]]:
    """Terms with the same coefficient, up to its sign, two by two."""
    result: list[tuple[int, tuple[int, float], tuple[int, float] | None]] = []
    for block, sign, source in combination:
        for place, (other, one, two) in enumerate(result):
            if other == block and two is None:
                result[place] = (block, one, (source, sign))
                break
        else:
            result.append((block, (source, sign), None))
    # A single source is taken as it is.
    return [(b, one, (one[0], 0.0) if two is None and one[1] < 0 else two) for b, one, two in result]


@lru_cache(maxsize=32)
def _distinct(stepper: Stepper) -> tuple[tuple[int, ...], tuple[tuple[int, float], ...]]:
    """The coefficients of a method that differ, and for all of them which it is, with its sign."""
    symbol = torch.tensor([-0.3 + 0.7j, -2.0 - 1.1j, 0.2 + 5.0j], dtype=torch.complex128).reshape(1, 1, -1)
    made = stepper.coefficients(symbol, 0.7, True)
    distinct: list[int] = []
    which: list[tuple[int, float]] = []
    for i, entry in enumerate(made):
        for number, earlier in enumerate(distinct):
            sign = next((s for s in (1.0, -1.0) if torch.equal(entry, s * made[earlier])), None)
            if sign is not None:
                which.append((number, sign))
                break
        else:
            which.append((len(distinct), 1.0))
            distinct.append(i)
    return tuple(distinct), tuple(which)


def coefficients_of(stepper: Stepper, symbol: Tensor, h: float, diagonal: bool) -> Tensor:
    """The coefficients of a stepper, kept where they are small and one symbol serves all rows: not to be written to."""
    if symbol.shape[0] > 1 or symbol.numel() > _MOST_KEPT_MODES:
        return stepper.coefficients(symbol, h, diagonal)
    return _kept_coefficients(stepper, symbol.numpy().tobytes(), tuple(symbol.shape), h, diagonal)


@lru_cache(maxsize=_KEPT)
def _kept_coefficients(stepper: Stepper, symbol: bytes, shape: tuple[int, ...], h: float, diagonal: bool) -> Tensor:
    values = torch.frombuffer(bytearray(symbol), dtype=torch.complex128).reshape(shape)
    return stepper.coefficients(values, h, diagonal)


def table_values(made: Tensor, distinct: Sequence[int], layout: Layout, diagonal: bool) -> Numbers:
    """Coefficients `(entries, 1, …)` of a stepper as `(blocks, kept, 1 or 2)`."""
    chosen = made[list(distinct), 0]
    blocks = chosen if diagonal else chosen.permute(0, 2, 3, 1)
    flat = blocks.reshape(-1, blocks.shape[-1])[:, : layout.kept]
    parts = flat.real.unsqueeze(-1) if layout.real else torch.view_as_real(flat)
    return np.ascontiguousarray(parts.numpy())


def aligned(vectors: int) -> Numbers:
    """Zeros for so many vectors, which begin where a line of the cache does."""
    line = LANES * 8
    raw = np.zeros(vectors * LANES + LANES)
    first = (-raw.ctypes.data % line) // 8
    return raw[first : first + vectors * LANES]
