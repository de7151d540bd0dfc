"""Some samples of a dataset solved again and held against what is stored.

On a machine that rounds alike and with the software that made a dataset, a sample has the same bits, whatever is solved
with it. Elsewhere solutions differ, by as much as their tolerances allow; for chaotic ones that holds up to the horizon
only, and that is the new one: what is stored may be anything.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from pdesym.datasets import schema
from pdesym.datasets.block import solved_block
from pdesym.datasets.checked_values import Part
from pdesym.datasets.problem import times_of
from pdesym.datasets.recipe import Recipe

Batch = tuple[str, tuple[int, ...]]
"""Samples of a split that are solved together: all those of a batch of the recipe that were chosen."""

_ALIKE = 0.9
"""Share of stored values with the same bits from which on this machine counts as one that rounds alike."""

_FIXED_STEP = 1e-6
"""Relative difference that is allowed elsewhere to solutions of a fixed step, which have no estimate of an error."""

_MOST_TIMES_THE_ERROR = 100.0
"""Ratio of a stored estimate of an error and a new one, from which on it is not an estimate of the same error."""

_SHARE_OF_THE_ERROR = 0.01
"""Share of the tolerance below which errors are all alike."""

_SHARE_OF_THE_TIME = 0.25
"""Share of the time that a stored horizon may differ from the new one elsewhere."""

_ACCOUNT = ("error", "horizon", "steps", "points_used")


@dataclass(frozen=True)
class Comparison:
    """What came of solving a batch again.

    Attributes:
        samples: that were compared.
        findings: differences that nothing allows: other samples failed, other numbers were drawn.
        strict: differences of more than the last bits.
        tolerant: differences of more than the tolerance.
        values: numbers of the fields that were compared.
        alike: how many of them have the same bits, up to the last two.
    """

    samples: int
    findings: tuple[str, ...]
    strict: tuple[str, ...]
    tolerant: tuple[str, ...]
    values: int
    alike: int


def judged(compared: Sequence[Comparison], same_versions: bool) -> tuple[list[str], bool]:
    """The differences that are more than what is allowed, and whether that was the last bits only.

    Where versions are the same and nearly all stored values have the bits of the new ones, this machine rounds as the
    one that generated the data: a value may then differ by its last two bits, anything more is a finding. Elsewhere,
    with v stored and w new, ‖v − w‖₂ ≤ (2 rtol + 4 ε) ‖w‖₂ must hold at each frame up to the new horizon, where ε is
    the rounding of the stored numbers and rtol is 5e-7 for a fixed step; invariants get ten times as much. The stored
    horizon may then differ by a quarter of the time, and the stored error by a factor of 100, unless both are below
    rtol/100. What is drawn must agree to 1e-12 always.
    """
    values, alike = sum(each.values for each in compared), sum(each.alike for each in compared)
    strictly = same_versions and alike >= _ALIKE * values
    return [
        finding for each in compared for finding in (*each.findings, *(each.strict if strictly else each.tolerant))
    ], strictly


def drawn_batches(recipe: Recipe, samples: int | None, seed: int) -> list[Batch]:
    """Some samples, drawn from all splits alike, or all samples when `samples` is None, by what is solved together.

    The draw goes round the splits, so that each gets its share. Samples that no batch of the recipe has in common are
    not solved together, so that the memory is that of generating.
    """
    generator = np.random.default_rng(seed)
    sizes = recipe.splits.sizes
    wanted = total = sum(sizes.values())
    if samples is not None:
        wanted = min(samples, total)
    left = {
        split: iter(generator.choice(size, min(wanted, size), replace=False).tolist()) for split, size in sizes.items()
    }
    chosen: dict[tuple[str, range], list[int]] = {}
    while wanted and left:
        for split in list(left):
            sample = next(left[split], None)
            if sample is None:
                del left[split]
            elif wanted:
                wanted -= 1
                chosen.setdefault((split, batch_with(recipe, split, sample)), []).append(sample)
    order = sorted(chosen, key=lambda batch: (list(sizes).index(batch[0]), batch[1].start))
    return [(split, tuple(sorted(chosen[split, batch]))) for split, batch in order]


def batch_with(recipe: Recipe, split: str, sample: int) -> range:
    """The samples that are solved together with one when the dataset is generated."""
    size, shard = schema.batch_of(recipe), recipe.samples(split, sample // recipe.shard)
    first = shard.start + (sample - shard.start) // size * size
    return range(first, min(first + size, shard.stop))


def compared(recipe: Recipe, part: Part, samples: Sequence[int], device: str = "cpu") -> Comparison:
    """Solves some samples of a batch again, increasing, and compares every variable of them with what is stored."""
    arrays, failures = solved_block(recipe, part.split, samples, device)
    span, chosen = slice(samples[0], samples[-1] + 1), np.array(samples) - samples[0]
    stored = {name: np.asarray(array[span])[chosen] for name, array in part.arrays.items()}
    failed = {sample for row, sample in enumerate(samples) if stored[schema.STATUS][row] == schema.FAILED}
    findings = [
        f"{schema.STORE}/{part.split}/status: sample {sample} "
        + ("failed, and has a solution when solved anew." if sample in failed else "fails when solved anew.")
        for sample in sorted(failed ^ set(failures))
    ]
    rows = np.array([row for row, s in enumerate(samples) if s not in failed and s not in failures], dtype=int)
    new = {name: np.asarray(arrays[name]).astype(stored[name].dtype) for name in stored if name in arrays}
    solved = [name for name in new if name in (*part.fields, *_ACCOUNT) or name.startswith(schema.INVARIANT)]
    for name in set(new) - set(solved):
        off = ~np.isclose(stored[name], new[name], rtol=1e-12, atol=0, equal_nan=True)
        findings += [_said(part, name, samples[row], stored[name][row], new[name][row]) for row in rows if off[row]]
    alike = [_ulps(stored[name][rows], new[name][rows]) <= 2 for name in part.fields] if len(rows) else []
    return Comparison(
        len(samples),
        tuple(findings),
        tuple(said for name in solved for said in _strict(part, name, samples, rows, stored[name], new[name])),
        tuple(_tolerant(recipe, part, samples, rows, stored, new)),
        sum(each.size for each in alike),
        sum(int(each.sum()) for each in alike),
    )


def _strict(
    part: Part, name: str, samples: Sequence[int], rows: np.ndarray, stored: np.ndarray, new: np.ndarray
) -> Iterator[str]:
    """Differences of more than the last bits; sums of many values, the account and the invariants, get some more."""
    if name in part.fields:
        off = _ulps(stored, new) > 2
    else:
        scale = np.nanmax(np.abs(np.where(np.isfinite(new), new, np.nan)), initial=0.0)
        off = ~np.isclose(stored, new, rtol=1e-6, atol=1e-9 * scale, equal_nan=True)
    for row in rows:
        where = np.argwhere(np.atleast_1d(off[row]))
        if len(where):
            index = tuple(where[0].tolist()) if np.ndim(off[row]) else ()
            yield _said(part, name, samples[row], stored[row][index], new[row][index], index)


def _tolerant(
    recipe: Recipe,
    part: Part,
    samples: Sequence[int],
    rows: np.ndarray,
    stored: Mapping[str, np.ndarray],
    new: Mapping[str, np.ndarray],
) -> Iterator[str]:
    """Differences of more than two solutions may have that are both within the tolerance."""
    rtol = _FIXED_STEP / 2 if recipe.rtol is None else recipe.rtol
    times = times_of(recipe).numpy()
    invariants = [name for name in new if name.startswith(schema.INVARIANT)]
    for row in rows:
        v, w = (np.stack([of[name][row].astype("float64") for name in part.fields], 1) for of in (stored, new))
        allowed = 2 * rtol + 4 * float(np.finfo(stored[part.fields[0]].dtype).eps)
        distance = np.linalg.norm((v - w).reshape(len(times), -1), axis=1)
        size = np.linalg.norm(w.reshape(len(times), -1), axis=1)
        holds = times <= np.nanmin([new["horizon"][row], np.inf])
        for name in ("error", "horizon"):
            if not _estimates_alike(recipe, name, float(stored[name][row]), float(new[name][row])):
                yield _said(part, name, samples[row], stored[name][row], new[name][row])
        off = np.flatnonzero(~(distance <= allowed * size) & holds)
        if len(off):
            frame = off[0]
            yield (
                f"{schema.STORE}/{part.split}: sample {samples[row]} is not the solution at t = {times[frame]:g}, the "
                f"relative difference is {distance[frame] / (size[frame] or 1.0):.1e} and {allowed:.1e} is allowed."
            )
        for name in invariants:
            one, other = stored[name][row], new[name][row]
            room = 10 * allowed * np.abs(other).max() + 1e-9
            off = np.flatnonzero(~(np.abs(one - other) <= room) & holds)
            if len(off):
                yield _said(part, name, samples[row], one[off[0]], other[off[0]], (int(off[0]),))


def _estimates_alike(recipe: Recipe, name: str, stored: float, new: float) -> bool:
    """Whether two estimates of an error, or of the horizon, may be of the same solution on two machines."""
    if np.isnan(stored) or np.isnan(new):
        return bool(np.isnan(stored) and np.isnan(new))
    if name == "horizon":
        return 0 <= stored <= recipe.times.last and abs(stored - new) <= _SHARE_OF_THE_TIME * recipe.times.last
    low, high = (max(error, _SHARE_OF_THE_ERROR * (recipe.rtol or 0.0)) for error in sorted((stored, new)))
    return stored >= 0 and high <= _MOST_TIMES_THE_ERROR * low


def _ulps(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """The distance of two arrays in units of the last place; 0 where both are nan, infinite where one is."""
    spacing = np.spacing(np.maximum(np.abs(one), np.abs(other)))
    with np.errstate(invalid="ignore"):
        steps = np.abs(one - other) / spacing
    return np.where(np.isnan(one) & np.isnan(other), 0.0, np.where(np.isnan(steps), np.inf, steps))


def _said(part: Part, name: str, sample: int, stored: object, new: object, index: tuple[int, ...] = ()) -> str:
    place = f" at {list(index)}" if index else ""
    return f"{schema.STORE}/{part.split}/{name}: sample {sample} has {stored}{place} and solved anew {new}."
