"""The command line, `pdesym`: one verb a job. Each verb imports its room when it runs, so that help comes at once."""

from pdesym.cli import data, symmetry
from pdesym.cli.app import app

__all__ = ["app", "data", "symmetry"]
