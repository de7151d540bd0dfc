"""The card of a dataset: what it is, what is in it, and how it is read."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from rich.console import RenderableType

from pdesym.datasets import open_dataset
from pdesym.datasets.schema import CARD_FILES, versions
from pdesym.datasets.stored import OWN_SCALES
from pdesym.datasets.stretched import STRETCH
from pdesym.datasets.summary import SplitSummary, Summary, summarise
from pdesym.report.algebra_text import structure_sentences, variables_text
from pdesym.report.atomic import write_atomically
from pdesym.report.card_sections import Figure, Section, listed, markdown_text, terminal_parts
from pdesym.report.dataset_figure import numbers_figure, own_length, trajectories_figure
from pdesym.report.figures.png import png
from pdesym.report.number_text import NOT_MEASURED, given_text, measured_text
from pdesym.solvers import CATALOGUE
from pdesym.solvers.card import Card
from pdesym.symmetry.determine import determine

README, TRAJECTORIES, NUMBERS = CARD_FILES

_SHOWN = 3
_FLOAT32 = 1e-6


@dataclass(frozen=True)
class DatasetCard:
    """What a dataset is and what is in it.

    Attributes:
        summary: its numbers.
        symmetries: the algebra of its equation as JSON (see `Determined.to_json`), or None.
        reason: why there is no algebra, or "".
    """

    summary: Summary
    symmetries: Mapping[str, Any] | None
    reason: str

    @property
    def title(self) -> str:
        """The name of the dataset."""
        return str(self.summary.attributes.get("name", self.summary.directory.name))

    @cached_property
    def sections(self) -> tuple[Section, ...]:
        """All parts of the card, in order."""
        return tuple(_sections(self))

    def parts(self) -> Iterator[RenderableType]:
        """The card for a terminal."""
        return terminal_parts(self.title, self.sections)

    @property
    def markdown(self) -> str:
        """The card as a Markdown document."""
        return markdown_text(self.title, self.sections)

    def write(self, out: str | Path | None = None) -> Path:
        """Writes README.md and the figures; gives back the path of README.md.

        Each file appears at once; README.md, which names the others, is the last.

        Args:
            out: folder, that of the dataset if not given.

        Raises:
            OSError: when the files cannot be written.
        """
        folder = self.summary.directory if out is None else Path(out)
        split = self.summary.splits[0]
        samples, fields = _examples(self.summary, split)
        drawn = ((TRAJECTORIES, trajectories_figure(self.summary, fields, samples)),)
        for path, figure in (*drawn, (NUMBERS, numbers_figure(self.summary, split))):
            write_atomically(folder / path, png(figure, f"{self.title}: {split.name}", 130))
        return write_atomically(folder / README, self.markdown.encode())


def describe_dataset(directory: str | Path, out: str | Path | None = None, symmetries: bool = True) -> DatasetCard:
    """The card of a dataset, generated or imported; also written, with its figures, as README.md.

    Args:
        directory: the folder of the dataset.
        out: folder of README.md and `figures/`; that of the dataset if not given.
        symmetries: whether to determine the symmetry algebra of its equation: a second in 1D, up to a minute in 2D.

    Raises:
        FileNotFoundError: when there is no dataset in the folder.
        NotADirectoryError: when `out` is a file.
        ValueError: when the dataset is not complete or damaged.
        OSError: when the files cannot be written.
    """
    if out is not None and Path(out).exists() and not Path(out).is_dir():
        raise NotADirectoryError(f"{out} is a file: give a folder for the card.")
    card = dataset_card(directory, symmetries)
    card.write(out)
    return card


def dataset_card(directory: str | Path, symmetries: bool = True) -> DatasetCard:
    """The card of a dataset; nothing is written.

    Raises:
        FileNotFoundError: when there is no dataset in the folder.
        ValueError: when the dataset is not complete or damaged.
    """
    summary = summarise(directory)
    algebra, reason = _algebra(summary) if symmetries else (None, "they were not asked for")
    return DatasetCard(summary, algebra, reason)


def _algebra(summary: Summary) -> tuple[dict[str, Any] | None, str]:
    """The symmetries of the equation for the fixed parameters and any values of the drawn ones, or why not."""
    texts, relations = summary.attributes["equation_text"], summary.attributes["where"]
    if not texts:
        return None, "the dataset does not say which equation it solves"
    if len(summary.axes) > 2:
        return None, "in three dimensions they take minutes: ask `pdesym determine`"
    values = {name: Fraction(repr(value)) for name, value in summary.attributes["parameters"].items()}
    try:
        found = determine(texts, where=relations, dims=len(summary.axes), values=values, special=False)
    except ValueError as error:
        return None, str(error).splitlines()[0]
    return found.to_json(), ""


def _examples(summary: Summary, split: SplitSummary) -> tuple[list[int], dict[str, np.ndarray]]:
    """A few trajectories that did not fail."""
    with open_dataset(summary.directory, split.name) as data:
        samples = np.flatnonzero(data["status"].values == 1)[: _SHOWN if len(summary.axes) == 1 else 1].tolist()
        shown = [field.name for field in split.fields][:4]
        return samples, {name: np.asarray(data[name][samples].values, dtype=float) for name in shown}


def _sections(card: DatasetCard) -> Iterator[Section]:
    summary = card.summary
    yield _equation(summary)
    yield _symmetries(card)
    yield _layout(summary)
    yield _splits(summary)
    yield _fields(summary)
    yield Section(
        "Trajectories",
        figure=Figure(
            TRAJECTORIES, f"Trajectories of the split {summary.splits[0].name}; grey is where there are none"
        ),
    )
    yield _accuracy(summary)
    yield from _failures(summary)
    yield Section("How to read it", code=_reading(summary), language="python")
    yield from _provenance(summary)


def _equation(summary: Summary) -> Section:
    attributes, lines = summary.attributes, []
    if card := _catalogue_card(summary):
        lines += [f"{card.name}, {card.formula}: {card.behaviour}"]
    values = ", ".join(f"{name} = {given_text(value)}" for name, value in attributes["parameters"].items())
    lines += [f"with {values}"] if values else []
    fine = ", of those that did not fail" if any(split.failures for split in summary.splits) else ""
    for name, law in summary.distributions.items():
        bounds = [split.drawn[name] for split in summary.splits]
        found = f"from {measured_text(min(low for low, _ in bounds))} to {measured_text(max(h for _, h in bounds))}"
        lines.append(f"every sample has its own {name}, {f'{law}, ' if law else ''}{found} here{fine}")
    code = "\n".join([*attributes["equation_text"], *(f"where {relation}" for relation in attributes["where"])])
    if not code:
        lines.append("the dataset does not say which equation it solves")
    return Section("Equation", tuple(lines), code=code)


def _catalogue_card(summary: Summary) -> Card | None:
    """What the catalogue says, where the recipe takes its equation from there."""
    recipe = _recipe(summary)
    name = recipe.get("equation")
    if not isinstance(name, str) or name not in CATALOGUE:
        return None
    numbers = dict(summary.attributes["parameters"])
    drawn = {key: 1.0 for key in summary.distributions if key not in OWN_SCALES}
    parameters: dict[str, Any] = {**numbers, **drawn}
    try:
        return CATALOGUE[name](**parameters).card
    except (TypeError, ValueError):
        return None


def _recipe(summary: Summary) -> dict[str, Any]:
    try:
        found = yaml.safe_load(str(summary.attributes.get("recipe", "")))
    except yaml.YAMLError:
        return {}
    return found if isinstance(found, dict) else {}


def _symmetries(card: DatasetCard) -> Section:
    found = card.symmetries
    if found is None:
        return Section("Symmetries of the equation", (f"not determined: {card.reason}",))
    count = found["dimension"]
    free = f", for any {', '.join(found['parameters'])}, special values apart" if found["parameters"] else ""
    lines = [f"{count} generator{'s' * (count != 1)} in {variables_text(found)}, exactly{free}"]
    if found["ideal"] is not None:
        lines.append(f"and the superposition {found['ideal']['direction']} with {found['ideal']['equation']}")
    lines += [f"and {family['text']}" for family in found["families"]]
    lines += structure_sentences(found)[:2] if count else []
    rows = tuple((f"v{k}", text) for k, text in enumerate(found["generators"], start=1))
    return Section("Symmetries of the equation", tuple(lines), ("generator", "vector field") if rows else (), rows)


def _layout(summary: Summary) -> Section:
    times = summary.times
    recipe = _recipe(summary)
    lines = []
    for axis in summary.axes:
        kind = "periodic" if axis.periodic else "not periodic"
        own = "; every sample has its own length" if own_length(summary) else ""
        lines.append(f"{axis.name}: {axis.points} points on a length of {given_text(axis.length)}, {kind}{own}")
    steps = np.diff(times)
    even = bool(np.ptp(steps) <= _FLOAT32 * abs(times[-1] - times[0]))  # the times of others may be rounded to it
    lines.append(
        f"time: {len(times)} frames from {given_text(float(times[0]))} to {given_text(float(times[-1]))}"
        + (f", every {given_text(float(f'{steps.mean():.7g}'))}" if even else ", at unequal steps")
        + ("; every sample has its own factor on them" if STRETCH in summary.distributions else "")
    )
    if burn_in := recipe.get("times", {}).get("burn_in"):
        lines.append(f"before that the fields below were carried for {given_text(burn_in)}, the burn-in")
    code = yaml.safe_dump(recipe["initial"], sort_keys=False).strip() if "initial" in recipe else ""
    if code:
        lines.append("the initial fields:")
    return Section("Grid, times, initial fields", tuple(lines), code=code, language="yaml")


def _splits(summary: Summary) -> Section:
    rows = tuple(
        (
            split.name,
            given_text(float(split.samples)),
            given_text(float(len(split.failures))),
            _size(split.bytes),
            _size(split.stored_bytes),
        )
        for split in summary.splits
    )
    return Section("Splits", heads=("split", "samples", "of them failed", "decoded", "on the disk"), rows=rows)


def _fields(summary: Summary) -> Section:
    heads = ("split", "field", "least", "most", "mean", "deviation", "spectral tail")
    rows = tuple(
        (
            split.name,
            f"{field.name} ({field.dtype})",
            *(measured_text(value) for value in (field.least, field.most, field.mean, field.std)),
            measured_text(field.tail) if field.power else NOT_MEASURED,
        )
        for split in summary.splits
        for field in split.fields
    )
    tail = "the tail is the share of the last third of the wavenumbers in the norm, the largest over axes and frames"
    return Section("Fields", (tail,), heads, rows)


def _accuracy(summary: Summary) -> Section:
    heads = ("split", "", "median", "largest", "samples")
    rows = []
    for split in summary.splits:
        if len(split.error):
            median, most = float(np.median(split.error)), float(split.error.max())
            rows.append(
                (split.name, "estimated error", measured_text(median), measured_text(most), f"{len(split.error)}")
            )
        for each in split.invariants:
            drift = measured_text(each.absolute) if each.relative is None else measured_text(each.relative)
            kind = ", which is 0" if each.relative is None else ", of sampling" if each.sampled else ""
            count = f"{split.samples - len(split.failures)}"
            rows.append((split.name, f"drift of {each.name}{kind}", NOT_MEASURED, drift, count))
    lines = [
        "errors are those that the solver estimates, relative, each the largest over the frames"
        if any(len(split.error) for split in summary.splits)
        else "no errors were estimated"
    ]
    about = {each.name: each.about for split in summary.splits for each in split.invariants}
    if about:
        lines.append(
            "drifts are those of the integrals over the stored points, relative to the size of the integral, absolute "
            "where it is 0 to within rounding"
        )
        lines += [f"{name}: {text}" for name, text in about.items()]
        lines += [_whose_drifts(split) for split in summary.splits if split.invariants]
    lines += [
        f"{split.name}: the error of {split.beyond} samples stays within the tolerance only up to some time before the "
        "last frame, their `horizon`"
        for split in summary.splits
        if split.beyond
    ]
    caption = f"Spectra, drift of the invariants and errors of the split {summary.splits[0].name}"
    return Section("Accuracy", tuple(lines), heads if rows else (), tuple(rows), figure=Figure(NUMBERS, caption))


def _whose_drifts(split: SplitSummary) -> str:
    """Whether the drifts are those of the solutions, or of too few stored points."""
    resolution = split.resolution
    if resolution.is_enough is None:
        return f"{split.name}: whether the stored points are enough for the integrals is not known without a spectrum"
    if resolution.is_enough:
        return (
            f"{split.name}: the stored points resolve the fields (the last third of the wavenumbers has at most "
            f"{measured_text(resolution.share)} of the norm of a sample), so drifts are those of the solutions"
        )
    sampled = [each.name for each in split.invariants if each.sampled]
    beyond = " beyond the largest estimated error" if len(split.error) else ""
    verdict = (
        f"the drift of {listed(sampled)}{beyond} is one of this sampling, no measure of what the solutions keep"
        if sampled
        else "no drift is beyond the largest estimated error"
    )
    return f"{split.name}: the stored points do not resolve the fields ({', and '.join(resolution.reasons)}): {verdict}"


def _failures(summary: Summary) -> Iterator[Section]:
    lines = [
        f"{split.name} {sample}: {reason}" for split in summary.splits for sample, reason in split.failures.items()
    ]
    if lines:
        more = [f"and {len(lines) - 20} more, in the attribute failures"] if len(lines) > 20 else []
        yield Section("Samples that failed", (*lines[:20], *more))


def _reading(summary: Summary) -> str:
    split = summary.splits[0]
    frames = len(summary.times)
    into = max(1, min(10, frames // 4))
    text = [
        "from pdesym.datasets import Normaliser, WindowLoader, Windows, open_dataset",
        "",
        f'data = open_dataset("FOLDER", "{split.name}")  # a lazy xarray.Dataset',
    ]
    if all(axis.periodic for axis in summary.axes):
        text.append(f'windows = Windows.open("FOLDER", "{split.name}", frames_in={into}, frames_out={into})')
        if split.name == "train":
            text.append('windows = windows.normalised(Normaliser.fit("FOLDER"))')
        text += [
            "for window in WindowLoader(windows, batch=16, seed=0):",
            "    window.u_in, window.u_out, window.times",
        ]
    else:
        text[0] = "from pdesym.datasets import open_dataset"
    return "\n".join(text)


def _provenance(summary: Summary) -> Iterator[Section]:
    attributes = summary.attributes
    lines = []
    if attributes.get("source"):
        lines.append(f"source: {attributes['source']}")
    for key in ("solver", "rtol", "dt", "seed"):
        if key in attributes:
            value = attributes[key]
            lines.append(f"{key}: {given_text(float(value)) if isinstance(value, int | float) else value}")
    made = ", ".join(
        f"{key.removesuffix('_version')} {attributes[key]}" for key in versions("cpu") if key in attributes
    )
    lines += [f"made with {made}"] if made else []
    recipe = str(attributes.get("recipe", "")).strip()
    if recipe:
        lines.append("the recipe, from which pdesym generate makes the same numbers:")
    yield Section("Where it comes from", tuple(lines), code=recipe, language="yaml")


def _size(count: int) -> str:
    value, unit = float(count), "B"
    for larger in ("kB", "MB", "GB", "TB"):
        if value < 1000:
            break
        value, unit = value / 1000, larger
    return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
