"""A symmetry-breaking input for a network that is equivariant by itself."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from pdesym.symmetry.relax.action import GroupAction
from pdesym.symmetry.relax.border import require_is, require_outputs, require_pattern, require_samples
from pdesym.symmetry.relax.equivariant import relaxed_frame, require_mode
from pdesym.symmetry.relax.finite_action import digest


class SymmetryBreakingInput(nn.Module):
    """φ(x) = Φ(x, h(x) z₀), Φ equivariant on the pair and h a relaxed equivariant frame.

    Of the symmetries G_x of x the output keeps those in h K h⁻¹, K the stabiliser of z₀, and for general weights of Φ
    no others: with K = {e} it may break all of them, a larger K keeps what one wants to keep, with K = G nothing is
    broken. φ is relaxed equivariant as far as Φ is equivariant.

    Training takes the deterministic mode, and `module.mode = "coset"` samples afterwards; what was saved is built again
    and filled with `load_weights`, both as for `RelaxedEquivariant`. z₀ is among the weights.

    Args:
        network: Φ, on x and z side by side along one axis.
        action: on x.
        z0: z₀ without the batch axis. A parameter is trained, any other tensor is kept with the weights.
        action_z: of the same group on z, None for the same action.
        axis: along which x and z are put together, that of the channels in `(batch, channel, *space)`.
        mode: "deterministic", or "coset" for s h(x) z₀ with s drawn uniformly from G_x.
        tolerance: as in `GroupAction`.

    Raises:
        TypeError: for what is no action or no tensor z₀; from a call, for what is no tensor, and a network that gives
            none.
        ValueError: for another mode; from a call, for no sample, or z₀ of another shape, and with mode "coset" for no
            generator.

    Source: Kaba and Ravanbakhsh, Symmetry Breaking and Equivariant Neural Networks (NeurReps 2023).
    """

    z0: Tensor

    def __init__(
        self,
        network: nn.Module,
        action: GroupAction,
        z0: Float[Tensor, "..."],
        action_z: GroupAction | None = None,
        axis: int = 1,
        mode: str = "deterministic",
        tolerance: float | None = None,
    ):
        super().__init__()
        require_mode(mode)
        for used in (action, action if action_z is None else action_z):
            require_is(used, GroupAction, "a group action, such as TorusTranslations(grid)")
        require_is(z0, Tensor, "a tensor z0 of the shape of one sample")
        self.network = network
        self.action, self.action_z = action, action if action_z is None else action_z
        self.axis, self.mode, self.tolerance = axis, mode, tolerance
        if isinstance(z0, nn.Parameter):
            self.z0 = z0
        else:
            self.register_buffer("z0", z0)

    def forward(
        self, x: Float[Tensor, "batch ..."], *inputs: Tensor, generator: torch.Generator | None = None
    ) -> Float[Tensor, "batch ..."]:
        """φ(x); the generator draws s and is asked for with mode "coset" alone."""
        require_samples(x)
        require_pattern(self.z0, x, self.axis)
        h = relaxed_frame(self.action, x, self.mode, self.tolerance, generator)
        z = self.action_z.act(h, self.z0.to(x).expand(len(x), *self.z0.shape))
        y: Tensor = self.network(torch.cat([x, z], self.axis), *inputs)
        require_outputs(y, len(x))
        return y

    def extra_repr(self) -> str:
        """The groups, the axis, the mode and the tolerance, for print."""
        return f"{self.action}, {self.action_z}, axis={self.axis}, mode={self.mode!r}, tolerance={self.tolerance}"

    def trained_as(self) -> str:
        """The same and which z₀, if that is not trained, for the identity of a training run."""
        z0 = "trained" if isinstance(self.z0, nn.Parameter) else digest(self.z0)
        return f"{self.extra_repr()}, z0 {z0} of shape {tuple(self.z0.shape)}"
