"""The equation on solutions that vector fields have moved by a finite way."""

import math
from itertools import pairwise

import pytest
import torch

from pdesym.solvers import Equation, Grid, RandomSinusoids, Trajectories, burgers, ckdv, kdv, ks, solve
from pdesym.symmetry import Generator
from pdesym.symmetry.augment import family_of
from pdesym.symmetry.learn import (
    Fit,
    FlowScore,
    GeneratorNetwork,
    LearningProblem,
    LearnSettings,
    PatchSource,
    from_trajectories,
    relative_breaking,
)
from pdesym.symmetry.learn.given import GivenFields
from pdesym.symmetry.learn.heads import best_heads
from pdesym.symmetry.learn.local_polynomials import Stencil, moved_derivatives

EXACT = ("d_x", "d_t", "t*d_x + d_u")
WRONG = ("t*d_x - d_u", "u*d_u", "d_u")


def trajectories(equation: Equation, length: float, start: float, end: float, points: int = 96) -> Trajectories:
    grid = Grid(points, length=length)
    u0 = RandomSinusoids(waves=(1, 2)).sample(grid, range(8), seed=0)
    return solve(equation, u0, grid, torch.linspace(start, end, 24, dtype=torch.float64), rtol=1e-8)


def generators(*texts: str) -> list[Generator]:
    return [Generator(text) for text in texts]


@pytest.fixture(scope="module")
def korteweg() -> Trajectories:
    return trajectories(kdv(), 48.0, 1.0, 9.0)


@pytest.fixture(scope="module")
def problem(korteweg: Trajectories) -> LearningProblem:
    return from_trajectories(korteweg, kdv(), score="flow", frames=16)


def source(data: Trajectories, equation: Equation, places: int = 32, seed: int = 0) -> PatchSource:
    rng = torch.Generator().manual_seed(seed)
    sample, frame = (torch.randint(n, (places,), generator=rng) for n in data.u.shape[:2])
    place = torch.rand(places, generator=rng, dtype=torch.float64)
    return PatchSource.of(data.u, data.times, data.grid, equation, sample, frame, place)


class TestDerivativesOnMovedPoints:
    def surface(self, spacing: float, move) -> tuple[float, ...]:
        """Largest errors of u_t, u_x, …, u_xxxx on a moved patch of u = sin(x − t/2)."""
        stencil = Stencil()
        i = torch.arange(2 * stencil.radius_x + 4, dtype=torch.float64) * spacing
        j = torch.arange(stencil.rows, dtype=torch.float64) * spacing
        x, t, u = move(*torch.meshgrid(i, j, indexing="ij"))
        x, t, u = x.T, t.T, u.T
        u_t, derivatives = moved_derivatives(*(stencil.series(each, 4) for each in (x, t, u)), 4)
        middle = (stencil.radius_t, slice(stencil.radius_x, -stencil.radius_x))
        phase = x[middle] - t[middle] / 2
        exact = (torch.cos, lambda p: -torch.sin(p), lambda p: -torch.cos(p), torch.sin)
        errors = [u_t + torch.cos(phase) / 2, *(d - e(phase) for d, e in zip(derivatives, exact, strict=True))]
        return tuple(float(error.abs().max()) for error in errors)

    @staticmethod
    def skewed(x, t):
        """Points of the surface that are no grid: sheared, stretched and bent."""
        x, t = x + 0.4 * t + 0.1 * torch.sin(x + t), 0.8 * t - 0.3 * x + 0.1 * x * t
        return x, t, torch.sin(x - t / 2)

    def test_are_those_of_the_surface(self):
        assert max(self.surface(0.05, self.skewed)) < 1e-6

    def test_would_be_others_if_neighbours_were_taken_for_a_grid(self):
        def forgotten(x, t):
            return x, t, self.skewed(x, t)[2]

        assert min(self.surface(0.05, forgotten)) > 1e-2

    def test_converge_with_the_order_of_the_polynomials(self):
        coarse, fine = (self.surface(h, self.skewed) for h in (0.4, 0.2))
        # Degree 6 in t leaves h⁶ in a first derivative and h³ in a fourth one.
        assert math.log2(coarse[0] / fine[0]) > 5.5
        assert math.log2(coarse[4] / fine[4]) > 2.9


class TestFlowScore:
    @pytest.mark.parametrize(
        ("equation", "length", "end"), [(kdv(), 48.0, 9.0), (ks(), 32.0, 9.0), (burgers(0.1), 2 * math.pi, 3.0)]
    )
    def test_tells_symmetries_from_others(self, equation: Equation, length: float, end: float):
        problem = from_trajectories(trajectories(equation, length, 1.0, end), equation, score="flow", frames=16)
        assert problem.held_out.floor < 0.01
        exact = relative_breaking(problem, generators(*EXACT))
        wrong = relative_breaking(problem, generators(*WRONG))
        assert max(exact) < 1e-4
        assert min(wrong) > 0.5

    def test_knows_equations_that_depend_on_time(self):
        problem = from_trajectories(trajectories(ckdv(), 48.0, 1.0, 9.0), ckdv(), score="flow", frames=16)
        exact = relative_breaking(problem, generators("d_x", "sqrt(t+1)*d_x + d_u/(2*sqrt(t+1))"))
        assert max(exact) < 1e-3
        assert min(relative_breaking(problem, generators("t*d_x + d_u", "d_t"))) > 0.05

    def test_takes_parameters_of_each_trajectory(self):
        a = torch.linspace(0.2, 1.0, 8, dtype=torch.float64)
        data = trajectories(kdv(a=a), 48.0, 1.0, 9.0)
        assert FlowScore(source(data, kdv(a=a))).floor < 0.01
        with pytest.raises(ValueError, match="Before anything moves them"):
            FlowScore(source(data, kdv(a=a.flip(0))))

    def test_knows_scalings_which_move_points_apart(self, korteweg: Trajectories, problem: LearningProblem):
        # They do not fit a box, but patches do not know: the flow is exact, and so is the equation after it.
        source_of = source(korteweg, kdv())
        fields = GivenFields(
            family_of(generators("x*d_x + 3*t*d_t - 2*u*d_u", "x*d_x + 2*t*d_t - u*d_u")), problem.measure.scales
        )
        exact, wrong = FlowScore(source_of).levels(fields, problem.measure).tolist()
        assert exact < 0.02
        assert wrong > 0.5

    def test_is_the_linearised_condition_for_small_flows(self, korteweg: Trajectories):
        # Nearly a symmetry, so that both are root mean squares.
        nearly = generators("t*d_x + d_u + u*d_u/100", "d_x + sin(2*pi*x/48)*d_u/1000")
        finite, linear = (from_trajectories(korteweg, kdv(), score=s, frames=96) for s in ("flow", "on_shell"))
        for a, b in zip(relative_breaking(finite, nearly), relative_breaking(linear, nearly), strict=True):
            assert a < 0.5
            assert a == pytest.approx(b, rel=0.5)

    def test_grows_with_what_is_wrong(self, problem: LearningProblem):
        levels = relative_breaking(problem, generators(*(f"t*d_x + d_u + {c}*u*d_u" for c in (0.001, 0.01, 0.1, 1))))
        assert all(2 < larger / smaller for smaller, larger in pairwise(levels))

    def test_does_not_depend_on_units(self, korteweg: Trajectories):
        # x = 2 x', t = 8 t', u = u'/4, in which the equation is the same.
        grid = Grid(96, length=24.0)
        other = from_trajectories(4 * korteweg.u, kdv(), grid=grid, times=korteweg.times / 8, score="flow", frames=16)
        same = from_trajectories(korteweg, kdv(), score="flow", frames=16)
        a = relative_breaking(same, generators("t*d_x + d_u", "t*d_x - d_u", "u*d_u"))
        b = relative_breaking(other, generators("t*d_x + d_u", "t*d_x - d_u", "u*d_u"))
        assert a[1:] == pytest.approx(b[1:], rel=1e-6)
        assert max(a[0], b[0]) < 1e-4

    def test_has_the_gradient_of_finite_differences(self, problem: LearningProblem):
        network = GeneratorNetwork(problem.measure.scales, slots=2, width=4, branch=3, seed=1)
        chosen = torch.tensor([0, 3, 5])

        def loss() -> torch.Tensor:
            return problem.score.levels(network, problem.measure, chosen).log().sum()

        weights = list(network.parameters())
        direction = [
            torch.randn(w.shape, generator=torch.Generator().manual_seed(k), dtype=w.dtype)
            for k, w in enumerate(weights)
        ]
        gradient = torch.autograd.grad(loss(), weights)
        slope = sum(float((g * d).sum()) for g, d in zip(gradient, direction, strict=True))
        step = 1e-6
        values = []
        with torch.no_grad():
            for sign in (1, -2):
                for w, d in zip(weights, direction, strict=True):
                    w += sign * step * d
                values.append(float(loss()))
        assert slope == pytest.approx((values[0] - values[1]) / (2 * step), rel=1e-4)
        assert abs(slope) > 0.1

    def test_a_piece_does_not_depend_on_others(self, problem: LearningProblem):
        network = GeneratorNetwork(problem.measure.scales, slots=2)

        def levels(*pieces: int) -> torch.Tensor:
            with torch.no_grad():
                return problem.score.levels(network, problem.measure, torch.tensor(pieces))

        assert torch.allclose(levels(2, 7), levels(7, 2), rtol=1e-9)
        assert torch.allclose(levels(2, 2), levels(2), rtol=1e-9)
        assert not torch.allclose(levels(7), levels(2), rtol=1e-2)


class TestRefusals:
    def test_of_an_unknown_score(self, korteweg: Trajectories):
        with pytest.raises(ValueError, match="Expected score to be one of on_shell, flow, got 'flows'"):
            from_trajectories(korteweg, kdv(), score="flows")

    def test_of_the_wrong_equation(self, korteweg: Trajectories):
        with pytest.raises(ValueError, match=r"break 'u_t = .*' by .* of u_t, so that a residual says nothing"):
            FlowScore(source(korteweg, ks()))

    def test_of_several_fields_and_of_a_plane(self):
        index, place = torch.zeros(1, dtype=torch.int64), torch.zeros(1, dtype=torch.float64)
        times = torch.linspace(0, 1, 8, dtype=torch.float64)
        cases = [
            (Equation("u_t = u_xx + v", "v_t = v_xx - u"), Grid(32, length=1.0), 2),
            (Equation("u_t = lap(u)"), Grid(16, 16, length=1.0), 1),
        ]
        for equation, grid, fields in cases:
            u = torch.zeros(1, 8, fields, *grid.points, dtype=torch.float64)
            with pytest.raises(ValueError, match="one field on a line"):
                PatchSource.of(u, times, grid, equation, index, index, place)

    def test_of_no_way(self, korteweg: Trajectories):
        with pytest.raises(ValueError, match="positive sigma"):
            FlowScore(source(korteweg, kdv()), sigma=0.0)


class TestFit:
    SETTINGS = LearnSettings(slots=3, width=8, branch=4, steps=6, batch=4, learning_rate=1e-2)

    def test_continues_as_if_it_had_not_stopped(self, problem: LearningProblem):
        def fit() -> Fit:
            return Fit(problem.score, problem.measure, self.SETTINGS)

        whole, first, second = fit(), fit(), fit()
        for _ in range(6):
            whole.step()
        for _ in range(3):
            first.step()
        second.network.load_state_dict(first.network.state_dict())
        second.resume(first.state())
        for _ in range(3):
            second.step()
        for a, b, c in zip(*(f.network.parameters() for f in (whole, second, first)), strict=True):
            assert torch.equal(a, b)
            assert not torch.equal(a, c)

    def test_all_weights_learn(self, problem: LearningProblem):
        fit = Fit(problem.score, problem.measure, self.SETTINGS)
        before = [w.detach().clone() for w in fit.network.parameters()]
        fit.step()
        assert all(not torch.equal(a, b) for a, b in zip(before, fit.network.parameters(), strict=True))

    def test_stays_at_symmetries(self, korteweg: Trajectories, problem: LearningProblem):
        measure = problem.measure
        settings = LearnSettings(slots=3, steps=20, batch=4, learning_rate=1e-4, seed=2)
        fit = Fit(problem.score, measure, settings)
        network = fit.network
        with torch.no_grad():
            network.heads.copy_(best_heads(network, from_trajectories(korteweg, kdv()).score, measure))
            # The same fields by the smallest heads: those that cancel each other to many digits survive no step.
            features = network.basis(measure.point)[0].flatten(0, -2)
            values = network(measure.point).flatten(2).flatten(0, 1)
            heads = torch.linalg.lstsq(features, values.T, rcond=1e-3, driver="gelsd").solution
            network.heads.copy_(heads.T.reshape(network.heads.shape))
        for _ in range(20):
            fit.step()
        assert measure.angles(network, generators(*EXACT))[0] < 2
        assert measure.angles(network, generators("d_x", "d_t", WRONG[0]))[0] > 10

    def test_improves_vector_fields_at_random(self, problem: LearningProblem):
        fit = Fit(problem.score, problem.measure, LearnSettings(slots=3, steps=25, batch=8, learning_rate=1e-2))
        with torch.no_grad():
            before = problem.held_out.levels(fit.network, problem.measure)
            for _ in range(25):
                with torch.enable_grad():
                    fit.step()
            after = problem.held_out.levels(fit.network, problem.measure)
        assert float(after.log().mean()) < float(before.log().mean()) - 0.5
