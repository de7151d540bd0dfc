"""What a loss does about a mirror symmetry at Oᵀθ = 0: gradient, Hessian, and the weight decay that catches θ there."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from scipy.sparse.linalg import LinearOperator, eigsh
from torch import Tensor

from pdesym.symmetry.mirror.symmetry import MirrorSymmetry, norm_of

Losses = Callable[[Mapping[str, Tensor]], Tensor]
"""From parameters to the losses of the samples, `(samples,)`, or to one number, as by `torch.func.functional_call`."""

DENSE_RANK = 24
"""Blocks of the Hessian up to this size are formed."""


def gradient_leak(
    losses: Losses, parameters: Mapping[str, Tensor], mirror: MirrorSymmetry
) -> Float[Tensor, " samples"]:
    """‖Oᵀ∇ℓ‖/‖∇ℓ‖ of every sample at (I − OOᵀ)θ: rounding where the loss of that sample has the mirror.

    The norm of ∇ℓ is taken over the parameters that the mirror touches; where they have no gradient at all, the leak
    is 0. It is the first part of theorem 1: SGD, momentum and weight decay never leave {Oᵀθ = 0} of a true mirror.
    A leak shows that a mirror is false; none does not show that it is true. A silent channel has none under any
    activation with σ(0) = 0, odd or not, since its parameters are factors of each other's gradient.

    Args:
        losses: ℓ, of each sample or of one number.
        parameters: θ; float64 where rounding is to be told from a leak.
        mirror: the claimed symmetry.

    Raises:
        ValueError: for losses that do not depend on the parameters.
    """
    at = _leaves(mirror.project(parameters), mirror)
    with torch.enable_grad():
        values = list(losses(at).reshape(-1))
    if not all(value.requires_grad for value in values):
        raise ValueError("Expected losses of the parameters that they are given, got ones that do not depend on them.")
    touched = [at[name] for name in mirror.names]
    leaks = []
    for value in values:
        found = torch.autograd.grad(value, touched, retain_graph=True, allow_unused=True)
        gradient = {
            name: torch.zeros_like(θ) if g is None else g
            for name, θ, g in zip(mirror.names, touched, found, strict=True)
        }
        size = norm_of(gradient.values())
        leak = mirror.coordinates(gradient).norm()
        leaks.append(leak / size if size > 0 else leak)
    return torch.stack(leaks)


@dataclass(frozen=True, eq=False)
class Curvature:
    """The Hessian of a loss along a mirror, at (I − OOᵀ)θ.

    Args:
        lowest: the lowest eigenvalue of OᵀHO.
        direction: its eigenvector z, `(r,)`; O z is the direction in which the parameters leave first.
        off_block: ‖(I − OOᵀ)H O z‖/‖H O z‖ for random z, the largest of three, with norms over the parameters that the
            mirror touches: rounding for a true mirror.
    """

    lowest: float
    direction: Float[Tensor, " r"]
    off_block: float

    @property
    def critical_weight_decay(self) -> float:
        """The weight decay 2γ of torch.optim.SGD beyond which {Oᵀθ = 0} attracts gradient descent nearby; at least 0.

        Weight decay adds 2γ to every eigenvalue: theorem 1, part 3.
        """
        return max(0.0, -self.lowest)


def curvature(
    losses: Losses, parameters: Mapping[str, Tensor], mirror: MirrorSymmetry, tolerance: float = 1e-8, seed: int = 0
) -> Curvature:
    """The lowest eigenvalue of OᵀHO at (I − OOᵀ)θ, H the Hessian of the mean loss.

    Products with H alone: up to rank 24 the block is formed, beyond that Lanczos finds its lowest end.

    Args:
        losses: ℓ; its mean is taken.
        parameters: θ.
        mirror: O.
        tolerance: of Lanczos, relative.
        seed: of its start, and of the probes of the off-block.

    Raises:
        ValueError: when H is not finite there.

    Source: Ziyin (ICML 2024), theorem 1, parts 2 and 3.
    """
    at = {name: θ.detach() for name, θ in mirror.project(parameters).items()}
    touched = {name: at[name] for name in mirror.names}
    like = next(iter(touched.values()))

    def product(z: Tensor) -> dict[str, Tensor]:
        gradient = torch.func.grad(lambda moved: losses(at | moved).mean())
        pushed: dict[str, Tensor] = torch.func.jvp(gradient, (touched,), (mirror.lift(z.to(like)),))[1]
        return pushed

    off_block = largest = 0.0
    generator = torch.Generator().manual_seed(seed)
    for _ in range(3):
        pushed = product(torch.randn(mirror.rank, generator=generator, dtype=like.dtype))
        size = norm_of(pushed.values())
        if not bool(size.isfinite()):
            raise ValueError(
                f"Expected a finite Hessian where {mirror.name} is fulfilled, got {float(size)}: look for parameters, "
                "data or losses that are not finite."
            )
        largest = max(largest, float(size))
        rest = norm_of(mirror.project(pushed).values())
        off_block = max(off_block, float(rest / size) if size > 0 else 0.0)

    if mirror.rank <= DENSE_RANK:
        columns = [mirror.coordinates(product(e)) for e in torch.eye(mirror.rank, dtype=like.dtype)]
        block = torch.stack(columns).double().cpu()
        values, vectors = torch.linalg.eigh((block + block.T) / 2)
        return Curvature(float(values[0]), vectors[:, 0].to(like), off_block)

    def matvec(z: np.ndarray) -> np.ndarray:
        found: np.ndarray = mirror.coordinates(product(torch.from_numpy(z.reshape(-1)))).double().cpu().numpy()
        return found

    start = torch.randn(mirror.rank, generator=generator, dtype=torch.float64)
    if largest == 0:  # of random directions: H is 0, of which Lanczos has no start
        return Curvature(0.0, (start / start.norm()).to(like), off_block)
    operator = LinearOperator((mirror.rank,) * 2, matvec=matvec, dtype=np.float64)
    low, vector = eigsh(operator, k=1, which="SA", tol=tolerance, v0=start.numpy())
    return Curvature(float(low[0]), torch.from_numpy(vector[:, 0]).to(like), off_block)


def sample_curvatures(
    losses: Losses, parameters: Mapping[str, Tensor], mirror: MirrorSymmetry, direction: Float[Tensor, " r"]
) -> Float[Tensor, " samples"]:
    """ξ(x) = zᵀOᵀ H(x) O z of every sample at (I − OOᵀ)θ, for a unit vector z.

    Args:
        losses: ℓ, of each sample.
        parameters: θ.
        mirror: O.
        direction: z, such as that of `curvature`.

    Raises:
        ValueError: for a direction with another number of entries.
    """
    if len(direction) != mirror.rank:
        raise ValueError(f"Expected a direction with {mirror.rank} entries, one a coordinate, got {len(direction)}.")
    at = {name: θ.detach() for name, θ in mirror.project(parameters).items()}
    moved = mirror.lift((direction / direction.norm()).to(at[mirror.names[0]]))
    here = {name: at[name] for name in mirror.names}

    def slope(touched: dict[str, Tensor]) -> Tensor:
        pushed: Tensor = torch.func.jvp(lambda each: losses(at | each), (touched,), (moved,))[1]
        return pushed

    second: Tensor = torch.func.jvp(slope, (here,), (moved,))[1]
    return second.reshape(-1)


def _leaves(parameters: Mapping[str, Tensor], mirror: MirrorSymmetry) -> dict[str, Tensor]:
    touched = set(mirror.names)
    return {name: θ.detach().requires_grad_(name in touched) for name, θ in parameters.items()}
