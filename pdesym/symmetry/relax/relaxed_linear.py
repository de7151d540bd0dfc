"""Linear layers with weights that turn with the frame of the network's input."""

import itertools
from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from pdesym.symmetry.enforce.group import Word
from pdesym.symmetry.enforce.linear import EquivariantLinear
from pdesym.symmetry.enforce.representation import Representation
from pdesym.symmetry.relax.action import GroupElement
from pdesym.symmetry.relax.finite_action import indices
from pdesym.symmetry.relax.representation_action import RepresentationAction, restricted, subgroup


class RelaxedLinear(nn.Module):
    """y = W_h x + b_h with W_h = ρ_out(h) Ŵ ρ_in(h)⁻¹, b_h = ρ_out(h) b̂, Ŵ ∈ Hom_K(V, W): it commutes with K.

    W_{g h} = ρ_out(g) W_h ρ_in(g)⁻¹, and W_{h k} = W_h for k ∈ K. With h = h(x), a relaxed equivariant frame of the
    network's input, the layer is relaxed equivariant, and strictly so under h K h⁻¹. K = G is the equivariant layer, in
    which h drops out; K = {e} is any layer, put into the frame.

    With `interpolation` λ the weight is W + λ W_h and the bias b + λ b_h, W and b equivariant under all of G.

    Args:
        rep_in: ρ_in of a finite group.
        rep_out: ρ_out of the same group.
        keep: elements that generate K, as words of the group; none for K = {e}.
        interpolation: λ, dimensionless; None for W_h alone.
        bias: whether there is b.
        seed: of the initial coefficients.

    Raises:
        TypeError: for what is no representation.
        ValueError: for representations of different groups, a group that is not finite, or words that are not of it.

    Source: Kaba and Ravanbakhsh, Symmetry Breaking and Equivariant Neural Networks (NeurReps 2023), on relaxed
    equivariant layers; the weights are a construction of this package.
    """

    def __init__(
        self,
        rep_in: Representation,
        rep_out: Representation,
        keep: Sequence[Word] = (),
        interpolation: float | None = None,
        bias: bool = True,
        seed: int = 0,
    ):
        super().__init__()
        require_group([rep_in, rep_out], keep)
        self.keep = tuple(keep)
        self.action_in, self.action_out = RepresentationAction(rep_in), RepresentationAction(rep_out)
        kept = subgroup(rep_in.group, keep)
        inside = restricted(rep_in, kept, keep), restricted(rep_out, kept, keep)
        self.relaxed = EquivariantLinear(*inside, bias=bias, seed=seed)
        self.interpolation = interpolation
        self.equivariant: EquivariantLinear | None = None
        if interpolation is not None:
            self.equivariant = EquivariantLinear(rep_in, rep_out, bias=bias, seed=seed + 1)

    def forward(self, x: Float[Tensor, "batch d_in"], h: GroupElement) -> Float[Tensor, "batch d_out"]:
        """W_h x + b_h for each sample."""
        turned = self.action_in.act(self.action_in.inverse(h), x)
        return self.action_out.act(h, self.in_frame(turned))

    def in_frame(self, x: Float[Tensor, "batch d_in"]) -> Float[Tensor, "batch d_out"]:
        """Ŵ x + b̂, of h = e; the layer between x and y that stay in the frame."""
        y: Tensor = self.relaxed(x)
        if self.equivariant is None or self.interpolation is None:
            return y
        strict: Tensor = self.equivariant(x)
        return strict + self.interpolation * y

    def extra_repr(self) -> str:
        """The actions, K and λ, for print."""
        return f"{self.action_in}, {self.action_out}, keep={self.keep}, interpolation={self.interpolation}"

    def trained_as(self) -> str:
        """The same, for the identity of a training run."""
        return self.extra_repr()

    def weight(self, h: GroupElement) -> Float[Tensor, "batch d_out d_in"]:
        """W_h of each sample."""
        index = indices(h)
        inner = self.relaxed.weight
        into = self.action_in.matrices.to(inner)[indices(self.action_in.inverse(index))]
        turned: Tensor = self.action_out.matrices.to(inner)[index] @ inner @ into
        if self.equivariant is None or self.interpolation is None:
            return turned
        return self.equivariant.weight + self.interpolation * turned


class RelaxedMLP(nn.Module):
    """Relaxed linear layers with a function of one number between, all in one frame h(x) of the network's input.

    The frame is found once: what the layers make of h⁻¹ x is turned by h at the end. The output keeps of the symmetries
    G_x of x those in h K h⁻¹, and for general weights no others. K = G is the equivariant MLP, which is strictly
    equivariant; K = {e} is any MLP made relaxed equivariant; with `interpolation` 0 it is strictly equivariant too.

    Args:
        reps: of the input, the hidden layers and the output, of one finite group. In the hidden ones every element
            permutes the entries, as in `regular(group)`, or changes their signs too where the activation is odd.
        keep: elements that generate K, as words of the group; none for K = {e}.
        interpolation: λ of the weights W + λ W_h, None for W_h alone.
        activation: of one number.
        tolerance: of the frame, as in `GroupAction`.
        seed: of the initial coefficients.

    Raises:
        TypeError: for what is no representation or activation.
        ValueError: for fewer than two representations, those of different groups or of one that is not finite, words
            that are not of the group, or a hidden one that does not commute with the activation.
    """

    def __init__(
        self,
        reps: Sequence[Representation],
        keep: Sequence[Word] = (),
        interpolation: float | None = None,
        activation: nn.Module | None = None,
        tolerance: float | None = None,
        seed: int = 0,
    ):
        super().__init__()
        if len(reps) < 2:
            raise ValueError(f"Expected representations of an input and an output at least, got {len(reps)}.")
        require_group(reps, keep)
        self.activation = nn.Tanh() if activation is None else activation
        if not isinstance(self.activation, nn.Module):
            raise TypeError(f"Expected a module as the activation, such as nn.Tanh(), got {activation!r}.")
        self.layers = nn.ModuleList(
            RelaxedLinear(a, b, keep, interpolation, seed=seed + 2 * place)
            for place, (a, b) in enumerate(itertools.pairwise(reps))
        )
        self.action_in, self.action_out = RepresentationAction(reps[0]), RepresentationAction(reps[-1])
        self.tolerance = tolerance
        for rep in reps[1:-1]:
            self._require_commuting(rep)

    def forward(self, x: Float[Tensor, "batch d_in"]) -> Float[Tensor, "batch d_out"]:
        """φ(x)."""
        h = self.action_in.canonical(x, self.tolerance)
        y = self.action_in.act(self.action_in.inverse(h), x)
        for place, layer in enumerate(self.layers):
            assert isinstance(layer, RelaxedLinear)
            y = layer.in_frame(self.activation(y) if place else y)
        return self.action_out.act(h, y)

    def extra_repr(self) -> str:
        """The tolerance of the frame, for print; the layers say the rest."""
        return f"tolerance={self.tolerance}"

    def trained_as(self) -> str:
        """The same and the activation, for the identity of a training run."""
        return f"{self.extra_repr()}, activation={self.activation}"

    def _require_commuting(self, rep: Representation) -> None:
        x = torch.linspace(-2, 2, rep.dimension, dtype=torch.float64).exp() * torch.linspace(-1, 1, rep.dimension)
        for matrix in rep.discrete():
            with torch.no_grad():
                difference = self.activation(matrix @ x) - matrix @ self.activation(x)
            if float(difference.abs().max()) > 1e-6:
                raise ValueError(
                    f"Expected hidden representations whose elements permute the entries, got {rep!r}, with which "
                    f"{type(self.activation).__name__} does not commute: take multiples of regular(group)."
                )


def require_group(reps: Sequence[object], keep: object) -> None:
    """Refuse, in one sentence, what are no representations of one finite group and words of its elements.

    Raises:
        TypeError: for what is no representation.
        ValueError: for different groups, or words that are not of the group.
    """
    known = []
    for rep in reps:
        if not isinstance(rep, Representation):
            raise TypeError(
                f"Expected representations of a finite group, such as cyclic(12).vector, got {type(rep).__name__}."
            )
        known.append(rep)
    group = known[0].group
    for rep in known[1:]:
        if not group.same_as(rep.group):
            raise ValueError(
                f"Expected representations of one group, got some of {group.name} and some of {rep.group.name}, which "
                "are others: make all of them from one group."
            )
    count = len(group.discrete)
    words = keep if isinstance(keep, list | tuple) else (None,)
    for word in words:
        letters = word if isinstance(word, list | tuple) else (None,)
        if not all(type(letter) is int and 0 <= letter < count for letter in letters):
            raise ValueError(
                f"Expected keep as words of the generators 0 to {count - 1} of {group.name}, such as ((0, 0),) for the "
                f"square of the first, got {keep!r}: () keeps the identity alone."
            )
