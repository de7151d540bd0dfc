import pytest
import torch
from torch.func import jvp, vmap

from pdesym.operators import fno
from pdesym.operators.group_fourier import GroupFNOConfig, PlaneGroup, act_on_grid

WHOLE = PlaneGroup("p4m")


def operator_of(group, fields, device="cpu", **options):
    """With weights four times as large as new ones, so that no part of it is nearly linear or nearly zero."""
    arguments = {"modes": 4, "width": 3, "layers": 2, "seed": 1, **options}
    operator = GroupFNOConfig(2, 3, fields, group, **arguments).build().to(device, torch.float64)
    with torch.no_grad():
        for parameter in operator.parameters():
            parameter *= 4
    return operator


def fields_of(fields, points, seed=0, device="cpu"):
    channels = sum(2 if field == "vector" else 1 for field in fields)
    draw = torch.Generator().manual_seed(seed)
    return torch.randn(3, 2, channels, points, points, generator=draw, dtype=torch.float64).to(device)


def relative_error(a, b):
    return ((a - b).norm() / b.norm()).item()


def defects(operator, u, fields):
    """‖F(a·u) − a·F(u)‖/‖F(u)‖ for the eight elements of p4m; the turns come first."""
    with torch.no_grad():
        given = operator(u)
        return [
            relative_error(operator(act_on_grid(u, a, WHOLE, fields)), act_on_grid(given, a, WHOLE, fields))
            for a in range(WHOLE.order)
        ]


@pytest.mark.parametrize("points", [8, 9, 16])
@pytest.mark.parametrize("fields", [("scalar",), ("pseudoscalar",), ("vector", "pseudoscalar")])
def test_it_commutes_with_its_group_and_with_no_other_element(fields, points, device):
    u = fields_of(fields, points, device=device)
    turns = defects(operator_of("p4", fields, device), u, fields)
    assert max(turns[:4]) < 1e-13
    assert min(turns[4:]) > 0.05
    assert max(defects(operator_of("p4m", fields, device), u, fields)) < 1e-13


def test_declared_otherwise_the_fields_do_not_commute():
    """A vorticity declared a scalar: right under turns, wrong under mirrors. Components declared scalars: wrong."""
    found = defects(operator_of("p4m", ("scalar",)), fields_of(("scalar",), 8), ("pseudoscalar",))
    assert max(found[:4]) < 1e-13
    assert min(found[4:]) > 0.05
    found = defects(operator_of("p4m", ("scalar", "scalar")), fields_of(("vector",), 8), ("vector",))
    assert min(found[1:]) > 0.05


def test_a_plain_fno_does_not_commute(travelling_waves):
    operator = fno(2, 3, modes=4, width=6, layers=2, dims=2).double()
    with torch.no_grad():
        for parameter in operator.parameters():
            parameter *= 4
    assert min(defects(operator, fields_of(("scalar",), 8), ("scalar",))[1:]) > 0.05


@pytest.mark.parametrize("group", ["p4", "p4m"])
@pytest.mark.parametrize("points", [8, 9])
def test_it_commutes_with_translations(group, points):
    operator, u = operator_of(group, ("pseudoscalar",)), fields_of(("pseudoscalar",), points)
    moved = operator(u.roll((3, 2), (-2, -1)))
    assert relative_error(moved, operator(u).roll((3, 2), (-2, -1))) < 1e-13
    assert relative_error(moved, operator(u).roll((2, 3), (-2, -1))) > 0.05


@pytest.mark.parametrize(("group", "width", "plain"), [("p4", 6, 12), ("p4m", 5, 14)])
def test_it_has_as_many_parameters_as_a_plain_one(group, width, plain):
    """Independent real numbers: a real convolution of c channels has (2K + 1)² c², however they are stored."""
    shared = GroupFNOConfig(4, 1, ("pseudoscalar",), group, modes=6, width=width).build()
    free = fno(4, 1, modes=6, width=plain, dims=2)
    redundant = sum(w.numel() for name, w in free.named_parameters() if "convs" in name and w.ndim == 5)
    independent = sum(w.numel() for w in free.parameters()) - redundant + 4 * 13**2 * plain**2
    assert sum(w.numel() for w in shared.parameters()) == pytest.approx(independent, rel=0.05)


@pytest.mark.parametrize("group", ["p4", "p4m"])
def test_jvp_is_the_difference_quotient(group, device):
    operator = operator_of(group, ("vector",), device)
    u, w = (fields_of(("vector",), 9, seed, device) for seed in (0, 1))
    tangent, step = jvp(operator, (u,), (w,))[1], 1e-3
    weights = {1: 3 / 4, 2: -3 / 20, 3: 1 / 60}
    quotient = sum(c * (operator(u + k * step * w) - operator(u - k * step * w)) for k, c in weights.items()) / step
    assert relative_error(tangent, quotient) < 1e-8
    assert relative_error(jvp(operator, (u,), (u,))[1], quotient) > 1e-1  # another direction


def test_vmap_over_tangents_and_over_samples_is_a_loop(device):
    operator = operator_of("p4", ("scalar",), device)
    u = fields_of(("scalar",), 8, device=device)
    tangents = torch.stack([fields_of(("scalar",), 8, seed, device) for seed in (1, 2)])

    def push(w):
        return jvp(operator, (u,), (w,))[1]

    assert relative_error(vmap(push)(tangents), torch.stack([push(w) for w in tangents])) < 1e-13
    assert relative_error(vmap(lambda sample: operator(sample[None])[0])(u), operator(u)) < 1e-13


def test_gradients_pass_through_jvp():
    operator, u, w = operator_of("p4", ("scalar",)), *(fields_of(("scalar",), 8, seed) for seed in (0, 1))
    jvp(operator, (u,), (w,))[1].square().sum().backward()
    for layer in (operator.lifting, *operator.convolutions, *operator.skips, operator.projection):
        assert all(weight.grad.norm() > 0 for name, weight in layer.named_parameters() if name != "bias")


def test_single_precision_and_autocast_follow_double(device):
    operator, u = operator_of("p4", ("pseudoscalar",), device), fields_of(("pseudoscalar",), 16, device=device)
    expected = operator(u)
    single = operator.float()(u.float())
    assert single.dtype == torch.float32
    assert relative_error(single.double(), expected) < 1e-5
    with torch.autocast(device.type, torch.bfloat16):
        low = operator(u.float())
        low.float().square().mean().backward()
    assert low.dtype == torch.bfloat16
    assert relative_error(low.double(), expected) < 0.05


def test_with_an_increment_the_network_gives_the_change_from_the_last_frame():
    plain, changing = (operator_of("p4", ("scalar",), increment=size) for size in (None, 0.25))
    u = fields_of(("scalar",), 8)
    assert torch.allclose(changing(u), u[:, 1:] + 0.25 * plain(u))
    assert max(defects(changing, u, ("scalar",))[:4]) < 1e-13


def test_the_initial_weights_depend_on_the_seed_alone():
    torch.manual_seed(0)
    state = torch.get_rng_state()
    first = GroupFNOConfig(1, 1, modes=2, width=2, seed=3).build()
    assert torch.equal(torch.get_rng_state(), state)
    torch.manual_seed(1)
    again, other = (GroupFNOConfig(1, 1, modes=2, width=2, seed=seed).build() for seed in (3, 4))
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), again.parameters(), strict=True))
    assert not torch.equal(first.skips[0].weight, other.skips[0].weight)


def test_other_shapes_are_refused():
    operator = GroupFNOConfig(2, 1, ("vector",), modes=2, width=2, layers=1).build()
    sentence = r"takes fields of shape \(batch, 2 frames, 2 channels, N, N\), got"
    for shape in [(1, 2, 1, 8, 8), (1, 1, 2, 8, 8), (1, 2, 2, 8, 9), (1, 2, 2, 8), (2, 2, 8, 8)]:
        with pytest.raises(ValueError, match=sentence):
            operator.forward.__wrapped__(operator, torch.zeros(shape))
    with pytest.raises(ValueError, match=r"Expected a square grid, got \(8, 9\)"):
        operator.convolutions[0].forward.__wrapped__(operator.convolutions[0], torch.zeros(1, 8, 8, 9))


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"frames_in": 0}, "frames_in of a group FNO to be an integer from 1 on, got 0"),
        ({"modes": True}, "modes of a group FNO to be an integer from 1 on, got True"),
        ({"seed": -1}, "seed of a group FNO to be an integer from 0 on, got -1"),
        ({"increment": 0.0}, "increment of a group FNO to be positive and finite, got 0"),
        ({"group": "p6"}, "group to be one of p4, p4m, got 'p6'"),
        ({"fields": ("tensor",)}, r"tuple of fields, each one of scalar, pseudoscalar, vector, got \('tensor',\)"),
    ],
)
def test_what_makes_no_group_fno_is_refused(arguments, sentence):
    with pytest.raises(ValueError, match=sentence):
        GroupFNOConfig(**{"frames_in": 2, "frames_out": 2, **arguments})
