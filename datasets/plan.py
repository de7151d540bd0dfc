"""What a recipe would cost, before anything is computed."""

from dataclasses import dataclass

from pdesym.datasets import problem, schema
from pdesym.datasets.recipe import Recipe


@dataclass(frozen=True)
class Plan:
    """The size of a dataset.

    Attributes:
        name: of the recipe.
        samples: number of samples of each split.
        fields: stored fields.
        frames: stored times of each sample.
        points: stored grid points along each axis.
        shards: units of work.
        bytes: of all arrays before compression.
    """

    name: str
    samples: dict[str, int]
    fields: tuple[str, ...]
    frames: int
    points: tuple[int, ...]
    shards: int
    bytes: int

    def __str__(self) -> str:
        parts = ", ".join(f"{split} {size}" for split, size in self.samples.items())
        shape = " x ".join(map(str, self.points))
        return (
            f"{self.name}: {sum(self.samples.values())} samples ({parts}) of {self.frames} frames x {shape} points, "
            f"{', '.join(self.fields)}; {size_text(self.bytes)} in {self.shards} shard{'s' * (self.shards > 1)}"
        )


def describe(recipe: Recipe) -> Plan:
    """The size of the dataset of a recipe.

    Raises:
        ValueError: when the recipe does not describe a problem.
    """
    grid = problem.grid_of(recipe)
    fields = problem.first_equation(recipe).fields
    arrays = [array for split in recipe.splits.sizes for array in schema.variables(recipe, split, grid, fields)]
    return Plan(
        name=recipe.name,
        samples=recipe.splits.sizes,
        fields=fields,
        frames=recipe.times.count,
        points=grid.points,
        shards=sum(recipe.shard_counts.values()),
        bytes=sum(array.nbytes for array in arrays),
    )


def size_text(size: int) -> str:
    """A number of bytes for people, "7.0 MB"."""
    value, unit = float(size), "B"
    for larger in ("kB", "MB", "GB", "TB", "PB"):
        if value < 1000:
            break
        value, unit = value / 1000, larger
    return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
