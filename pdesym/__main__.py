"""`python -m pdesym` is the command `pdesym`."""

from pdesym.cli import app

app(prog_name="pdesym")
