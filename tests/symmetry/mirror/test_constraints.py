"""What a decay of the factors minimises, by plain gradient steps, against solutions known otherwise."""

import copy

import pytest
import torch
from torch import nn
from torch.func import functional_call, jvp

from pdesym.symmetry.mirror.bias import fixed_bias
from pdesym.symmetry.mirror.constraint import constrained_tensors
from pdesym.symmetry.mirror.declared import dense, permutation, rescaling, rotation
from pdesym.symmetry.mirror.kinds import Elementwise, Grouped, LowRank
from pdesym.symmetry.mirror.removal import remove
from pdesym.symmetry.mirror.reparametrised import constrain, constrain_mirror
from pdesym.symmetry.mirror.strength import (
    ConstraintPenalty,
    constraint_cost,
    constraint_parameters,
    optimiser_groups,
)


class Tensors(nn.Module):
    """Parameters by name; the first of them a matrix that acts from the right."""

    def __init__(self, **tensors):
        super().__init__()
        for name, tensor in tensors.items():
            self.register_parameter(name, nn.Parameter(tensor.clone()))

    def forward(self, x):
        return x @ self.weight


def random(*shape, seed=0, dtype=torch.float64):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def descended(model, loss, strength, steps=300, rate=0.3):
    optimiser = torch.optim.SGD(optimiser_groups(model, strength), lr=rate)
    for _ in range(steps):
        optimiser.zero_grad()
        loss(model).backward()
        optimiser.step()


def shrunk(x, kind, kappa):
    """argmin ½‖z − x‖² + κ · cost(z) in closed form."""
    if kind == Elementwise():
        return x.sign() * (x.abs() - kappa).clamp_min(0)
    if isinstance(kind, Grouped):
        return x * (1 - kappa / kind.units(x)).clamp_min(0)
    entries = torch.view_as_complex(x) if kind.complex_parts else x
    left, values, right = torch.linalg.svd(entries, full_matrices=False)
    z = left * (values - kappa).clamp_min(0)[..., None, :] @ right
    return torch.view_as_real(z) if kind.complex_parts else z


def targets():
    """Tensors of which some units are below 0.5 and some above, none within 0.15 of it."""
    rotated = [torch.linalg.qr(random(4, 4, seed=seed)).Q for seed in (1, 2, 3, 4)]
    units = torch.tensor([0.1, 0.3, 0.8, 1.5], dtype=torch.float64)
    first, second = (a @ (units[:, None] * b) for a, b in (rotated[:2], rotated[2:]))
    pair = [torch.linalg.qr(torch.complex(random(4, 4, seed=s), random(4, 4, seed=s + 1))).Q for s in (5, 7, 9, 11)]
    matrices = torch.stack([a @ (units.to(a.dtype)[:, None] * b) for a, b in (pair[:2], pair[2:])])
    return {
        "entries": (torch.stack([units, -units.flip(0)]), Elementwise()),
        "rows": (units[:, None] * torch.nn.functional.normalize(random(4, 3), dim=1), Grouped((1,))),
        "whole": (first, Grouped()),
        "matrix": (second, LowRank()),
        "complex": (torch.view_as_real(matrices), LowRank((1,), (2,), complex_parts=True)),
    }


TARGETS = targets()


def quadratic(model):
    return sum(0.5 * ((getattr(model, name) - y) ** 2).sum() for name, (y, _) in TARGETS.items())


@pytest.mark.parametrize("strength", [0.5, 0.0, 0.55])
def test_of_a_quadratic_the_decay_gives_the_threshold(strength):
    """Soft, group and singular value threshold at κ = 0.5, by SGD alone; no or another decay gives another answer."""
    model = Tensors(**{name: torch.zeros_like(y) for name, (y, _) in TARGETS.items()})
    for name, (_, kind) in TARGETS.items():
        constrain(model, name, kind)
    descended(model, quadratic, strength, steps=300 if strength == 0.5 else 100)
    model.requires_grad_(False)
    for name, (y, kind) in TARGETS.items():
        error = float((getattr(model, name) - shrunk(y, kind, 0.5)).abs().max())
        assert error < 1e-6 if strength == 0.5 else error > 0.01
    if strength == 0.5:
        assert float(ConstraintPenalty(1.0)(model)) == pytest.approx(float(constraint_cost(model)), rel=1e-9)
    elif not strength:
        assert float(ConstraintPenalty(1.0)(model)) > 1.01 * float(constraint_cost(model))
    norms = {
        "entries": model.entries.abs().sum(),
        "rows": model.rows.norm(dim=1).sum(),
        "whole": model.whole.norm(),
        "matrix": torch.linalg.matrix_norm(model.matrix, "nuc"),
        "complex": torch.linalg.matrix_norm(torch.view_as_complex(model.complex), "nuc").sum(),
    }
    assert float(constraint_cost(model)) == pytest.approx(sum(map(float, norms.values())), rel=1e-9)


@pytest.mark.parametrize(("kind", "kappa"), [(Elementwise(), 0.12), (Grouped((1,)), 0.2), (LowRank(), 0.2)])
def test_of_least_squares_the_decay_gives_the_minimiser_of_proximal_gradients(kind, kappa):
    x = torch.linalg.qr(random(30, 6)).Q @ (torch.eye(6, dtype=torch.float64) + 0.3 * random(6, 6, seed=4) / 6**0.5)
    truth = torch.zeros(6, 4, dtype=torch.float64)
    truth[:2] = torch.outer(torch.tensor([0.6, -0.4], dtype=torch.float64), random(4, seed=1).sign() + 0.3)
    y = x @ truth + 0.01 * random(30, 4, seed=2)
    reference = torch.zeros_like(truth)
    step = 1 / float(torch.linalg.matrix_norm(x, 2)) ** 2
    for _ in range(500):
        reference = shrunk(reference - step * x.T @ (x @ reference - y), kind, step * kappa)
    model = constrain(Tensors(weight=random(6, 4, seed=3)), "weight", kind)
    descended(model, lambda m: 0.5 * ((m(x) - y) ** 2).sum(), kappa, steps=800, rate=0.2)
    model.requires_grad_(False)
    assert float((model.weight - reference).abs().max()) < 1e-6
    vanished = kind.units(reference) < 1e-9
    assert 0 < int(vanished.sum()) < vanished.numel()
    assert float(kind.units(model.weight)[vanished].max()) < 1e-6 < float(kind.units(model.weight)[~vanished].min())
    plain = torch.linalg.lstsq(x, y).solution
    assert float((plain - reference).abs().max()) > 3e-2


def test_deeper_products_solve_their_stationary_equation():
    """z − y + κ |z|^(2/D − 1) sign z = 0 where z stays, and a small y is let vanish."""
    y, kappa = torch.tensor([2.0, -1.0, 0.01], dtype=torch.float64), 0.2
    model = Tensors(deep2=y, deep3=y, deep4=y)
    for depth in (2, 3, 4):
        constrain(model, f"deep{depth}", Elementwise(depth))
    descended(model, lambda m: sum(0.5 * ((z - y) ** 2).sum() for z in (m.deep2, m.deep3, m.deep4)), kappa, 600, 0.1)
    model.requires_grad_(False)
    total = 0.0
    for depth in (2, 3, 4):
        z = getattr(model, f"deep{depth}").detach()
        left, wrong = (z - y + kappa * z.abs() ** (2 / d - 1) * z.sign() for d in (depth, depth + 1))
        assert float(left[:2].abs().max()) < 1e-6
        assert float(wrong[0].abs()) > 1e-3
        assert float(z[2].abs()) < 1e-6
        total += depth / 2 * float((z.abs() ** (2 / depth)).sum())
    assert float(constraint_cost(model)) == pytest.approx(total, rel=1e-12)
    assert float(ConstraintPenalty(1.0)(model)) == pytest.approx(total, rel=1e-6)


KINDS = [Elementwise(), Elementwise(3), Grouped((1,)), Grouped(), LowRank((1,), (0,)), LowRank((0,), (1,), True)]


def stepped(model, rate=1e-3):
    """The weight after a step of gradient descent."""
    gradients = {name: p.grad for name, p in model.named_parameters()}
    after = copy.deepcopy(model)
    with torch.no_grad():
        for name, parameter in after.named_parameters():
            parameter.sub_(rate * gradients[name])
        return after.weight.detach()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_constrained_tensor_begins_as_it_was_and_can_grow_from_zero(kind, dtype):
    weight = random(6, 4, 2, dtype=dtype) * torch.logspace(-6, 2, 6, dtype=dtype)[:, None, None]
    gradient = random(6, 4, 2, seed=5, dtype=dtype)
    for given in (weight, torch.zeros_like(weight), weight.masked_fill(weight < 0, 0.0)):
        model = constrain(Tensors(weight=given), "weight", kind)
        assert torch.equal(model.weight, given)
        assert model.weight.dtype == dtype
        model.weight.backward(gradient)
        moved = (stepped(model) - given)[given == 0]
        assert bool((moved * gradient[given == 0] < 0).all())  # nothing is absorbed at 0


def test_small_weights_begin_to_learn_as_without_factors():
    """size = 1: a first step moves them by the plain step; an eighth of the size, by a 64th."""
    weight, gradient = 0.01 * random(5, 4), random(5, 4, seed=1)
    for kind in (Elementwise(), Elementwise(3)):
        model = constrain(Tensors(weight=weight), "weight", kind)
        model.weight.backward(gradient)
        assert float((stepped(model) - (weight - 1e-3 * gradient)).norm()) < 0.05e-3 * float(gradient.norm())
    slow = constrain(Tensors(weight=weight), "weight", Elementwise(), size=0.125)
    slow.weight.backward(gradient)
    assert float((stepped(slow) - weight).norm()) < 0.05e-3 * float(gradient.norm())


def test_of_a_mirror_its_coordinates_alone_are_thresholded():
    """½‖θ − y‖² + κ cost(Oᵀθ): coordinates shrink, and what the mirror leaves alone stays y."""
    n = torch.nn.functional.normalize(random(5, seed=2), dim=0)
    wanted = torch.tensor([0.2, -1.1, 0.9, -0.3, 1.2, 0.1], dtype=torch.float64)
    basis, given = torch.linalg.qr(random(20, 6, seed=1)).Q, random(5, 4, seed=7)
    turned, general = rotation({"row": given}, ("row", 0), n), {}
    rest = random(5, 4)
    ys = {"row": rest + torch.outer(n, wanted[:4] - n @ rest), "group": rest}
    general = {name: dense({name: given}, [name], basis) for name in ("general", "lowrank")}
    for name, mirror in general.items():
        ys[name] = rest + mirror.lift(wanted - mirror.coordinates({name: rest}))[name]
    cases = {
        "row": (turned, Elementwise(), None),
        "group": (rotation({"group": given}, ("group", 0), n), Grouped((0,)), None),
        "general": (general["general"], Elementwise(), None),
        "lowrank": (general["lowrank"], LowRank(), (2, 3)),
    }
    model = Tensors(**dict.fromkeys(cases, given))
    for name, (mirror, kind, shape) in cases.items():
        constrain(model, name, kind, mirror, shape)
        assert float((getattr(model, name) - given).detach().abs().max()) < 1e-14
    descended(model, lambda m: sum(0.5 * ((getattr(m, name) - y) ** 2).sum() for name, y in ys.items()), 0.5)
    for name, (mirror, kind, shape) in cases.items():
        z = mirror.coordinates({name: ys[name]})
        change = shrunk(z.reshape(shape or z.shape), kind, 0.5).flatten() - z
        found = getattr(model, name).detach()
        assert float((found - ys[name] - mirror.lift(change)[name]).abs().max()) < 1e-6
        assert 0.1 < float(change.norm()) < float(z.norm())
        assert float((found - shrunk(ys[name], Elementwise(), 0.5)).abs().max()) > 0.1


@pytest.mark.parametrize("kind", [Elementwise(3), Grouped((1,)), LowRank()])
def test_constrained_modules_are_modules_like_others(kind):
    """functional_call, jvp, deepcopy, dtype, state dict, autocast."""
    y, x = random(4, 3, dtype=torch.float32), random(2, 4, seed=1, dtype=torch.float32)
    plain, model = Tensors(weight=y), constrain(Tensors(weight=y), "weight", kind)
    assert torch.equal(model(x), plain(x))
    tangent = random(2, 4, seed=2, dtype=torch.float32)
    assert torch.allclose(jvp(model, (x,), (tangent,))[1], tangent @ y)

    parameters = {name: p.detach() for name, p in model.named_parameters()}
    directions = {name: torch.ones_like(p) for name, p in parameters.items()}
    _, pushed = jvp(lambda p: functional_call(model, p, (x,)), (parameters,), (directions,))
    step = 1e-3
    ahead, behind = (
        functional_call(model, {name: p + sign * step for name, p in parameters.items()}, (x,)) for sign in (1, -1)
    )
    assert torch.allclose(pushed, (ahead - behind) / (2 * step), atol=2e-3)

    copied = copy.deepcopy(model)
    with torch.no_grad():
        for parameter in copied.parameters():
            parameter.mul_(1.5)
    assert torch.equal(model(x), plain(x))
    assert not torch.equal(copied(x), plain(x))
    model.load_state_dict(copied.state_dict())
    assert torch.equal(model(x), copied(x))

    doubled = copy.deepcopy(model).double()
    assert doubled.weight.dtype == torch.float64
    assert torch.allclose(doubled.weight, model.weight.double(), rtol=1e-6)
    with torch.autocast("cpu", torch.bfloat16):
        assert model.weight.dtype == torch.float32
        assert torch.equal(model.weight, copied.weight)

    names = set(constraint_parameters(model))
    assert names == set(dict(model.named_parameters()))
    assert [found.name for found in constrained_tensors(model)] == ["weight"]


def test_groups_of_an_optimiser_hold_every_parameter_once():
    model = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 2))
    constrain(model, "0.weight", Elementwise())
    mirror = dense(dict(model.named_parameters()), ["1.weight"], torch.eye(8, dtype=torch.float64)[:, :3])
    constrain(model, "1.weight", Grouped(), mirror)
    others, factors = optimiser_groups(model, 0.3, weight_decay=0.01)
    assert (others["weight_decay"], factors["weight_decay"]) == (0.01, 0.3)
    ids = [id(p) for group in (others, factors) for p in group["params"]]
    assert sorted(ids) == sorted(id(p) for p in model.parameters())
    assert len(factors["params"]) == 4
    assert len(others["params"]) == 3  # two biases, and what the mirror leaves alone
    squares = sum(float((p.detach() ** 2).sum()) for p in factors["params"])
    assert float(ConstraintPenalty(0.4)(model).detach()) == pytest.approx(0.2 * squares)


def test_what_cannot_be_constrained_is_said():
    model = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 2))
    parameters = dict(model.named_parameters())
    both = dense(parameters, ["0.bias", "1.bias"], torch.eye(6, dtype=torch.float64)[:, :2])
    model.phase = nn.Parameter(torch.zeros(2, dtype=torch.complex64))
    for text, call in {
        r"the name of a parameter, got '2.weight': the module has phase, 0.weight": ("2.weight", Elementwise()),
        r"Expected a real parameter, got phase of torch.complex64": ("phase", Elementwise()),
        r"a mirror of 0.bias alone, got one of 0.bias, 1.bias": ("0.bias", Elementwise(), both),
        r"axes of a tensor of shape \(4, 3\), got 2": ("0.weight", Grouped((2,))),
        r"different axes of \(4, 3\) for rows and columns": ("0.weight", LowRank((0,), (-2,))),
        r"last axis to be \(real part, imaginary part\)": ("0.weight", LowRank((0,), (1,), True)),
        r"Expected no shape without a mirror, got \(3, 4\)": ("0.weight", Elementwise(), None, (3, 4)),
        r"a shape of 12 entries": ("0.weight", Elementwise(), None, (3, 5)),
        r"a positive size of the factors, got 0": ("0.weight", Elementwise(), None, None, 0.0),
    }.items():
        with pytest.raises(ValueError, match=text):
            constrain(model, *call)
    with pytest.raises(ValueError, match="a module with constraints, got one without"):
        optimiser_groups(model, 0.1)
    with pytest.raises(ValueError, match="a module with constraints, got one without"):
        ConstraintPenalty(0.1)(model)
    constrain(model, "0.weight", Elementwise())
    with pytest.raises(ValueError, match=r"0.weight is computed from other parameters already"):
        constrain(model, "0.weight", Elementwise())
    with pytest.raises(ValueError, match="a strength that is not negative and finite, got -1"):
        ConstraintPenalty(-1.0)
    with pytest.raises(ValueError, match="at least 2 factors, got depth=1"):
        Elementwise(1)


def test_a_mirror_of_several_parameters_is_constrained_parameter_by_parameter():
    """Two neurons that the data let be equal become equal, and are so exactly once removed; one mixture is refused."""
    net = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1)).double()
    with torch.no_grad():
        for number, parameter in enumerate(net.parameters()):
            parameter.copy_(0.5 * random(*parameter.shape, seed=number))
    parameters = {name: p.detach() for name, p in net.named_parameters()}
    mirror = permutation(parameters, [("0.weight", 0), ("0.bias", 0), ("2.weight", 1)], 0, 2)
    x = random(50, 2, seed=9)
    y, before = torch.tanh(x[:, :1] - x[:, 1:]), net(x).detach()
    constrain_mirror(net, mirror)
    assert float((net(x) - before).detach().abs().max()) < 1e-14
    assert len(constraint_parameters(net)) == 6
    optimiser = torch.optim.SGD(optimiser_groups(net, 0.1), lr=0.3)
    for _ in range(400):
        optimiser.zero_grad()
        ((net(x) - y) ** 2).mean().backward()
        optimiser.step()
    assert mirror.violation(parameters) > 0.1
    assert float(((net(x) - y) ** 2).mean().detach()) < 0.05
    report = remove(net)
    assert report.fraction == 1.0
    assert mirror.violation({name: p.detach() for name, p in net.named_parameters()}) < 1e-15
    scalars = nn.Module()
    scalars.u, scalars.w = nn.Parameter(torch.ones(1)), nn.Parameter(torch.ones(1))
    with pytest.raises(ValueError, match=r"of a single parameter, got exchange of u and w, which mixes u and w"):
        constrain_mirror(scalars, rescaling(dict(scalars.named_parameters()), "u", "w")[0])


def test_what_is_shared_or_computed_already_is_said():
    plain = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 2))
    model = constrain(copy.deepcopy(plain), "0.weight", Elementwise())
    with pytest.raises(ValueError, match=r"original0 is what another parameter is computed from: give the names of"):
        fixed_bias(model, 0.1, seed=0)
    with pytest.raises(ValueError, match=r"0.weight is computed from other .* or `fold_bias` of a fixed bias"):
        constrain(fixed_bias(copy.deepcopy(plain), 0.1, seed=0), "0.weight", Elementwise())
    for over in ((), (0, 0), (0, -2)):
        with pytest.raises(ValueError, match=r"Expected different axes along which a group extends, got \("):
            constrain(copy.deepcopy(plain), "0.weight", Grouped(over))
    plain.again = plain[0]  # one module twice is one place
    constrain(copy.deepcopy(plain), "0.weight", Elementwise())
    plain.tied = nn.Module()
    plain.tied.register_parameter("matrix", plain[0].weight)
    with pytest.raises(ValueError, match=r"stands in one place, got 0.weight, which is tied.matrix too: they would"):
        constrain(plain, "0.weight", Elementwise())
