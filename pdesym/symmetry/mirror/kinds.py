"""How the coordinates z = Oᵀθ of a mirror are products of factors, and which norm of z a decay of the factors is."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import torch
from jaxtyping import Bool, Float
from torch import Tensor


class Kind(ABC):
    """z = compose(factors): a product that has a mirror symmetry of its own, with the fixed points z = 0.

    κ/2 times the squares of all factors costs, at the cheapest factors of z, κ · cost(z): a norm whose kink at 0 holds
    units of z there, though all functions are smooth. A unit is what vanishes by itself: an entry, a group, a singular
    value.

    Source: Ziyin, Symmetry Induces Structure and Constraint of Learning (ICML 2024), equation 8; Ziyin and Wang, spred
    (ICML 2023).
    """

    @abstractmethod
    def compose(self, factors: Sequence[Float[Tensor, "..."]], shape: Sequence[int]) -> Float[Tensor, "..."]:
        """z of its factors."""

    @abstractmethod
    def factors(self, z: Float[Tensor, "..."], size: float) -> tuple[Float[Tensor, "..."], ...]:
        """Factors whose product is z, bit for bit, none of them in the absorbing state.

        A factor that divides is a power of two, so that nothing is rounded: of D factors D − 1 are v, within √2 of
        max(size, |z|^(1/D)). Where z = 0 the first step of gradient descent with learning rate η moves z by
        −η v^(2(D−1)) ∇ℓ; for v = 1 as it would without factors. Where |z| ≥ size^D factors are nearly balanced, and
        elsewhere become so by the decay, u² − v² as e^(−2κt).
        """

    @abstractmethod
    def cost(self, z: Float[Tensor, "..."]) -> Float[Tensor, ""]:
        """min ½ Σ‖factor‖² over the factors of z."""

    @abstractmethod
    def units(self, z: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
        """The sizes of the units of z."""

    @abstractmethod
    def without(self, z: Float[Tensor, "..."], gone: Bool[Tensor, "..."]) -> Float[Tensor, "..."]:
        """z with some units exactly 0."""

    def check(self, shape: Sequence[int]) -> None:  # noqa: B027 (most kinds take every shape)
        """Refuses a shape of z for which the kind has no meaning.

        Raises:
            ValueError: in one sentence.
        """


@dataclass(frozen=True)
class Elementwise(Kind):
    """z = u₁ ⊙ u₂ ⊙ … ⊙ u_D, entry by entry; D = 2 is spred.

    cost(z) = (D/2) Σ |z|^(2/D): κ‖z‖₁ for two factors, and for more a quasi-norm that prefers few entries, not convex
    any more: 0 is then a local minimum for every κ > 0 that large entries alone escape.

    Args:
        depth: D, at least 2.

    Raises:
        ValueError: for a depth below 2.
    """

    depth: int = 2

    def __post_init__(self) -> None:
        if not isinstance(self.depth, int):
            raise ValueError(f"Expected a whole number of factors, got depth={self.depth!r}.")
        if self.depth < 2:
            raise ValueError(f"Expected at least 2 factors, got depth={self.depth}: one factor is plain weight decay.")

    def compose(self, factors: Sequence[Float[Tensor, "..."]], shape: Sequence[int]) -> Float[Tensor, "..."]:
        """The product of the factors."""
        z = factors[0]
        for factor in factors[1:]:
            z = z * factor
        return z

    def factors(self, z: Float[Tensor, "..."], size: float) -> tuple[Float[Tensor, "..."], ...]:
        """u₁ = z/v^(D−1), the others v, a power of two near max(size, |z|^(1/D))."""
        v = power_of_two((z.abs() ** (1 / self.depth)).clamp_min(size))
        return (z / v ** (self.depth - 1), *(v.clone() for _ in range(self.depth - 1)))

    def cost(self, z: Float[Tensor, "..."]) -> Float[Tensor, ""]:
        """(D/2) Σ |z|^(2/D)."""
        return self.depth / 2 * (z.abs() ** (2 / self.depth)).sum()

    def units(self, z: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
        """|z| of every entry."""
        return z.abs()

    def without(self, z: Float[Tensor, "..."], gone: Bool[Tensor, "..."]) -> Float[Tensor, "..."]:
        """z with some entries 0."""
        return z.masked_fill(gone, 0.0)


@dataclass(frozen=True)
class Grouped(Kind):
    """z_g = s_g v_g, one scalar gate s for a group of entries.

    cost(z) = Σ_g ‖z_g‖₂, the group lasso: a group is 0 as a whole or not at all.

    Args:
        over: the axes of z along which a group extends; there is a group for each index of the others. None for all
            axes, a single gate.

    Raises:
        ValueError: for anything but a tuple of axes.
    """

    over: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        if self.over is not None:
            _require_axes("over", self.over)

    def compose(self, factors: Sequence[Float[Tensor, "..."]], shape: Sequence[int]) -> Float[Tensor, "..."]:
        """s v."""
        gate, v = factors
        return gate * v

    def factors(self, z: Float[Tensor, "..."], size: float) -> tuple[Float[Tensor, "..."], ...]:
        """s, a power of two near max(size, √‖z_g‖), and v = z/s."""
        gate = power_of_two(self.units(z).sqrt().clamp_min(size))
        return gate, z / gate

    def cost(self, z: Float[Tensor, "..."]) -> Float[Tensor, ""]:
        """Σ_g ‖z_g‖₂."""
        return self.units(z).sum()

    def units(self, z: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
        """‖z_g‖₂ of every group; the axes of a group have length 1."""
        norms: Tensor = torch.linalg.vector_norm(z, dim=self._axes(z.ndim), keepdim=True)
        return norms

    def without(self, z: Float[Tensor, "..."], gone: Bool[Tensor, "..."]) -> Float[Tensor, "..."]:
        """z with some groups 0."""
        return z.masked_fill(gone, 0.0)

    def check(self, shape: Sequence[int]) -> None:
        """Refuses axes that z does not have, no axes, and axes that would count twice."""
        axes = _normalised(self._axes(len(shape)), shape)
        if self.over is not None and len(set(axes)) != max(len(axes), 1):
            raise ValueError(f"Expected different axes along which a group extends, got {self.over}: None is all axes.")

    def _axes(self, dims: int) -> tuple[int, ...]:
        return tuple(range(dims)) if self.over is None else self.over


@dataclass(frozen=True)
class LowRank(Kind):
    """Z = U V, matrices of the axes `rows` against the axes `columns`, one for each index of the other axes.

    cost(z) = Σ ‖Z‖_*, the sum of the singular values of all matrices: units vanish one by one, and with them the rank.

    Args:
        rows: axes of z that count the rows, the last of them fastest.
        columns: axes that count the columns.
        complex_parts: whether the last axis of z is (real part, imaginary part) of complex matrices; it is then none of
            the axes above.

    Raises:
        ValueError: for anything but tuples of axes.
    """

    rows: tuple[int, ...] = (0,)
    columns: tuple[int, ...] = (1,)
    complex_parts: bool = False

    def __post_init__(self) -> None:
        _require_axes("rows", self.rows)
        _require_axes("columns", self.columns)

    def compose(self, factors: Sequence[Float[Tensor, "..."]], shape: Sequence[int]) -> Float[Tensor, "..."]:
        """U V, in the shape of z."""
        u, v = factors
        if not self.complex_parts:
            return self._entries(u @ v, shape)
        return self._entries(torch.view_as_complex(u) @ torch.view_as_complex(v), shape)

    def factors(self, z: Float[Tensor, "..."], size: float) -> tuple[Float[Tensor, "..."], ...]:
        """Z/c and c times the identity on the shorter side, c a power of two near max(size, √σ₁), σ₁ the norm of Z."""
        matrices = self._matrices(z)
        largest = torch.linalg.matrix_norm(matrices, 2)
        c = power_of_two(largest.sqrt().clamp_min(size))[..., None, None]
        rest, inner = matrices / c, min(matrices.shape[-2:])
        identity = (c * torch.eye(inner, device=z.device, dtype=z.dtype)).to(matrices.dtype)
        pair = (rest, identity) if matrices.shape[-1] == inner else (identity, rest)
        if self.complex_parts:
            return tuple(torch.view_as_real(factor.contiguous()).clone() for factor in pair)
        return tuple(factor.contiguous() for factor in pair)

    def cost(self, z: Float[Tensor, "..."]) -> Float[Tensor, ""]:
        """Σ ‖Z‖_*."""
        return self.units(z).sum()

    def units(self, z: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
        """The singular values of every matrix, `(*others, min(rows, columns))`, the largest first."""
        values: Tensor = torch.linalg.svdvals(self._matrices(z))
        return values

    def without(self, z: Float[Tensor, "..."], gone: Bool[Tensor, "..."]) -> Float[Tensor, "..."]:
        """z with some singular values 0; matrices that lose none stay bit for bit."""
        matrices = self._matrices(z)
        left, values, right = torch.linalg.svd(matrices, full_matrices=False)
        kept = (left * values.masked_fill(gone, 0.0)[..., None, :].to(left.dtype)) @ right
        return self._entries(torch.where(gone.any(-1)[..., None, None], kept, matrices), z.shape)

    def check(self, shape: Sequence[int]) -> None:
        """Refuses axes that z does not have or that would count twice."""
        if self.complex_parts and shape[-1] != 2:
            raise ValueError(
                f"Expected the last axis to be (real part, imaginary part) with complex_parts, got the shape "
                f"{tuple(shape)}: leave complex_parts out."
            )
        used = _normalised((*self.rows, *self.columns), shape)
        if (
            len(set(used)) < len(used)
            or not self.rows
            or not self.columns
            or (self.complex_parts and len(shape) - 1 in used)
        ):
            raise ValueError(
                f"Expected different axes of {tuple(shape)} for rows and columns, and neither to be that of the parts, "
                f"got {self.rows} and {self.columns}."
            )

    def _layout(self, shape: Sequence[int]) -> tuple[list[int], list[int], list[int], list[int]]:
        """The order of the axes in matrices, and the lengths of others, rows and columns."""
        dims = len(shape) - self.complex_parts
        rows, columns = (list(_normalised(axes, shape)) for axes in (self.rows, self.columns))
        others = [axis for axis in range(dims) if axis not in (*rows, *columns)]
        o, r, c = ([shape[axis] for axis in axes] for axes in (others, rows, columns))
        return others + rows + columns, o, r, c

    def _matrices(self, z: Tensor) -> Tensor:
        order, others, rows, columns = self._layout(z.shape)
        entries = torch.view_as_complex(z.contiguous()) if self.complex_parts else z
        return entries.permute(order).reshape(*others, prod(rows), prod(columns))

    def _entries(self, matrices: Tensor, shape: Sequence[int]) -> Tensor:
        order, others, rows, columns = self._layout(shape)
        back = [order.index(axis) for axis in range(len(order))]
        entries = matrices.reshape(*others, *rows, *columns).permute(back)
        return torch.view_as_real(entries).contiguous() if self.complex_parts else entries.contiguous()


def power_of_two(x: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
    """The power of two nearest to x > 0 by its logarithm, exact on every device: a number over its own mantissa."""
    mantissa, _ = torch.frexp(x)
    return x / mantissa * torch.where(mantissa < 0.5**0.5, 0.5, 1.0).to(x)


def _require_axes(name: str, axes: object) -> None:
    if not isinstance(axes, tuple) or not all(isinstance(axis, int) for axis in axes):
        raise ValueError(f"Expected a tuple of axes as {name}, such as (0,), got {axes!r}.")


def _normalised(axes: Sequence[int], shape: Sequence[int]) -> tuple[int, ...]:
    """Axes counted from 0.

    Raises:
        ValueError: for an axis that is not there.
    """
    for axis in axes:
        if not -len(shape) <= axis < len(shape):
            raise ValueError(f"Expected axes of a tensor of shape {tuple(shape)}, got {axis}: count from 0.")
    return tuple(axis % len(shape) for axis in axes)
