"""What a trained operator is worth: errors where it has seen data and where it has not, and its symmetries."""

from typing import Any

import torch
from torch import Tensor, nn

from experiments.unified.operators_problem import CANDIDATES, MEASURED, Problem
from pdesym.symmetry.promote import SymmetryPenalty
from pdesym.training import relative_l2

STRETCHES = (0.5, 2.0)
_DEFECT_FIELDS = 32


def scores(
    problem: Problem, breaking: float, model: nn.Module, samples: int, most: float, unseen: tuple[float, float]
) -> dict[str, Any]:
    """Relative errors and defects in float64, all on fields that no training has seen.

    Args:
        problem: the equation and its box.
        breaking: the drag times T.
        model: the operator.
        samples: fields of each kind.
        most: largest mean of the fields it was trained on, in units of the fluctuation.
        unseen: smallest and largest mean of boosted fields.
    """
    device = next(model.parameters()).device
    model = model.double().eval()

    def error(u: Tensor, truth: Tensor, *parameters: Tensor) -> float:
        with torch.no_grad():
            given = model(u.unsqueeze(1).to(device), *parameters).squeeze(1).cpu()
        return float(relative_l2(given, truth))

    u, truth = problem.pairs(breaking, samples, test=True, least=0.0, most=most)
    boosted = problem.pairs(breaking, samples, test=True, least=unseen[0], most=unseen[1])
    result: dict[str, Any] = {"error": error(u, truth), "boosted": error(*boosted)}
    if problem.scaling is not None and breaking == 0:  # a drag would have to be stretched, too
        stretched = []
        for stretch in STRETCHES:
            b, a = problem.scaling
            values = torch.tensor([problem.grid.length[0] * stretch, problem.duration * stretch**a], dtype=u.dtype)
            parameters = [values.expand(samples, 2).to(device)] if model.config.parameters else []
            stretched.append(error(u * stretch**b, truth * stretch**b, *parameters))
        result["stretched"] = sum(stretched) / len(stretched)
    exact = problem.flow(breaking)
    penalty, span = SymmetryPenalty(MEASURED, rhs=exact.rhs), SymmetryPenalty(CANDIDATES, rhs=exact.rhs)
    times = torch.zeros(1).double(), torch.full((1,), problem.duration).double()
    moved, _ = problem.pairs(breaking, min(samples, _DEFECT_FIELDS), test=True, least=0.0, most=1.0)
    for kind, fields in (("at_data", u[:_DEFECT_FIELDS]), ("around_data", moved)):
        frames = fields.unsqueeze(1).to(device)
        with torch.no_grad():
            own = penalty.defects(model, frames, problem.grid, *times)
            spectrum = span.spectrum(model, frames, problem.grid, *times)
        there = exact, fields, problem.grid, 0.0, problem.duration
        result[kind] = {
            "defects": dict(zip(_names(), own.tolist(), strict=True)),
            "exact": dict(zip(_names(), penalty.defects(*there).tolist(), strict=True)),
            "spectrum": spectrum.tolist(),
            "exact_spectrum": span.spectrum(*there).tolist(),
        }
    return result


def _names() -> list[str]:
    return [generator.text for generator in MEASURED]
