import numpy as np
import pytest

numba = pytest.importorskip("numba")

from pdesym.solvers.kernel.assembly import aligned, kept_modes  # noqa: E402
from pdesym.solvers.kernel.fourier import analyse, project, synthesise  # noqa: E402
from pdesym.solvers.kernel.lengths import LANES, factors, transform  # noqa: E402


@numba.njit
def _forward(z, field, spectrum, kept, scale, turn, tables):
    analyse(z, field, tables)
    project(z, field, spectrum, kept, scale, turn, False, tables)


@numba.njit
def _backward(z, field, spectrum, kept, scale, turn, tables):
    synthesise(z, field, spectrum, kept, scale, turn, tables)


# Grids that refinement and padding give, all butterflies, first and last, and the smallest.
SIZES = [4, 6, 8, 10, 12, 16, 18, 24, 30, 32, 48, 50, 64, 90, 96, 100, 128, 160, 192, 200, 250, 256, 288, 320, 384]
SIZES += [432, 486, 512, 576, 768, 1000, 1024, 2048]


@pytest.fixture(scope="module")
def fields():
    return {n: np.random.default_rng(n).normal(size=(n, LANES)) for n in SIZES}


@pytest.mark.parametrize("padded", [False, True])
@pytest.mark.parametrize("points", SIZES)
def test_the_transforms_are_those_of_numpy(points, padded, fields):
    kept = max(2, points // 3) if padded else kept_modes(points)
    tables, spectrum = transform(points), points
    memory = aligned(points + 2 * kept)
    vectors = memory.reshape(-1, LANES)
    vectors[:points] = fields[points]
    _forward(memory, 0, spectrum, kept, np.full((kept, 2), 0.5 / points), 0, tables)
    expected = np.fft.rfft(fields[points], axis=0, norm="forward")[:kept]
    pairs = vectors[spectrum:].reshape(kept, 2, LANES)
    assert np.abs(pairs[:, 0] + 1j * pairs[:, 1] - expected).max() < 2e-15 * np.abs(expected).max()

    # Backwards, with a derivative: i·k trades real and imaginary parts.
    k = np.arange(kept)
    _backward(memory, 0, spectrum, kept, np.stack([-1.0 * k, 1.0 * k], axis=-1), 1, tables)
    slope = np.fft.irfft(1j * k[:, None] * expected, n=points, axis=0, norm="forward")
    synthesised = vectors[:points].reshape(points // 2, 2, LANES)[tables.place].reshape(points, LANES)
    assert np.abs(synthesised - slope).max() < 2e-15 * np.abs(slope).max()


def test_lengths_with_other_prime_factors_are_refused():
    assert factors(7) is None
    assert factors(2 * 3 * 11) is None
    assert factors(1) == []
    assert [np.prod(factors(half)) for half in (2, 12, 128, 500, 648)] == [2, 12, 128, 500, 648]


def test_a_lane_does_not_see_its_neighbours(fields):
    tables, kept = transform(96), 48
    scale = np.full((kept, 2), 0.5 / 96)

    def spectra(values):
        memory = aligned(96 + 2 * kept)
        memory.reshape(-1, LANES)[:96] = values
        _forward(memory, 0, 96, kept, scale, 0, tables)
        return memory.reshape(-1, LANES)[96:].copy()

    alone = np.zeros_like(fields[96])
    alone[:, 3] = fields[96][:, 5]
    alone[:, 4] = np.nan
    assert np.array_equal(spectra(alone)[:, 3], spectra(fields[96])[:, 5])
