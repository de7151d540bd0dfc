"""What constraints, gates, mirrors and exponents cannot use is refused in one sentence."""

from math import inf, nan

import pytest
import torch
from torch import nn

from pdesym.symmetry.mirror import (
    Axis,
    CandidateSymmetry,
    ChannelGroup,
    Elementwise,
    Grouped,
    LowRank,
    collapse_exponent,
    constrain,
    critical_learning_rate,
    cyclic_matrices,
    different_channels,
    even_matrices,
    fixed_bias,
    gate_symmetries,
    gradient_leak,
    optimiser_groups,
    permutation,
    removable,
    remove,
    rotation,
    sample_curvatures,
)
from pdesym.symmetry.mirror.reparametrised import require_kind


def square(size=4):
    weight = torch.randn(size, size, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    module = nn.Linear(size, size).double()
    module.weight = nn.Parameter(weight)
    return module


def filled(value, dtype=torch.float32):
    module = nn.Linear(3, 2).to(dtype)
    nn.init.constant_(module.weight, value)
    return module


def oblique(weight):
    """(a, b) ↦ (a + b, 0) of the first two rows: its own square, but not orthogonal."""
    rest = weight.clone()
    rest[0], rest[1] = weight[0] + weight[1], 0
    return rest


CURVATURES = torch.ones(3, dtype=torch.float64)
TRANSLATION = cyclic_matrices(4)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: gate_symmetries(square(), "weight", [CandidateSymmetry("slant", oblique)]), "slant to give an orth"),
        (lambda: gate_symmetries(square(), "weight", [TRANSLATION, TRANSLATION]), "different candidates, got trans"),
        (lambda: gate_symmetries(square(), "weight", TRANSLATION), "a list of candidates, got translation alone"),
        (lambda: gate_symmetries(square(5), "weight", [TRANSLATION]), r"shape \(4, 4\), got \(5, 5\)"),
        (lambda: even_matrices(4).kept(torch.ones(4, 6)), r"shape \(4, 4\), got \(4, 6\)"),
        (lambda: cyclic_matrices(0), "the number of points of a grid, at least 1, got 0"),
        (lambda: even_matrices(-3), "the number of points of a grid, at least 1, got -3"),
        (lambda: optimiser_groups(constrain(square(), "weight", Elementwise()), 0.1, -1.0), "weight decay that is not"),
        (lambda: collapse_exponent(CURVATURES, inf), "a positive learning rate, got inf"),
        (lambda: critical_learning_rate(CURVATURES, nan), "a finite weight decay, got nan"),
        (lambda: constrain(filled(nan), "weight", Elementwise()), "a finite parameter weight"),
        (
            lambda: constrain(filled(1.0, torch.float16), "weight", LowRank()),
            "float32 or float64 for LowRank, got weight",
        ),
        (lambda: require_kind("lasso"), "a kind such as .* got 'lasso'"),
        (lambda: require_kind(Elementwise), "got the class Elementwise"),
        (lambda: fixed_bias(square(), 0.1, 0, ["bias", "bias"]), "every name once, got bias, bias"),
    ],
)
def test_one_sentence_says_what_was_expected(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize(
    ("kind", "arguments", "message"),
    [
        (Grouped, (1,), "a tuple of axes as over, such as"),
        (LowRank, (0, 1), "a tuple of axes as rows, such as"),
        (Elementwise, (2.5,), "a whole number of factors, got depth=2.5"),
    ],
)
def test_numbers_in_the_place_of_axes(kind, arguments, message):
    made = object.__new__(kind)  # past the types of the signature, which tests check
    for name, value in zip(kind.__dataclass_fields__, arguments, strict=False):
        object.__setattr__(made, name, value)
    with pytest.raises(ValueError, match=message):
        made.__post_init__()


@pytest.mark.parametrize("value", [inf, nan])
def test_factors_that_are_not_finite_are_not_removed(value):
    module = constrain(square(), "weight", Elementwise())
    assert removable(module)["weight"].removed == 0
    with torch.no_grad():
        module.parametrizations.weight.original0[0, 0] = value
    for call in (removable, remove):
        with pytest.raises(ValueError, match="Expected finite factors of weight, got others"):
            call(module)
    assert module.parametrizations.weight.original0[1, 1] != 0


def test_channels_of_no_numbers_are_not_counted():
    group = ChannelGroup((Axis("w", 0),), 3, {"w": (3, 2)}, ("permutation",))
    assert different_channels(group, {"w": torch.eye(3, 2)}) == 2
    with pytest.raises(ValueError, match="Expected finite parameters, got others in w"):
        different_channels(group, {"w": torch.full((3, 2), nan)})


def test_leaks_need_losses_of_the_parameters_and_curvatures_a_direction_of_their_size():
    θ = {"w": torch.tensor([[1.0, 2.0], [0.5, 1.0]], dtype=torch.float64)}
    mirror = permutation(θ, [("w", 0)], 0, 1)
    with torch.no_grad():
        assert gradient_leak(lambda p: p["w"].square().sum(), θ, mirror).max() < 1e-12
    with pytest.raises(ValueError, match="losses of the parameters that they are given, got ones that do not depend"):
        gradient_leak(lambda p: torch.ones(2), θ, mirror)
    with pytest.raises(ValueError, match="a direction with 2 entries, one a coordinate, got 3"):
        sample_curvatures(lambda p: p["w"].square().sum()[None], θ, mirror, torch.ones(3, dtype=torch.float64))


def test_a_unit_vector_in_single_precision_is_normalised():
    θ = {"w": torch.ones(3, 2, dtype=torch.float64)}
    n = torch.ones(3) / 3**0.5
    assert rotation(θ, ("w", 0), n).violation(θ) == pytest.approx(1.0, abs=1e-12)
    with pytest.raises(ValueError, match="a unit vector n in float64"):
        rotation(θ, ("w", 0), n.double())
