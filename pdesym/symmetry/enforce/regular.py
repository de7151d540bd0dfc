"""The regular representation of a finite group."""

import torch

from pdesym.symmetry.enforce.finite_elements import finite_elements
from pdesym.symmetry.enforce.group import MatrixGroup
from pdesym.symmetry.enforce.representation import Base, Representation


def regular(group: MatrixGroup) -> Representation:
    """R^|G|, where g moves the entry of h to the entry of g h: the channels of a group convolution.

    It permutes entries, so that every function of one number, applied to each of them, commutes with it.

    Raises:
        ValueError: for a group with generators, or with more than 1000 elements.
    """
    if len(group.lie_algebra):
        raise ValueError(f"Expected a finite group, got {group.name} with {len(group.lie_algebra)} generators.")
    elements = torch.stack([group.vector.matrix(word) for word in finite_elements(group)])
    images = []
    for g in group.discrete:
        distances = (elements[:, None] - g @ elements).abs().amax((-2, -1))
        images.append((distances < 1e-6).to(elements))
    size = len(elements)
    none = elements.new_zeros(0, size, size)
    return Base(group, none, torch.stack(images) if images else none, "regular")
