"""Windows for training that random symmetries move while they are cut."""

import math
from collections.abc import Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor

from pdesym.datasets.windows import Window, Windows
from pdesym.solvers.equation import Equation
from pdesym.solvers.spectral import integer_wavenumbers, inverse_transform, transform
from pdesym.symmetry import Generator
from pdesym.symmetry.augment.draw import require_probability
from pdesym.symmetry.augment.family import SymbolicFamily, family_of
from pdesym.symmetry.augment.frame_form import frame_form
from pdesym.symmetry.augment.interpolation import TimeInterpolant
from pdesym.symmetry.augment.lagrange import halfway, stencil
from pdesym.symmetry.augment.pre_images import PreImages
from pdesym.symmetry.augment.steps import in_equal_steps
from pdesym.training.shown_windows import ShownWindows

# Frames that a frame in between is interpolated from, and how much closer in time they may be made.
_WIDTH = 6
_CLOSEST = 8
# Relative error of that interpolation at which frames are close enough: below what float32 makes of a training step.
_TOLERANCE = 1e-5
_PROBED = 16
# Where the error falls by less than this, it is that of `TimeInterpolant`, which closer frames do not mend.
_FALL = 4
_ROUGH = 1e-2
# Memory of one chunk of samples while the spectra are made, in bytes.
_CHUNK = 2**27

# t, c, m and M of frames, as `PreImages` gives them.
_Origin = tuple[Tensor, Tensor, Tensor, Tensor | None]


class MovingWindows(ShownWindows):
    """Windows of trajectories that are moved by exp(Σ_g ε_g v_g), each with its own random ε, before they are cut.

    For generators that move frames as a whole, ξ = a(t), τ = τ(t), φ = α(t) + β(t) u. Where they move time, frames of
    the trajectory outside the window are used: u'(x, t') = M u(x − c, t) + m with t anywhere between the first and the
    last frame of the trajectory. A sample for which t would leave the data keeps ε = 0 for all generators that move
    time; its other ε stay. A window with ε = 0 is that of `windows`, bit for bit.

    The spectra of all frames are kept on the device of the data, in its precision. Where generators move time they are
    kept at times 1, 2, 4 or 8 times closer, from `TimeInterpolant`, so that Lagrange's interpolation through 6 of them
    reproduces it to 1e-5, or as well as its pieces fit together; `bytes` says how much memory they take, about as much
    as the data times that number.

    `draw` takes all its randomness from the generator it is given, on the CPU: `draw_batch` gives it one of its own at
    each step, so that runs with the same seed see the same windows at the same step, moved or not.

    Whether the generators are symmetries, and whether the equation is that of the data, is not tested here:
    `pdesym.symmetry.augment.augment` does on the same trajectories.

    Args:
        windows: the windows that are moved.
        generators: v, symmetries of the equation, as text.
        scales: ε_g is uniform in [−scale_g, scale_g]; one for each generator.
        equation: what the trajectories solve, with parameters of all of them or one for each; None where that is not
            known: then frames are interpolated by themselves.
        probability: that a window is moved at all.

    Raises:
        ValueError: for other generators or variables, scales or a probability that cannot serve; for frames at unequal
            steps where generators move time; where the flow does not stay finite; as `TimeInterpolant`.
    """

    def __init__(
        self,
        windows: Windows,
        generators: Sequence[Generator],
        scales: Sequence[int | float],
        *,
        equation: Equation | None = None,
        probability: float = 0.5,
    ):
        family = family_of(generators)
        form = frame_form(family.vector_fields) if isinstance(family, SymbolicFamily) else None
        if form is None:
            raise ValueError(
                f"Windows are moved while they are cut by generators of the form a(t)*d_x + tau(t)*d_t + (alpha(t) + "
                f"beta(t)*u)*d_u alone, got {', '.join(family.names)}: move the trajectories before, and give "
                "`MovedPool` the copies."
            )
        given = (*family.coordinates, "t", *family.fields)
        wanted = (*windows.grid.axes, "t", *windows.fields)
        if given != wanted:
            raise ValueError(
                f"Expected generators of the variables ({', '.join(wanted)}) of the windows, got {family.names[0]} of "
                f"({', '.join(given)}): declare coordinates and fields as the data have them."
            )
        if len(scales) != len(family) or not all(0 <= scale < math.inf for scale in scales):
            raise ValueError(
                f"Expected a scale that is finite and not negative for each of the {len(family)} generators, got "
                f"{list(scales)}."
            )
        require_probability(probability)
        super().__init__(windows)
        self.probability = probability
        if not bool(torch.isfinite(windows.u).all()):
            raise ValueError("Expected finite trajectories, got nan or inf.")
        if equation is not None:
            equation.require_samples(windows.samples)
        self._times = windows.times.detach().cpu().double()
        self._pre_images = PreImages(form, family.names, scales, self._times)
        self._scales = torch.tensor(scales, dtype=torch.float64)
        self._moves_time = torch.tensor([tau != 0 for tau in form.tau])
        self._closer = 1
        if form.moves_time:
            if not in_equal_steps(self._times):
                raise ValueError(
                    "Expected frames in equal steps where generators move time: generate such, or leave d_t out."
                )
            self._closer = _closeness(windows, equation)
        self._spectra = _spectra_of(windows, equation, self._closer)
        self._modes = [m.flatten() for m in integer_wavenumbers(windows.grid, windows.u.device)]
        moves = ", ".join(f"{scale!r}*({name})" for scale, name in zip(scales, family.names, strict=True))
        known = "alone" if equation is None else f"of {equation!r}"
        self.motion = f"MovingWindows({moves}; frames {known}; probability {probability!r})"

    @property
    def bytes(self) -> int:
        """Memory of the spectra."""
        return self._spectra.numel() * self._spectra.element_size()

    def draw(self, sample: Int[Tensor, " batch"], start: Int[Tensor, " batch"], rng: torch.Generator) -> Window:
        """The same windows, moved by random parameters.

        Args:
            sample: trajectories.
            start: first frames.
            rng: source of all randomness, on the CPU.

        Raises:
            IndexError: as `Windows.gather`.
        """
        uniform = torch.rand(1 + len(self._scales), len(sample), generator=rng, dtype=torch.float64)
        parameters = torch.where(uniform[:1] < self.probability, (2 * uniform[1:] - 1) * self._scales[:, None], 0.0)
        return self.moved(sample, start, parameters.T)

    def moved(
        self,
        sample: Int[Tensor, " batch"],
        start: Int[Tensor, " batch"],
        parameters: Float[Tensor, "batch generators"],
    ) -> Window:
        """The same windows, moved by given parameters within the scales.

        Args:
            sample: trajectories, on the CPU.
            start: first frames, on the CPU.
            parameters: ε, on the CPU, float64.

        Raises:
            IndexError: as `Windows.gather`.
        """
        window = self.windows.gather(sample, start)
        frames_in = window.u_in.shape[1]
        frame = start[:, None] + torch.arange(frames_in + window.u_out.shape[1])
        t = self._times[frame]
        rows = (parameters != 0).any(1).nonzero().flatten()
        if not len(rows):
            return window
        (source, distance, offset, matrix), still = self._inside(parameters[rows], t[rows])
        if bool(still.any()):
            return self.moved(sample, start, parameters.index_put((rows[still],), torch.zeros((), dtype=torch.float64)))
        spectra = self._between(sample[rows], frame[rows], source)
        grid, u = self.windows.grid, torch.cat([window.u_in, window.u_out], dim=1)
        if bool((distance != 0).any()):
            spectra = spectra * self._phases(distance)
        moved = inverse_transform(spectra, grid.points)
        if matrix is not None:
            moved = torch.einsum("btcd,btd...->btc...", matrix.to(u), moved)
        moved = moved + offset.to(u).reshape(*offset.shape, *(1,) * grid.dims)
        u = u.index_copy(0, rows.to(u.device), moved)
        return Window(u[:, :frames_in], u[:, frames_in:], window.times)

    def _inside(self, parameters: Tensor, t: Tensor) -> tuple[_Origin, Tensor]:
        """The pre-images, without motion in time where one would leave the data; and which samples then rest."""
        found = self._pre_images(parameters, t)
        # Written so that what is not finite counts as outside.
        inside = ((found[0] >= self._times[0]) & (found[0] <= self._times[-1])).all(1)
        if not bool(inside.all()):
            parameters = torch.where(inside[:, None] | ~self._moves_time, parameters, 0.0)
            found = self._pre_images(parameters, t)
        return found, (parameters == 0).all(1)

    def _between(self, sample: Tensor, frame: Tensor, source: Tensor) -> Tensor:
        """Spectra at the pre-images of frames, `(rows, frames, channel, *modes)`."""
        per_sample, device = self._spectra.shape[1], self._spectra.device
        if not self._moves_time.any():
            index = (sample[:, None] * per_sample + frame).flatten().to(device)
            return self._spectra.flatten(0, 1).index_select(0, index).unflatten(0, tuple(frame.shape))
        position = (source - self._times[0]) * ((per_sample - 1) / (self._times[-1] - self._times[0]))
        width = min(_WIDTH, per_sample)
        first, weights = stencil(position, width, per_sample)
        index = (sample[:, None] * per_sample + first).unsqueeze(-1) + torch.arange(width)
        parts = torch.view_as_real(self._spectra).flatten(2).flatten(0, 1)
        picked = parts.index_select(0, index.flatten().to(device)).unflatten(0, (-1, width))
        mixed = torch.bmm(weights.reshape(-1, 1, width).to(picked), picked).squeeze(1)
        shape = (*frame.shape, *self._spectra.shape[2:], 2)
        return torch.view_as_complex(mixed.reshape(shape))

    def _phases(self, distance: Tensor) -> Tensor:
        """e^{−ik·c} for shifts `(rows, frames, dims)`, with a channel of size 1."""
        grid, dtype = self.windows.grid, self.windows.u.dtype
        phases: Tensor | None = None
        for axis, (modes, n, size) in enumerate(zip(self._modes, grid.points, grid.length, strict=True)):
            turns = (distance[..., axis] / size).to(modes.device).unsqueeze(-1) * modes
            # Whole turns are taken off in float64: what is left is an angle of float32.
            angle = ((turns - turns.round()) * (2 * math.pi)).to(dtype)
            sine = -torch.sin(angle)
            if n % 2 == 0:
                sine[..., n // 2] = 0  # the Nyquist mode carries no sign
            factor = torch.complex(torch.cos(angle), sine)
            factor = factor.reshape(*distance.shape[:2], 1, *(len(modes) if i == axis else 1 for i in range(grid.dims)))
            phases = factor if phases is None else phases * factor
        assert phases is not None, "a grid has axes"
        return phases


def _closer_times(times: Tensor, closer: int) -> Tensor:
    """The times with closer − 1 others between each and the next."""
    share = torch.arange(closer, dtype=torch.float64) / closer
    return torch.cat([(times[:-1, None] + share * times.diff()[:, None]).flatten(), times[-1:]])


def _closeness(windows: Windows, equation: Equation | None) -> int:
    """How much closer in time frames must be to be interpolated, on some of the trajectories."""
    rows = torch.linspace(0, windows.samples - 1, min(_PROBED, windows.samples)).long().unique().tolist()
    u = windows.u[rows].double()
    mine = None if equation is None else equation.select(rows)
    times = windows.times.to(device=u.device, dtype=torch.float64)
    between = TimeInterpolant(u, times, windows.grid, mine)
    cpu, closer, before = times.cpu(), 1, math.inf
    while closer < _CLOSEST:
        instants = _closer_times(cpu, 2 * closer).to(u.device)
        fields = between.fields(instants.expand(len(rows), -1).contiguous())
        new, guess = fields[:, 1::2], halfway(fields[:, ::2], _WIDTH, axis=1)
        error = (guess - new).flatten(1).norm(dim=1) / new.flatten(1).norm(dim=1)
        worst = float(error.max())
        if worst <= _TOLERANCE:
            return closer
        if worst < _ROUGH and worst > before / _FALL:
            return closer // 2
        closer, before = 2 * closer, worst
    return closer


def _spectra_of(windows: Windows, equation: Equation | None, closer: int) -> Tensor:
    """Spectra of all frames, and of those between them, in the precision of the data."""
    if closer == 1:
        return transform(windows.u, windows.grid)
    instants = _closer_times(windows.times.cpu().double(), closer).to(windows.u.device)
    size = 16 * len(instants) * windows.u[0, 0].numel()
    step = max(1, _CHUNK // size)
    parts = []
    for first in range(0, windows.samples, step):
        rows = list(range(first, min(first + step, windows.samples)))
        mine = None if equation is None else equation.select(rows)
        between = TimeInterpolant(windows.u[rows], windows.times, windows.grid, mine)
        parts.append(transform(between.fields(instants.expand(len(rows), -1).contiguous()), windows.grid))
    return torch.cat(parts)
