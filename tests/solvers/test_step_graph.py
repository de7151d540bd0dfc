"""Steps recorded on buffers and replayed, against steps taken one by one.

On a CPU a recording is the list of torch's own operations on the tensors that they worked on. Like a CUDA graph it does
them again on the same memory and knows nothing of Python: no branch, no number that came from a tensor, no new object.
"""

import math
from contextlib import contextmanager

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map_only

import pdesym.solvers.integrate as module
from pdesym.solvers import Equation, FlowMap, Grid, kernel, solve, step_graph
from pdesym.solvers.advance import Advance
from pdesym.solvers.control import Adaptive, Fixed
from pdesym.solvers.steppers import KROGSTAD, STEPPERS
from pdesym.solvers.system import SpectralSystem
from tests.solvers.same import assert_same

NU = torch.linspace(0.05, 0.2, 5, dtype=torch.float64)
VORTICITY, STREAM = "w_t = -psi_y*w_x + psi_x*w_y + 0.02*lap(w)", "lap(psi) = -w"
LINE, PLANE = Grid(48, length=20.0), Grid(16, 18, length=6.0)

# name → (texts, relations, parameters, grid, horizon)
EQUATIONS = {
    "kdv": (("u_t = -6*u*u_x - u_xxx",), (), {}, LINE, 0.4),
    "burgers": (("u_t = -u*u_x + 0.3*u_xx",), (), {}, LINE, 1.0),
    "a viscosity for each sample": (("u_t = -u*u_x + nu*u_xx",), (), {"nu": NU}, LINE, 1.0),
    "coupled linear parts": (("u_t = v", "v_t = u_xx - sin(u)"), (), {}, LINE, 1.0),
    "functions of x": (("u_t = 0.1*u_xx - u**3 + sin(pi*x/10)*u_x + cos(pi*x/10)",), (), {}, LINE, 0.5),
    "navier-stokes": ((VORTICITY,), STREAM, {}, PLANE, 0.6),
    "navier-stokes, forced": ((VORTICITY + " - 4*cos(4*pi*y/3) + 1",), STREAM, {}, PLANE, 0.6),
    "space": (("u_t = lap(u) - u*u_x",), (), {}, Grid(6, 8, 6, length=6.0), 0.5),
}
TIME = {
    "t in the linear part": (("u_t = -u*u_x + (1 + t)*u_xx",), (), {}, LINE, 0.5),
    "t elsewhere": (("u_t = u_xx + sin(3*t)*u**2",), (), {}, LINE, 0.5),
}
CONTROLS = {"fixed": Fixed(0.01, 1e-3), "adaptive": Adaptive((1e-6, 1e-7, 1e-9, 1e-6, 1e-10), 1e-3)}


class Operations(TorchDispatchMode):
    """Lists what torch does; refuses what makes the host wait for the device, or brings numbers there from the host."""

    WAITING = ("_local_scalar_dense", "nonzero", "equal", "masked_select", "lift_fresh")

    def __init__(self):
        super().__init__()
        self.calls = []

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        if function.overloadpacket.__name__ in self.WAITING:
            raise RuntimeError(f"{function} waits\nand says more about it")
        result = function(*args, **(kwargs or {}))
        self.calls.append((function, args, kwargs or {}, result))
        return result

    def again(self):
        made = {}
        for function, *arguments, result in self.calls:
            args, kwargs = tree_map_only(torch.Tensor, lambda each: made.get(id(each), each), arguments)
            for old, new in zip(tree_leaves(result), tree_leaves(function(*args, **kwargs)), strict=True):
                made[id(old)] = new


class Counted:
    """A recorder, with the number of its recordings and of all their replays."""

    def __init__(self, recorder):
        self.recorder, self.recorded, self.replayed = recorder, 0, 0

    def __call__(self, body, device):
        self.recorded += 1
        replay = self.recorder(body, device)

        def counting():
            self.replayed += 1
            replay()

        return counting


def operations(body, device):
    body()
    recording = Operations()
    with recording:
        body()
    return recording.again


@contextmanager
def recording(monkeypatch, recorder=operations, device="cpu", enough=1):
    """By torch alone, recorded on the device from so many steps on; with None, one by one."""
    with monkeypatch.context() as patched:
        patched.setattr(kernel, "supports", lambda *_: False)
        patched.setattr(step_graph, "ENOUGH", enough)
        counted = Counted(recorder)
        patched.setattr(step_graph, "RECORDERS", {device: counted} if recorder else {})
        yield counted


def arguments(name, control, device="cpu"):
    texts, relations, parameters, grid, horizon = (EQUATIONS | TIME)[name]
    generator = torch.Generator().manual_seed(0)
    equation = Equation(*texts, where=relations, **{key: value.to(device) for key, value in parameters.items()})
    coordinates = torch.meshgrid(*grid.coordinates(), indexing="ij")
    u0 = torch.zeros(5, len(texts), *grid.points, dtype=torch.float64)
    for k in (1, 2):
        for x, length in zip(coordinates, grid.length, strict=True):
            drawn = torch.rand(2, 5, len(texts), *(1,) * grid.dims, generator=generator, dtype=torch.float64)
            u0 += (drawn[0] - 0.5) * torch.cos(2 * math.pi * (k * x / length + drawn[1]))
    return equation, u0.to(device), grid, 0.0, tuple(horizon * j / 4 for j in range(1, 5)), CONTROLS[control]


@pytest.mark.parametrize("control", CONTROLS)
@pytest.mark.parametrize("name", EQUATIONS)
def test_recorded_steps_are_those_taken_one_by_one(name, control, monkeypatch):
    given = arguments(name, control)
    with recording(monkeypatch, None):
        expected = module.integrate(*given)
    with recording(monkeypatch) as counted:
        monkeypatch.delattr(Advance, "_step")
        result = module.integrate(*given)
    assert_same(result, expected, tolerance=1e-15)
    assert counted.replayed >= expected.steps.max()
    # The same recording serves when coefficients change, not when rows leave.
    assert counted.recorded < counted.replayed / 2


@pytest.mark.parametrize("control", CONTROLS)
@pytest.mark.parametrize("method", STEPPERS)
@pytest.mark.parametrize("name", ["kdv", "navier-stokes"])
def test_every_method(name, method, control, monkeypatch):
    given = *arguments(name, control), STEPPERS[method]
    with recording(monkeypatch, None):
        expected = module.integrate(*given)
    with recording(monkeypatch) as counted:
        assert_same(module.integrate(*given), expected, tolerance=1e-15)
    assert counted.replayed >= expected.steps.max()


def test_samples_that_move_to_other_grids(monkeypatch):
    equation, u0, _, start, times, control = arguments("kdv", "adaptive")
    u0[::2] *= 0.1
    given = equation, u0[..., ::2], Grid(24, length=20.0), start, times, control
    with recording(monkeypatch, None):
        expected = module.integrate(*given)
    with recording(monkeypatch):
        assert_same(module.integrate(*given), expected, tolerance=1e-15)
    assert len({stages[-1] for stages in expected.stages}) > 1


def test_one_recording_serves_all_equal_steps_and_few_are_not_recorded(monkeypatch):
    # Forty steps that are judged one by one, and whose lengths differ by rounding.
    given = *arguments("kdv", "fixed")[:-1], Fixed(0.01, 1.0)
    for enough, recorded, replayed in ((1, 1, 40), (10, 1, 31), (40, 1, 1), (41, 0, 0)):
        with recording(monkeypatch, enough=enough) as counted:
            module.integrate(*given)
        assert (counted.recorded, counted.replayed) == (recorded, replayed)


@pytest.mark.parametrize("name", TIME)
def test_steps_that_depend_on_time_are_not_recorded(name, monkeypatch):
    given = arguments(name, "adaptive")
    with recording(monkeypatch, None):
        expected = module.integrate(*given)
    with recording(monkeypatch) as counted:
        assert_same(module.integrate(*given), expected, tolerance=1e-15)
    assert counted.recorded == 0
    # They would be wrong: a recording holds the time at which it was made.
    with recording(monkeypatch):
        monkeypatch.setattr(Advance, "_times", lambda self: [torch.tensor(0.1, dtype=torch.float64)] * 9)
        with pytest.raises(AssertionError):
            assert_same(module.integrate(*given), expected)


def test_tangents_are_taken_one_by_one(monkeypatch):
    equation, u0, grid, start, times, _ = arguments("kdv", "fixed")
    flow = FlowMap(equation, grid, [start, *times], dt=0.01)
    with recording(monkeypatch, None):
        expected = flow.tangent(u0, u0[None])
    with recording(monkeypatch) as counted:
        result = flow.tangent(u0, u0[None])
    assert counted.recorded == 0
    assert all(map(torch.equal, result, expected))


def test_gradients_are_those_of_steps_taken_one_by_one(monkeypatch):
    equation, u0, grid, _, times, _ = arguments("burgers", "fixed")

    def gradient():
        leaf = u0.clone().requires_grad_()
        solve(equation, leaf, grid, times, dt=0.01).u.square().sum().backward()
        return leaf.grad

    with recording(monkeypatch, None):
        expected = gradient()
    with recording(monkeypatch) as counted:
        assert torch.equal(gradient(), expected)
    assert counted.replayed >= 100


def test_coefficients_left_from_an_earlier_segment_show(monkeypatch):
    given = arguments("kdv", "adaptive")
    with recording(monkeypatch, None):
        expected = module.integrate(*given)
    stepped = Advance._stepped

    def with_its_own(self, *state):
        return *stepped(self, *state[:-1], self.table)[:-1], state[-1]

    monkeypatch.setattr(Advance, "_stepped", with_its_own)
    with recording(monkeypatch), pytest.raises(AssertionError):
        assert_same(module.integrate(*given), expected)


def test_a_recording_holds_for_one_source_and_one_shape(monkeypatch):
    with recording(monkeypatch) as counted:
        graph = step_graph.StepGraph(torch.device("cpu"))

        def taken(factor, *state):
            return [each.tolist() for each in graph.steps(lambda v: (v * factor,), factor, state, 2)]

        two, three = torch.tensor(2.0), torch.tensor(3.0)
        assert taken(two, torch.ones(2)) == [[4.0, 4.0]]
        assert taken(two, torch.zeros(2)) == [[0.0, 0.0]]
        assert counted.recorded == 1
        assert taken(three, torch.ones(2)) == [[9.0, 9.0]]
        assert taken(three, torch.ones(1)) == [[9.0]]
        assert counted.recorded == 3


def test_state_that_is_hidden_in_a_step_shows(monkeypatch):
    given, calls = arguments("kdv", "fixed"), []
    plain = SpectralSystem.nonlinear

    def counting(self, v, t):
        calls.append(None)
        return plain(self, v, t) * (1 + 1e-6 * len(calls))

    monkeypatch.setattr(SpectralSystem, "nonlinear", counting)
    with recording(monkeypatch, None):
        expected = module.integrate(*given)
    calls.clear()
    with recording(monkeypatch), pytest.raises(AssertionError):
        assert_same(module.integrate(*given), expected)


def test_a_step_that_cannot_be_recorded_is_said_once_and_taken(monkeypatch):
    given = arguments("kdv", "adaptive")
    with recording(monkeypatch, None):
        expected = module.integrate(*given)
    plain = SpectralSystem.nonlinear
    monkeypatch.setattr(SpectralSystem, "nonlinear", lambda self, v, t: plain(self, v, t) * v[0, 0, 0].real.item() ** 0)
    message = "cannot be recorded on this device and are launched kernel by kernel, which is slower: .* waits$"
    with recording(monkeypatch) as counted, pytest.warns(RuntimeWarning, match=message) as caught:
        result = module.integrate(*given)
    assert len(caught) == counted.recorded == 1
    assert counted.replayed == 0
    assert_same(result, expected, tolerance=1e-15)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
@pytest.mark.parametrize("control", CONTROLS)
@pytest.mark.parametrize("name", EQUATIONS)
def test_a_cuda_graph_finds_the_same(name, control, monkeypatch):
    given = arguments(name, control, "cuda")
    with recording(monkeypatch, None):
        expected = module.integrate(*given, KROGSTAD)
    with recording(monkeypatch, step_graph.cuda_graph, "cuda") as counted:
        result = module.integrate(*given, KROGSTAD)
    assert result.u.is_cuda
    assert_same(result, expected, tolerance=1e-13)
    assert counted.replayed >= expected.steps.max()
    with recording(monkeypatch, None):
        here = module.integrate(*arguments(name, control), KROGSTAD)
    assert (result.u.cpu() - here.u).norm() < 1e-11 * here.u.norm()
