"""Relaxed equivariance by a frame around any network."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from pdesym.symmetry.relax.action import GroupAction, GroupElement
from pdesym.symmetry.relax.border import require_generator, require_is, require_outputs, require_samples

MODES = ("deterministic", "coset")


class RelaxedEquivariant(nn.Module):
    """φ(x) = h f(h⁻¹ x) with h = h(x), around any network f: relaxed equivariant whatever its weights are.

    For every g there is an s ∈ G_x with φ(g x) = g s φ(x); where G_x is trivial that is equivariance. An equivariant
    map has G_x ⊆ G_φ(x): it can never give an output of less symmetry than its input. φ can.

    With mode "coset" φ(x) = s h f(h⁻¹ x), s drawn uniformly from G_x in every call. Then the distribution of the output
    is equivariant: p(g y | g x) = p(y | x).

    The network may take more inputs, which the group leaves alone: `module(x, parameters)`. The weights are those of
    the network; the gradient with respect to x goes through the frame too, where that is a function of x. Under
    autocast the network alone computes in the smaller precision.

    `pdesym.training.train` gives a model no generator, and so takes the deterministic mode: train with that, and set
    `module.mode = "coset"` on what was trained to sample, or put a second `RelaxedEquivariant` around `module.network`.

    No configuration describes the actions, so that `load_operator` does not reopen what was saved: build the module
    again and fill it with `load_weights`. The network inside, if it has a configuration, can be saved by itself with
    `save_operator(module.network, folder)` and reopened as always.

    Args:
        network: f.
        action_in: on its input; leading axes such as frames and channels are those that this action takes.
        action_out: of the same group on its output, None for the same action; on another grid or other channels the
            elements are shared, in units of length.
        mode: "deterministic" or "coset".
        tolerance: as in `GroupAction`.

    Raises:
        TypeError: for what is no action; from a call, for what is no tensor, and a network that gives none.
        ValueError: for another mode; from a call, for no sample, and with mode "coset" for no generator.

    Source: Kaba and Ravanbakhsh, Symmetry Breaking and Equivariant Neural Networks (NeurReps 2023); for the
    distribution Kim, Nguyen, Suleymanzade, An and Hong, Learning Probabilistic Symmetrization (NeurIPS 2023).
    """

    def __init__(
        self,
        network: nn.Module,
        action_in: GroupAction,
        action_out: GroupAction | None = None,
        mode: str = "deterministic",
        tolerance: float | None = None,
    ):
        super().__init__()
        require_mode(mode)
        for action in (action_in, action_in if action_out is None else action_out):
            require_is(action, GroupAction, "a group action, such as TorusTranslations(grid)")
        self.network = network
        self.action_in = action_in
        self.action_out = action_in if action_out is None else action_out
        self.mode = mode
        self.tolerance = tolerance

    def forward(
        self, x: Float[Tensor, "batch ..."], *inputs: Tensor, generator: torch.Generator | None = None
    ) -> Float[Tensor, "batch ..."]:
        """φ(x); the generator draws s and is asked for with mode "coset" alone."""
        require_samples(x)
        device = x.device.type
        smaller = torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else None
        with torch.autocast(device, enabled=False):
            x = x if x.dtype == torch.float64 or smaller is None else x.float()
            h = self.frame(x, generator)
            turned = self.action_in.act(self.action_in.inverse(h), x)
            with torch.autocast(device, dtype=smaller, enabled=smaller is not None):
                y: Tensor = self.network(turned, *inputs)
            require_outputs(y, len(x))
            return self.action_out.act(h, y if smaller is None else y.to(x.dtype))

    def frame(self, x: Float[Tensor, "batch ..."], generator: torch.Generator | None = None) -> GroupElement:
        """h(x), or s h(x) with mode "coset"."""
        return relaxed_frame(self.action_in, x, self.mode, self.tolerance, generator)

    def extra_repr(self) -> str:
        """The groups, the mode and the tolerance, for print."""
        return f"{self.action_in}, {self.action_out}, mode={self.mode!r}, tolerance={self.tolerance}"

    def trained_as(self) -> str:
        """The same, for the identity of a training run."""
        return self.extra_repr()


def require_mode(mode: str) -> None:
    """Refuse, in one sentence, what is no mode."""
    if mode not in MODES:
        raise ValueError(f"Expected the mode {' or '.join(map(repr, MODES))}, got {mode!r}.")


def relaxed_frame(
    action: GroupAction,
    x: Float[Tensor, "batch ..."],
    mode: str,
    tolerance: float | None,
    generator: torch.Generator | None,
) -> GroupElement:
    """h(x), or s h(x) with mode "coset", s drawn from G_x.

    Raises:
        TypeError: for a generator that is none.
        ValueError: for no generator with mode "coset".
    """
    h = action.canonical(x, tolerance)
    if mode == "deterministic":
        return h
    if generator is None:
        raise ValueError(
            "A map with mode='coset' draws an element of the stabiliser in every call: give "
            "generator=torch.Generator().manual_seed(seed)."
        )
    require_generator(generator)
    return action.compose(action.stabiliser(x, tolerance).random(generator), h)
