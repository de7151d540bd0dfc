"""Neural operators: neuralop's Fourier neural operator with a spectral convolution that is exact under translations.

Importing this room is light. neuralop is imported when the first model is built.
"""

from pdesym.operators.constrained import low_rank_mixing, pruned_channels, sparse_modes
from pdesym.operators.fourier_operator import FNOConfig, FourierOperator, fno
from pdesym.operators.group_fourier import GroupFNOConfig, GroupFourierOperator
from pdesym.operators.mirrors import fno_channels, fno_mirrors, mode_ranks
from pdesym.operators.pointwise import Pointwise, replace_pointwise_convolutions
from pdesym.operators.registry import describe_operator
from pdesym.operators.spectral_convolution import SpectralConvolution
from pdesym.operators.storage import load_operator, save_operator
from pdesym.operators.symmetric import (
    Element,
    EquivariantConfig,
    EquivariantOperator,
    FiniteGroup,
    LogRms,
    Mean,
    MovingFrame,
    PairPhase,
    Scaling,
    Translation,
    enforce,
    p4,
    p4m,
    reflection,
)
from pdesym.operators.weights import load_weights, save_weights

__all__ = [
    "Element",
    "EquivariantConfig",
    "EquivariantOperator",
    "FNOConfig",
    "FiniteGroup",
    "FourierOperator",
    "GroupFNOConfig",
    "GroupFourierOperator",
    "LogRms",
    "Mean",
    "MovingFrame",
    "PairPhase",
    "Pointwise",
    "Scaling",
    "SpectralConvolution",
    "Translation",
    "describe_operator",
    "enforce",
    "fno",
    "fno_channels",
    "fno_mirrors",
    "load_operator",
    "load_weights",
    "low_rank_mixing",
    "mode_ranks",
    "p4",
    "p4m",
    "pruned_channels",
    "reflection",
    "replace_pointwise_convolutions",
    "save_operator",
    "save_weights",
    "sparse_modes",
]
