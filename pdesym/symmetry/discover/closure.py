"""Whether the brackets of found vector fields stay among them, on numbers."""

import itertools
from collections.abc import Sequence

import numpy as np
import torch

from pdesym.solvers.torch_function import torch_function
from pdesym.symmetry.discover.jets_numeric import Jets
from pdesym.symmetry.library import Library

_POINTS, _VALUES = 40, 6


def closure_residual(
    basis: np.ndarray, library: Library, modulo_superposition: bool = False, jets: Jets | None = None, seed: int = 0
) -> float:
    """The largest part of a bracket [v_i, v_j] outside the span, relative to the size of the terms in the bracket.

    The vector fields and their brackets are compared at random points of (x, t, u), float64.

    Args:
        basis: coefficients, `(d, K)`.
        library: what they multiply.
        modulo_superposition: whether any φ(x, t) ∂_u counts as inside.
        jets: where x, t and u are drawn.
        seed: of the draw.
    """
    if len(basis) < 2:
        return 0.0
    values, slopes = _evaluated(library, jets or Jets(), seed)
    basis = basis / np.linalg.norm(basis, axis=1, keepdims=True)
    # Components at points, `(d, groups, values, variables)`, and their derivatives.
    fields = _components(basis, library, values)
    derivatives = np.stack([_components(basis, library, slope) for slope in slopes], -1)
    coordinates = len(library.coordinates) + 1

    def compared(vector: np.ndarray) -> np.ndarray:
        if modulo_superposition:
            vector = vector.copy()
            vector[:, :, coordinates:] -= vector[:, :, coordinates:].mean(1, keepdims=True)
        return vector.reshape(-1)

    span = np.stack([compared(v) for v in fields], 1)
    span = span / np.maximum(np.linalg.norm(span, axis=0), 1e-300)
    inside, singular, _ = np.linalg.svd(span, full_matrices=False)
    inside = inside[:, singular > 1e-10 * singular[0]]
    worst = 0.0
    for i, j in itertools.combinations(range(len(basis)), 2):
        one = fields[i][:, :, None, :] * derivatives[j]
        other = fields[j][:, :, None, :] * derivatives[i]
        size = np.linalg.norm(np.abs(one).sum(-1) + np.abs(other).sum(-1))
        bracket = compared((one - other).sum(-1))
        outside = bracket - inside @ (inside.T @ bracket)
        worst = max(worst, float(np.linalg.norm(outside) / size) if size > 0 else 0.0)
    return worst


def independent_columns(library: Library, jets: Jets | None = None, seed: int = 0) -> bool:
    """Whether no combination of the library's columns is zero; otherwise null vectors may mean nothing."""
    (values, _) = _evaluated(library, jets or Jets(), seed)
    functions = list(dict.fromkeys(function for _, function in library.columns))
    for place in range(len(library.variables)):
        used = [functions.index(function) for component, function in library.columns if component == place]
        table = values[..., used].reshape(-1, len(used))
        size = np.linalg.norm(table, axis=0)
        if used and np.linalg.svd(table / size, compute_uv=False)[-1] < 1e-12:
            return False
    return True


def _evaluated(library: Library, jets: Jets, seed: int) -> tuple[np.ndarray, Sequence[np.ndarray]]:
    """The distinct functions, `(groups, values, functions)`, and their slopes; points of a group share x and t."""
    functions = list(dict.fromkeys(function for _, function in library.columns))
    rng = np.random.default_rng(seed)
    coordinates, fields = len(library.coordinates), len(library.fields)
    points = [rng.uniform(*jets.space, (_POINTS, 1)).repeat(_VALUES, 1) for _ in range(coordinates)]
    points.append(rng.uniform(*jets.time, (_POINTS, 1)).repeat(_VALUES, 1))
    points += [rng.uniform(*jets.fields, (_POINTS, _VALUES)) for _ in range(fields)]
    tensors = [torch.from_numpy(p) for p in points]
    several = [functions] + [[function.diff(z) for function in functions] for z in library.variables]
    tables = []
    for expressions in several:
        evaluated = torch_function(library.variables, expressions)(*tensors)
        columns = [torch.as_tensor(v, dtype=torch.float64).expand(_POINTS, _VALUES) for v in evaluated]
        tables.append(torch.stack(columns, -1).numpy())
    finite = np.isfinite(np.stack(tables)).all((0, 2, 3))
    return tables[0][finite], [table[finite] for table in tables[1:]]


def _components(basis: np.ndarray, library: Library, table: np.ndarray) -> np.ndarray:
    """Σ_k c_k f_k in each component, `(d, groups, values, variables)`."""
    functions = list(dict.fromkeys(function for _, function in library.columns))
    result = np.zeros((len(basis), *table.shape[:2], len(library.variables)))
    for k, (component, function) in enumerate(library.columns):
        result[..., component] += basis[:, k, None, None] * table[..., functions.index(function)]
    return result
