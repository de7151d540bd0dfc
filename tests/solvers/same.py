"""Two integrations that must be the same: the same steps on the same grids, and results equal up to rounding."""

import torch


def assert_same(compiled, reference, tolerance=1e-12):
    assert compiled.taken == reference.taken
    assert compiled.stages == reference.stages
    assert torch.equal(compiled.steps, reference.steps)
    assert torch.equal(compiled.points, reference.points)
    assert torch.allclose(compiled.tail, reference.tail, rtol=1e-6, atol=1e-15)
    assert torch.allclose(compiled.aliased, reference.aliased)
    size = reference.u.flatten(1).norm(dim=1)
    assert ((compiled.u - reference.u).flatten(1).norm(dim=1) <= tolerance * size).all()
