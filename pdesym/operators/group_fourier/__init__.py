"""Fourier neural operators that commute with quarter turns, and mirrors, of the plane exactly."""

from pdesym.operators.group_fourier.field_representation import field_representation
from pdesym.operators.group_fourier.grid_action import act_on_grid
from pdesym.operators.group_fourier.group_fourier_operator import GroupFNOConfig, GroupFourierOperator
from pdesym.operators.group_fourier.group_spectral_convolution import GroupSpectralConvolution
from pdesym.operators.group_fourier.plane_group import PlaneGroup

__all__ = [
    "GroupFNOConfig",
    "GroupFourierOperator",
    "GroupSpectralConvolution",
    "PlaneGroup",
    "act_on_grid",
    "field_representation",
]
