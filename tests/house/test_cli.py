"""The command line: help at once, one sentence for an error, and the exit code that says whose fault it was."""

import errno
import resource
import signal
import subprocess
import sys
import types
from pathlib import Path

import pytest
from typer.testing import CliRunner

import pdesym
from pdesym.cli import app
from pdesym.datasets import open_dataset
from pdesym.solvers import CATALOGUE

ROOT = Path(__file__).parents[2]
SLOW = ("torch", "neuralop", "scipy", "sympy", "xarray", "numpy", "matplotlib")

SMALL = (
    "splits.train=2",
    "splits.valid=1",
    "splits.test=1",
    "grid.points=64",
    "times.first=0.0",
    "times.last=1.0",
    "times.count=3",
)


def invoke(*arguments):
    return CliRunner().invoke(app, list(arguments))


def test_help_names_every_verb():
    run = invoke("--help")
    assert run.exit_code == 0
    assert all(
        verb in run.stdout
        for verb in ("lab", "generate", "recipes", "describe", "verify", "export", "import", "discover")
    )


def test_version():
    assert invoke("--version").stdout == f"pdesym {pdesym.__version__}\n"


def test_equations_prints_every_card_of_the_catalogue():
    run = invoke("equations")
    assert run.exit_code == 0, run.output
    headings = [line for line in run.stdout.splitlines() if line and not line.startswith(" ")]
    assert [heading.split(":")[0] for heading in headings] == list(CATALOGUE)
    assert "kdv: Korteweg-de Vries, uₜ + a u uₓ + b uₓₓₓ = 0" in headings
    for entry in ("a = 1, b = 1", "energy ∫(b*u_x**2/2 - a*u**3/6)", "sech²", "L = 128"):
        assert entry in run.stdout


def test_generate_makes_a_dataset_and_refuses_a_typo(tmp_path):
    small = [f"--set={entry}" for entry in SMALL]
    folder = tmp_path / "kdv"
    run = invoke("generate", "kdv", "--out", str(folder), *small)
    assert run.exit_code == 0, run.output
    assert run.stdout == f"{folder}\n"
    assert open_dataset(folder, "train").sizes["sample"] == 2

    run = invoke("generate", "kdv", "--out", str(tmp_path / "other"), "--set", "sed=1")
    assert run.exit_code == 2
    assert run.stderr.startswith("pdesym: ")
    assert "sed" in run.stderr
    assert len(run.stderr.splitlines()) == 1
    assert not (tmp_path / "other").exists()


def test_an_unknown_recipe_is_refused_by_name(tmp_path):
    run = invoke("generate", "kdw", "--out", str(tmp_path / "kdw"))
    assert run.exit_code == 2
    assert "kdw" in run.stderr
    assert len(run.stderr.splitlines()) == 1


HELP = """
import sys
from pdesym.cli import app
try:
    app(["--help"])
finally:
    print([name for name in {slow} if name in sys.modules])
"""


def cpu_seconds_of(code: str) -> tuple[float, str]:
    """User and system CPU seconds of a fresh interpreter that runs the code, and the last line it printed."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return spent, run.stdout.splitlines()[-1]


def test_help_comes_in_half_a_second_and_without_torch():
    runs = [cpu_seconds_of(HELP.format(slow=SLOW)) for _ in range(3)]
    assert [loaded for _, loaded in runs] == ["[]"] * 3
    assert min(spent for spent, _ in runs) < 0.5


def test_the_clock_and_the_detector_of_slow_modules_see_a_planted_one():
    spent, loaded = cpu_seconds_of(HELP.format(slow=SLOW).replace("import sys", "import sys, torch"))
    assert "torch" in loaded
    assert spent > 0.5


@pytest.mark.parametrize("arguments", [["labb"], ["lab", "--outt", "x"], ["generate"], ["generate", "kdv"]])
def test_a_wrong_command_line_is_refused(arguments):
    run = invoke(*arguments)
    assert run.exit_code == 2
    assert "Error:" in run.stderr


class OwnError(ArithmeticError):
    """Stands for an error that a room defines."""


OwnError.__module__ = "pdesym.solvers.blow_up"


@pytest.fixture
def equations_raise(monkeypatch):
    """Makes the verb `equations` run into the given error."""

    def plant(error):
        def fail():
            raise error

        monkeypatch.setitem(sys.modules, "pdesym.solvers", types.SimpleNamespace(CATALOGUE={"kdv": fail}))

    return plant


@pytest.mark.parametrize(
    ("error", "code", "sentence"),
    [
        (ValueError("Unknown symbol nu."), 2, "pdesym: Unknown symbol nu.\n"),
        (FileNotFoundError(errno.ENOENT, "No such file", "a.yaml"), 2, "pdesym: No such file: a.yaml\n"),
        (FileNotFoundError("There is no recipe kdw."), 2, "pdesym: There is no recipe kdw.\n"),
        (OSError(errno.ENOSPC, "No space left on device", "runs/u"), 1, "pdesym: No space left on device: runs/u\n"),
        (OwnError("Sample 3 blew up at t = 1.5."), 1, "pdesym: Sample 3 blew up at t = 1.5.\n"),
        (KeyboardInterrupt(), 130, "Interrupted: the same command continues from here.\n"),
    ],
)
def test_an_error_is_one_sentence_and_an_exit_code(equations_raise, error, code, sentence):
    equations_raise(error)
    run = invoke("equations")
    assert run.exit_code == code
    assert run.stderr.lstrip() == sentence


def test_debug_shows_the_error_itself(equations_raise):
    error = ValueError("Unknown symbol nu.")
    equations_raise(error)
    run = invoke("--debug", "equations")
    assert run.exception is error
    assert run.stderr == ""


@pytest.mark.parametrize("error", [ZeroDivisionError("division by zero"), KeyError("u"), RuntimeError("no kernel")])
def test_a_fault_of_the_program_keeps_its_traceback(equations_raise, error):
    equations_raise(error)
    assert invoke("equations").exception is error


# A process started in the background of a script ignores Ctrl-C from birth: the first line undoes that.
WAITING_LAB = """
import signal; signal.signal(signal.SIGINT, signal.default_int_handler)
import sys, time, types

def run_lab(out, recipe, overrides):
    print("started", flush=True)
    time.sleep(60)

sys.modules["pdesym.lab"] = types.SimpleNamespace(run_lab=run_lab)
from pdesym.cli import app
app(["lab"])
"""


def test_control_c_says_how_to_continue():
    with subprocess.Popen(
        [sys.executable, "-c", WAITING_LAB], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as lab:
        assert lab.stdout.readline() == "started\n"
        lab.send_signal(signal.SIGINT)
        _, stderr = lab.communicate(timeout=30)
    assert lab.returncode == 130
    assert stderr == "\nInterrupted: the same command continues from here.\n"


def test_a_closed_pipe_ends_quietly(equations_raise):
    equations_raise(BrokenPipeError(errno.EPIPE, "Broken pipe"))
    run = invoke("equations")
    assert run.exit_code == 1
    assert run.stderr == ""
