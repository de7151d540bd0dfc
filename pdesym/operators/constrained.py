"""Fourier neural operators under constraints that let modes, ranks and channels vanish while they train."""

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from torch import nn

from pdesym.operators.fourier_operator import the_fno
from pdesym.operators.pointwise import Pointwise
from pdesym.operators.spectral_convolution import SpectralConvolution
from pdesym.symmetry.mirror.constraint import owner_of
from pdesym.symmetry.mirror.kinds import Elementwise, Grouped, Kind, LowRank
from pdesym.symmetry.mirror.reparametrised import constrain
from pdesym.symmetry.mirror.shared_gates import share_gates

_Layer = TypeVar("_Layer", bound=nn.Module)
_Operator = TypeVar("_Operator", bound=nn.Module)


def sparse_modes(operator: nn.Module, per: str = "weight", size: float = 1.0) -> nn.Module:
    """Puts the weights W_io(k) of all spectral convolutions of an operator under a constraint, in place.

    Train with `ConstraintPenalty(κ)`; then `remove(operator)` leaves a plain operator with exact zeros.

    Args:
        operator: with `SpectralConvolution`s, of any dimension.
        per: what vanishes at once: "mode" a whole matrix W(k), κ Σ_k ‖W(k)‖₂ over its entries; "weight" a complex
            entry, κ Σ |W_io(k)|; "part" a real or imaginary part, κ Σ (|Re| + |Im|).
        size: see `constrain`.

    Raises:
        ValueError: for an operator without such layers, or another `per`.
    """
    kinds: dict[str, Kind] = {"mode": Grouped((-3, -2, -1)), "weight": Grouped((-1,)), "part": Elementwise()}
    if per not in kinds:
        raise ValueError(f"Expected per to be one of {', '.join(kinds)}, got {per!r}.")
    return _constrained(operator, SpectralConvolution, lambda layer: kinds[per], size)


def low_rank_mixing(operator: nn.Module, where: str = "spectral", size: float = 1.0) -> nn.Module:
    """Puts the matrices that mix channels under κ Σ ‖·‖_*, so that their ranks fall, in place.

    Args:
        operator: with `SpectralConvolution`s and `Pointwise` layers.
        where: "spectral" every complex matrix W(k), channels in × channels out; "pointwise" the matrices of all
            pointwise layers, channels out × channels in.
        size: see `constrain`.

    Raises:
        ValueError: for an operator without such layers, or another `where`.
    """
    if where == "pointwise":
        return _constrained(operator, Pointwise, lambda layer: LowRank((0,), (1, 2)), size)
    if where != "spectral":
        raise ValueError(f"Expected where to be spectral or pointwise, got {where!r}.")
    return _constrained(
        operator, SpectralConvolution, lambda layer: LowRank((layer.dims,), (layer.dims + 1,), complex_parts=True), size
    )


def pruned_channels(operator: _Operator, size: float = 1.0) -> _Operator:
    """Puts one gate on each channel between the layers of a Fourier neural operator, so that channels vanish, in place.

    The gate of a channel of vₗ is on all that reads it: the spectral convolution Sₗ and the matrix Wₗ, or Q₁ after the
    last layer; κ Σ_c ‖(Sₗ[c], Wₗ[c])‖₂. What `remove` leaves of a channel that vanished, its row of the layer before,
    is of no effect.

    Args:
        operator: an FNO, or a module around one.
        size: see `constrain`.

    Raises:
        ValueError: for a module without an FNO or with several, or weights under a constraint already.
    """
    prefix, fno = the_fno(operator)
    blocks, dims = f"{prefix}fno.fno_blocks.blocks", fno.config.dims
    shared = [
        [(f"{blocks}.convs.{layer}.weight", dims), (f"{blocks}.fno_skips.{layer}.conv.weight", 1)]
        for layer in range(fno.config.layers)
    ]
    shared.append([(f"{prefix}fno.projection.fcs.0.weight", 1)])
    _require_free(operator, [name for places in shared for name, _ in places])
    for places in shared:
        share_gates(operator, places, size)
    return operator


def _constrained(
    operator: nn.Module, layer_type: type[_Layer], kind: Callable[[_Layer], Kind], size: float
) -> nn.Module:
    found = list(_layers(operator, layer_type))
    if not found:
        raise ValueError(f"Expected an operator with a {layer_type.__name__}, got {type(operator).__name__} without.")
    weights = {f"{name}.weight" if name else "weight": layer for name, layer in found}
    _require_free(operator, weights)
    for name, layer in weights.items():
        constrain(operator, name, kind(layer), size=size)
    return operator


def _require_free(operator: nn.Module, names: Iterable[str]) -> None:
    """Refuses what cannot be constrained before anything is changed."""
    for name in names:
        owner_of(operator, name)


def _layers(operator: nn.Module, layer_type: type[_Layer]) -> Iterator[tuple[str, _Layer]]:
    return ((name, layer) for name, layer in operator.named_modules() if isinstance(layer, layer_type))
