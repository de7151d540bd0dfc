"""New solutions of Burgers' equation from two: the superposition of the heat equation behind it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import sympy
import torch
from jaxtyping import Float, Int
from torch import Tensor

from pdesym.solvers.declaration import parameter_symbols
from pdesym.solvers.equation import Equation
from pdesym.solvers.grid import Grid
from pdesym.solvers.jets import Jet
from pdesym.solvers.random_streams import stream
from pdesym.solvers.spectral import inverse_transform, transform, translate, wavenumbers
from pdesym.solvers.spectrum import interpolated
from pdesym.solvers.torch_function import torch_function
from pdesym.solvers.trajectories import Trajectories
from pdesym.symmetry.augment.draw import require_probability

# On so many times the points the mean of ψ is taken: e^φ has shorter waves than φ.
_REFINED = 4
# Memory of one chunk of samples, in bytes.
_CHUNK = 2**28


def superpose(
    trajectories: Trajectories, partner: Int[Tensor, " batch"], share: Float[Tensor, " batch"]
) -> Trajectories:
    """Each solution of u_t + u u_x = ν u_xx mixed with another one, through the heat equation (Cole 1951, Hopf 1950).

    A solution with mean ū is u(x, t) = ū + w(x − ū t, t), and w = −2ν ψ_x/ψ with a periodic solution ψ of ψ_t = ν ψ_xx.
    From w follows ψ = c(t) e^φ, φ_x = −w/2ν; as the mean of a periodic heat solution is constant, c(t) = 1/mean(e^φ)
    in every frame. The mixture ψ' = (1 − s) ψ₁ + s ψ₂ solves the heat equation, so that

        w' = −2ν ψ'_x/ψ' = (1 − p) w₁ + p w₂,    p = s ψ₂/ψ',

    solves Burgers' equation: a mean of the two at each point, whose weights are computed from φ and never overflow.
    It moves with the mean of the first solution, wherever the mean of the second is.

    The error is that of the solutions times about max |φ|, so |u| L/ν. A sample with s = 0 comes back bit for bit.

    Args:
        trajectories: of Burgers' equation on a 1D torus.
        partner: index of the second solution for each sample.
        share: s in [0, 1], dimensionless; that of the first is 1 − s.

    Returns:
        the trajectories with other `u`; `error` and `horizon` are nan, as nothing was estimated.

    Raises:
        ValueError: for another equation or grid; for a share outside [0, 1] or a partner that is not there; for a
            partner of another viscosity or on another box.
    """
    viscosity = _viscosity(trajectories)
    samples = len(trajectories.u)
    _check_draw(partner, share, samples)
    partner = partner.to(trajectories.u.device)
    sizes = torch.stack([viscosity, _lengths(trajectories)])
    if (other := (sizes != sizes[:, partner]).any(0)).any():
        row = int(other.nonzero()[0])
        raise ValueError(
            f"Expected partners of the same viscosity on a box of the same length, got sample {int(partner[row])} with "
            f"nu = {sizes[0, partner[row]]:g} and L = {sizes[1, partner[row]]:g} for sample {row} with nu = "
            f"{sizes[0, row]:g} and L = {sizes[1, row]:g}: choose partners among samples that share both."
        )
    assert isinstance(trajectories.grid, Grid), "Burgers' equation on a torus"
    # The box of a sample of another length is the grid's, in another unit of length; so are u and the viscosity.
    unit = sizes[1] / trajectories.grid.length[0]
    times = (trajectories.times - trajectories.times[0]).to(device=trajectories.u.device, dtype=torch.float64)
    mixed = trajectories.u.clone()
    moving = (share != 0).nonzero().flatten().to(trajectories.u.device)
    step = max(1, _CHUNK // (8 * 8 * _REFINED * trajectories.u[0].numel()))
    for begin in range(0, len(moving), step):
        rows = moving[begin : begin + step]
        scale = unit[rows].reshape(-1, 1, 1, 1)
        first, second = (trajectories.u[each].double() / scale for each in (rows, partner[rows]))
        nu, parts = viscosity[rows] / unit[rows] ** 2, share.to(trajectories.u.device)[rows]
        mixed[rows] = (_mixed(first, second, times, trajectories.grid, nu, parts) * scale).to(mixed.dtype)
    unknown = torch.full_like(trajectories.error, math.nan)
    return replace(
        trajectories,
        u=mixed,
        error=unknown,
        horizon=unknown.clone(),
        verified={},
    )


def draw_superposition(
    trajectories: Trajectories, seed: int | Sequence[int], probability: float = 1.0
) -> tuple[Int[Tensor, " batch"], Float[Tensor, " batch"]]:
    """A partner for each sample, and its share: uniform in [0, 1] with the probability, else 0.

    The partner is any other sample of the same viscosity and box, all equally probable; a sample without another one
    of its kind gets itself. The draw of sample i depends on the seed, i and how many such samples there are.

    Args:
        trajectories: of Burgers' equation.
        seed: of all draws.
        probability: that a sample is mixed at all.

    Raises:
        ValueError: for another equation or grid, or no probability.
    """
    require_probability(probability)
    sizes = torch.stack([_viscosity(trajectories), _lengths(trajectories)])
    partner, share = [], []
    for sample in range(len(trajectories.u)):
        alike = (sizes == sizes[:, sample : sample + 1]).all(0)
        alike[sample] = False
        others = alike.nonzero().flatten().tolist()
        rng = stream(seed, sample)
        taken, size = rng.random() < probability, rng.random()
        partner.append(others[int(rng.integers(len(others)))] if others else sample)
        share.append(size if taken else 0.0)
    return torch.tensor(partner), torch.tensor(share, dtype=torch.float64)


def augment_by_superposition(
    trajectories: Trajectories, seed: int | Sequence[int], probability: float = 1.0
) -> Trajectories:
    """Solutions of Burgers' equation, each mixed with a random other one: `superpose` of `draw_superposition`.

    Args:
        trajectories: of Burgers' equation on a 1D torus.
        seed: of all draws.
        probability: that a sample is mixed at all.

    Raises:
        ValueError: as `superpose` and `draw_superposition`.
    """
    return superpose(trajectories, *draw_superposition(trajectories, seed, probability))


@dataclass(frozen=True)
class RandomSuperposition:
    """Mixes each window of a training batch with another one of the same batch, as `superpose` does.

    The windows may begin at different times, as Burgers' equation knows no time; their frames must be equally far
    apart. A window that is not mixed comes back unchanged, bit for bit.

    Args:
        grid: of the frames, 1D.
        viscosity: ν of Burgers' equation, the same for all windows.
        probability: that a window is mixed at all.

    Raises:
        ValueError: for a grid that is not 1D, a viscosity that is not positive, or no probability; when called, for
            windows whose frames are not equally far apart.
    """

    grid: Grid
    viscosity: float
    probability: float = 0.5

    def __post_init__(self) -> None:
        if self.grid.dims != 1:
            raise ValueError(f"Expected a 1D grid, got one of {self.grid.dims} axes: Cole and Hopf's map is 1D here.")
        if not 0 < self.viscosity < math.inf:
            raise ValueError(f"Expected a viscosity that is positive and finite, got {self.viscosity}.")
        require_probability(self.probability)

    def __call__(
        self,
        u_in: Float[Tensor, "batch frames_in 1 points"],
        u_out: Float[Tensor, "batch frames_out 1 points"],
        times: Float[Tensor, "batch frames"],
        rng: torch.Generator,
    ) -> tuple[Float[Tensor, "batch frames_in 1 points"], Float[Tensor, "batch frames_out 1 points"]]:
        """The mixed pair.

        Args:
            u_in: input frames.
            u_out: output frames.
            times: times of both, one after the other, in the equation's unit of time.
            rng: source of randomness; it alone decides partners and shares.
        """
        samples = len(u_in)
        since = times - times[:, :1]
        if not torch.allclose(since, since[:1].expand_as(since), rtol=1e-9, atol=0):
            raise ValueError(
                "Expected windows whose frames are equally far apart in time, got others: cut them from trajectories "
                "with equal steps."
            )
        uniform = torch.rand(2, samples, generator=rng, device=rng.device, dtype=torch.float64)
        share = torch.where(uniform[0] < self.probability, uniform[1], 0.0).to(u_in.device)
        # Any but the window itself, where there is another one.
        step = torch.randint(1, max(2, samples), (samples,), generator=rng, device=rng.device)
        partner = ((torch.arange(samples, device=rng.device) + step) % samples).to(u_in.device)
        u = torch.cat([u_in, u_out], dim=1)
        viscosity = torch.full((samples,), self.viscosity, dtype=torch.float64, device=u.device)
        mixed = _mixed(u.double(), u[partner].double(), since[0].double(), self.grid, viscosity, share).to(u.dtype)
        pair = torch.where((share == 0).reshape(-1, 1, 1, 1), u, mixed)
        return pair[:, : u_in.shape[1]], pair[:, u_in.shape[1] :]


def _mixed(first: Tensor, second: Tensor, since: Tensor, grid: Grid, viscosity: Tensor, share: Tensor) -> Tensor:
    """The mixture of solutions `(batch, time, 1, points)`, in the frame of the mean of the first."""
    mean = first.mean((1, 3))  # that of the frames differs by the error of the solver alone
    still, other = _at_rest(first, since, grid), _at_rest(second, since, grid)
    # log(s ψ₂) − log((1 − s) ψ₁): the logistic function of it is the weight of the second solution.
    odds = torch.log(share) - torch.log1p(-share)
    potential = _log_heat(other, grid, viscosity) - _log_heat(still, grid, viscosity)
    weight = torch.sigmoid(potential + odds.reshape(-1, 1, 1, 1))
    mixed = still + weight * (other - still)
    return translate(mixed, grid, (mean * since).unsqueeze(-1)) + mean.reshape(-1, 1, 1, 1)


def _at_rest(u: Tensor, since: Tensor, grid: Grid) -> Tensor:
    """w(x, t) = u(x + ū t, t) − ū."""
    mean = u.mean((1, 3))
    w = translate(u, grid, (-mean * since).unsqueeze(-1))
    return w - w.mean(-1, keepdim=True)


def _log_heat(w: Tensor, grid: Grid, viscosity: Tensor) -> Tensor:
    """log ψ of the heat solution ψ with mean 1 and w = −2ν ψ_x/ψ."""
    (k,) = wavenumbers(grid, w.device)
    inverse = torch.where(k == 0, 0.0, 1 / torch.where(k == 0, 1.0, k))
    spectrum = transform(w, grid) * torch.complex(torch.zeros_like(inverse), -inverse)
    if grid.points[0] % 2 == 0:
        spectrum[..., -1] = 0
    fine = (_REFINED * grid.points[0],)
    scale = -1 / (2 * viscosity).reshape(-1, 1, 1, 1)
    phi = inverse_transform(interpolated(spectrum, grid.points, fine), fine) * (_REFINED * scale)
    log_mean = torch.logsumexp(phi, dim=-1, keepdim=True) - math.log(fine[0])
    return phi[..., ::_REFINED] - log_mean


def _viscosity(trajectories: Trajectories) -> Float[Tensor, " batch"]:
    """ν of each sample.

    Raises:
        ValueError: when the equation is not u_t = −u u_x + ν u_xx on a torus.
    """
    equation, u = trajectories.equation, trajectories.u
    coefficient = _diffusion(equation) if isinstance(trajectories.grid, Grid) and trajectories.grid.dims == 1 else None
    if coefficient is None:
        raise ValueError(
            f"Superposition is one of solutions of u_t = -u*u_x + nu*u_xx on a 1D periodic grid, got "
            f"{equation.statement} on {trajectories.grid}: use `augment` with the generators of the equation."
        )
    symbols = parameter_symbols(tuple(equation.parameters))
    values = [torch.as_tensor(equation.parameters[n], dtype=torch.float64, device=u.device) for n in symbols]
    (number,) = torch_function(list(symbols.values()), [coefficient])(*values)
    viscosity = torch.as_tensor(number, dtype=torch.float64, device=u.device).expand(len(u))
    if not (viscosity > 0).all():
        raise ValueError(f"Expected positive viscosities, got {viscosity.min().item():g}: there is no heat equation.")
    return viscosity


def _diffusion(equation: Equation) -> sympy.Expr | None:
    """ν where the equation is u_t = −u u_x + ν u_xx, else None."""
    if len(equation.fields) != 1 or equation.auxiliaries or equation.least_dims > 1:
        return None
    space = equation.space(1)
    u, u_x, u_xx = (space.symbol(Jet(0, (order,))) for order in range(3))
    rest = sympy.expand(equation.right_hand_sides(1)[0] + u * u_x)
    coefficient = rest.coeff(u_xx)
    constants = set(parameter_symbols(tuple(equation.parameters)).values())
    is_burgers = sympy.expand(rest - coefficient * u_xx) == 0 and coefficient != 0
    return coefficient if is_burgers and coefficient.free_symbols <= constants else None


def _lengths(trajectories: Trajectories) -> Float[Tensor, " batch"]:
    if trajectories.length is not None:
        return trajectories.length[:, 0].to(device=trajectories.u.device, dtype=torch.float64)
    return torch.full(
        (len(trajectories.u),), trajectories.grid.length[0], dtype=torch.float64, device=trajectories.u.device
    )


def _check_draw(partner: Tensor, share: Tensor, samples: int) -> None:
    if partner.shape != (samples,) or share.shape != (samples,):
        raise ValueError(
            f"Expected one partner and one share for each of the {samples} samples, got shapes "
            f"{tuple(partner.shape)} and {tuple(share.shape)}."
        )
    if samples and (int(partner.min()) < 0 or int(partner.max()) >= samples):
        raise ValueError(f"Expected partners in 0 .. {samples - 1}, got {partner.tolist()}.")
    if not ((share >= 0) & (share <= 1)).all():
        raise ValueError(f"Expected shares between 0 and 1, got {share.tolist()}.")
