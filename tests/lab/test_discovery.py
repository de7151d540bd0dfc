"""Discovery from what a person names: the right algebra, or a sentence before anything is computed."""

import time
from fractions import Fraction
from pathlib import Path

import pytest
import torch
from torch import nn

from pdesym.datasets import Windows, generate, load_recipe
from pdesym.lab import discover_checkpoint, operator_discovery, waiting
from pdesym.lab.discovery import discoveries, discovery_job
from pdesym.lab.equation_source import has_parameter, parameter_values, split_system
from pdesym.lab.increments import increment_error
from pdesym.lab.operator_discovery import drawn_windows, held_out
from pdesym.lab.search import Search
from pdesym.operators import fno
from pdesym.operators.storage import save_operator
from pdesym.symmetry import Generator, Library

NU, LENGTH, POINTS, STEP = 0.1, 40.0, 128, 0.05
HEAT = (
    "name=heat",
    "equation=heat",
    f"parameters.nu={NU}",
    f"grid.points={POINTS}",
    f"grid.length={LENGTH}",
    "times.first=0",
    "times.last=1.0",
    "times.count=21",
    "splits.train=0",
    "splits.valid=0",
    "splits.test=8",
    "dtype=float64",
    "initial.waves=[1,2,3,4,5,6,7,8]",
)


def make(folder, *overrides):
    return generate(load_recipe("burgers", [*HEAT, *overrides]), folder)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Eight solutions of the heat equation."""
    return make(tmp_path_factory.mktemp("discovery") / "heat")


@pytest.fixture
def network(tmp_path):
    """The folder of an operator from one frame to the next."""
    folder = tmp_path / "network"
    save_operator(fno(1, 1, modes=2, width=2, layers=1), folder)
    return folder


class Heat(nn.Module):
    """The exact solution map of the heat equation from one frame to the next, times a factor."""

    def __init__(self, factor=1.0):
        super().__init__()
        k = 2 * torch.pi * torch.fft.rfftfreq(POINTS, LENGTH / POINTS, dtype=torch.float64)
        self.decay = factor * torch.exp(-NU * k**2 * STEP)

    def forward(self, u):
        return torch.fft.irfft(torch.fft.rfft(u) * self.decay, n=POINTS)


def test_an_equation_with_its_parameters():
    found = discovery_job("heat", Search(parameters={"nu": Fraction(1, 10)}))()
    assert found.subject == "u_t = nu*lap(u) with nu = 0.1"
    assert found.dimension == 8
    assert found.contains(Generator("t*d_x - 5*u*x*d_u"))


def test_a_library_of_terms():
    found = discovery_job("kdv", Search(terms=("1", "t")))()
    assert list(map(str, found.generators)) == ["d_x", "d_t", "t*d_x + d_u"]


def test_a_dataset(data):
    found = discovery_job(str(data), Search())()
    assert found.source == "data"
    assert found.dimension == 8
    assert found.contains(Generator("x*d_x + 2*t*d_t"))
    assert not found.contains(Generator("x*d_x + 3*t*d_t"))


def test_the_solver_on_the_fields_of_a_dataset(data):
    found = discovery_job("solver", Search(data=data))()
    assert found.dimension == 8
    assert found.subject == "exact solver of u_t = nu*lap(u)"
    assert not found.contains(Generator("t*d_x + d_u"))


def test_an_operator_on_the_fields_of_a_dataset(data, network, monkeypatch):
    monkeypatch.setattr(operator_discovery, "load_operator", lambda folder: Heat())
    found = discovery_job(str(network), Search(data=data))()
    assert found.source == "operator"
    assert found.subject == str(network)
    assert "approximate source" in found.rule
    assert found.contains(Generator("d_x"))
    assert not found.contains(Generator("t*d_x + d_u"))


def test_operators_trained_alike_tell_the_error(data, network, tmp_path, monkeypatch):
    """Three operators, each with another diffusivity: what they agree on are the symmetries of all of them."""
    factors = {network.name: 1.0, "second": 1.0 + 3e-5, "third": 1.0 - 2e-5}
    others = [tmp_path / name for name in ("second", "third")]
    for folder in others:
        save_operator(fno(1, 1, modes=2, width=2, layers=1), folder)
    monkeypatch.setattr(operator_discovery, "load_operator", lambda folder: Heat(factors[folder.name]))
    found = discover_checkpoint(network, data, Library.polynomial(1, space=False), alike=others)
    assert "trained alike" in found.rule
    assert found.contains(Generator("d_x"))
    assert not found.contains(Generator("t*d_x + d_u"))
    by_command = discovery_job(str(network), Search(data=data, degree=1, alike=tuple(others)))()
    assert "trained alike" in by_command.rule


class HeatFrames(Heat):
    """From the last of several frames to the next two."""

    def forward(self, u):
        first = super().forward(u[:, -1:])
        return torch.cat([first, super().forward(first)], dim=1)


def test_an_operator_of_several_frames(data, network, monkeypatch):
    save_operator(fno(5, 2, modes=2, width=2, layers=1), network)
    monkeypatch.setattr(operator_discovery, "load_operator", lambda folder: HeatFrames())
    found = discover_checkpoint(network, data, Library.polynomial(1, space=False))
    assert found.contains(Generator("d_x"))
    assert found.contains(Generator("u*d_u"))
    assert not found.contains(Generator("t*d_x + d_u"))


def test_the_error_is_measured_relative_to_the_increment(data):
    windows = Windows.open(data, "test", 1, 1, dtype=torch.float64)
    exact, still, spoiled = (
        increment_error(lambda u, operator=operator: operator(u), held_out(windows, 0))
        for operator in (Heat(), lambda u: u, Heat(1.0 + 1e-6))
    )
    assert exact < 1e-9
    assert still == pytest.approx(1.0), "an operator that does nothing misses all of the change"
    assert 1e-6 < spoiled < 1e-2


def test_windows_are_drawn_from_different_samples_by_the_seed(data):
    windows = Windows.open(data, "test", 1, 1, dtype=torch.float64)
    one, same, other = (drawn_windows(windows, seed) for seed in (0, 0, 1))
    assert one.shape == (16, 1, 1, POINTS)
    assert torch.equal(one, same)
    assert not torch.equal(one, other)
    assert len(torch.unique(one, dim=0)) == 16


def test_an_operator_that_has_learned_nothing_is_refused(data, network):
    with pytest.raises(ValueError, match=r"is wrong by .* times the change from frame to frame .*: train it further"):
        discovery_job(str(network), Search(data=data))()


def test_sources_beside_each_other_share_what_they_have():
    document = discoveries(["kdv", "u_t = c*u_xx"], Search(parameters={"a": Fraction(2), "c": Fraction(1, 2)}))
    assert document["subject"] == "u_t = -a*u*u_x - b*u_xxx with a = 2, b = 1"
    (other,) = document["beside"]
    assert other["subject"] == "u_t = c*u_xx with c = 0.5"
    assert (document["dimension"], other["dimension"]) == (4, 8)


def test_waiting_is_shown_on_standard_error_alone(monkeypatch, capsys):
    monkeypatch.setattr(waiting, "_FIRST", 0.01)
    with waiting.shown_waiting("looking for symmetries"):
        time.sleep(0.2)
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err == "looking for symmetries, 0.0 s so far\n"


def test_names_and_texts_are_told_apart():
    assert split_system("u_t = v; v_t = u_xx") == ("u_t = v", "v_t = u_xx")
    assert has_parameter("u_t = nu*u_xx", "nu")
    assert has_parameter("kdv", "a")
    assert not has_parameter("kdv", "nu")
    assert parameter_values(["nu=0.1", "m = -4/3"]) == {"nu": Fraction(1, 10), "m": Fraction(-4, 3)}


@pytest.mark.parametrize(
    ("sources", "search", "sentence"),
    [
        (["kdw"], {}, r"^No equation is named kdw \(did you mean kdv\?\): give a text such as .* or the folder of"),
        (["heat"], {}, r"^The equation heat needs a number for nu: add --param nu="),
        (["u_t = nu*u_xx"], {}, r"^The parameter 'nu' has no value: add --param nu=…, or correct the name"),
        (["kdv"], {"parameters": {"c": Fraction(1)}}, r"^No equation among the sources has a parameter c"),
        (["kdv"], {"where": ("lap(psi) = u",)}, r"^The equation kdv of the catalogue has its relations already"),
        (["solver"], {}, r"^Discovery looks at the solver where it is used: add --data with the folder of a dataset"),
        (["kdv"], {"alike": (Path("other"),)}, r"^Operators trained alike stand beside an operator, and none is among"),
        (["kdv"] * 6, {}, r"^At most 5 sources stand on one axis, got 6"),
    ],
)
def test_what_is_wrong_is_said(sources, search, sentence):
    with pytest.raises((ValueError, FileNotFoundError), match=sentence):
        discoveries(sources, Search(**search))


def test_a_library_of_terms_has_no_degree():
    with pytest.raises(ValueError, match=r"leave out --degree or --library\.$"):
        Search(degree=2, terms=("1",))


@pytest.mark.parametrize("pair", ["nu", "nu=", "=1", "nu=x", "nu=1/0"])
def test_a_parameter_is_a_name_and_a_number(pair):
    with pytest.raises(ValueError, match=r"^Expected a parameter as NAME=NUMBER"):
        parameter_values([pair])
    with pytest.raises(ValueError, match=r"^The parameter nu has two values"):
        parameter_values(["nu=1", "nu=2"])


def test_folders_that_do_not_fit_are_refused_before_anything_is_computed(data, network, tmp_path):
    def refused(source, search, sentence):
        with pytest.raises((ValueError, FileNotFoundError), match=sentence):
            discovery_job(str(source), search)

    refused(data, Search(split="tset"), r"has no split tset \(did you mean test\?\)")
    refused(network, Search(), r"^Discovery looks at the operator in .* add --data with the folder of a dataset")
    refused(network, Search(data=tmp_path), "holds no dataset")
    save_operator(fno(30, 10, modes=2, width=2, layers=1), network)
    refused(network, Search(data=data), r"A window of 30 \+ 10 frames does not fit into trajectories of 21")
    other = tmp_path / "other"
    save_operator(fno(1, 1, modes=2, width=2, layers=1), other)
    refused(network, Search(data=data, alike=(other,)), r"other takes or gives other frames than the one in .*network")
    save_operator(nn.Linear(2, 2), other)
    refused(other, Search(data=data), r"torch\.nn\.modules\.linear\.Linear that does not say which frames it takes")
    save_operator(fno(1, 1, fields=2, modes=2, width=2, layers=1), network)
    refused(network, Search(data=data), r"is for 2 fields in 1 dimensions, the dataset in .* has 1 in 1")
    refused(tmp_path, Search(), "holds neither a dataset nor an operator")
    (tmp_path / "run" / "arms").mkdir(parents=True)
    refused(tmp_path / "run", Search(), r"is a whole run of the lab: name its dataset, .*data, or one of its operators")
    short = make(tmp_path / "short", "times.count=3", "splits.test=1")
    refused(short, Search(), r"has 3 frames of 128 points, an equation is identified from 20 of 32 on")
    drawn = make(tmp_path / "drawn", "parameters.nu={uniform: [0.1, 0.2]}", "splits.test=1")
    refused(drawn, Search(), r"draws its own nu, so that there is no one equation behind it")
    refused("solver", Search(data=drawn), r"draws its own nu")
