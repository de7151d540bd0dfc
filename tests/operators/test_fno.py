import copy
import subprocess
import sys

import pytest
import torch
from torch import nn

from pdesym.operators import FNOConfig, fno
from pdesym.operators.neuralop_import import neuralop_models


@pytest.mark.parametrize(("fields", "points"), [(1, (32,)), (2, (33,)), (2, (12, 9)), (1, (6, 5, 4))])
def test_frames_go_in_and_frames_come_out(fields, points, device):
    operator = fno(4, 3, fields, modes=3, width=8, layers=2, dims=len(points)).to(device)
    u = torch.zeros(5, 4, fields, *points, device=device)
    assert operator(u).shape == (5, 3, fields, *points)


@pytest.mark.parametrize("points", [(33,), (63,), (32,), (64,), (33, 16), (16, 33), (15, 15)])
def test_it_commutes_with_translations_by_cells(points, travelling_waves, device):
    operator = fno(2, 2, modes=6, width=8, layers=3, dims=len(points)).double().to(device)
    u = travelling_waves(2, 2, 1, points, device=device)
    for axis in range(3, 3 + len(points)):
        assert translation_defect(operator, u, axis) < 1e-14


@pytest.mark.parametrize(("points", "options"), [((33, 16), {"positional_embedding": None}), ((32,), {})])
def test_the_stock_operator_does_not(points, options, travelling_waves):
    """Its convolution is wrong on grids with an odd number of points, its grid channel on all."""
    torch.manual_seed(0)
    stock = neuralop_models().FNO((8,) * len(points), 1, 1, 8, n_layers=2, **options)
    u = travelling_waves(1, 1, 1, points)[:, 0].float()
    assert translation_defect(stock, u, 2) > 1e-3


def translation_defect(operator, u, axis):
    v = operator(u)
    scale = (v - v.mean(axis, keepdim=True)).norm()  # a constant commutes with anything
    return ((operator(u.roll(1, axis)) - v.roll(1, axis)).norm() / scale).item()


def test_construction_depends_on_the_seed_alone():
    torch.manual_seed(5)
    before = torch.get_rng_state()
    first = fno(2, 2, width=8, seed=3)
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(6)
    with torch.device("meta"):
        second = fno(2, 2, width=8, seed=3)
    other = fno(2, 2, width=8, seed=4)
    for (name, a), b, c in zip(first.named_parameters(), second.parameters(), other.parameters(), strict=True):
        assert torch.equal(a, b)
        assert not torch.equal(a, c) or not a.any(), name  # biases of the convolutions start at 0


def test_precision_is_that_of_the_module(device):
    operator = fno(2, 2, modes=4, width=8).to(device)
    u = torch.ones(1, 2, 1, 16, device=device)
    assert {p.dtype for p in operator.parameters()} == {torch.float32}
    assert operator(u).dtype == torch.float32
    double = copy.deepcopy(operator).double()
    assert double(u.double()).dtype == torch.float64
    torch.testing.assert_close(double(u.double()), operator(u).double(), rtol=0, atol=1e-6)


class Inside(nn.Module):
    def __init__(self, seed):
        super().__init__()
        self.operator = fno(2, 2, modes=4, width=8, layers=2, seed=seed)


def test_state_dict_holds_tensors_alone_and_loads_nested(tmp_path):
    outer, other = Inside(0), Inside(1)
    state = outer.state_dict()
    assert all(isinstance(value, torch.Tensor) for value in state.values())
    torch.save(state, tmp_path / "state.pt")
    other.load_state_dict(torch.load(tmp_path / "state.pt", weights_only=True))
    u = torch.ones(1, 2, 1, 16)
    assert torch.equal(outer.operator(u), other.operator(u))
    average = torch.optim.swa_utils.AveragedModel(outer.operator)
    average.load_state_dict(average.state_dict())


def test_fields_of_another_shape_are_refused():
    operator = fno(4, 2, fields=2, modes=3, width=8)
    expected = r"takes fields of shape \(batch, 4 frames, 2 fields, 1 space axes\), got"
    for shape in [(1, 3, 2, 16), (1, 4, 1, 16), (4, 2, 16), (1, 4, 2, 16, 16)]:
        with pytest.raises(ValueError, match=expected):
            operator.forward.__wrapped__(operator, torch.zeros(shape))


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"frames_in": 0}, "frames_in of an FNO to be an integer from 1 on, got 0"),
        ({"modes": True}, "modes of an FNO to be an integer from 1 on, got True"),
        ({"seed": -1}, "seed of an FNO to be an integer from 0 on, got -1"),
        ({"dims": 4}, "dims of an FNO to be 1, 2 or 3, got 4"),
        ({"increment": 0.0}, "increment of an FNO to be positive and finite, got 0"),
    ],
)
def test_numbers_that_make_no_fno_are_refused(arguments, sentence):
    with pytest.raises(ValueError, match=sentence):
        FNOConfig(**{"frames_in": 2, "frames_out": 2, **arguments})


def test_with_an_increment_the_network_gives_the_change_from_the_last_frame():
    plain, changing = (fno(2, 3, modes=3, width=4, layers=2, increment=size) for size in (None, 0.25))
    u = torch.randn(2, 2, 1, 16, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(changing(u), u[:, 1:] + 0.25 * plain(u))
    assert not torch.allclose(changing(u), u[:, :1] + 0.25 * plain(u), atol=0.1)


def test_importing_is_light_silent_and_offline():
    """In a process of its own: neuralop comes with the first model, without a warning, a connection or a process."""
    program = (
        "import sys, warnings, torch\n"
        "import pdesym.operators\n"
        "assert 'neuralop' not in sys.modules\n"
        "def refuse(event, arguments):\n"
        "    if event in ('socket.connect', 'socket.getaddrinfo', 'subprocess.Popen', 'os.system', 'os.fork'):\n"
        "        raise AssertionError(f'{event} {arguments}')\n"
        "sys.addaudithook(refuse)\n"
        "before = list(warnings.filters)\n"
        "pdesym.operators.fno(1, 1, modes=2, width=4)\n"
        "assert 'neuralop' in sys.modules\n"
        "assert warnings.filters == before, 'the warning filters changed'\n"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", program], check=True, timeout=120)


def test_it_is_the_formula(travelling_waves):
    """v₀ = P u, vₗ₊₁ = σ(Wₗ vₗ + Sₗ vₗ), F(u) = Q₂ σ(Q₁ v_L), one line each."""
    operator = fno(2, 3, modes=4, width=8, layers=3).double()
    u = travelling_waves(2, 2, 1, (16,))
    lift, blocks, project = operator.fno.lifting.fcs, operator.fno.fno_blocks.blocks, operator.fno.projection.fcs
    gelu = nn.functional.gelu
    v = lift[0](u.flatten(1, 2))
    for skip, convolution in zip(blocks.fno_skips, blocks.convs, strict=True):
        v = gelu(skip.conv(v) + convolution(v))
    expected = project[1](gelu(project[0](v))).unflatten(1, (3, 1))
    assert (len(lift), len(blocks.convs), len(project)) == (1, 3, 2)
    torch.testing.assert_close(operator(u), expected, rtol=0, atol=1e-14)
