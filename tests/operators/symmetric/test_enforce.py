"""Several symmetries at once: in one operator all of them hold, or it is refused."""

import pytest
import torch

from pdesym.operators import (
    enforce,
    p4,
    p4m,
    reflection,
)
from pdesym.symmetry import Generator, finite_defect, lie_derivative

BOOST, SHIFT, AMPLITUDE = Generator("t*d_x + d_u"), Generator("d_x"), Generator("u*d_u")
UNEVEN = Generator("(1 + cos(2*pi*x/7)/2)*u*d_u")
PLANE = {"coordinates": ("x", "y")}
SHIFTS = [Generator("d_x", **PLANE), Generator("d_y", **PLANE)]
VELOCITY = {"fields": ("u", "v"), **PLANE}
PUSHES = [Generator("d_x", **VELOCITY), Generator("d_y", **VELOCITY)]
BOOSTS = [Generator("t*d_x + d_u", **VELOCITY), Generator("t*d_y + d_v", **VELOCITY)]
PAIR = {"fields": ("u", "v")}
PHASE = Generator("v*d_u - u*d_v", **PAIR)

# Symmetries in an order that is not the one in which they stand, and one that is not enforced.
TOGETHER = {
    "Burgers": ((24,), [SHIFT, BOOST, reflection()], AMPLITUDE),
    "odd points": ((25,), [reflection(), SHIFT, BOOST], AMPLITUDE),
    "a linear equation": ((24,), [SHIFT, reflection((1,)), AMPLITUDE], BOOST),
    "growth": ((24,), [SHIFT, Generator("exp(t/2)*u*d_u")], AMPLITUDE),
    "NLS": ((24,), [Generator("d_x", **PAIR), PHASE, reflection((1, 1))], Generator("u*d_u + v*d_v", **PAIR)),
    "linear Schroedinger": ((24,), [Generator("d_x", **PAIR), PHASE, Generator("u*d_u + v*d_v", **PAIR)], BOOST),
    "vorticity": ((12, 12), [*SHIFTS, p4m(("pseudoscalar",))], Generator("u*d_u", **PLANE)),
    "velocity": ((10, 10), [*PUSHES, p4(("vector",)), *BOOSTS], Generator("u*d_u + v*d_v", **VELOCITY)),
}
APART = {
    "boost and amplitude": [BOOST, AMPLITUDE],
    "boost and a reflection that does not turn it": [BOOST, reflection((1,))],
    "two boosts": [BOOST, Generator("d_u")],
    "Newton's frame, which sees the place": [UNEVEN, SHIFT],
}


def fields_of(symmetry):
    return len(symmetry.fields) if isinstance(symmetry, Generator) else len(symmetry.generators[0].channels)


def defects(operator, generator, u, grid, times):
    moments = [torch.tensor(t, dtype=torch.float64) for t in times]
    finite = finite_defect(operator, generator, u, grid, *moments, 0.3)
    return float(lie_derivative(operator, generator, u, grid, *moments)), float(finite)


def group_defect(operator, group, u):
    values = operator(u).detach()
    size = values.std() * values.numel() ** 0.5
    return max(float((operator(g(u)) - g(values)).norm().detach() / size) for g in group.elements)


@pytest.mark.parametrize("kind", ["fno", "convolutions"])
@pytest.mark.parametrize("name", TOGETHER)
def test_all_of_them_hold_and_no_other(name, kind, inner, frames, box, times):
    points, symmetries, other = TOGETHER[name]
    fields = max(map(fields_of, symmetries))
    network, u, grid = inner(kind, fields, points), frames(fields, points, batch=2), box(points)
    operator = enforce(network, symmetries, grid, *times)
    for symmetry in symmetries:
        if isinstance(symmetry, Generator):
            assert max(defects(operator, symmetry, u, grid, times)) < 1e-10
            assert max(defects(network, symmetry, u, grid, times)) > 0.05
        else:
            assert group_defect(operator, symmetry, u) < 1e-10
            assert group_defect(network, symmetry, u) > 0.05
    if len(other.fields) == fields:
        assert max(defects(operator, other, u, grid, times)) > 0.05


@pytest.mark.parametrize("name", APART)
def test_symmetries_that_do_not_hold_together_are_refused(name, inner, box, times):
    with pytest.raises(ValueError, match=r"Expected symmetries that hold together, and .* fails beside"):
        enforce(inner("convolutions", 1, (24,)), APART[name], box((24,)), *times)


@pytest.mark.parametrize("symmetries", [[BOOST, SHIFT, reflection()], [AMPLITUDE], [UNEVEN]])
def test_first_derivatives_are_those_of_difference_quotients(symmetries, inner, frames, box, times):
    """Forward and backward; the network inside is held fixed while the input goes through its frame."""
    network = inner("convolutions", 1, (8,)).requires_grad_(False)
    operator = enforce(network, symmetries, box((8,)), *times)
    u, w = frames(1, (8,), batch=2), frames(1, (8,), batch=2, seed=1)
    assert torch.autograd.gradcheck(operator, (u.requires_grad_(),), fast_mode=True)
    u = u.detach()
    tangent = torch.func.jvp(operator, (u,), (w,))[1]
    quotient = (operator(u + 1e-5 * w) - operator(u - 1e-5 * w)) / 2e-5
    torch.testing.assert_close(tangent, quotient, rtol=1e-6, atol=1e-8)
    samples = torch.func.vmap(lambda v: operator(v[None])[0])(u)
    torch.testing.assert_close(samples, operator(u), rtol=1e-10, atol=1e-10)
    tangents = torch.func.vmap(lambda v: torch.func.jvp(operator, (u,), (v,))[1])(torch.stack((w, u)))
    torch.testing.assert_close(tangents[0], tangent, rtol=1e-10, atol=1e-10)


def test_weights_learn_from_derivatives_of_the_operator(inner, frames, box, times):
    """Reverse over forward: the gradient of ‖dF·w‖² in a direction of all weights is the difference quotient."""
    operator = enforce(inner("fno", 1, (16,)), [BOOST, SHIFT, reflection()], box((16,)), *times)
    u, w, weights = frames(1, (16,)), frames(1, (16,), seed=1), list(operator.parameters())
    rng = torch.Generator().manual_seed(2)
    directions = [torch.randn(p.shape, generator=rng, dtype=p.dtype) for p in weights]

    def size():
        return torch.func.jvp(operator, (u,), (w,))[1].square().mean()

    gradients = torch.autograd.grad(size(), weights, materialize_grads=True)
    slope = sum(float((g * d).sum()) for g, d in zip(gradients, directions, strict=True))
    values = []
    with torch.no_grad():
        for step in (1e-5, -2e-5):
            for p, d in zip(weights, directions, strict=True):
                p += step * d
            values.append(float(size()))
    assert slope == pytest.approx((values[0] - values[1]) / 2e-5, rel=1e-5)
