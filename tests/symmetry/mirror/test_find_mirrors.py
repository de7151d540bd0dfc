"""Which mirrors a network has: found from its structure, confirmed by numbers, false ones rejected."""

import pytest
import torch
from torch import nn
from torch.nn.functional import softmax
from torch.nn.utils import parametrize

from pdesym.symmetry.mirror import confirmed, double_rotation, find_channels, find_mirrors, permutation, sign
from pdesym.symmetry.mirror.confirmation import require_network
from pdesym.symmetry.mirror.finding import IncompleteSearch

X = torch.randn(4, 3, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


def kinds(module, example=X):
    """From the axes of each group, as text, to its kinds."""
    groups = find_channels(module, example)
    return {", ".join(f"{a.parameter}[{a.axis}]" for a in group.axes): (group.size, group.kinds) for group in groups}


@pytest.mark.parametrize(
    ("activation", "expected"),
    [
        (nn.Tanh(), ("permutation", "sign")),
        (nn.ReLU(), ("permutation",)),
        (nn.GELU(), ("permutation",)),
        (nn.Identity(), ("permutation", "sign", "rotation")),
        (nn.LayerNorm(5), ("permutation",)),
    ],
)
def test_the_kinds_of_a_layer_are_those_of_its_activation(activation, expected):
    network = nn.Sequential(nn.Linear(3, 5), activation, nn.Linear(5, 5), nn.GELU(), nn.Linear(5, 2))
    found = kinds(network)
    normed = ", 1.weight[0], 1.bias[0]" if isinstance(activation, nn.LayerNorm) else ""
    assert found == {
        f"0.weight[0], 0.bias[0]{normed}, 2.weight[1]": (5, expected),
        "2.weight[0], 2.bias[0], 4.weight[1]": (5, ("permutation",)),
    }


def test_every_mirror_that_is_found_holds_and_those_that_do_not_are_rejected():
    network = nn.Sequential(nn.Linear(3, 5), nn.Tanh(), nn.Linear(5, 4), nn.GELU(), nn.Linear(4, 2))
    mirrors = find_mirrors(network, X)
    assert len(mirrors) == 4 + 5 + 3
    parameters = dict(network.named_parameters())
    true = [("0.weight", 0), ("0.bias", 0), ("2.weight", 1)]
    false = [("2.weight", 0), ("2.bias", 0), ("4.weight", 1)]
    claimed = [
        permutation(parameters, true, 0, 3),
        sign(parameters, true, 2),
        sign(parameters, false, 2),  # GELU is not odd
        permutation(parameters, false[:2], 0, 3),  # what reads the channels is missing
        permutation(parameters, [("4.weight", 0), ("4.bias", 0)], 0, 1),  # the outputs themselves
    ]
    assert confirmed(network, X, claimed) == claimed[:2]


class Residual(nn.Module):
    """x + V U x, between an embedding and a reader."""

    def __init__(self, skip):
        super().__init__()
        self.skip = skip
        self.embed, self.u, self.v, self.read = (
            nn.Linear(3, 6),
            nn.Linear(6, 6, bias=False),
            nn.Linear(6, 6, bias=False),
            nn.Linear(6, 2),
        )

    def forward(self, x):
        x = torch.tanh(self.embed(x))
        y = self.v(self.u(x))
        return self.read(torch.tanh(x + y if self.skip else y))


def test_a_residual_connection_ties_channels_and_removes_mirrors():
    plain, residual = Residual(False), Residual(True)
    inner = "u.weight[0], v.weight[1]"
    assert kinds(plain)[inner] == kinds(residual)[inner] == (6, ("permutation", "sign", "rotation"))
    assert len(kinds(plain)) == 3
    stream = "embed.weight[0], embed.bias[0], u.weight[1], v.weight[0], read.weight[1]"
    assert kinds(residual)[stream] == (6, ("permutation", "sign"))
    assert len(kinds(residual)) == 2
    for network, count in ((plain, 1), (residual, 0)):
        parameters = dict(network.named_parameters())
        claimed = permutation(parameters, [("embed.weight", 0), ("embed.bias", 0), ("u.weight", 1)], 1, 2)
        assert len(confirmed(network, X, [claimed])) == count

    n = torch.ones(6, dtype=torch.float64) / 6**0.5

    class OfTwo(nn.Module):
        def __init__(self, skip):
            super().__init__()
            self.u, self.v, self.skip = nn.Linear(6, 6, bias=False), nn.Linear(6, 6, bias=False), skip

        def forward(self, x):
            y = self.u(x) + x if self.skip else self.u(x)
            return self.v(y) + y if self.skip else self.v(y)

    for skip in (False, True):
        network = OfTwo(skip)
        rotated = double_rotation(dict(network.named_parameters()), ("u.weight", 0), ("v.weight", 1), n)
        assert (len(confirmed(network, torch.randn(4, 6), [rotated])) == 1) == (not skip)
        assert (len(kinds(network, torch.randn(4, 6))) == 1) == (not skip)


class Attention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.q, self.k, self.v, self.o = (nn.Linear(width, width) for _ in range(4))

    def forward(self, x):
        q, k, v = (each(x).unflatten(-1, (self.heads, -1)).transpose(-3, -2) for each in (self.q, self.k, self.v))
        scores = softmax(q @ k.transpose(-2, -1) / q.shape[-1] ** 0.5, -1)
        return self.o((scores @ v).transpose(-3, -2).flatten(-2))


@pytest.mark.parametrize("fused", [False, True])
def test_attention_has_rotations_in_every_head_and_exchanges_of_heads(fused):
    if fused:

        class Itself(nn.Module):
            def __init__(self):
                super().__init__()
                self.attention = nn.MultiheadAttention(8, 2, batch_first=True)

            def forward(self, x):
                return self.attention(x, x, x)[0]

        network = Itself()
    else:
        network = Attention(8, 2)
    groups = find_channels(network, torch.randn(3, 5, 8, generator=torch.Generator().manual_seed(0)))
    heads = [g for g in groups if g.size == 2]
    inside = [g for g in groups if g.size == 4]
    assert [g.kinds for g in heads] == [("permutation", "sign")]
    assert [g.kinds for g in inside] == [("permutation", "sign", "rotation")] * 4  # W_Q W_K and W_V W_O of two heads
    assert len(groups) == 5
    x = torch.randn(2, 5, 8, dtype=torch.float64)
    assert len(confirmed(network, x, [inside[0].candidate("rotation")])) == 1
    # Negative control: a sign of the queries alone.
    name = "attention.in_proj_weight" if fused else "q.weight"
    parameters = dict(network.named_parameters())
    assert confirmed(network, x, [sign(parameters, [(name, 0)], 1)]) == []


def test_a_recurrence_numbers_its_channels_twice_in_one_matrix():
    class Recurrence(nn.Module):
        def __init__(self):
            super().__init__()
            self.into, self.again, self.out = nn.Linear(3, 4), nn.Linear(4, 4, bias=False), nn.Linear(4, 2)

        def forward(self, x):
            h = torch.tanh(self.into(x))
            for _ in range(3):
                h = torch.tanh(self.into(x) + self.again(h))
            return self.out(h)

    assert kinds(Recurrence()) == {
        "into.weight[0], into.bias[0], again.weight[0], again.weight[1], out.weight[1]": (4, ("permutation", "sign"))
    }


def test_products_of_parameters_and_parametrisations():
    class Product(nn.Module):
        def __init__(self):
            super().__init__()
            self.u, self.w = nn.Parameter(torch.randn(2, 5)), nn.Parameter(torch.randn(2, 5))

        def forward(self, z):
            return self.u * self.w + z

    network = nn.Sequential(nn.Linear(3, 5), nn.Tanh(), nn.Linear(5, 2, bias=False))
    plain = kinds(network)
    parametrize.register_parametrization(network[2], "weight", Product(), unsafe=True)
    found = kinds(network)
    weight = "2.parametrizations.weight"
    assert (
        found
        == {f"0.weight[0], 0.bias[0], {weight}.original[1], {weight}.0.u[1], {weight}.0.w[1]": (5, ("permutation",))}
        or found[next(iter(found))][0] == 5
    )
    assert len(plain) == 1
    names = [mirror.name for mirror in find_mirrors(network, X)]
    assert f"sign of {weight}.0.u and {weight}.0.w" in names


def test_convolutions_norms_and_embeddings():
    network = nn.Sequential(
        nn.Conv1d(3, 6, 3, padding=1),
        nn.GELU(),
        nn.Conv1d(6, 4, 3, padding=1),
        nn.Tanh(),
        nn.Flatten(),
        nn.Linear(28, 2),
    )
    found = kinds(network, torch.randn(2, 3, 7, dtype=torch.float64))
    assert found == {
        "0.weight[0], 0.bias[0], 2.weight[1]": (6, ("permutation",)),
        "2.weight[0], 2.bias[0], 5.weight[1]": (4, ("permutation", "sign")),  # 28 is read as (4, 7)
    }


def test_channels_that_pass_an_unknown_operation_are_left_out():
    class Sorted(nn.Module):
        def __init__(self):
            super().__init__()
            self.into, self.out = nn.Linear(3, 5), nn.Linear(5, 2)

        def forward(self, x):
            return self.out(self.into(x).sort(-1).values)

    # Its mirror, an exchange of the rows alone, is none of those that are proposed.
    network = Sorted()
    with pytest.warns(IncompleteSearch, match="The search for mirrors stopped at sort: mirrors of the channels"):
        assert kinds(network) == {}
    rows = permutation(dict(network.named_parameters()), [("into.weight", 0), ("into.bias", 0)], 0, 1)
    assert confirmed(network, X, [rows]) == [rows]


class Wrapped(nn.Module):
    """A perceptron, and something done to what it gives."""

    def __init__(self, then):
        super().__init__()
        self.inner = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 1))
        self.then = then

    def forward(self, x):
        return self.then(self.inner(x))


@pytest.mark.parametrize(
    ("then", "message"),
    [
        (lambda y: (y - 1e9).sqrt(), "Expected Wrapped to give finite outputs at parameters drawn at random"),
        (lambda y: "no tensor", "Expected Wrapped to give tensors, in tuples, lists or dicts, got none"),
        (lambda y: y[:0], r"an output for one sample at least, got shapes \[\(0, 1\)\]: give a few samples"),
        (lambda y: y + torch.rand_like(y), "the same output twice, got others: take out what it draws at random"),
    ],
)
def test_a_network_that_tells_nothing_is_refused(then, message):
    """Outputs that are no numbers would confirm every mirror, and random ones none."""
    with pytest.raises(ValueError, match=message):
        find_mirrors(Wrapped(then), torch.randn(5, 3, generator=torch.Generator().manual_seed(0)))


@pytest.mark.parametrize("then", [lambda y: y.squeeze(1), lambda y: y.sum(), lambda y: {"y": y}])
def test_outputs_of_every_shape_are_compared(then):
    """One number for each sample, or for all, in a dict: exchanges hold, signs do not."""
    x = torch.randn(5, 3, generator=torch.Generator().manual_seed(0))
    (group,) = find_channels(Wrapped(then), x)
    assert group.kinds == ("permutation",)


def test_complex_parameters_are_refused():
    module = Wrapped(lambda y: y)
    module.phase = nn.Parameter(torch.ones(2, dtype=torch.complex64))
    with pytest.raises(ValueError, match=r"Expected real parameters, got phase of torch\.complex64"):
        find_mirrors(module, torch.ones(2, 3))


class Branching(nn.Module):
    """Another layer where the mean of the first one is positive."""

    def __init__(self):
        super().__init__()
        self.a, self.c, self.b = nn.Linear(3, 5), nn.Linear(5, 5), nn.Linear(5, 2)

    def forward(self, x):
        h = torch.tanh(self.a(x))
        return self.b(torch.tanh(self.c(h)) if h.mean() > 0 else h)


@pytest.mark.parametrize("seed", [0, 1])
def test_mirrors_of_one_branch_are_none_and_those_of_both_are_found(seed):
    """Channels may be exchanged in all layers at once; parameters of a branch not taken are free at that θ alone."""
    network = Branching()
    mirrors = find_mirrors(network, X, seed=seed)
    assert [set(mirror.names) for mirror in mirrors] == [set(dict(network.named_parameters())) - {"b.bias"}] * 4
    assert confirmed(network, X, mirrors, seed=seed + 5) == mirrors
    of_one = sign(dict(network.named_parameters()), [("a.weight", 0), ("a.bias", 0), ("b.weight", 1)], 0)
    assert confirmed(network, X, [of_one]) == []


def test_parameters_without_effect_have_no_mirrors():
    network = Wrapped(lambda y: y)
    network.unused = nn.Linear(5, 5)
    mirrors = find_mirrors(network, X)
    assert len(mirrors) == 3
    assert not any("unused" in name for mirror in mirrors for name in mirror.names)


@pytest.mark.parametrize(
    ("layer", "kinds_of_it"),
    [
        (nn.Hardtanh(-20, 40), ("permutation",)),
        (nn.Hardtanh(-20, 20), ("permutation", "sign")),
        (nn.PReLU(), ("permutation",)),
        (nn.PReLU(5), ("permutation",)),
        (nn.Sequential(nn.BatchNorm1d(5), nn.ReLU()), ("permutation",)),
    ],
)
def test_corners_far_away_and_layers_with_numbers_of_their_own(layer, kinds_of_it):
    ((size, found),) = kinds(nn.Sequential(nn.Linear(3, 5), layer, nn.Linear(5, 2))).values()
    assert size == 5
    assert found == kinds_of_it


def test_a_recurrent_layer_of_torch():
    class Recurrent(nn.Module):
        def __init__(self, kind):
            super().__init__()
            self.inner, self.out = kind(3, 4, batch_first=True), nn.Linear(4, 1)

        def forward(self, x):
            return self.out(self.inner(x)[0])

    example = torch.randn(2, 5, 3, generator=torch.Generator().manual_seed(2))
    ((size, found),) = kinds(Recurrent(nn.RNN), example).values()
    assert (size, found) == (4, ("permutation", "sign"))
    with pytest.warns(IncompleteSearch, match="stopped at split"):
        assert kinds(Recurrent(nn.GRU), example) == {}


def test_statistics_of_channels_end_the_search_and_it_is_said():
    network = nn.Sequential(nn.Linear(3, 5), nn.BatchNorm1d(5), nn.ReLU(), nn.Linear(5, 2)).double()
    network(X)  # in training mode
    with pytest.warns(IncompleteSearch, match="stopped at batch norm with statistics that differ by channel"):
        assert find_mirrors(network, X) == []


@pytest.mark.parametrize(
    ("module", "example", "message"),
    [
        (torch.tanh, [X], "Expected a torch.nn.Module, whose parameters have mirrors, got a builtin_function"),
        (nn.Linear(3, 2), [X.numpy()], "Expected tensors as example, one or a tuple of arguments, got a ndarray"),
        (nn.Linear(3, 2), [[1.0]], "got a list: convert it with torch.as_tensor"),
    ],
)
def test_what_is_no_network_and_no_example_is_refused(module, example, message):
    with pytest.raises(TypeError, match=message):
        require_network(module, example)
