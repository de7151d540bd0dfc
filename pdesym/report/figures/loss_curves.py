"""How the loss fell in training."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from pdesym.report.figures.house_style import house_style, new_figure
from pdesym.report.figures.seed_lines import curves_by_operator, draw_seed_lines
from pdesym.report.record import Record


def loss_figure(training: Mapping[str, Any]) -> Figure:
    """The training loss of every arm over its steps, from a loaded `training.json`."""
    arms = Record("training.json", (), training)["arms"]
    losses, steps = curves_by_operator(arms, "loss"), curves_by_operator(arms, "steps")
    for name, curves in losses.items():
        lengths = {len(curve) for curve in (*curves, *steps[name])}
        if len(lengths) > 1 or any(not np.array_equal(steps[name][0], other) for other in steps[name]):
            raise ValueError(f"Expected the same steps for every seed of the {name} in results/training.json.")
    with house_style():
        figure = new_figure(7.2, 3.4)
        axes = figure.add_subplot()
        draw_seed_lines(axes, {name: found[0] for name, found in steps.items()}, losses)
        axes.set(xlabel="training step", ylabel="training loss")
    return figure
