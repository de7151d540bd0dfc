"""An equation and a method on a plane as the arrays that `plane_step` goes through."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from pdesym.solvers.compiled import compile_equation
from pdesym.solvers.declaration import parameter_symbols
from pdesym.solvers.kernel.assembly import aligned, instruction_rows
from pdesym.solvers.kernel.lengths import LANES, factors, transform
from pdesym.solvers.kernel.memory import Flux, Integers, Layout, Method, Numbers, Plane
from pdesym.solvers.kernel.program import Instruction, Program, fluxes
from pdesym.solvers.spectrum import tail_weights
from pdesym.solvers.system import SpectralSystem
from pdesym.solvers.torch_function import torch_function

_SCRATCH = 2 * LANES


def plane_program_of(system: SpectralSystem) -> Program | None:
    """The program of a system, None where the kernel has none for it."""
    if system.grid.dims != 2 or system.symbol.device.type != "cpu" or system.explicit_time or system.explicit_linear:
        return None
    first, second = product_lengths(system)
    if factors(first) is None or second % 2 or factors(second // 2) is None:
        return None
    multipliers = [m for sources in system.jet_sources for _, m in sources if m is not None]
    multipliers += [m for by_field in system.product_uses for m in by_field.values()]
    if not all(_is_turn(each) for each in multipliers):
        return None
    return fluxes(compile_equation(system.equation, 2), system.equation.space(2))


def _is_turn(multiplier: Tensor) -> bool:
    return not (bool(multiplier.real.any()) and bool(multiplier.imag.any()))


def product_lengths(system: SpectralSystem) -> tuple[int, int]:
    """On how many points products are taken."""
    first, second = system.product_points
    if system.padded:
        # More points do not change products that have no aliases.
        while second % 2 or factors(second // 2) is None:
            second += 1
    return first, second


class PlaneArrays:
    """Where everything lies, for one system and one method.

    Args:
        program: `plane_program_of` the system.
        system: the equation on a grid.
        method: the combinations of the stepper.
        entries: how many of its coefficients differ.
        copies: 1 + number of tangents.
    """

    def __init__(self, program: Program, system: SpectralSystem, method: Method, entries: int, copies: int = 1):
        n, half = system.grid.points[0], system.grid.points[1]
        self.columns, self.all_columns = (half + 1) // 2, half // 2 + 1
        self.blocks = -(-self.columns // LANES)
        # Steps take two modes at a time; what is added stays zero.
        self.rows, self.modes = n, self.blocks * n + self.blocks * n % 2
        self.fields = len(system.equation.fields)
        self._vectors = 0
        self._jet_tables = {
            (jet, place): self._take(self.modes)
            for jet, sources in enumerate(system.jet_sources)
            for place, (_, multiplier) in enumerate(sources)
            if multiplier is not None
        }
        self._use_tables = {
            (product, field): self._take(self.modes)
            for product, by_field in enumerate(system.product_uses)
            for field in by_field
        }
        one = 2 * self.modes * self.fields
        size = one * copies
        real = not bool(system.symbol.imag.any())
        self.table_blocks = entries * self.fields * (1 if system.diagonal else self.fields)
        self.has_constant = system.constant_spectra is not None
        self.places: Integers = np.array([self._take(size) for _ in range(method.stages + 3)], dtype=np.int64)
        first, second = product_lengths(system)
        height = -(-first // LANES) * LANES
        spectra = len(program.jets) + len(program.products)
        self.layout = Layout(
            fields=self.fields,
            kept=self.columns,
            modes=self.modes,
            copies=copies,
            size=size,
            origin=self._take(size),
            table=self._take(self.table_blocks * self.modes * (1 if real else 2)),
            real=real,
            constant=self._take(one if self.has_constant else 0),
            has_constant=self.has_constant,
            coefficients=self._take(len(program.coefficients)),
            points=self._take(program.slots * second),
            scratch=self._take(_SCRATCH),
        )
        along = transform(2 * first)
        order = np.full(height, -1, dtype=np.int64)
        order[along.place] = np.arange(first)
        self.plane = Plane(
            along=along,
            across=transform(second),
            order=order,
            rows=np.array([r if r < (n + 1) // 2 else r + first - n for r in range(n)], dtype=np.int64),
            height=height,
            blocks=self.blocks,
            columns=self.columns,
            jets=self._jets(system),
            uses=self._uses(system),
            spans=np.zeros((len(program.products), 4), dtype=np.int64),
            spectra=spectra,
            half=self._take(2 * height * self.blocks * spectra * copies),
            line=self._take(2 * LANES * self.blocks),
            ones=np.ones((self.columns, 2)),
            weight=np.full((self.columns, 2), 0.5 / (first * second)),
            tail=self._take(self.modes),
        )
        self.flux = self._flux(program)
        self.memory = aligned(self._vectors)
        self.method = method
        self._write(self.plane.tail, tail_weights(system.grid, None).expand(n, half // 2 + 1))
        self._program = program

    def _take(self, vectors: int) -> int:
        first = self._vectors
        self._vectors += vectors
        return first

    def _jets(self, system: SpectralSystem) -> Integers:
        lines = [
            [
                field,
                0 if multiplier is None else int(bool(multiplier.imag.any())),
                self._jet_tables.get((jet, place), -1),
                jet,
                int(place > 0),
                int(place == len(sources) - 1),
            ]
            for jet, sources in enumerate(system.jet_sources)
            for place, (field, multiplier) in enumerate(sources)
        ]
        return np.array(lines, dtype=np.int64).reshape(-1, 6)

    def _uses(self, system: SpectralSystem) -> Integers:
        written: set[int] = set()
        lines = []
        for product, by_field in enumerate(system.product_uses):
            for field, multiplier in by_field.items():
                add = self.has_constant or field in written
                turn = int(bool(multiplier.imag.any()))
                lines.append([product, field, turn, self._use_tables[product, field], int(add)])
                written.add(field)
        return np.array(lines, dtype=np.int64).reshape(-1, 5)

    def _flux(self, program: Program) -> Flux:
        instructions: list[Instruction] = []

        def span(new: Sequence[Instruction]) -> tuple[int, int]:
            instructions.extend(new)
            return len(instructions) - len(new), len(instructions)

        for product, transformed in enumerate(program.products):
            self.plane.spans[product] = *span(transformed.value), *span(transformed.derivative)
        slopes = np.array(span(program.slopes), dtype=np.int64)
        return Flux(
            jets=np.zeros((len(program.jets), 2), dtype=np.int64),
            jet_scales=np.zeros((0, 1, 2)),
            instructions=instruction_rows(instructions),
            slopes=slopes,
            products=np.zeros((0, 6), dtype=np.int64),
            uses=np.zeros((0, 3), dtype=np.int64),
            use_scales=np.zeros((0, 1, 2)),
            work=program.work,
        )

    def _blocks(self, place: int, count: int, pitch: int) -> Numbers:
        """The memory of `count` lists of modes, `(count, blocks, rows, pitch, LANES)`."""
        first, size = place * LANES, count * self.modes * pitch * LANES
        return self._by_block(self.memory[first : first + size].reshape(count, self.modes, pitch, LANES))

    def _by_block(self, modes: Numbers) -> Numbers:
        """A view of lists of modes `(…, modes, pitch, LANES)` as `(…, blocks, rows, pitch, LANES)`."""
        own = modes[..., : self.blocks * self.rows, :, :]
        return own.reshape(*own.shape[:-3], self.blocks, self.rows, *own.shape[-2:])

    def _write(self, place: int, values: Tensor, complex_pairs: bool = False) -> None:
        """Values over the modes `(…, rows, columns)` to where their blocks lie."""
        flat = values.reshape(-1, *values.shape[-2:])[..., : self.columns]
        parts = (flat.real, flat.imag) if complex_pairs else (flat,)
        into = self._blocks(place, len(flat), len(parts))
        for p, part in enumerate(parts):
            array = part.numpy()
            for block in range(self.blocks):
                lanes = array[..., block * LANES : (block + 1) * LANES]
                into[:, block, :, p, : lanes.shape[-1]] = lanes

    def put_equation(self, system: SpectralSystem, row: int) -> None:
        """Write what belongs to the equation of a sample, one row of the system."""
        values = [parameter[row] if parameter.ndim else parameter for parameter in self._parameters(system)]
        system = system.select(torch.tensor([row]))
        for (jet, source), place in self._jet_tables.items():
            self._write(place, _turned(system.jet_sources[jet][source][1]))
        for (product, field), place in self._use_tables.items():
            self._write(place, _turned(system.product_uses[product][field]))
        if system.constant_spectra is not None:
            self._write(self.layout.constant, system.constant_spectra[0], complex_pairs=True)
        if self._program.coefficients:
            names = parameter_symbols(system.equation.declaration.parameters)
            made = torch_function(list(names.values()), self._program.coefficients)(*values)
            for i, each in enumerate(made):
                first = (self.layout.coefficients + i) * LANES
                self.memory[first : first + LANES] = float(each)

    @staticmethod
    def _parameters(system: SpectralSystem) -> list[Tensor]:
        names = parameter_symbols(system.equation.declaration.parameters)
        return [torch.as_tensor(system.equation.parameters[name], dtype=torch.float64) for name in names]

    def put_table(self, values: Tensor) -> None:
        """Write the coefficients of a step, `(table blocks, rows, columns)`."""
        self._write(self.layout.table, values, complex_pairs=not self.layout.real)

    def put_state(self, place: int, v: Tensor) -> None:
        """Write a spectrum and those of its tangents, `(copies, fields, rows, columns or more)`."""
        self._write(place, v, complex_pairs=True)

    def kept(self, place: int) -> Numbers:
        """A copy of the spectrum at a place, as it lies there."""
        first = place * LANES
        return self.memory[first : first + self.layout.size * LANES].copy()

    def put_back(self, place: int, state: Numbers) -> None:
        """Write what `kept` gave."""
        first = place * LANES
        self.memory[first : first + len(state)] = state

    def spectra(self, states: Sequence[Numbers]) -> Tensor:
        """The spectra `(states, copies, fields, rows, columns)` of what `kept` gave, with a Nyquist column of zeros."""
        shape = len(states), self.layout.copies, self.fields
        blocks = self._by_block(np.stack(states).reshape(*shape, self.modes, 2, LANES))
        result = np.zeros((*shape, self.rows, self.all_columns), dtype=np.complex128)
        for block in range(self.blocks):
            lanes = result[..., block * LANES : min((block + 1) * LANES, self.columns)]
            width = lanes.shape[-1]
            lanes.real, lanes.imag = blocks[..., block, :, 0, :width], blocks[..., block, :, 1, :width]
        return torch.from_numpy(result)


def _turned(multiplier: Tensor | None) -> Tensor:
    assert multiplier is not None, "a table was made for it"
    return (multiplier.imag if bool(multiplier.imag.any()) else multiplier.real).double()
