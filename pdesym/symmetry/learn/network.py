"""Vector fields as a neural network."""

import math
from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from pdesym.symmetry.learn.scales import Scales


class GeneratorNetwork(nn.Module):
    """Several vector fields V_s(x, t, u), s < slots, as one network that is evaluated once for all of them.

    V_s = Σ_f c_{s,f} h_f(x, t, u), with features h from branches: one of each variable alone, one of all together, and
    the constant, t and u themselves. Coordinates enter through sin and cos of 2πx/L, so that every V is periodic in
    space, with all its derivatives. The branches let a coefficient that depends on time alone, as those of most
    generators do, be free of x and u exactly.

    As a family of generators it gives its velocities in physical units (`velocities`); called, it gives them in the
    units of its scales.

    Args:
        scales: names and units of the variables.
        slots: number of vector fields.
        width: neurons in each of the two layers of the joint branch.
        branch: neurons in the branch of each variable.
        seed: of the initial weights.

    Raises:
        ValueError: for a number of slots or neurons that is not positive.
    """

    def __init__(self, scales: Scales, slots: int = 4, width: int = 24, branch: int = 12, seed: int = 0):
        super().__init__()
        if slots < 1 or width < 1 or branch < 1:
            raise ValueError(f"Expected positive numbers, got slots={slots}, width={width}, branch={branch}.")
        self.scales = scales
        self.coordinates, self.fields = scales.coordinates, scales.fields
        dims, fields = len(scales.coordinates), len(scales.fields)
        rng = torch.Generator().manual_seed(seed)

        def normal(*shape: int) -> Tensor:
            return torch.randn(*shape, generator=rng, dtype=torch.float64)

        inputs = 2 * dims + 1 + fields
        # Nearly affine at first: a rough field is punished by every derivative in the symmetry condition.
        self.joint_in = nn.Parameter(0.3 * normal(width, inputs))
        self.joint_in_bias = nn.Parameter(normal(width))
        self.joint_out = nn.Parameter(normal(width, width) / math.sqrt(width))
        self.joint_out_bias = nn.Parameter(normal(width))
        self._parts = [slice(2 * d, 2 * d + 2) for d in range(dims)]
        self._parts += [slice(2 * dims + j, 2 * dims + j + 1) for j in range(1 + fields)]
        self.branches = nn.ParameterList(normal(branch, part.stop - part.start) for part in self._parts)
        self.branch_biases = nn.ParameterList(normal(branch) for _ in self._parts)
        self.features = width + branch * len(self._parts) + 2 + fields
        variables = dims + 1 + fields
        self.heads = nn.Parameter(normal(slots, variables, self.features) / math.sqrt(self.features))

    def __len__(self) -> int:
        return len(self.heads)

    @property
    def names(self) -> tuple[str, ...]:
        """A name for each vector field."""
        return tuple(f"learned generator {slot + 1}" for slot in range(len(self)))

    def basis(
        self, point: Sequence[Float[Tensor, "*points"]], rate: Sequence[Float[Tensor, "*points"]] | None = None
    ) -> tuple[Float[Tensor, "*points features"], Float[Tensor, "*points features"] | None]:
        """The features h at points (x…, t, u…), and dh along directions (ẋ…, ṫ, u̇…), in physical units.

        Args:
            point: values of the variables, of one shape.
            rate: directions; None where they are not wanted.
        """
        dims = len(self.coordinates)
        centred = (self.scales.start + self.scales.span / 2, *self.scales.centre)
        spread = (self.scales.span / 2, *self.scales.spread)
        columns, moving = [], []
        for axis, length in enumerate(self.scales.length):
            angle = 2 * math.pi / length * point[axis]
            sine, cosine = torch.sin(angle), torch.cos(angle)
            columns += [sine, cosine]
            if rate is not None:
                turning = 2 * math.pi / length * rate[axis]
                moving += [turning * cosine, -turning * sine]
        for j, (middle, unit) in enumerate(zip(centred, spread, strict=True)):
            columns.append((point[dims + j] - middle) / unit)
            if rate is not None:
                moving.append(rate[dims + j] / unit)
        dtype = self.joint_in.dtype
        z = torch.stack(columns, -1).to(dtype)
        dz = torch.stack(moving, -1).to(dtype) if rate is not None else None
        h, dh = _layer(z, dz, self.joint_in, self.joint_in_bias)
        h, dh = _layer(h, dh, self.joint_out, self.joint_out_bias)
        parts, changes = [h], [dh]
        for part, weight, bias in zip(self._parts, self.branches, self.branch_biases, strict=True):
            h, dh = _layer(z[..., part], None if dz is None else dz[..., part], weight, bias)
            parts.append(h)
            changes.append(dh)
        parts += [torch.ones_like(z[..., :1]), z[..., 2 * dims :]]
        if dz is None:
            return torch.cat(parts, -1), None
        changes += [torch.zeros_like(z[..., :1]), dz[..., 2 * dims :]]
        return torch.cat(parts, -1), torch.cat([change for change in changes if change is not None], -1)

    def forward(self, point: Sequence[Float[Tensor, "*points"]]) -> Float[Tensor, "slots variables *points"]:
        """The components of all vector fields at points (x…, t, u…), in the units of the scales."""
        h, _ = self.basis(point)
        values: Tensor = torch.einsum("svf,...f->sv...", self.heads, h)
        return values

    def velocities(self, point: Sequence[Float[Tensor, "*points"]]) -> Float[Tensor, "slots variables *points"]:
        """The components (ξ…, τ, φ…) of all vector fields at points (x…, t, u…), in physical units.

        In the precision of the points.
        """
        values = self(point)
        units = torch.tensor(self.scales.units, dtype=values.dtype, device=values.device)
        physical: Tensor = values * units.reshape(-1, *(1,) * (values.ndim - 2))
        return physical.to(point[0].dtype)

    def selected(self, slots: Sequence[int]) -> "GeneratorNetwork":
        """The family of some of the vector fields; it keeps a copy of the weights."""
        chosen = GeneratorNetwork(self.scales, len(slots), self.joint_in.shape[0], self.branches[0].shape[0]).to(
            self.heads
        )
        state = {name: value for name, value in self.state_dict().items() if name != "heads"}
        chosen.load_state_dict(state | {"heads": self.heads[list(slots)].detach()})
        return chosen.requires_grad_(False)


def _layer(z: Tensor, dz: Tensor | None, weight: Tensor, bias: Tensor) -> tuple[Tensor, Tensor | None]:
    """silu(W z + b) and its derivative along dz."""
    a = z @ weight.T + bias
    gate = torch.sigmoid(a)
    value = a * gate
    if dz is None:
        return value, None
    return value, (dz @ weight.T) * (gate + value * (1 - gate))
