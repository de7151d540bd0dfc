"""Vectors of `LANES` float64 numbers in compiled functions, one lane for each of the trajectories that run together.

They exist inside compiled functions only: `load` and `store` move them from and to flat float64 arrays, whose length is
counted in vectors; +, − and × act lane by lane. A lane never sees another, so no result depends on its neighbours.
"""

import operator
from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.core.typing.templates import AbstractTemplate, infer_global, signature
from numba.extending import intrinsic, lower_builtin, models, register_model

from pdesym.solvers.kernel.lengths import LANES

_IR = ir.VectorType(ir.DoubleType(), LANES)


class _Vector(types.Type):  # type: ignore[misc]
    pass


_VECTOR = _Vector(f"Vector{LANES}")


@register_model(_Vector)
class _Model(models.PrimitiveModel):  # type: ignore[misc]
    def __init__(self, manager: Any, kind: Any):
        super().__init__(manager, kind, _IR)


def _lane_by_lane(operation: Callable[[Any, Any], Any], instruction: str) -> None:
    class Template(AbstractTemplate):  # type: ignore[misc]
        def generic(self, args: Any, kws: Any) -> Any:
            both = len(args) == 2 and all(isinstance(each, _Vector) for each in args)
            return signature(_VECTOR, _VECTOR, _VECTOR) if both else None

    def lower(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        # A product and a sum may become one fused instruction; nothing else is taken liberties with.
        return getattr(builder, instruction)(*args, flags=("contract",))

    infer_global(operation)(Template)
    lower_builtin(operation, _Vector, _Vector)(lower)


_lane_by_lane(operator.add, "fadd")
_lane_by_lane(operator.sub, "fsub")
_lane_by_lane(operator.mul, "fmul")


def _address(context: Any, builder: Any, kind: Any, array: Any, place: Any) -> Any:
    data = context.make_array(kind)(context, builder, array).data
    first = builder.mul(place, ir.Constant(place.type, LANES), flags=("nsw",))
    return builder.bitcast(builder.gep(data, [first]), _IR.as_pointer())


@intrinsic  # type: ignore[untyped-decorator]
def load(typingctx: Any, array: Any, place: Any) -> Any:
    """The vector at `place`."""

    def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        value = builder.load(_address(context, builder, sig.args[0], *args))
        value.align = 8
        return value

    return _VECTOR(array, types.intp), generate


@intrinsic  # type: ignore[untyped-decorator]
def store(typingctx: Any, array: Any, place: Any, value: Any) -> Any:
    """Write a vector to `place`."""

    def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        written = builder.store(args[2], _address(context, builder, sig.args[0], args[0], args[1]))
        written.align = 8
        return context.get_dummy_value()

    return types.void(array, types.intp, _VECTOR), generate


@intrinsic  # type: ignore[untyped-decorator]
def splat(typingctx: Any, number: Any) -> Any:
    """One number in all lanes."""

    def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        undefined = ir.Constant(_IR, ir.Undefined)
        first = builder.insert_element(undefined, args[0], ir.Constant(ir.IntType(32), 0))
        return builder.shuffle_vector(first, undefined, ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES))

    return _VECTOR(types.float64), generate


@intrinsic  # type: ignore[untyped-decorator]
def transpose(typingctx: Any, array: Any, source: Any, pitch: Any, target: Any, spacing: Any) -> Any:
    """Lane j of the i-th of `LANES` vectors, every `pitch` from `source`, becomes lane i of the j-th at `target`.

    The latter are `spacing` apart, and the two places do not overlap.
    """

    def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        kind, (data, first, step, place, gap) = sig.args[0], args
        rows = []
        for i in range(LANES):
            at = builder.add(first, builder.mul(step, ir.Constant(step.type, i)))
            value = builder.load(_address(context, builder, kind, data, at))
            value.align = 8
            rows.append(value)
        # Squares of twice the size change their off-diagonal halves, until the whole is done.
        for half in (2**n for n in range(LANES.bit_length() - 1)):
            upper = [j if j & half == 0 else LANES + j - half for j in range(LANES)]
            lower = [j + half if j & half == 0 else LANES + j for j in range(LANES)]
            for i in (i for i in range(LANES) if i & half == 0):
                a, b = rows[i], rows[i + half]
                masks = (ir.Constant(ir.VectorType(ir.IntType(32), LANES), each) for each in (upper, lower))
                rows[i], rows[i + half] = (builder.shuffle_vector(a, b, mask) for mask in masks)
        for i, value in enumerate(rows):
            at = builder.add(place, builder.mul(gap, ir.Constant(gap.type, i)))
            written = builder.store(value, _address(context, builder, kind, data, at))
            written.align = 8
        return context.get_dummy_value()

    return types.void(array, types.intp, types.intp, types.intp, types.intp), generate
