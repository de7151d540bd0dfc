import pytest
import torch

from pdesym.training import mean_squared_error, normalised_mean_squared_error, relative_l2

LOSSES = [mean_squared_error, normalised_mean_squared_error, relative_l2]


def fields(scale=1.0, dtype=torch.float64):
    x = torch.arange(16, dtype=dtype) * (2 * torch.pi / 16)
    y = torch.stack([torch.cos((k + 1) * x) * (k + 1) for k in range(3)])[:, None, None]
    return (y + 0.1 * torch.sin(3 * x)) * scale, y * scale


def test_values_are_the_formulas():
    p, y = fields()
    error, size = ((p - y) ** 2).flatten(1).mean(1), (y**2).flatten(1).mean(1)
    assert mean_squared_error(p, y).item() == pytest.approx(error.mean().item(), rel=1e-14)
    assert normalised_mean_squared_error(p, y).item() == pytest.approx((error / size).mean().item(), rel=1e-11)
    assert relative_l2(p, y).item() == pytest.approx((error / size).sqrt().mean().item(), abs=2e-6)


def test_relative_l2_is_that_of_neuralop():
    neuralop = pytest.importorskip("neuralop.losses")
    p, y = fields()
    theirs = neuralop.LpLoss(d=1, p=2, reduction="mean").rel(p.flatten(1), y.flatten(1))
    assert relative_l2(p, y).item() == pytest.approx(theirs.item(), abs=2e-6)


@pytest.mark.parametrize("loss", [normalised_mean_squared_error, relative_l2])
def test_relative_losses_do_not_know_the_unit(loss):
    (p, y), (p3, y3) = fields(), fields(1e3)
    assert loss(p3, y3).item() == pytest.approx(loss(p, y).item(), rel=1e-9)
    assert mean_squared_error(p3, y3).item() == pytest.approx(1e6 * mean_squared_error(p, y).item(), rel=1e-9)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("case", ["exact", "zero target", "both zero"])
@pytest.mark.parametrize("loss", LOSSES)
def test_gradients_are_finite_where_residual_or_target_vanish(loss, case, dtype):
    p, y = fields(dtype=dtype)
    p = (p if case == "zero target" else y if case == "exact" else torch.zeros_like(y)).clone().requires_grad_()
    y = y if case == "exact" else torch.zeros_like(y)
    value = loss(p, y)
    (gradient,) = torch.autograd.grad(value, p, create_graph=True)
    (curvature,) = torch.autograd.grad(gradient.sum(), p)
    assert value.isfinite()
    assert gradient.isfinite().all()
    assert curvature.isfinite().all()
    if case != "zero target":
        assert value == 0
        assert not gradient.any()


def test_the_gradient_of_neuralop_is_not():
    neuralop = pytest.importorskip("neuralop.losses")
    _, y = fields()
    p = y.clone().requires_grad_()
    neuralop.LpLoss(d=1, p=2).rel(p.flatten(1), y.flatten(1)).backward()
    assert p.grad.isnan().any()


@pytest.mark.parametrize("loss", LOSSES)
def test_gradients_are_those_of_differences(loss):
    p, y = fields()
    assert torch.autograd.gradcheck(lambda q: loss(q, y), (p.requires_grad_(),))


def test_numbers_without_a_batch_are_refused():
    with pytest.raises(ValueError, match=r"samples of fields, \(batch, …\), got shape \(4,\)"):
        relative_l2(torch.ones(4), torch.ones(4))
