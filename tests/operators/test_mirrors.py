"""The mirrors of a Fourier neural operator: by hand and found alike, confirmed, and what they have caught."""

import pytest
import torch
from torch import nn
from torch.func import functional_call

from pdesym.operators import FNOConfig
from pdesym.operators.mirrors import fno_channels, fno_mirrors, mode_ranks
from pdesym.symmetry.mirror import (
    channel_distances,
    confirmed,
    curvature,
    dead_channels,
    different_channels,
    effective_rank,
    find_channels,
    gradient_leak,
    permutation,
    sign,
)


def described(groups):
    """Axes of the parameters themselves: a view that leaves out axes of size 1 counts the rest."""
    found = set()
    for group in groups:
        axes = []
        for axis in group.axes:
            shape = group.shapes[axis.parameter]
            kept = [place for place, size in enumerate(shape) if size > 1] if axis.view else list(range(len(shape)))
            axes.append((axis.parameter, kept[axis.axis]))
        found.add((group.size, group.kinds, frozenset(axes)))
    return found


@pytest.mark.parametrize("dims", [1, 2])
def test_the_channels_of_an_fno_are_those_that_are_found(dims):
    operator = FNOConfig(2, 1, 1, modes=3, width=5, layers=2, dims=dims).build()
    example = torch.randn(2, 2, 1, *(8,) * dims, generator=torch.Generator().manual_seed(0))
    assert described(find_channels(operator, example)) == described(fno_channels(operator))


def test_every_mirror_of_an_fno_holds_and_signs_behind_the_gelu_do_not():
    operator = FNOConfig(1, 1, 1, modes=3, width=4, layers=2).build()
    example = torch.randn(2, 1, 1, 8, generator=torch.Generator().manual_seed(0))
    mirrors = fno_mirrors(operator)
    assert len(mirrors) == 3 * 3 + 7 + 4 + 1
    _, after, last, inside = fno_channels(operator)
    parameters = dict(operator.named_parameters())
    false = [after.sign(1), last.sign(0), inside.sign(2), after.candidate("rotation")]
    # Channels of one layer cannot be exchanged in the spectral convolution alone: the pointwise path has them too.
    false.append(permutation(parameters, [axis for axis in after.axes if "skips" not in axis.parameter], 0, 1))
    false.append(sign(parameters, [("fno.lifting.fcs.0.weight", 0)], 0))
    assert confirmed(operator, example, mirrors + false) == mirrors


def test_an_fno_of_real_size_has_no_leak_and_a_curvature():
    operator = FNOConfig(1, 1, 1, modes=24, width=48, layers=4).build()
    parameters = {name: p.detach().double() for name, p in operator.named_parameters()}
    assert 4e5 < sum(p.numel() for p in parameters.values()) < 6e5
    generator = torch.Generator().manual_seed(1)
    u, target = torch.randn(2, 2, 1, 1, 64, generator=generator, dtype=torch.float64)
    copy = FNOConfig(1, 1, 1, modes=24, width=48, layers=4).build().double()

    def losses(at):
        return (functional_call(copy, dict(at), (u,)) - target).square().flatten(1).mean(1)

    group = fno_channels(operator)[2]
    true = group.permutation(3, 40)
    false = permutation(parameters, [axis for axis in group.axes if "skips" not in axis.parameter], 3, 40)
    assert true.rank > 4000
    assert float(gradient_leak(losses, parameters, true).max()) < 1e-12
    assert float(gradient_leak(losses, parameters, false).min()) > 1e-2
    # The sign of a channel before a GELU is no mirror, and has no leak: a silent channel stays silent all the same.
    assert float(gradient_leak(losses, parameters, group.sign(3)).max()) < 1e-12
    assert true.violation(true.project(parameters)) < 1e-15 < 1e-3 < true.violation(parameters)


@pytest.mark.slow
def test_the_curvature_of_an_fno_is_found_among_thousands_of_coordinates():
    operator = FNOConfig(1, 1, 1, modes=12, width=24, layers=2).build().double()
    parameters = {name: p.detach() for name, p in operator.named_parameters()}
    u, target = torch.randn(2, 3, 1, 1, 32, generator=torch.Generator().manual_seed(1), dtype=torch.float64)

    def losses(at):
        return (functional_call(operator, dict(at), (u,)) - target).square().flatten(1).mean(1)

    mirror = fno_channels(operator)[1].permutation(0, 5)
    found = curvature(losses, parameters, mirror)
    assert mirror.rank > 1000
    assert found.off_block < 1e-12
    # The quotient of its direction by differences of the loss.
    at, step = mirror.project(parameters), 1e-3
    moved = mirror.lift(step * found.direction)
    up = losses({name: p + moved[name] if name in moved else p for name, p in at.items()}).mean()
    assert float(2 * (up - losses(at).mean()) / step**2) == pytest.approx(found.lowest, rel=1e-4, abs=1e-6)


def test_equal_and_dead_channels_and_lost_rank_are_seen():
    operator = FNOConfig(1, 1, 1, modes=3, width=6, layers=2).build()
    _, group, _, _ = fno_channels(operator)
    parameters = {name: p.detach().double() for name, p in operator.named_parameters()}
    assert different_channels(group, parameters) == 6
    assert float(channel_distances(group, parameters).fill_diagonal_(1).min()) > 0.5

    equal = group.permutation(0, 3).project(group.permutation(0, 1).project(parameters))
    assert float(channel_distances(group, equal)[0, 3]) < 1e-7
    dead = group.sign(5).project(parameters)
    assert dead_channels(group, dead).tolist() == [False] * 5 + [True]
    assert different_channels(group, dead) == 5
    twins = group.permutation(2, 4).project(dead)
    assert different_channels(group, twins) == 4

    ranks = mode_ranks(operator)
    assert [rank.shape for rank in ranks] == [(4,), (4,)]
    assert 3 < float(ranks[0].min()) < float(ranks[0].max()) < 6
    with torch.no_grad():
        weight = dict(operator.named_parameters())["fno.fno_blocks.blocks.convs.1.weight"]
        weight[2, 1:] = 0
        weight[3] = 0
    torch.testing.assert_close(mode_ranks(operator)[1][2:], torch.tensor([1.0, 0.0], dtype=torch.float64))
    eye = torch.eye(7)
    assert float(effective_rank(eye)) == pytest.approx(7)
    assert float(effective_rank(eye * torch.tensor([1.0, 1, 1, 0, 0, 0, 0]))) == pytest.approx(3)


def test_an_fno_inside_another_module_and_none():
    operator = FNOConfig(1, 1, 1, modes=3, width=4, layers=2).build()
    inside = nn.Sequential(operator)
    assert [m.name.replace("0.fno.", "fno.") for m in fno_mirrors(inside)] == [m.name for m in fno_mirrors(operator)]
    example = torch.randn(2, 1, 1, 8, generator=torch.Generator().manual_seed(0))
    last = fno_mirrors(inside)[-1:]
    assert confirmed(inside, example, last) == last
    for call in (fno_channels, fno_mirrors):
        with pytest.raises(ValueError, match="Expected one FNO or a module around one, got Linear with 0 of them"):
            call(nn.Linear(2, 2))
    with pytest.raises(ValueError, match="an operator with a SpectralConvolution, got Linear without"):
        mode_ranks(nn.Linear(2, 2))
