"""The symmetries that are learned from the training trajectories alone, and the windows that they move."""

from dataclasses import replace

import torch

from pdesym.datasets import Windows
from pdesym.lab.folder import Folder
from pdesym.lab.recipe import LabRecipe
from pdesym.solvers import Trajectories, frames_between
from pdesym.symmetry import Library
from pdesym.symmetry.augment import MovedTrajectories, augment
from pdesym.symmetry.discover import discover_from_equation
from pdesym.symmetry.learn import Learned, LearnSettings, from_trajectories
from pdesym.training import MovedPool, learn_generators

METHOD = (
    "The equation is identified from the training trajectories, and vector fields given by a neural network are fitted "
    "to its symmetry condition. Level: by how much one unit of a vector field's flow breaks the equation, relative to "
    "uₜ, on frames that the fit did not see; 0 for a symmetry. Angle: the largest principal angle between the learned "
    "symmetries and those of the equation whose coefficients do not depend on x, in degrees."
)


def self_boosted_windows(folder: Folder, recipe: LabRecipe, seed: int) -> MovedPool:
    """The training windows, and copies of them moved by generators learned from their trajectories; writes what was.

    Args:
        folder: of the run.
        recipe: of the run, with a part on learning.
        seed: of the learning and of the motions.
    """
    learning = recipe.learning
    assert learning is not None
    windows = Windows.open(folder.data, "train", recipe.frames.into, recipe.frames.out, device=recipe.device)
    u = windows.u.double()
    problem = from_trajectories(u, grid=windows.grid, times=windows.times, frames=learning.frames, seed=seed)
    settings = LearnSettings(steps=learning.steps, seed=seed)
    learned = learn_generators(problem, settings, folder.root / "learned" / str(seed), progress=False)
    assert problem.equation is not None
    trajectories = Trajectories.of(u, windows.times, windows.grid, problem.equation)
    between = frames_between(trajectories, learning.parts)
    scales = [learning.scale] * learned.dimension
    copies = [
        _every(
            augment(
                between,
                learned.generators,
                scales,
                learning.copies * seed + number,
                tolerance=learning.residual,
            ),
            learning.parts,
        )
        for number in range(learning.copies)
    ]
    _write(folder, learned, copies, seed)
    return MovedPool(windows, copies, learning.probability)


def _every(moved: MovedTrajectories, parts: int) -> MovedTrajectories:
    return replace(moved, u=moved.u[:, ::parts], times=moved.times[:, ::parts], mask=moved.mask[:, ::parts])


def _write(folder: Folder, learned: Learned, copies: list[MovedTrajectories], seed: int) -> None:
    problem = learned.problem
    equation = problem.equation
    assert equation is not None
    scales = problem.measure.scales
    library = Library.polynomial(1, scales.fields, scales.coordinates, space=False)
    exact = discover_from_equation(equation, library).generators
    angle = max(learned.angles(exact)) if len(exact) == learned.dimension else 90.0
    read = learned.read_off(library)
    folder.write(
        f"learning-{seed}.json",
        {
            "seed": seed,
            "equation": problem.notes[0],
            "dimension": learned.dimension,
            "levels": list(learned.levels),
            "tolerance": problem.tolerance,
            "generators": [str(generator) for generator in read.generators],
            "angle": angle,
            "accepted": float(torch.stack([copy.accepted for copy in copies]).double().mean()),
            "frames": float(torch.stack([copy.mask for copy in copies]).double().mean()),
            "flags": list(learned.flags[1:]),
        },
    )


def collect_learning(folder: Folder, recipe: LabRecipe) -> None:
    """Writes learning.json: what was learned from each seed; no runs where the recipe asks for none."""
    seeds = recipe.seeds if recipe.learning is not None else ()
    runs = [folder.read(f"learning-{seed}.json") for seed in seeds]
    folder.write("learning.json", {"method": METHOD, "runs": runs})
