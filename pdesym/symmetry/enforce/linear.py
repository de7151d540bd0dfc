"""Linear layers that commute with a group."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from pdesym.symmetry.enforce.bases import Bases
from pdesym.symmetry.enforce.blocks import assembled, combined, kinds_of
from pdesym.symmetry.enforce.maps import equivariant_maps, invariant_vectors
from pdesym.symmetry.enforce.representation import Representation


class EquivariantLinear(nn.Module):
    """y = W x + b with ρ_out(g) W = W ρ_in(g) and ρ_out(g) b = b for every g, whatever the parameters are.

    The parameters are coefficients of orthonormal bases of all such W and b, found once for each pair of different
    summands of the representations, and shared by no two copies. They are the whole state dict.

    Initial W: normal coefficients, so scaled that a summand of the output has the variance of the input where the
    entries of x are independent and of equal variance; b = 0. Where no map leads to a summand it stays 0.

    Args:
        rep_in: ρ_in.
        rep_out: ρ_out, of the same group.
        bias: whether there is b.
        seed: of the initial coefficients.

    Raises:
        ValueError: for representations of different groups, or when the dimension of a basis is not clear.

    Source: Otto, Zolman, Kutz and Brunton, JMLR 26(248), 2025, §6.1; Finzi, Welling and Wilson, ICML 2021.
    """

    _rows: Tensor
    _columns: Tensor

    def __init__(self, rep_in: Representation, rep_out: Representation, bias: bool = True, seed: int = 0):
        super().__init__()
        self.rep_in, self.rep_out = rep_in, rep_out
        self._in, self._out = kinds_of(rep_in), kinds_of(rep_out)
        maps = [equivariant_maps(a, b) for b in self._out.kinds for a in self._in.kinds]
        self.maps = Bases([basis.contiguous() for basis in maps])
        self._sizes = [
            b * a * len(basis)
            for basis, (b, a) in zip(maps, [(b, a) for b in self._out.counts for a in self._in.counts], strict=True)
        ]
        self.weight_coefficients = nn.Parameter(torch.empty(sum(self._sizes)))
        invariants = [invariant_vectors(kind).basis.T.contiguous() for kind in self._out.kinds]
        self.invariants = Bases(invariants)
        self._bias_sizes = [count * len(basis) for count, basis in zip(self._out.counts, invariants, strict=True)]
        self.bias_coefficients = nn.Parameter(torch.empty(sum(self._bias_sizes))) if bias else None
        self.register_buffer("_rows", self._out.position, persistent=False)
        self.register_buffer("_columns", self._in.position, persistent=False)
        self.reset_parameters(seed)

    def reset_parameters(self, seed: int = 0) -> None:
        """Draws the initial coefficients anew."""
        rng = torch.Generator().manual_seed(seed)
        columns = len(self._in.kinds)
        parts = []
        for b, kind in enumerate(self._out.kinds):
            row = [len(self.maps[b * columns + a]) for a in range(columns)]
            reached = sum(size for size, r in zip(self._in.sizes, row, strict=True) if r)
            for a, r in enumerate(row):
                deviation = (kind.dimension * self._in.kinds[a].dimension / (r * reached)) ** 0.5 if r else 0.0
                parts.append(deviation * torch.randn(self._sizes[b * columns + a], generator=rng))
        with torch.no_grad():
            self.weight_coefficients.copy_(torch.cat(parts))
            if self.bias_coefficients is not None:
                self.bias_coefficients.zero_()

    @property
    def weight(self) -> Float[Tensor, "d_out d_in"]:
        """W, in the dtype of the parameters also under autocast."""
        blocks = []
        with torch.autocast(self.weight_coefficients.device.type, enabled=False):
            pieces = iter(zip(self.weight_coefficients.split(self._sizes), self.maps, strict=True))
            for b in self._out.counts:
                row = []
                for a in self._in.counts:
                    piece, basis = next(pieces)
                    row.append(combined(piece.reshape(b, a, len(basis)), basis))
                blocks.append(row)
            return assembled(blocks, self._rows, self._columns)

    @property
    def bias(self) -> Float[Tensor, " d_out"] | None:
        """b, None for a layer without."""
        if self.bias_coefficients is None:
            return None
        with torch.autocast(self.bias_coefficients.device.type, enabled=False):
            pieces = zip(self._out.counts, self.bias_coefficients.split(self._bias_sizes), self.invariants, strict=True)
            grouped = [(piece.reshape(count, len(basis)) @ basis).flatten() for count, piece, basis in pieces]
            return torch.cat(grouped)[self._rows]

    def forward(self, x: Float[Tensor, "*batch d_in"]) -> Float[Tensor, "*batch d_out"]:
        """W x + b for each vector of a batch."""
        return nn.functional.linear(x, self.weight, self.bias)

    def extra_repr(self) -> str:
        """Dimensions and the number of parameters, for print."""
        return f"{self.rep_in.dimension}, {self.rep_out.dimension}, coefficients={self.weight_coefficients.numel()}"
