"""Gates of symmetries: which of several candidates a weight breaks is left to the data."""

import itertools
from collections.abc import Sequence

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn.utils import parametrize

from pdesym.symmetry.mirror.candidate import CandidateSymmetry
from pdesym.symmetry.mirror.constraint import Constraint, owner_of
from pdesym.symmetry.mirror.kinds import power_of_two

_COMMUTE = 1e-8


class SymmetryGates(Constraint):
    """W = Q_∅ w + Σ_B g_B Q_B v over the sets B of candidates, with g_B = (Σ_{j∈B} s_j⁻²)^(−1/2): gates s_j.

    P_j projects onto what violates candidate j, and Q_B = Π_{j∈B} P_j Π_{j∉B} (I − P_j) onto what violates just those
    of B. A gate s_j = 0 closes all that violates j, whichever else is broken: W then has the symmetry exactly. The
    decay κ/2 (‖s‖² + ‖v‖²) costs, at the cheapest s and v,

        κ Σ_j ‖P_j W‖₂,

    a group lasso whose groups overlap: a candidate is broken as a whole, or not at all. s and v are its factors, w is
    free. The units are ‖P_j W‖; small is what is small against ‖W‖.

    Args:
        candidates: symmetries whose projections commute.
        size: of the gates of what is 0, positive.

    Source: the gates are equation 8 of Ziyin (ICML 2024) for a scalar factor, with O_j the row space of the constraint
    of a candidate (Otto, Zolman, Kutz and Brunton, JMLR 26(248), 2025, §6).
    """

    def __init__(self, candidates: Sequence[CandidateSymmetry], size: float):
        super().__init__()
        self.candidates, self.size = tuple(candidates), size

    @property
    def free(self) -> int:
        """1: w."""
        return 1

    def forward(self, *originals: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
        """W of w, s and v."""
        w, gates, v = originals
        with torch.autocast(w.device.type, enabled=False):
            total = w
            for candidate in self.candidates:
                total = candidate.kept(total)
            for which, part in self._split(v).items():
                if which:
                    total = total + self._gate(gates, which) * part
            return total

    def right_inverse(self, weight: Float[Tensor, "..."]) -> tuple[Float[Tensor, "..."], ...]:
        """w, s and v that give W to rounding: s_j powers of two near max(size, √‖P_j W‖), every gate open."""
        parts = self._split(weight)
        violations = self._violations(weight)
        self.scale.copy_(weight.norm())
        gates = power_of_two(violations.sqrt().clamp_min(self.size))
        v = torch.zeros_like(weight)
        for which, part in parts.items():
            if which:
                v = v + part / self._gate(gates, which)
        return parts[()], gates, v

    def units(self, *originals: Float[Tensor, "..."]) -> Float[Tensor, " candidates"]:
        """‖P_j W‖ of every candidate."""
        return self._violations(self.forward(*originals))

    def largest(self, *originals: Float[Tensor, "..."]) -> Float[Tensor, ""]:
        """‖W‖, against which a violation is small."""
        size: Tensor = self.forward(*originals).norm()
        return size

    def without(self, gone: Bool[Tensor, " candidates"], *originals: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
        """W with some symmetries exact: to rounding, whatever else W breaks."""
        weight = self.forward(*originals)
        for candidate, closed in zip(self.candidates, gone.tolist(), strict=True):
            weight = candidate.kept(weight) if closed else weight
        return weight

    def cost(self, *originals: Float[Tensor, "..."]) -> Float[Tensor, ""]:
        """Σ_j ‖P_j W‖₂."""
        return self.units(*originals).sum()

    def extra_repr(self) -> str:
        """The candidates, for print and the identity of a training run."""
        return f"gates of {', '.join(candidate.name for candidate in self.candidates)}"

    def _violations(self, weight: Tensor) -> Tensor:
        return torch.stack([candidate.broken(weight).norm() for candidate in self.candidates])

    def _split(self, weight: Tensor) -> dict[tuple[int, ...], Tensor]:
        """Q_B W for every B."""
        parts: dict[tuple[int, ...], Tensor] = {(): weight}
        for number, candidate in enumerate(self.candidates):
            split = {}
            for which, part in parts.items():
                kept = candidate.kept(part)
                split[which], split[*which, number] = kept, part - kept
            parts = split
        return parts

    def _gate(self, gates: Tensor, which: tuple[int, ...]) -> Tensor:
        """g_B, homogeneous of degree 1 in s; 0 where a gate of B is 0."""
        chosen = gates[list(which)]
        if len(which) == 1:
            return chosen[0]
        # Divided by the largest, so that no product leaves the range of numbers; the derivative is the same.
        largest = chosen.detach().abs().max().clamp_min(torch.finfo(chosen.dtype).tiny)
        scaled = chosen / largest
        others = torch.stack([torch.cat((scaled[:j], scaled[j + 1 :])).prod() for j in range(len(which))])
        tiny = torch.finfo(chosen.dtype).tiny
        return largest * scaled.prod() / (others.square().sum() + tiny).sqrt()


def gate_symmetries(
    module: nn.Module, name: str, candidates: Sequence[CandidateSymmetry] | CandidateSymmetry, size: float = 1.0
) -> nn.Module:
    """Puts a parameter of a module under gates, one for each candidate symmetry, in place: its function stays.

    Train with a decay of the factors, as after `constrain`, and call `remove`: a candidate whose violation vanished is
    then exact, and holds to rounding. `removable(module)[name].gone` says which, in the order of the candidates.

    Args:
        module: the network.
        name: of the parameter.
        candidates: a list of symmetries of it, whose projections commute, as those of translations and reflections do.
        size: of the gates of what is 0, dimensionless, positive.

    Raises:
        ValueError: as `constrain`, for no candidates, or projections that are none or oblique, are the identity or
            alike, do not commute, or act on another shape.
    """
    owner, attribute = owner_of(module, name)
    if isinstance(candidates, CandidateSymmetry):
        raise ValueError(f"Expected a list of candidates, got {candidates.name} alone: put it in a list.")
    if not candidates:
        raise ValueError(f"Expected candidate symmetries of {name}, got none.")
    if not 0 < size < float("inf"):
        raise ValueError(f"Expected a positive size of the gates, got {size}: at 0 none could ever open.")
    _require_commuting(candidates, owner.get_parameter(attribute))
    parametrize.register_parametrization(
        owner, attribute, SymmetryGates(candidates, size).to(owner.get_parameter(attribute))
    )
    return module


def _require_commuting(candidates: Sequence[CandidateSymmetry], like: Tensor) -> None:
    rng = torch.Generator().manual_seed(0)
    probe = torch.randn(like.shape, generator=rng, dtype=torch.float64).to(like.device)
    size = float(probe.norm())
    for candidate in candidates:
        try:
            broken = candidate.broken(probe)
        except (RuntimeError, IndexError) as error:
            raise ValueError(
                f"Expected a weight on which {candidate.name} acts, got one of shape {tuple(like.shape)}: make the "
                "candidate for it."
            ) from error
        if float((candidate.broken(broken) - broken).norm()) > _COMMUTE * size:
            raise ValueError(
                f"Expected {candidate.name} to give a projection, got another map: apply it twice and see."
            )
        if abs(float((broken * (probe - broken)).sum())) > _COMMUTE * size**2:
            raise ValueError(f"Expected {candidate.name} to give an orthogonal projection, got an oblique one.")
        if float(broken.norm()) < _COMMUTE * size:
            raise ValueError(f"Expected a symmetry that some weights break, got {candidate.name}, which all have.")
    for one, other in itertools.combinations(candidates, 2):
        if float((one.broken(probe) - other.broken(probe)).norm()) < _COMMUTE * size:
            raise ValueError(f"Expected different candidates, got {one.name} and {other.name}, which are one symmetry.")
        difference = one.broken(other.broken(probe)) - other.broken(one.broken(probe))
        if float(difference.norm()) > _COMMUTE * size:
            raise ValueError(
                f"Expected candidates whose projections commute, got {one.name} and {other.name}, whose do not: gate "
                "the group that both generate, or promote the symmetries by a nuclear norm."
            )
