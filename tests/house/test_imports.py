"""Importing the light rooms brings in no neural operator, no telemetry client and opens no connection."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HEAVY = {"neuralop", "wandb"}

# Installed before the code runs: an audit hook sees every connection and look-up, whoever opens it.
WATCHED = """
import json, sys
seen = []
sys.addaudithook(lambda event, args: event in {names} and seen.append(event))
try:
    {code}
finally:
    print(json.dumps([sorted({{name.split(".")[0] for name in sys.modules}}), seen]))
"""
NETWORK = {"socket.connect", "socket.sendto", "socket.getaddrinfo", "socket.gethostbyname"}


def modules_and_connections(code: str) -> tuple[set[str], list[str]]:
    """Top-level modules that are loaded after the code has run in a fresh interpreter, and the connections it tried."""
    script = WATCHED.format(names=NETWORK, code=code)
    run = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True)
    modules, seen = json.loads(run.stdout.splitlines()[-1])
    assert run.returncode == 0, run.stderr
    return set(modules), seen


EVERY_MODULE = "import importlib, pkgutil, pdesym.{room} as room; [importlib.import_module(found.name) for found in \
pkgutil.walk_packages(room.__path__, room.__name__ + '.')]"


@pytest.mark.parametrize("room", ["solvers", "datasets", "symmetry"])
def test_a_light_room_stays_light_and_off_the_network(room):
    modules, connections = modules_and_connections(EVERY_MODULE.format(room=room))
    assert "torch" in modules  # every module of the room was imported, those that a lazy __init__ leaves out too
    assert not modules & HEAVY
    assert connections == []


def test_the_command_line_stays_light_and_off_the_network():
    modules, connections = modules_and_connections("import pdesym.cli")
    assert not modules & {*HEAVY, "torch"}
    assert connections == []


def test_pdesym_itself_imports_nothing_but_the_standard_library():
    modules, _ = modules_and_connections("import pdesym")
    assert not modules & {"torch", "numpy", "scipy", "sympy", "xarray", "zarr", "jaxtyping", "typer"}


def test_the_detector_sees_a_planted_heavy_import():
    # An empty module of that name stands for the package, which takes seconds to load.
    modules, _ = modules_and_connections("import types; sys.modules['wandb'] = types.ModuleType('wandb')")
    assert modules & HEAVY == {"wandb"}


def test_the_detector_sees_a_planted_connection():
    # Port 9 of this machine refuses: the attempt is what counts.
    _, connections = modules_and_connections("import socket; socket.socket().connect_ex(('127.0.0.1', 9))")
    assert "socket.connect" in connections
