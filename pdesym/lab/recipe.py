"""What a run of the lab does, as a small text file."""

from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from pdesym.datasets import Recipe, load_recipe
from pdesym.datasets.recipe_file import load
from pdesym.training.settings import TrainingSettings


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Frames(_Section):
    """Frames that an operator is given, and that it gives."""

    into: int = Field(default=10, ge=1)
    out: int = Field(default=10, ge=1)


class Model(_Section):
    """Size of the Fourier neural operators, see `pdesym.operators.FNOConfig`."""

    modes: int = Field(default=24, ge=1)
    width: int = Field(default=48, ge=1)
    layers: int = Field(default=4, ge=1)


class Boost(_Section):
    """The augmentation of the second operator: exp(ε v) with ε uniform in ±width, for a share of the samples."""

    generator: str
    width: float = Field(ge=0)
    probability: float = Field(ge=0, le=1)


class Learning(_Section):
    """The augmentation of the third operator: along symmetries learned from its own training trajectories.

    Attributes:
        frames: from which they are learned.
        steps: in which they are learned.
        scale: each trajectory is moved by Σ α_a v_a, α_a uniform in ±scale, v_a of unit norm under the measure of what
            was learned; for Korteweg-de Vries 0.18 is a boost of about 0.4.
        copies: moved copies of each trajectory from which windows are drawn.
        probability: that a window is one of a copy.
        parts: into how many the time between two frames is cut, by solving the equation that was identified.
        residual: with a larger one a moved trajectory is not used; coarse data have some before they move.
    """

    frames: int = Field(ge=1)
    steps: int = Field(ge=0)
    scale: float = Field(ge=0)
    copies: int = Field(ge=1)
    probability: float = Field(ge=0, le=1)
    parts: int = Field(ge=1)
    residual: float = Field(gt=0)


class Forecast(_Section):
    """The unrolled prediction: input from frame `start`, then `blocks` times the output fed back."""

    start: int = Field(ge=0)
    blocks: int = Field(ge=1)


class Direction(_Section):
    """A generator to measure: its text, its meaning in words, and whether the equation has it."""

    text: str
    meaning: str
    symmetry: bool


class Defects(_Section):
    """Lie derivatives of the operators on windows of the test split.

    Attributes:
        windows: how many windows, one from each of the first test samples.
        start: their first frame.
        refine: the exact solver is measured on a grid this many times finer, where its output is resolved.
        rtol: its tolerance.
        generators: along which directions.
    """

    windows: int = Field(ge=1)
    start: int = Field(ge=0)
    refine: int = Field(ge=1)
    rtol: float = Field(gt=0, lt=1)
    generators: tuple[Direction, ...] = Field(min_length=1)


class Polynomials(_Section):
    """A library of vector fields: polynomials up to a degree in time, the fields and, where asked for, space."""

    degree: int = Field(ge=0)
    space: bool

    @property
    def text(self) -> str:
        """What it is called."""
        return f"polynomials of degree {self.degree} in time{', space' if self.space else ''} and the fields"


class Discovery(_Section):
    """Which symmetries are looked for in the operators, on windows of the test split.

    Attributes:
        windows: how many windows, one from each of the first test samples.
        start: their first frame.
        refine: the exact solver is looked at on a grid this many times finer.
        rtol: its tolerance.
        libraries: the vector fields among which to look, each by itself.
    """

    windows: int = Field(ge=2)
    start: int = Field(ge=0)
    refine: int = Field(ge=1)
    rtol: float = Field(gt=0, lt=1)
    libraries: tuple[Polynomials, ...] = Field(min_length=1)


class LabRecipe(_Section):
    """A run of the lab.

    Attributes:
        name: for titles.
        dataset: a shipped recipe of a dataset, or a path; its entries are set by `dataset.key=value`.
        frames: of the operators.
        model: their size.
        training: of each arm; its seed is that of the first pair.
        pairs: pairs of a plain and a boosted operator, and a self-boosted one, which share initial weights and windows;
            their seeds count up.
        boost: how the boosted operators are taught.
        learning: how the self-boosted operators teach themselves; null for none of these.
        forecast: how predictions are scored.
        defects: which Lie derivatives are measured.
        discovery: which symmetries are looked for.
        device: where the operators train, "cpu" or "cuda".
    """

    name: str
    dataset: str
    frames: Frames = Frames()
    model: Model = Model()
    training: TrainingSettings = TrainingSettings()
    pairs: int = Field(default=2, ge=1)
    boost: Boost
    learning: Learning | None
    forecast: Forecast
    defects: Defects
    discovery: Discovery
    device: str = "cpu"

    @property
    def seeds(self) -> tuple[int, ...]:
        """One seed a pair."""
        return tuple(range(self.training.seed, self.training.seed + self.pairs))


def load_lab_recipe(source: str | Path, overrides: Sequence[str] = ()) -> tuple[LabRecipe, Recipe]:
    """The recipe of a run and that of its dataset; overrides that begin with `dataset.` belong to the second.

    Raises:
        RecipeError: (a ValueError) one sentence that names the key that is wrong and what would be right.
    """
    prefix = "dataset."
    mine = [override for override in overrides if not override.startswith(prefix)]
    recipe = load(LabRecipe, source, mine, files("pdesym.lab").joinpath("recipes"))
    theirs = [override.removeprefix(prefix) for override in overrides if override.startswith(prefix)]
    return recipe, load_recipe(recipe.dataset, theirs)
