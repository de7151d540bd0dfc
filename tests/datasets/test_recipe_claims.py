"""What the headers of shipped recipes say: the laws of benchmarks, and what symmetries a broken family keeps."""

import math

import numpy as np
import pytest
import torch

from pdesym.datasets import load_recipe
from pdesym.datasets.problem import equation_of, initial_fields, solve_samples
from pdesym.solvers.threads import one_thread
from pdesym.symmetry.determine import determine

# --- initial fields of the benchmarks


def benchmark_vorticity(number: int, points: int, variance: float) -> np.ndarray:
    """Fields on the unit torus as the code of the benchmark makes them, with α = 5/2 and τ = 7.

    Every wavevector, k and −k each for itself, gets a complex number whose two parts are normal with a variance; the
    field is the real part of the sum of waves.
    """
    generator = np.random.default_rng(11)
    parts = generator.normal(scale=math.sqrt(variance), size=(2, number, points, points))
    waves = 2 * np.pi * np.fft.fftfreq(points, 1 / points)
    size = math.sqrt(2) * 7 ** (5 / 2 - 1) * (waves[:, None] ** 2 + waves**2 + 7**2) ** (-5 / 4)
    size[0, 0] = 0
    return np.fft.ifft2(size * (parts[0] + 1j * parts[1]), norm="forward").real


@pytest.mark.parametrize(
    ("name", "variance", "said"),
    [
        ("fno-ns-1e-3", 1.0, 0.262),
        ("fno-ns-1e-4", 1.0, 0.262),
        ("fno-ns-1e-5", 1.0, 0.262),
        ("gfno-ns", 1.0, 0.262),
        ("gfno-ns-sym", 0.5, 0.185),
    ],
)
def test_the_vorticity_is_drawn_as_the_code_of_the_benchmark_draws_it(name, variance, said):
    recipe = load_recipe(name)
    ours = initial_fields(recipe, "train", range(400))[:, 0].numpy()
    theirs = benchmark_vorticity(1000, 64, variance)
    assert ours.std() == pytest.approx(theirs.std(), rel=0.03)
    assert theirs.std() == pytest.approx(said, rel=0.02)
    power, expected = ((np.abs(np.fft.fft2(u, norm="forward")) ** 2).mean(axis=0) for u in (ours, theirs))
    low = [(0, 1), (1, 0), (1, 1), (1, -1), (0, 2), (2, 0)]
    ratios = [power[k] / expected[k] for k in low]
    assert np.mean(ratios) == pytest.approx(1, abs=0.1)
    text = math.sqrt(7**1.5 * sum((squares.sum() + 49) ** -2.5 for squares in _squares(31)))
    assert text == pytest.approx(0.043, abs=5e-4)  # what the text says is another law


def _squares(modes: int):
    """(2πm)² of each component, for every vector m but 0."""
    span = range(-modes, modes + 1)
    return ((2 * np.pi * np.array([i, j])) ** 2 for i in span for j in span if (i, j) != (0, 0))


def test_the_symmetric_pair_differs_by_the_size_of_its_fields_alone():
    one, other = (initial_fields(load_recipe(name), "train", range(2)) for name in ("gfno-ns", "gfno-ns-sym"))
    assert torch.allclose(one, math.sqrt(2) * other, rtol=1e-13)
    same = load_recipe("gfno-ns-sym", ["initial.sigma=26.191601707417593"])
    assert torch.equal(initial_fields(same, "train", range(2)), one)


def test_the_field_of_burgers_is_that_of_text_and_sampler():
    """Their sampler: amplitudes √2·25 (k² + 25)⁻¹ times a normal number, of every cosine and every sine."""
    ours = initial_fields(load_recipe("fno-burgers"), "train", range(2000))[:, 0].numpy()
    generator = np.random.default_rng(5)
    k = 2 * np.pi * np.arange(1, 65)
    x = np.arange(256) / 256
    cosines, sines = (generator.normal(size=(2000, 64)) * math.sqrt(2) * 25 / (k**2 + 25) for _ in range(2))
    theirs = cosines @ np.cos(k[:, None] * x) + sines @ np.sin(k[:, None] * x)
    assert ours.std() == pytest.approx(theirs.std(), rel=0.04)
    assert ours.std() == pytest.approx(math.sqrt((2 * 625 / (k**2 + 25) ** 2).sum()), rel=0.04)


# --- families with a broken symmetry

BOOST = "t*d_x + d_u"
KEPT = {
    "broken-kdv": {"d_x", "d_t"},
    "broken-ks": {"d_x", "d_t"},
    "broken-burgers": {"d_x", "d_t", "x*d_x + 2*t*d_t - u*d_u"},
    "broken-heat": {"d_x", "d_t", "x*d_x + 2*t*d_t - u*d_u"},
}


def generators(text: str, **values: float) -> set[str]:
    """The generators of an equation with numbers for its parameters, as text."""
    return {str(generator) for generator in determine(text, values=values, special=False).algebra}


def numbers(recipe) -> dict[str, float]:
    return {name: value for name, value in recipe.parameters.items() if isinstance(value, float)}


@pytest.mark.parametrize("name", KEPT)
def test_a_broken_family_keeps_what_its_header_says_and_no_boost(name):
    recipe = load_recipe(name)
    for eps in (recipe.parameters["eps"], 1e-3):
        assert generators(recipe.equation, **{**numbers(recipe), "eps": eps}) == KEPT[name]


@pytest.mark.parametrize("name", ["broken-kdv", "broken-ks", "broken-burgers"])
def test_without_the_drag_the_boost_is_there_and_a_linear_drag_keeps_one(name):
    recipe = load_recipe(name)
    whole = generators(recipe.equation, **{**numbers(recipe), "eps": 0.0})
    assert BOOST in whole
    assert len(whole) > len(KEPT[name])
    linear = recipe.equation.replace("eps*u**3", "eps*u")
    deformed = generators(linear, **{**numbers(recipe), "eps": 0.1}) - KEPT[name]
    assert any("exp(-t/10)" in text for text in deformed)


@pytest.mark.parametrize("name", ["broken-kdv", "broken-ks", "broken-burgers"])
def test_a_family_without_its_drag_is_the_plain_recipe_to_the_bit(name):
    broken, plain = load_recipe(name, ["parameters.eps=0"]), load_recipe(name.removeprefix("broken-"))
    assert {key: getattr(broken, key) for key in ("grid", "initial", "times", "splits", "rtol", "dtype", "seed")} == {
        key: getattr(plain, key) for key in ("grid", "initial", "times", "splits", "rtol", "dtype", "seed")
    }
    with one_thread():
        (one, _), (other, _) = (solve_samples(recipe, "test", [1]) for recipe in (broken, plain))
    assert torch.equal(one.u, other.u)
    assert torch.equal(one.steps, other.steps)


@pytest.mark.parametrize("name", ["broken-kdv", "broken-ks", "broken-burgers"])
@pytest.mark.parametrize("eps", [0.01, 0.2])
def test_the_families_keep_their_tolerance(name, eps):
    recipe = load_recipe(name, [f"parameters.eps={eps}"])
    assert equation_of(recipe, {}).parameters["eps"] == eps
    with one_thread():
        solution, _ = solve_samples(recipe, "test", [0, 1])
    assert (solution.error <= recipe.rtol).all()
