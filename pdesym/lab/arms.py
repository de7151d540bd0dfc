"""The arms of the comparison: each operator trained in a process of its own, on one thread."""

from functools import partial
from pathlib import Path

from pdesym.datasets import Windows
from pdesym.datasets.recipe_file import load
from pdesym.lab.folder import Folder
from pdesym.lab.learning import self_boosted_windows
from pdesym.lab.recipe import LabRecipe
from pdesym.operators import fno
from pdesym.symmetry import Generator, RandomFlow
from pdesym.training import Training, TrainingWindows, train, train_in_parallel

PLAIN, BOOSTED, SELF_BOOSTED = "plain", "boosted", "self-boosted"
Arm = tuple[str, int]


def arms_of(recipe: LabRecipe) -> tuple[Arm, ...]:
    """Every arm as (operator, seed), seed by seed."""
    return tuple((operator, seed) for seed in recipe.seeds for operator in operators_of(recipe))


def operators_of(recipe: LabRecipe) -> tuple[str, ...]:
    """The operators that are trained."""
    return (PLAIN, BOOSTED) if recipe.learning is None else (PLAIN, BOOSTED, SELF_BOOSTED)


def train_arm(root: Path, operator: str, seed: int) -> None:
    """Trains one arm of the run in this folder, from its last checkpoint where there is one."""
    folder = Folder(root)
    recipe = load(LabRecipe, folder.recipe)
    windows = Windows.open(folder.data, "train", recipe.frames.into, recipe.frames.out, device=recipe.device)
    model = fno(
        recipe.frames.into,
        recipe.frames.out,
        fields=len(windows.fields),
        dims=windows.grid.dims,
        seed=seed,
        **recipe.model.model_dump(),
    ).to(recipe.device)
    boost = None
    if operator == BOOSTED:
        generator = Generator(recipe.boost.generator, windows.fields, windows.grid.axes)
        boost = RandomFlow(generator, windows.grid, recipe.boost.width, recipe.boost.probability)
    shown: TrainingWindows = windows
    if operator == SELF_BOOSTED:
        shown = self_boosted_windows(folder, recipe, seed)
    settings = recipe.training.model_copy(update={"seed": seed})
    train(model, shown, settings, folder.arm(operator, seed), augmentation=boost, progress=False)


def train_arms(folder: Folder, recipe: LabRecipe) -> None:
    """Trains every arm, as many at a time as there are processors; shows how far each is."""
    train_in_parallel([_training(folder, recipe, arm) for arm in arms_of(recipe)])


def steps_done(folder: Folder, recipe: LabRecipe, arm: Arm) -> int:
    """Training steps that the log of an arm shows."""
    return _training(folder, recipe, arm).steps_done


def _training(folder: Folder, recipe: LabRecipe, arm: Arm) -> Training:
    operator, seed = arm
    work = partial(train_arm, folder.root, operator, seed)
    return Training(f"{operator} FNO, seed {seed}", folder.arm(operator, seed), recipe.training.steps, work)
