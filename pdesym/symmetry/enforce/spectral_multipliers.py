"""Fourier multipliers on the torus that commute with a group."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from pdesym.symmetry.enforce.blocks import Kinds, kinds_of
from pdesym.symmetry.enforce.finite_elements import finite_elements
from pdesym.symmetry.enforce.group import MatrixGroup, Word
from pdesym.symmetry.enforce.maps import invariant_vectors
from pdesym.symmetry.enforce.mode_orbits import ModeOrbits, Stabiliser, axis_permutations, mode_orbits
from pdesym.symmetry.enforce.representation import Base, Representation


@dataclass(frozen=True, eq=False)
class SpectralMultipliers:
    """All families of complex matrices R(k), |k_j| ≤ highest_j, that fulfil

        R(g k) = ρ_out(g) R(k) ρ_in(g)⁻¹,   R(−k) = conj R(k),   dρ_out(Aᵢ) R(k) = R(k) dρ_in(Aᵢ),

    so that v̂(k) = R(k) û(k) maps real fields to real ones and commutes with (g u)(x) = ρ(g) u(g⁻¹x), with the
    generators of the channels, and with every translation.

    One mode k₀ of each orbit is free, within what the elements with g k₀ = ±k₀ leave. `bases[s][b][a]` is an
    orthonormal basis `(r, 2, d_b, d_a)`, the axis of two for real and imaginary part, for the s-th stabiliser of
    `orbits` and kinds b and a of the summands of ρ_out and ρ_in; `matrices_out` and `matrices_in` are ρ_out(g) and
    ρ_in(g)⁻¹ of all elements.
    """

    highest: tuple[int, ...]
    kinds_in: Kinds
    kinds_out: Kinds
    orbits: ModeOrbits
    bases: tuple[tuple[tuple[Tensor, ...], ...], ...]
    matrices_out: Float[Tensor, "elements d_out d_out"]
    matrices_in: Float[Tensor, "elements d_in d_in"]

    @property
    def dimension(self) -> int:
        """The number of free real numbers."""
        counts = list(itertools.product(self.kinds_out.counts, self.kinds_in.counts))
        return sum(
            len(orbits) * b * a * len(basis)
            for orbits, rows in zip(self.orbits.orbits_of, self.bases, strict=True)
            for (b, a), basis in zip(counts, itertools.chain(*rows), strict=True)
        )


def spectral_multipliers(
    highest: Sequence[int], space: Representation, rep_in: Representation, rep_out: Representation
) -> SpectralMultipliers:
    """The multipliers that commute with a group of signed axis permutations and with generators of the channels.

    Args:
        highest: the highest wavenumber along each axis.
        space: how the discrete elements move points, as signed permutations; its generators are 0.
        rep_in: how the channels of the input turn.
        rep_out: how the channels of the output turn.

    Raises:
        ValueError: for different groups, elements that do not map the modes to themselves, or no finite group.

    Source: Otto, Zolman, Kutz and Brunton, JMLR 26(248), 2025, eq. 19, for a kernel K(x − y) with Fourier series R.
    """
    group = space.group
    if not (group.same_as(rep_in.group) and group.same_as(rep_out.group)):
        raise ValueError(
            f"Expected representations of one group, got {group.name}, {rep_in.group.name} and {rep_out.group.name}: "
            "build all from one MatrixGroup."
        )
    axis_permutations(space, highest)
    words = finite_elements(group)
    orbits = mode_orbits(highest, [space.matrix(word) for word in words])
    kinds_in, kinds_out = kinds_of(rep_in), kinds_of(rep_out)
    bases = tuple(
        tuple(tuple(_basis(words, stabiliser, a, b) for a in kinds_in.kinds) for b in kinds_out.kinds)
        for stabiliser in orbits.stabilisers
    )
    matrices_out = torch.stack([rep_out.matrix(word) for word in words])
    matrices_in = torch.linalg.inv(torch.stack([rep_in.matrix(word) for word in words]))
    return SpectralMultipliers(tuple(highest), kinds_in, kinds_out, orbits, bases, matrices_out, matrices_in)


def _basis(
    words: list[Word], stabiliser: Stabiliser, rep_in: Representation, rep_out: Representation
) -> Float[Tensor, "r 2 d_out d_in"]:
    """R(k₀) with ρ_out(g) R ρ_in(g)⁻¹ = R where g k₀ = k₀, = conj R where g k₀ = −k₀: vectors left alone by a group."""
    group = rep_in.group
    pairs = [(number, sign) for number, sign in stabiliser if words[number] != () or sign == -1]
    eye = torch.eye(group.dimension).to(group.discrete)
    signed = [torch.block_diag(eye, eye.new_tensor([[sign]])) for _, sign in pairs]
    lie = torch.nn.functional.pad(group.lie_algebra, (0, 1, 0, 1))
    empty = lie.new_zeros(0, group.dimension + 1, group.dimension + 1)
    fixing = MatrixGroup(lie, torch.stack(signed) if signed else empty, f"stabiliser in {group.name}")

    def restricted(representation: Representation) -> Representation:
        images = [representation.matrix(words[number]) for number, _ in pairs]
        d = representation.dimension
        return Base(fixing, representation.generators(), torch.stack(images) if images else lie.new_zeros(0, d, d))

    conjugations = torch.diag_embed(torch.tensor([[1.0, sign] for _, sign in pairs]).reshape(-1, 2).to(lie))
    parts = Base(fixing, lie.new_zeros(len(lie), 2, 2), conjugations, "real and imaginary part")
    invariants = invariant_vectors(parts * restricted(rep_out) * restricted(rep_in).dual).basis
    return invariants.T.reshape(-1, 2, rep_out.dimension, rep_in.dimension)
