"""Where the frames of a moved window come from, for small batches at every step of a training."""

from collections.abc import Sequence
from itertools import product

import torch
from jaxtyping import Float
from torch import Tensor

from pdesym.solvers.torch_function import torch_function
from pdesym.symmetry.augment.frame_form import FrameForm
from pdesym.symmetry.augment.runge_kutta import runge_kutta_step
from pdesym.symmetry.vector_field import TIME, variable

# Two numbers of steps agree to this, relative to 1 + the size of the result.
_TOLERANCE = 1e-10
_MOST_STEPS = 256
_CORNERS = 64


class PreImages:
    """The flow of Σ_g ε_g v_g backwards from times t', for vector fields that move frames without stretching the box.

    The moved frame is u'(x', t') = M u(x' − c, t) + m. Along the flow, r = 0 … 1: t_r = −τ, c_r = a, m_r = P α,
    P_r = P β with P = 1 at r = 0, M = P at r = 1. The steps are the fewest, a power of 2, whose result agrees with that
    of twice as many at the largest parameters; their number is the same in every call, so that a sample does not depend
    on others.

    Args:
        form: the vector fields, b = 0.
        names: their texts, for messages.
        scales: largest |ε_g|.
        times: between which t' lies, float64.

    Raises:
        ValueError: for fields that stretch the box; where the flow is not finite.
    """

    def __init__(
        self, form: FrameForm, names: Sequence[str], scales: Sequence[int | float], times: Float[Tensor, " n"]
    ):
        if form.scales:
            stretching = [name for name, b in zip(names, form.growth, strict=True) if (b != 0).any()]
            raise ValueError(
                f"The generators {', '.join(stretching)} change the length of the box, and windows of one batch share "
                "one: augment the trajectories before, and give the operator the length."
            )
        self._dims, self._fields = form.dims, form.fields
        rows = zip(form.tau, form.shift, form.offset, form.matrix, strict=True)
        entries = [[tau, *shift, *offset, *matrix] for tau, shift, offset, matrix in rows]
        time = variable(TIME)
        self._moving = [(g, k) for g, row in enumerate(entries) for k, c in enumerate(row) if c.has(time)]
        self._functions = torch_function((time,), [entries[g][k] for g, k in self._moving])
        self._constant = torch.tensor(
            [[0.0 if c.has(time) else float(c) for c in row] for row in entries], dtype=torch.float64
        )
        self._multiplies = any(entry != 0 for row in form.matrix for entry in row)
        self._steps = self._enough_steps(names, scales, times.detach().cpu().double())

    def __call__(
        self, parameters: Float[Tensor, "batch generators"], t: Float[Tensor, "batch frames"]
    ) -> tuple[
        Float[Tensor, "batch frames"],
        Float[Tensor, "batch frames dims"],
        Float[Tensor, "batch frames fields"],
        Float[Tensor, "batch frames fields fields"] | None,
    ]:
        """t, c, m and M of every frame, in float64 on the CPU; None where every M is 1.

        Args:
            parameters: ε, on the CPU.
            t: t', on the CPU.
        """
        state = self._flowed(parameters, t, self._steps)
        offset = 1 + self._dims
        matrix = state[offset + self._fields :] if self._multiplies else None
        return (
            state[0],
            state[1:offset].movedim(0, -1),
            state[offset : offset + self._fields].movedim(0, -1),
            None if matrix is None else matrix.movedim(0, -1).unflatten(-1, (self._fields, self._fields)),
        )

    def _flowed(self, parameters: Tensor, t: Tensor, steps: int) -> Tensor:
        """(t, c…, m…, M…), `(numbers, batch, frames)`."""
        one = torch.eye(self._fields, dtype=torch.float64).flatten()
        state = torch.zeros(1 + self._dims + self._fields + len(one), *t.shape, dtype=torch.float64)
        state[0] = t
        state[-len(one) :] = one.reshape(-1, 1, 1)
        steady = (parameters @ self._constant).T.unsqueeze(-1)

        def rate(state: Tensor, _: float) -> Tensor:
            return self._rate(parameters, steady, state)

        for n in range(steps):
            state = runge_kutta_step(rate, state, n / steps, 1 / steps)
        return state

    def _rate(self, parameters: Tensor, steady: Tensor, state: Tensor) -> Tensor:
        rate = torch.empty_like(state)
        rate[:] = steady
        for (g, k), value in zip(self._moving, self._functions(state[0]), strict=True):
            # Only what is used counts: 0 · inf is no number.
            weight = parameters[:, g, None]
            rate[k] += torch.where(weight == 0, 0.0, weight * value)
        rate[0].neg_()
        if self._multiplies:
            first = 1 + self._dims
            f = self._fields
            carried = state[first + f :].unflatten(0, (f, f))
            beta = rate[first + f :].unflatten(0, (f, f))
            rate[first : first + f] = torch.einsum("abxy,bxy->axy", carried, rate[first : first + f])
            rate[first + f :] = torch.einsum("abxy,bcxy->acxy", carried, beta).flatten(0, 1)
        return rate

    def _enough_steps(self, names: Sequence[str], scales: Sequence[int | float], times: Tensor) -> int:
        signs = torch.tensor(list(product((-1.0, 1.0), repeat=min(len(scales), 6))), dtype=torch.float64)
        corners = torch.ones(min(len(signs), _CORNERS), len(scales), dtype=torch.float64)
        corners[:, : signs.shape[1]] = signs[:_CORNERS]
        corners = torch.cat(
            [corners * torch.tensor(scales, dtype=torch.float64), torch.diag(torch.tensor(scales).double())]
        )
        t = times.expand(len(corners), -1)
        steps, coarse = 1, self._flowed(corners, t, 1)
        while steps <= _MOST_STEPS:
            fine = self._flowed(corners, t, 2 * steps)
            # Written so that what is not finite does not pass.
            if bool(((fine - coarse).abs() <= _TOLERANCE * (1 + fine.abs())).all()):
                return steps
            steps, coarse = 2 * steps, fine
        raise ValueError(
            f"The flow of {', '.join(names)} with parameters up to {', '.join(f'{s:g}' for s in scales)} leaves the "
            "domain of its coefficients, or every bound, on the way to the frames: give smaller scales."
        )
