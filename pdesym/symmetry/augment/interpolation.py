"""Trajectories between their frames."""

from collections.abc import Iterable

import torch
from jaxtyping import Complex, Float
from torch import Tensor

from pdesym.solvers.equation import Equation
from pdesym.solvers.grid import Grid
from pdesym.solvers.spectral import complex_dtype
from pdesym.symmetry.augment.on_shell import frequencies, spectra_and_rates

# With the equation every frame counts twice, by its fields and by their rate.
_FRAMES_WITH_EQUATION = 6
_FRAMES_ALONE = 8
_LEAST_FRAMES = 4
# Memory of one chunk of samples, in bytes.
_CHUNK = 2**26


class TimeInterpolant:
    """u(x, t) at every time t between the first and the last frame of a trajectory batch.

    With the equation u_t = N[u]: Hermite's interpolation of degree 11 through six frames and their rates, in the
    variables v̂ = e^{−iωt} û, v̂_t = e^{−iωt}(N̂ − iω û), where ω is how fast the mode turns in these frames. Without:
    Lagrange's interpolation through eight frames.

    Args:
        u: frames `(batch, time, channel, *space)`, float32 or float64; computed in float64.
        times: increasing, `(time,)` or one row for each sample `(batch, time)`, in the equation's unit of time.
        grid: of the frames.
        equation: what they solve; None where that is not known.
        stretch: factors `(batch, dims)` by which the box of each sample is longer than that of the grid.

    Raises:
        ValueError: for fewer than four frames, or shapes that do not fit.
    """

    def __init__(
        self,
        u: Float[Tensor, "batch time channel *space"],
        times: Float[Tensor, "..."],
        grid: Grid,
        equation: Equation | None,
        *,
        stretch: Float[Tensor, "batch dims"] | None = None,
    ):
        samples, frames = u.shape[:2]
        if frames < _LEAST_FRAMES:
            raise ValueError(f"Expected at least {_LEAST_FRAMES} frames to interpolate between, got {frames}.")
        if times.shape not in ((frames,), (samples, frames)):
            raise ValueError(
                f"Expected times of shape ({frames},) or ({samples}, {frames}), one for each frame, got "
                f"{tuple(times.shape)}."
            )
        if equation is not None and len(equation.fields) != u.shape[2]:
            raise ValueError(
                f"The equation has {len(equation.fields)} fields ({', '.join(equation.fields)}), but the data has "
                f"{u.shape[2]} channels: give the equation that the frames solve."
            )
        self._u, self._grid, self._equation, self._stretch = u, grid, equation, stretch
        self._times = times.to(device=u.device, dtype=torch.float64).expand(samples, frames).contiguous()
        if not (self._times.diff(dim=1) > 0).all():
            raise ValueError("Expected times that increase from frame to frame.")
        self._width = min(frames, _FRAMES_ALONE if equation is None else _FRAMES_WITH_EQUATION)

    def spectra(self, t: Float[Tensor, "batch frames"]) -> Complex[Tensor, "batch frames channel *modes"]:
        """Half spectra at other times, normalised as fields are (`norm="forward"`), without Nyquist modes.

        Args:
            t: one row for each sample; in the equation's unit of time.

        Raises:
            ValueError: for a time before the first or after the last frame.
        """
        chunks = [self._spectra(rows, t[rows]) for rows in self._chunks(t)]
        return torch.cat(chunks).to(complex_dtype(self._u.dtype))

    def fields(self, t: Float[Tensor, "batch frames"]) -> Float[Tensor, "batch frames channel *space"]:
        """Fields at other times, in the type of the frames; at the time of a frame that frame, bit for bit.

        Raises:
            ValueError: as `spectra`.
        """
        result = []
        for rows in self._chunks(t):
            moved = torch.fft.irfftn(
                self._spectra(rows, t[rows]), s=self._grid.points, dim=self._space_axes, norm="forward"
            )
            nearest, same = self._frame_at(rows, t[rows])
            frames = _gathered(self._u[rows], nearest)
            result.append(torch.where(_over(same, frames), frames, moved.to(self._u.dtype)))
        return torch.cat(result)

    @property
    def _space_axes(self) -> tuple[int, ...]:
        return tuple(range(-self._grid.dims, 0))

    def _chunks(self, t: Tensor) -> list[slice]:
        samples = len(self._u)
        if t.ndim != 2 or len(t) != samples:
            raise ValueError(f"Expected times of shape ({samples}, frames), got {tuple(t.shape)}.")
        outside = (t < self._times[:, :1]) | (t > self._times[:, -1:]) | t.isnan()
        if outside.any():
            row = int(outside.any(1).nonzero()[0])
            raise ValueError(
                f"Expected times between {self._times[row, 0].item():g} and {self._times[row, -1].item():g}, the first "
                f"and the last frame of sample {row}, got {t[row][outside[row]][0].item():g}."
            )
        # Complex numbers of 16 bytes on half of the modes; about eight arrays of each size live at a time.
        size = 8 * 8 * (self._u[0].numel() + t.shape[1] * self._u[0, 0].numel())
        step = max(1, _CHUNK // size)
        return [slice(first, min(first + step, samples)) for first in range(0, samples, step)]

    def _frame_at(self, rows: slice, t: Tensor) -> tuple[Tensor, Tensor]:
        """The last frame that is not after t, and whether it is at t."""
        index = torch.searchsorted(self._times[rows], t.detach().contiguous(), right=True).sub(1)
        return index, self._times[rows].gather(1, index) == t

    def _spectra(self, rows: slice, t: Tensor) -> Tensor:
        times, width = self._times[rows], self._width
        last, _ = self._frame_at(rows, t)
        first = (last - (width - 1) // 2).clamp(0, times.shape[1] - width)
        stencil = torch.stack([times.gather(1, first + j) for j in range(width)])
        values = torch.fft.rfftn(self._u[rows].double(), dim=self._space_axes, norm="forward")
        if self._equation is None:
            weights = _lagrange(stencil, t)
            return _sum(_over(weights[j], values) * _gathered(values, first + j) for j in range(width))
        equation = self._equation.select(list(range(rows.start, rows.stop)))
        stretch = None if self._stretch is None else self._stretch[rows]
        values, rates = spectra_and_rates(self._u[rows], times, self._grid, equation, stretch)
        frequency = _gathered(frequencies(values, rates, width), first)
        by_value, by_rate = _hermite(stencil, t)
        return _sum(
            _turned(
                _over(by_value[j], values) * (value := _gathered(values, first + j))
                + _over(by_rate[j], values) * (_gathered(rates, first + j) - 1j * frequency * value),
                frequency * _over(t - stencil[j], values),
            )
            for j in range(width)
        )


def _hermite(nodes: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
    """Weights of the values and of the rates at the nodes `(nodes, …)`, for a polynomial through both, at t `(…)`."""
    lagrange = _lagrange(nodes, t)
    gaps = nodes.unsqueeze(1) - nodes.unsqueeze(0)
    itself = torch.eye(len(nodes), dtype=torch.bool, device=t.device).reshape(len(nodes), len(nodes), *(1,) * t.ndim)
    slopes = torch.where(itself, 0.0, 1 / torch.where(itself, 1.0, gaps)).sum(1)
    distance = t - nodes
    return (1 - 2 * slopes * distance) * lagrange**2, distance * lagrange**2


def _lagrange(nodes: Tensor, t: Tensor) -> Tensor:
    weights = []
    for j, node in enumerate(nodes):
        factors = [(t - other) / (node - other) for k, other in enumerate(nodes) if k != j]
        weights.append(torch.stack(factors).prod(0))
    return torch.stack(weights)


def _sum(terms: Iterable[Tensor]) -> Tensor:
    total: Tensor | None = None
    for term in terms:
        total = term if total is None else total + term
    assert total is not None, "a stencil has frames"
    return total


def _gathered(frames: Tensor, index: Tensor) -> Tensor:
    """The frames of each sample `(batch, time, …)` at an index `(batch, frames)`."""
    return frames[torch.arange(len(frames), device=frames.device).unsqueeze(1), index]


def _over(values: Tensor, frames: Tensor) -> Tensor:
    return values.reshape(*values.shape, *(1,) * (frames.ndim - 2))


def _turned(spectra: Tensor, angle: Tensor) -> Tensor:
    return spectra * torch.complex(torch.cos(angle), torch.sin(angle))
