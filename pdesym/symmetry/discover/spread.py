"""What operators that were trained alike disagree on: the error of each along every direction."""

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from pdesym.symmetry.angles import largest_angle
from pdesym.symmetry.discover.spectrum import Spectrum, scaled_spectrum


def noise_of_spread(
    spectrum: Spectrum, matrix: Float[Tensor, "rows columns"], others: Sequence[Float[Tensor, "rows columns"]]
) -> Float[np.ndarray, " columns"]:
    """The root mean square over j of ‖(Aᵢ − Aⱼ)c‖/√2 along each direction c of the spectrum of Aᵢ.

    Where the errors of operators are independent and alike in size, the difference of two is √2 times that of one.

    Args:
        spectrum: of Aᵢ.
        matrix: Aᵢ, its columns not scaled.
        others: Aⱼ, in the same rows and columns.
    """
    directions = torch.from_numpy(spectrum.directions / spectrum.scale).T
    squares = [((matrix - other) @ directions).square().mean(0) for other in others]
    result: np.ndarray = torch.stack(squares).mean(0).mul(0.5).sqrt().numpy()
    return result


def angle_of_spread(
    spectrum: Spectrum,
    others: Sequence[Float[Tensor, "rows columns"]],
    size: Float[Tensor, "rows columns"],
    dimension: int,
) -> float:
    """The root mean square angle, over √2, between null spaces of one dimension, in radians; at least 1e-11.

    Args:
        spectrum: of the operator's conditions.
        others: conditions of the others.
        size: by which columns are scaled.
        dimension: of the null spaces.
    """
    if not 0 < dimension < len(spectrum.singular_values):
        return 0.0
    mine = spectrum.null_space(dimension)
    angles = [np.radians(largest_angle(mine, scaled_spectrum(o, size).null_space(dimension))) for o in others]
    return max(1e-11, float(np.sqrt(np.mean(np.square(angles)) / 2)))
