"""Whether a dataset is what its recipe says: files, metadata, every value, and some samples solved anew."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from pdesym.datasets import schema, store
from pdesym.datasets.checked_values import Part, value_findings
from pdesym.datasets.imported_metadata import consolidated_findings, imported_files, imported_part
from pdesym.datasets.progress import shown_progress
from pdesym.datasets.rederived import (
    Rederived,
    failures_of,
    left_out_of,
    metadata_findings,
    rederived,
    size_findings,
    version_notes,
)
from pdesym.datasets.solved_anew import compared, drawn_batches, judged
from pdesym.datasets.stored_metadata import splits_in
from pdesym.datasets.verified_files import Files, manifest_findings


@dataclass(frozen=True)
class Verification:
    """What looking through a dataset found.

    Attributes:
        directory: the folder.
        samples: that the dataset has.
        decoded: samples of which every value was read and held against the checksum.
        solved: samples that were solved anew and compared.
        findings: everything that is not as it should be, a sentence each, which names file, key and sample.
        notes: what is no fault: other versions of the software, values that agree within the tolerance only.
    """

    directory: Path
    samples: int
    decoded: int
    solved: int
    findings: tuple[str, ...]
    notes: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether nothing was found."""
        return not self.findings

    def __str__(self) -> str:
        done = f"{self.decoded} of {self.samples} samples decoded, {self.solved} solved anew"
        said = "as it should be" if self.ok else f"{len(self.findings)} finding{'s' * (len(self.findings) > 1)}"
        lines = [f"{self.directory}: {said}; {done}."]
        lines += [f"  {finding}" for finding in self.findings]
        return "\n".join([*lines, *(f"  Note: {note}" for note in self.notes)])


def verify(directory: str | Path, samples: int | None = 8, seed: int = 0, progress: bool = True) -> Verification:
    """Looks through a complete dataset for anything that is not as it was written.

    1. The files of metadata have the SHA-256 of the manifest, none is missing and none is too many.
    2. The store is made anew from the recipe: every shape, codec, attribute and coordinate is compared with it.
    3. Every value is decoded and every sample's checksum computed again; status and failures agree.
    4. Some samples are solved anew and compared value by value.

    Imported data have no recipe: their metadata are held against each other, and nothing is solved. No more than one
    shard is in memory.

    Args:
        directory: the folder.
        samples: how many to draw from all splits for step 4, none or more; None means all.
        seed: of that draw.
        progress: whether to say on standard error how far it is.

    Raises:
        FileNotFoundError: when there is no dataset in the folder.
        ValueError: when the dataset is not complete.
    """
    if samples is not None and samples < 0:
        raise ValueError(f"Expected at least 0 samples to solve anew, got {samples}.")
    directory = Path(directory)
    splits = splits_in(directory)
    files = Files.below(directory)
    _refuse_unfinished(directory, splits, files)
    look = _generated if schema.RECIPE_FILE in {*files.sizes, *files.strange} else _imported
    return look(directory, files, samples, seed, progress)


def _refuse_unfinished(directory: Path, splits: tuple[str, ...], files: Files) -> None:
    """A dataset without a manifest is one that is still being made, unless all its parts say that they are complete."""
    if schema.MANIFEST in {*files.sizes, *files.strange}:
        return
    for split in splits:
        try:
            complete = files.json(f"{schema.STORE}/{split}/zarr.json")["attributes"]["complete"]
        except (ValueError, KeyError, TypeError):
            continue  # damaged, which is a finding
        if complete != 1:
            raise ValueError(
                f"The dataset in {directory} is not complete, {schema.MANIFEST} is missing and the split {split} says "
                "so: repeat the command that generates it."
            )


def _generated(directory: Path, files: Files, samples: int | None, seed: int, progress: bool) -> Verification:
    findings = _strange_findings(files) + manifest_findings(files)

    def ended(*more: str) -> Verification:
        return Verification(directory, 0, 0, 0, (*findings, *more))

    if schema.RECIPE_FILE not in files.sizes:
        return ended()
    try:
        recipe = store.recipe_in(directory)
    except ValueError as error:
        return ended(str(error))
    if sizes := size_findings(recipe, files):
        return ended(*sizes)
    total = sum(recipe.splits.sizes.values())
    with ExitStack() as stack:
        try:
            made = stack.enter_context(rederived(recipe, files))
        except ValueError as error:
            return ended(f"{schema.RECIPE_FILE} describes no dataset: {error}")
        findings += metadata_findings(made, files)
        parts, said = _parts(made, files)
        findings += said
        batches = drawn_batches(recipe, samples, seed)
        steps = total + sum(len(batch) for _, batch in batches)
        advance = stack.enter_context(_advance(progress, recipe.name, steps))
        damaged, said = _decoded(parts.values(), files, advance)
        findings += said
        whole = [(split, tuple(s for s in chosen if (split, s) not in damaged)) for split, chosen in batches]
        notes = version_notes(made)
        comparisons = []
        for split, chosen in whole:
            if chosen:
                comparisons.append(compared(recipe, parts[split], chosen))
                advance(len(chosen))
    said, strictly = judged(comparisons, not notes)
    findings += said
    solved = sum(comparison.samples for comparison in comparisons)
    if not strictly:
        notes.append(f"{solved} samples solved anew were compared within the tolerance, their bits are others.")
    return Verification(directory, total, total - len(damaged), solved, tuple(dict.fromkeys(findings)), tuple(notes))


def _imported(directory: Path, files: Files, samples: int | None, seed: int, progress: bool) -> Verification:
    findings = _strange_findings(files) + manifest_findings(files) + consolidated_findings(files)
    parts, belonging = {}, {f"{schema.STORE}/zarr.json"}
    belonging |= {schema.LOCK, schema.MANIFEST, schema.SOURCE_FILE, *schema.CARD_FILES}
    for split in splits_in(directory):
        try:
            part = imported_part(directory, split, files)
        except ValueError as damage:
            findings.append(str(damage))
            continue
        parts[split] = part
        belonging |= imported_files(part, files)
    if len(parts) == len(splits_in(directory)):
        findings += [f"{name} does not belong to the dataset." for name in sorted(set(files.sizes) - belonging)]
    total = sum(part.samples for part in parts.values())
    with ExitStack() as stack:
        advance = stack.enter_context(_advance(progress, directory.name, total))
        damaged, said = _decoded(parts.values(), files, advance)
    notes = ("The data are imported: there is no recipe to solve them anew by.",)
    return Verification(directory, total, total - len(damaged), 0, tuple(dict.fromkeys([*findings, *said])), notes)


def _parts(made: Rederived, files: Files) -> tuple[dict[str, Part], list[str]]:
    parts, findings = {}, []
    for split, group in made.layout.groups.items():
        try:
            failures, unnamed = failures_of(files, split), left_out_of(files, split)
        except ValueError as damage:
            failures, unnamed = {}, 0
            findings.append(str(damage))
        names = [variable.name for variable in group.variables]
        fields = tuple(variable.name for variable in group.variables if len(variable.dims) > 2)
        arrays = {name: made.array(split, name) for name in names}
        parts[split] = Part(split, fields, arrays, made.layout.sizes[split], made.layout.shard, failures, unnamed)
    return parts, findings


def _decoded(
    parts: Iterable[Part], files: Files, advance: Callable[[int], None]
) -> tuple[set[tuple[str, int]], list[str]]:
    """The samples with something wrong, and what it is."""
    damaged: set[tuple[str, int]] = set()
    findings = []
    for part in parts:
        for said, samples in value_findings(part, files, advance):
            findings.append(said)
            damaged |= {(part.split, sample) for sample in samples}
    return damaged, findings


def _strange_findings(files: Files) -> list[str]:
    return [f"{name} is {what}: a dataset consists of plain files." for name, what in sorted(files.strange.items())]


@contextmanager
def _advance(progress: bool, name: str, samples: int) -> Iterator[Callable[[int], None]]:
    with shown_progress(f"verifying {name}", 0, samples) if progress else nullcontext(lambda new: None) as advance:
        yield advance
