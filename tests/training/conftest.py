"""The small training of `example_run.py`."""

import importlib.util
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def example():
    """The module `example_run`, which tests also run as a program of its own."""
    path = Path(__file__).with_name("example_run.py")
    specification = importlib.util.spec_from_file_location("example_run", path)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module
