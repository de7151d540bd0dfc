"""Whether data can tell one equation from another."""

import itertools
from collections.abc import Sequence

import numpy as np

from pdesym.symmetry.discover.sparse_regression import Fit
from pdesym.symmetry.discover.weak_form import Term, WeakForm

# A direction is trivial when noise accounts for its weak form by this factor, or when it is this small.
_NOISE_FACTOR, _SMALLEST = 1.2, 1e-3
# An equation fits as well when it leaves at most this much more, or this little.
_AS_WELL, _EXACT = 1.05, 1e-6


def trivial_direction(form: WeakForm) -> str | None:
    """The combination of ∂_x, ∂_t and u ∂_u that moves no trajectory, in words; None where every one does.

    The rank of the Gram matrix of their characteristics −u_x, −u_t and u, each in its weak form. Data that a
    one-parameter group leaves as they are, such as a single travelling wave, solve every equation that has this wave
    among its solutions: u_t = −c u_x, and many others with other symmetries.
    """
    wanted = (Term(1, 0), Term(1, 1))
    if any(term not in form.terms for term in wanted):
        return None
    chosen = [*(form.terms.index(term) for term in wanted), len(form.terms)]
    columns = form.factor[:, chosen]
    size = np.linalg.norm(columns, axis=0)
    if not (size > 0).all():
        return "the data do not change in space or in time"
    _, values, directions = np.linalg.svd(columns / size)
    combination = np.zeros(len(form.terms) + 1)
    combination[chosen] = directions[-1] / size
    if values[-1] > max(_SMALLEST, _NOISE_FACTOR * form.expected_residual(combination)):
        return None
    # Written with 1 before the largest part, which u_t has unless the data stand still.
    share, direction = np.abs(directions[-1]), directions[-1] / size
    direction = direction / direction[2 if share[2] > 0.1 else int(share.argmax())]
    parts = [f"{direction[j]:+.4g}*{('u', 'u_x', 'u_t')[j]}" for j in (2, 1, 0) if share[j] > 0.01]
    return (
        f"the data satisfy {' '.join(parts).removeprefix('+')} = 0, up to noise: some symmetry leaves them as they are"
    )


def same_fit(form: WeakForm, fit: Fit) -> str | None:
    """Another equation, with no more terms, that fits as well, in words; None where there is none."""
    factor = form.factor
    size = np.linalg.norm(factor, axis=0)
    scaled = factor / size
    limit = max(_AS_WELL * fit.residual, _EXACT)
    for count in range(1, len(fit.support) + 1):
        for rival in itertools.combinations(range(len(form.terms)), count):
            # What lies inside or around the support has been decided by the standard errors.
            if set(rival) >= set(fit.support) or set(rival) <= set(fit.support):
                continue
            columns = scaled[:, rival]
            weights = np.linalg.lstsq(columns, scaled[:, -1], rcond=None)[0]
            if np.linalg.norm(columns @ weights - scaled[:, -1]) <= limit:
                return f"the data satisfy {_written(form.terms, rival, weights, size)} as well"
    return None


def _written(terms: Sequence[Term], chosen: Sequence[int], weights: np.ndarray, size: np.ndarray) -> str:
    parts = [f"{w * size[-1] / size[j]:+.3g}*{terms[j]}" for j, w in zip(chosen, weights, strict=True)]
    return f"u_t = {' '.join(parts).removeprefix('+')}"
