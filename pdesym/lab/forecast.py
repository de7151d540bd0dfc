"""How well the operators predict the test trajectories."""

from typing import Any

import numpy as np
import torch

from pdesym.datasets import Windows
from pdesym.lab.arms import PLAIN, arms_of, operators_of
from pdesym.lab.folder import Folder
from pdesym.lab.recipe import LabRecipe
from pdesym.operators import load_operator
from pdesym.solvers import Equation, FlowMap
from pdesym.training import read_metrics, unroll, unrolled_nmse

METRIC = (
    "Unrolled normalised mean squared error: for each predicted frame mean_x (prediction − truth)² / mean_x truth², "
    "summed over the frames, averaged over the test samples; dimensionless."
)


def operator_name(operator: str) -> str:
    """An arm's operator as people read it."""
    return f"{operator} FNO"


def measure_forecasts(folder: Folder, recipe: LabRecipe, equation: Equation, rtol: float) -> None:
    """Writes forecast.json and example.npz; `rtol` is the tolerance of the solver's own forecast."""
    into, out, blocks = recipe.frames.into, recipe.frames.out, recipe.forecast.blocks
    windows = Windows.open(folder.data, "test", into, out * blocks, device=recipe.device)
    first = recipe.forecast.start
    window = windows.gather(torch.arange(windows.samples), torch.full((windows.samples,), first))
    arms: list[dict[str, Any]] = []
    examples: dict[str, np.ndarray] = {}
    for operator, seed in arms_of(recipe):
        model = load_operator(folder.arm(operator, seed), device=recipe.device)
        with torch.no_grad():
            prediction = unroll(model, window.u_in, blocks)
        error = unrolled_nmse(prediction, window.u_out)
        arms.append(
            {
                "operator": operator_name(operator),
                "seed": seed,
                "steps": recipe.training.steps,
                "parameters": sum(weight.numel() for weight in model.parameters()),
                "train_seconds": read_metrics(folder.arm(operator, seed))[-1]["seconds"],
                "nmse_unrolled": error.value,
                "nmse_first_block": float(error.per_frame[:out].mean()),
                "nmse_per_frame": error.per_frame.tolist(),
                "nmse_per_sample": error.per_sample.tolist(),
            }
        )
        examples.setdefault(f"prediction/{operator_name(operator)}", prediction[0, :, 0].cpu().numpy())
    # From the last input frame as it is stored, on its points and in its precision: what the data alone allow.
    flow = FlowMap(equation, windows.grid, window.times[0, into - 1 :], rtol=rtol)
    solver = unrolled_nmse(flow(window.u_in[:, -1]), window.u_out)
    unrolled = {(arm["operator"], arm["seed"]): arm["nmse_unrolled"] for arm in arms}
    plain = operator_name(PLAIN)
    ratios = []
    for name in map(operator_name, operators_of(recipe)[1:]):
        each = [{"seed": seed, "value": unrolled[name, seed] / unrolled[plain, seed]} for seed in recipe.seeds]
        ratios.append({"operator": name, "seeds": each, "mean": float(np.mean([ratio["value"] for ratio in each]))})
    folder.write_arrays(
        "example.npz",
        x=windows.grid.coordinates()[0].numpy(),
        times=windows.times.cpu().numpy(),
        truth=windows.u[0, :, 0].cpu().numpy(),
        t_pred=window.times[0, into:].cpu().numpy(),
        **examples,
    )
    folder.write(
        "forecast.json",
        {
            "metric": METRIC,
            "times": window.times[0, into:].tolist(),
            "test_samples": windows.samples,
            "arms": arms,
            "solver_nmse": solver.value,
            "ratios": ratios,
        },
    )
