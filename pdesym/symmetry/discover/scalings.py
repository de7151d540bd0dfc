"""Scalings of a flow, with the length of the box and parameters among what is scaled: exact on every torus."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from pdesym.solvers.flow_map import FlowMap
from pdesym.symmetry.discover.closed_form import ClosedForm, closed_form
from pdesym.symmetry.discover.spectrum import Decision, by_gap, scaled_spectrum

# Tangents of adaptive steps are exact for the steps taken; the derivative along lengths and times is as good as them.
_FLOOR = 1e-9


@dataclass(frozen=True)
class Scalings:
    """Which quantities can be scaled together so that solutions stay solutions.

    Attributes:
        names: of what is scaled: the fields, t, x, and parameters.
        weights: a readable basis: one row of weights for each independent scaling.
        singular_values: the whole spectrum, ascending.
        decision: how many count as zero, and why.
    """

    names: tuple[str, ...]
    weights: ClosedForm
    singular_values: np.ndarray
    decision: Decision

    @property
    def dimension(self) -> int:
        """The number of independent scalings."""
        return self.decision.dimension

    def __str__(self) -> str:
        rows = [
            " + ".join(
                f"{'' if weight == 1 else '-' if weight == -1 else f'{weight}*'}{name}*d_{name}"
                for name, weight in zip(self.names, row, strict=True)
                if weight
            ).replace("+ -", "- ")
            for row in self.weights.rows
        ]
        return "\n".join([f"{self.dimension} scalings", *(f"  {row}" for row in rows), f"rule: {self.decision.rule}"])


def discover_scalings(
    flow: FlowMap, u: Float[Tensor, "batch channel *space"], parameters: Sequence[str] = (), *, seed: int = 0
) -> Scalings:
    """The scalings Σ b_a u_a ∂_{u_a} + a t ∂_t + ℓ x ∂_x + Σ κ_p p ∂_p that map solutions to solutions.

    x ∂_x is not periodic, but on the points x/L of a box whose length is scaled it acts on L alone, and with the output
    time and parameters as further arguments of the flow S the condition is

        Σ b_a (dS·u_a − S_a) + a T ∂S/∂T + ℓ L ∂S/∂L + Σ κ_p p ∂S/∂p = 0,

    linear in the weights; it holds on a torus, without window and cut-off. All axes of a box scale alike.

    Args:
        flow: from the initial time 0.
        u: where to look.
        parameters: names of those that are scaled.
        seed: of the choices of pivots.

    Raises:
        ValueError: for a flow that does not start at 0, and parameters that the equation has not or that are 0.
    """
    if flow.start != 0:
        raise ValueError(f"Expected a flow from the initial time 0, around which times are scaled, got {flow.start:g}.")
    known = flow.equation.parameters
    for name in parameters:
        if name not in known or not torch.as_tensor(known[name]).all():
            raise ValueError(
                f"Expected parameters among {', '.join(known) or 'none'} that are not 0, got {name!r}: one that is 0 "
                "scales to itself."
            )
    fields = flow.equation.fields
    names = (*fields, "t", "x", *parameters)
    count = len(names)
    w = torch.zeros(count, *u.shape, dtype=torch.float64, device=u.device)
    for a in range(len(fields)):
        w[a, :, a] = u[:, a]

    def rate(place: int, values: Tensor) -> Tensor:
        """Zero for all directions but one."""
        rates = torch.zeros(count, *values.shape, dtype=torch.float64, device=u.device)
        rates[place] = values
        return rates

    one = torch.ones((), dtype=torch.float64, device=u.device)
    times = torch.tensor(flow.times, dtype=torch.float64, device=u.device)
    lengths = torch.tensor(flow.grid.length, dtype=torch.float64, device=u.device).expand(len(u), -1)
    values, pushed = flow.tangent(
        u.double(),
        w,
        parameters={
            name: rate(len(fields) + 2 + i, torch.as_tensor(known[name], dtype=torch.float64, device=u.device) * one)
            for i, name in enumerate(parameters)
        },
        length=rate(len(fields) + 1, lengths),
        times=rate(len(fields), times),
    )
    matrix, size = pushed.clone(), pushed.abs()
    channel = -flow.grid.dims - 1
    for a in range(len(fields)):
        mine = values.select(channel, a)
        matrix[a].select(channel, a).sub_(mine)
        size[a].select(channel, a).add_(mine.abs())
    spectrum = scaled_spectrum(matrix.flatten(1).T, size.flatten(1).T)
    decision = by_gap(spectrum.singular_values, _FLOOR)
    null_space = spectrum.null_space(decision.dimension)
    gap = float(np.append(spectrum.singular_values, 1.0)[decision.dimension])
    return Scalings(names, closed_form(null_space, decision.floor / gap, seed=seed), spectrum.singular_values, decision)
