"""Vector fields that are networks, fitted to equations, data and operators."""

import math

import pytest
import torch

from pdesym.solvers import Equation, FlowMap, Grid, RandomSinusoids, Trajectories, burgers, ckdv, kdv, ks, solve
from pdesym.symmetry import Generator, Library
from pdesym.symmetry.learn import (
    GeneratorNetwork,
    Learned,
    LearnSettings,
    Measure,
    OperatorScore,
    Scales,
    from_operator,
    from_trajectories,
    learn,
    relative_breaking,
)

QUICK = LearnSettings(steps=3, batch=8)
EXACT = ("d_x", "d_t", "t*d_x + d_u")
WRONG = ("t*d_x - d_u", "u*d_u")


def trajectories(
    equation: Equation, length: float, start: float, end: float, frames: int = 24, points: int = 96
) -> Trajectories:
    grid = Grid(points, length=length)
    u0 = RandomSinusoids(waves=(1, 2)).sample(grid, range(8), seed=0)
    return solve(equation, u0, grid, torch.linspace(start, end, frames, dtype=torch.float64), rtol=1e-8)


@pytest.fixture(scope="module")
def korteweg() -> Trajectories:
    return trajectories(kdv(), 48.0, 1.0, 9.0)


@pytest.fixture(scope="module")
def learned(korteweg: Trajectories) -> Learned:
    return learn(from_trajectories(korteweg, kdv()), QUICK)


def generators(*texts: str) -> list[Generator]:
    return [Generator(text) for text in texts]


class TestLearned:
    def test_spans_the_algebra_of_korteweg_de_vries_and_no_more(self, learned: Learned):
        assert learned.dimension == 3
        assert learned.angles(generators(*EXACT))[0] < 0.1
        assert learned.angles(generators("d_x", "d_t", WRONG[0]))[0] > 10
        assert learned.levels[3] > 10 * learned.problem.tolerance
        assert not learned.flags

    def test_reads_off_the_generators(self, learned: Learned):
        found = learned.read_off(Library.polynomial(1, space=False))
        assert {str(each) for each in found.generators} == set(EXACT)
        assert found.angle < 0.1
        # Without t in the library the boost cannot be written, and the angle says so.
        assert learned.read_off(Library.of_terms(("1", "u"))).angle > 5

    def test_has_orthonormal_vector_fields(self, learned: Learned):
        values = learned.network(learned.problem.measure.point).flatten(2)
        gram = torch.einsum("avp,bvp->ab", values, values) / values.shape[-1]
        assert torch.allclose(gram, torch.eye(len(gram), dtype=torch.float64), atol=1e-6)

    def test_says_what_it_found(self, learned: Learned):
        text = str(learned)
        assert "3 symmetries among 5 vector fields" in text
        assert text.count("broken") == 2

    def test_warns_when_every_slot_is_a_symmetry(self, korteweg: Trajectories):
        few = learn(from_trajectories(korteweg, kdv()), LearnSettings(slots=2, steps=0))
        assert few.dimension == 2
        assert any("more slots" in flag for flag in few.flags)

    def test_finds_coefficients_that_are_not_polynomials(self):
        data = trajectories(ckdv(), 48.0, 1.0, 9.0)
        found = learn(from_trajectories(data, ckdv()), QUICK)
        assert found.dimension == 2
        assert found.angles(generators("d_x", "sqrt(t+1)*d_x + d_u/(2*sqrt(t+1))"))[0] < 0.5
        assert found.angles(generators("d_x", "t*d_x + d_u"))[0] > 5
        (time_translation,) = relative_breaking(found.problem, generators("d_t"))
        assert time_translation > 0.3

    def test_finds_a_generator_that_is_nonlinear_in_u(self):
        # v = exp(u) solves the heat equation, so that multiples and sums of v are symmetries.
        equation = Equation("u_t = nu*(u_xx + u_x**2)", nu=0.05)
        data = trajectories(equation, 2 * math.pi, 0.0, 2.0)
        problem = from_trajectories(data, equation)
        found = learn(problem, LearnSettings(slots=8, steps=3, batch=8))
        for text in ("d_x", "d_t", "d_u", "exp(-u)*d_u"):
            alone = problem.measure.angles(found.generators, generators(text))
            assert alone[0] < 1, text
        assert problem.measure.angles(found.generators, generators("exp(u)*d_u"))[0] > 5

    def test_the_same_seed_gives_the_same_weights_and_another_does_not(self, korteweg: Trajectories, learned: Learned):
        again = learn(from_trajectories(korteweg, kdv()), QUICK)
        assert all(
            torch.equal(a, b) for a, b in zip(again.network.parameters(), learned.network.parameters(), strict=True)
        )
        other = learn(from_trajectories(korteweg, kdv()), QUICK.model_copy(update={"seed": 1}))
        assert not torch.equal(other.network.heads, learned.network.heads)


class TestFromData:
    @pytest.mark.parametrize(
        ("equation", "length", "end"), [(kdv(), 48.0, 9.0), (ks(), 32.0, 9.0), (burgers(0.1), 2 * math.pi, 3.0)]
    )
    def test_identifies_the_equation_by_itself(self, equation: Equation, length: float, end: float):
        data = trajectories(equation, length, 1.0, end, frames=48)
        found = learn(from_trajectories(data.u, grid=data.grid, times=data.times), QUICK)
        assert found.dimension == 3
        assert found.angles(generators(*EXACT))[0] < 1
        assert any("identified" in note for note in found.flags)

    def test_refuses_data_that_fix_no_equation(self):
        grid = Grid(64, length=2 * math.pi)
        (x,) = grid.coordinates()
        times = torch.linspace(0, 2, 40, dtype=torch.float64)
        wave = torch.sin(x - times[:, None])[None, :, None]
        with pytest.raises(ValueError, match="fix no equation"):
            from_trajectories(wave, grid=grid, times=times)


class TestDoubts:
    def test_data_that_miss_the_equation_a_little_are_noted(self, korteweg: Trajectories):
        damped = Equation("u_t = -u*u_x - u_xxx - 0.03*u")
        data = trajectories(damped, 48.0, 1.0, 9.0)
        (note,) = from_trajectories(data, kdv()).notes
        assert "doubtful" in note
        assert not from_trajectories(korteweg, kdv()).notes

    def test_noise_is_noted(self, korteweg: Trajectories):
        noise = 3e-3 * torch.randn(korteweg.u.shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
        noisy = Trajectories.of(korteweg.u + noise, korteweg.times, korteweg.grid, kdv())
        (note,) = from_trajectories(noisy, kdv()).notes
        assert "noise" in note

    def test_too_few_frames_are_noted(self, korteweg: Trajectories):
        few = from_trajectories(korteweg.u[:, :3], kdv(), grid=korteweg.grid, times=korteweg.times[:3])
        assert any("not tested" in note for note in few.notes)


class TestRelativeBreaking:
    def test_refuses_what_is_zero_or_not_finite(self, korteweg: Trajectories):
        problem = from_trajectories(korteweg, kdv())
        for text in ("0*d_x", "log(u)*d_u"):
            with pytest.raises(ValueError, match="finite and not zero"):
                relative_breaking(problem, generators(text))

    def test_tells_symmetries_from_others(self, korteweg: Trajectories):
        problem = from_trajectories(korteweg, kdv())
        levels = relative_breaking(problem, generators(*EXACT, *WRONG))
        assert max(levels[:3]) < 1e-8
        assert min(levels[3:]) > 0.5

    def test_does_not_depend_on_units(self, korteweg: Trajectories):
        problem = from_trajectories(korteweg, kdv())
        one, two = relative_breaking(problem, generators("u*d_u", "7*u*d_u"))
        assert one == pytest.approx(two, rel=1e-12)


class TestFromOperator:
    def test_learns_the_symmetries_of_a_flow_map(self):
        data = trajectories(kdv(), 48.0, 1.0, 5.0, points=160)
        flow = FlowMap(kdv(), data.grid, (0.0, 0.5), rtol=1e-9)
        u = data.u[:, ::6].flatten(0, 1)
        problem = from_operator(flow, u, data.grid, torch.tensor([0.0]), torch.tensor([0.5]))
        assert max(relative_breaking(problem, generators(*EXACT))) < 1e-3
        assert min(relative_breaking(problem, generators(*WRONG))) > 1
        found = learn(problem, LearnSettings(slots=4, width=6, branch=4, steps=0))
        assert found.dimension == 3
        assert found.angles(generators(*EXACT))[0] < 1
        assert found.angles(generators("d_x", "d_t", WRONG[1]))[0] > 30

    def test_is_differentiable_through_the_operator(self, korteweg: Trajectories):
        mixing = torch.randn(96, 96, generator=torch.Generator().manual_seed(0), dtype=torch.float64) / 96
        u = korteweg.u[:4, 0]
        problem = from_operator(
            lambda v: v + 0.1 * torch.tanh(v @ mixing),
            u,
            korteweg.grid,
            torch.tensor([0.0]),
            torch.tensor([0.2]),
            rhs=lambda v, t: -v,
        )
        network = GeneratorNetwork(problem.measure.scales, 2, 4, 3)
        loss = problem.score.levels(network, problem.measure).sum()
        (slope,) = torch.autograd.grad(loss, network.joint_in)
        step = torch.zeros_like(slope)
        step[1, 2] = 1e-6
        with torch.no_grad():
            network.joint_in += step
            up = problem.score.levels(network, problem.measure).sum()
            network.joint_in -= 2 * step
            down = problem.score.levels(network, problem.measure).sum()
        assert float(slope[1, 2]) == pytest.approx(float(up - down) / 2e-6, rel=1e-4)

    def test_refuses_what_has_no_rate(self, korteweg: Trajectories):
        with pytest.raises(ValueError, match="rhs="):
            from_operator(lambda v: 2 * v, korteweg.u[:, 0], korteweg.grid, torch.zeros(1), torch.ones(1))

    def test_refuses_an_operator_that_does_nothing(self, korteweg: Trajectories):
        with pytest.raises(ValueError, match="leaves every field"):
            from_operator(
                lambda v: v.clone(), korteweg.u[:, 0], korteweg.grid, torch.zeros(1), torch.ones(1), rhs=lambda v, t: -v
            )


class TestNetwork:
    @pytest.fixture
    def network(self, korteweg: Trajectories) -> GeneratorNetwork:
        scales = Scales.of(korteweg.u, korteweg.times, korteweg.grid, ("u",))
        return GeneratorNetwork(scales, slots=3, seed=1)

    def test_is_periodic_in_space_to_rounding(self, network: GeneratorNetwork):
        x, t, u = torch.rand(3, 50, dtype=torch.float64)
        here, there = network.velocities((x, t, u)), network.velocities((x + 48.0, t, u))
        assert torch.allclose(here, there, rtol=1e-11, atol=1e-12)
        assert not torch.allclose(here, network.velocities((x + 24.0, t, u)), rtol=1e-3)

    def test_differentiates_its_features(self, network: GeneratorNetwork):
        point = tuple(torch.rand(3, 20, dtype=torch.float64))
        rate = tuple(torch.randn(3, 20, generator=torch.Generator().manual_seed(0), dtype=torch.float64))
        value, change = network.basis(point, rate)
        expected = torch.func.jvp(lambda *z: network.basis(z)[0], point, rate)
        assert torch.allclose(value, expected[0])
        assert torch.allclose(change, expected[1])

    def test_gives_physical_units(self, network: GeneratorNetwork):
        point = tuple(torch.rand(3, 20, dtype=torch.float64))
        ratio = network.velocities(point) / network(point)
        for v, unit in enumerate(network.scales.units):
            assert torch.allclose(ratio[:, v], torch.full_like(ratio[:, v], unit))

    def test_selects_slots(self, network: GeneratorNetwork):
        point = tuple(torch.rand(3, 20, dtype=torch.float64))
        chosen = network.selected([2, 0])
        assert len(chosen) == 2
        assert torch.allclose(chosen(point), network(point)[[2, 0]], rtol=1e-14)


class TestRefusals:
    def test_an_equation_of_other_fields(self, korteweg: Trajectories):
        with pytest.raises(ValueError, match="2 fields"):
            from_trajectories(korteweg, Equation("u_t = u_xx", "v_t = v_xx"))

    def test_an_equation_that_is_not_local(self, korteweg: Trajectories):
        with pytest.raises(ValueError, match="not local"):
            from_trajectories(korteweg, Equation("u_t = psi_x", where="psi_xx = u"))

    def test_parameters_of_other_samples(self, korteweg: Trajectories):
        with pytest.raises(ValueError, match="'a' has 3 values, but there are 8 samples"):
            from_trajectories(korteweg, kdv(a=torch.ones(3, dtype=torch.float64)))

    def test_times_that_decrease(self, korteweg: Trajectories):
        with pytest.raises(ValueError, match="times that increase"):
            from_trajectories(korteweg.u, kdv(), grid=korteweg.grid, times=korteweg.times.flip(0))

    def test_output_times_of_another_number(self, korteweg: Trajectories):
        flow = FlowMap(kdv(), korteweg.grid, (0.0, 0.2), rtol=1e-6)
        with pytest.raises(ValueError, match="Expected 2 output frames"):
            from_operator(flow, korteweg.u[:2, 0], korteweg.grid, torch.zeros(1), torch.tensor([0.2, 0.4]))

    def test_arrays_without_a_grid(self, korteweg: Trajectories):
        with pytest.raises(ValueError, match="grid="):
            from_trajectories(korteweg.u, kdv())

    def test_generators_of_other_variables(self, learned: Learned):
        with pytest.raises(ValueError, match=r"generators of x, t, u, got generators of x, t, w"):
            learned.angles([Generator("d_w", fields=("w",))])

    def test_fields_that_do_not_vary(self, korteweg: Trajectories):
        with pytest.raises(ValueError, match="fields that vary"):
            from_trajectories(torch.ones_like(korteweg.u), kdv(), grid=korteweg.grid, times=korteweg.times)

    def test_another_equation_than_that_of_the_data(self, korteweg: Trajectories):
        with pytest.raises(ValueError, match="the equation is another one"):
            from_trajectories(korteweg, ks())

    def test_no_symmetry_to_give(self):
        # A force that depends on x and t leaves no symmetry.
        equation = Equation("u_t = -u*u_x + 0.2*u_xx + sin(2*pi*x/6)*cos(3*t)")
        found = learn(
            from_trajectories(trajectories(equation, 6.0, 0.5, 3.0), equation), LearnSettings(slots=2, steps=0)
        )
        assert found.dimension == 0
        assert any("not converged" in flag for flag in found.flags)
        with pytest.raises(ValueError, match="No symmetry was learned"):
            _ = found.generators


def test_a_measure_does_not_depend_on_the_network(korteweg: Trajectories):
    scales = Scales.of(korteweg.u, korteweg.times, korteweg.grid, ("u",))
    times = korteweg.times.expand(len(korteweg.u), -1)
    one, two = (Measure.of(korteweg.u, times, korteweg.grid, scales, seed=seed) for seed in (0, 1))
    same = Measure.of(korteweg.u, times, korteweg.grid, scales, seed=0)
    assert torch.equal(one.u, same.u)
    assert not torch.equal(one.u, two.u)


def test_the_change_by_an_operator_from_frames_to_one_field_is_that_after_the_last_frame():
    u = torch.randn(6, 3, 1, 32, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    times = torch.tensor([0.0, 0.1, 0.2], dtype=torch.float64), torch.tensor([0.3], dtype=torch.float64)
    score = OperatorScore(lambda frames: 1.1 * frames[:, -1], u, u, Grid(32, length=1.0), *times)
    assert score.size == pytest.approx(0.1 * float(u[:, -1].square().mean().sqrt()), rel=1e-9)
