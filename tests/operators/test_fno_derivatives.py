"""What symmetry measurements do with an FNO: forward-mode derivatives, many at once, and gradients through them."""

import warnings

import pytest
import torch
from torch.func import functional_call, jvp, linearize, vmap

from pdesym.operators import fno
from pdesym.operators.neuralop_import import neuralop_models

GRIDS = [(33,), (32,), (12, 9), (9, 12)]


def operator_and_fields(points, waves, device, dtype=torch.float64):
    operator = fno(2, 3, fields=2, modes=4, width=8, layers=2, dims=len(points), seed=1).to(device, dtype)
    u = waves(3, 2, 2, points, device=device).to(dtype)
    w = waves(3, 2, 2, points, phase=1.0, device=device).to(dtype)
    return operator, u, w


def difference_quotient(function, step=3e-3):
    """Derivative at 0 by central differences of sixth order."""
    weights = {1: 3 / 4, 2: -3 / 20, 3: 1 / 60}
    return sum(c * (function(k * step) - function(-k * step)) for k, c in weights.items()) / step


def relative_error(a, b):
    return ((a - b).norm() / b.norm()).item()


@pytest.mark.parametrize("points", GRIDS)
def test_jvp_is_the_difference_quotient(points, travelling_waves, device):
    operator, u, w = operator_and_fields(points, travelling_waves, device)
    _, tangent = jvp(operator, (u,), (w,))
    quotient = difference_quotient(lambda e: operator(u + e * w))
    assert relative_error(tangent, quotient) < 1e-9
    assert relative_error(jvp(operator, (u,), (u,))[1], quotient) > 1e-1  # another direction


@pytest.mark.parametrize("points", [(33,), (12, 9)])
def test_linearize_is_jvp(points, travelling_waves, device):
    operator, u, w = operator_and_fields(points, travelling_waves, device)
    assert relative_error(linearized(operator, u)(w), jvp(operator, (u,), (w,))[1]) < 1e-13


def test_linearize_of_the_stock_convolution_is_wrong(travelling_waves):
    """Why the forward pass writes nothing in place."""
    torch.manual_seed(0)
    stock = neuralop_models().FNO((8,), 1, 1, 8, n_layers=2, positional_embedding=None)
    u, w = (travelling_waves(1, 1, 1, (32,), phase)[:, 0].float() for phase in (0.0, 1.0))
    assert relative_error(linearized(stock, u)(w), jvp(stock, (u,), (w,))[1]) > 1e-3


@pytest.mark.parametrize("points", GRIDS)
def test_vmap_over_tangents_is_a_loop(points, travelling_waves, device):
    operator, u, _ = operator_and_fields(points, travelling_waves, device)
    tangents = torch.stack([travelling_waves(3, 2, 2, points, phase, device) for phase in (0.5, 1.0, 2.0)])

    def push(w):
        return jvp(operator, (u,), (w,))[1]

    together, one_by_one = vmap(push)(tangents), torch.stack([push(w) for w in tangents])
    assert relative_error(together, one_by_one) < 1e-13


@pytest.mark.parametrize("points", GRIDS)
def test_vmap_over_samples_is_the_batch(points, travelling_waves, device):
    operator, u, w = operator_and_fields(points, travelling_waves, device)

    def one(sample):
        return operator(sample[None])[0]

    assert relative_error(vmap(one)(u), operator(u)) < 1e-13
    tangent = vmap(lambda sample, direction: jvp(one, (sample,), (direction,))[1])(u, w)
    assert relative_error(tangent, jvp(operator, (u,), (w,))[1]) < 1e-13


@pytest.mark.parametrize("points", GRIDS)
def test_gradient_through_jvp_is_the_difference_quotient(points, travelling_waves, device):
    """d/dθ of ‖dF[u]·w‖², reverse over forward, in a direction of all weights at once."""
    operator, u, w = operator_and_fields(points, travelling_waves, device)
    weights = dict(operator.named_parameters())
    generator = torch.Generator().manual_seed(2)
    directions = {n: torch.randn(p.shape, generator=generator, dtype=p.dtype).to(device) for n, p in weights.items()}

    def size(parameters):
        tangent = jvp(lambda x: functional_call(operator, parameters, (x,)), (u,), (w,))[1]
        return tangent.square().mean()

    gradients = torch.autograd.grad(size(weights), list(weights.values()), materialize_grads=True)
    slope = sum((g * d).sum() for g, d in zip(gradients, directions.values(), strict=True))

    def moved(e):
        with torch.no_grad():
            return size({n: p + e * directions[n] for n, p in weights.items()})

    assert relative_error(slope, difference_quotient(moved, 1e-3)) < 1e-8
    assert gradients[0].norm() > 0


def test_gradient_through_many_tangents_is_the_sum(travelling_waves, device):
    operator, u, _ = operator_and_fields((16,), travelling_waves, device)
    tangents = torch.stack([travelling_waves(3, 2, 2, (16,), phase, device) for phase in (0.5, 1.0)])
    weights = list(operator.parameters())

    def gradients(value):
        return torch.cat([g.flatten() for g in torch.autograd.grad(value, weights, materialize_grads=True)])

    def push(w):
        return jvp(operator, (u,), (w,))[1]

    together = gradients(vmap(push)(tangents).square().sum())
    assert relative_error(together, sum(gradients(push(w).square().sum()) for w in tangents)) < 1e-12


def test_jvp_works_where_gradients_are_off(travelling_waves):
    operator, u, w = operator_and_fields((16,), travelling_waves, "cpu")
    expected = jvp(operator, (u,), (w,))[1]
    for off in (torch.no_grad, torch.inference_mode):
        with off():
            torch.testing.assert_close(jvp(operator, (u,), (w,))[1], expected, rtol=1e-14, atol=1e-14)


def linearized(operator, u):
    with warnings.catch_warnings():
        # torch's own graph folding warns about every linearised function that holds a constant.
        warnings.filterwarnings("ignore", "Attempted to insert a get_attr Node", UserWarning)
        return linearize(operator, u)[1]


@pytest.mark.parametrize("points", GRIDS)
@pytest.mark.parametrize("options", [{}, {"increment": 0.3, "parameters": ("nu",), "reference": (0.1,)}])
def test_its_own_tangent_is_that_of_autodiff(points, options, travelling_waves, device):
    """`tangent` of many directions against torch.func.jvp of each, and the gradients of both by the weights."""
    _, u, w = operator_and_fields(points, travelling_waves, device)
    operator = fno(2, 3, fields=2, modes=4, width=8, layers=2, dims=len(points), seed=1, **options).to(u)
    directions = torch.stack([w, u, w * u])
    value, pushed = operator.tangent(u, directions)
    assert relative_error(value, operator(u)) < 1e-14
    expected = torch.stack([jvp(operator, (u,), (each,))[1] for each in directions])
    assert relative_error(pushed, expected) < 1e-14
    assert relative_error(pushed, expected.flip(0)) > 1e-1

    gradients = []
    for along in (pushed, expected):
        operator.zero_grad()
        (along**2 * torch.arange(1, 4, dtype=u.dtype, device=device).reshape(3, *(1,) * u.ndim)).sum().backward()
        gradients.append(torch.cat([(p * 0 if p.grad is None else p.grad).flatten() for p in operator.parameters()]))
    assert relative_error(*gradients) < 1e-12


def test_its_own_tangent_refuses_what_the_operator_refuses(travelling_waves, device):
    operator, u, w = operator_and_fields((32,), travelling_waves, device)
    with pytest.raises(ValueError, match="This FNO takes fields of shape"):
        operator.tangent(u[:, :1], w[None, :, :1])
