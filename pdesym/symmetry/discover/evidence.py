"""How many values of a spectrum count as zero, by its gaps, samples held out, and a symmetry that is known."""

from dataclasses import replace

import numpy as np

from pdesym.symmetry.discover.spectrum import ROUNDING, Decision, by_gap

# A gap smaller than this leaves the dimension open, and one as large above the chosen one wants a word.
CLEAR_GAP = 30.0
# Combinations may be so many times worse on samples on which they were not chosen.
CHANCE = 3.0


def by_evidence(values: np.ndarray, held_out: np.ndarray, calibration: float | None) -> Decision:
    """Zero is what lies below the largest gap; no value counts as smaller than the calibration or what is held out.

    Args:
        values: relative defects or singular values, ascending; 1 means that nothing cancels.
        held_out: for each k the largest value, on half of the samples, of the k combinations found on the other half.
        calibration: the defect of a symmetry that is known to be one; None for an operator that is exact to rounding.
    """
    floor = max(ROUNDING, calibration or 0.0)
    found = by_gap(values, floor, held_out)
    count = found.dimension
    source = "rounding" if calibration is None else f"rounding and the calibration, {calibration:.1e}"
    last = f"σ_{count} = {values[count - 1]:.1e} ({held_out[count - 1]:.1e} held out)" if count else "none is"
    following = f"σ_{count + 1} = {values[count]:.1e}" if count < len(values) else "there are no others"
    rule = f"the largest gap above {source}, a factor {found.margin:.1e}: {last}, {following}"
    flags: tuple[str, ...] = ()
    if found.margin < CLEAR_GAP:
        flags += (f"unclear: the gap is only a factor {found.margin:.1f}, the dimension may be wrong",)
    if count and held_out[count - 1] > CHANCE * max(values[count - 1], floor):
        flags += (
            f"chance: what half of the samples give has up to {held_out[count - 1]:.1e} on the others, "
            f"{values[count - 1]:.1e} on all; more samples may leave fewer",
        )
    near = np.flatnonzero(np.append(values, 1.0)[count + 1 :] > CLEAR_GAP * values[count:])
    if len(near):
        more = int(near[-1]) + 1
        flags += (
            f"near: {more} more, up to {values[count + more - 1]:.1e}, lie far below the rest; they are broken, or the "
            "operator is not exact, which a calibration would tell",
        )
    return replace(found, rule=rule, flags=flags)
