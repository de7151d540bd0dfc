"""`python -m pdesym` is the command `pdesym`."""

from pdesym.cli import app

if __name__ == "__main__":
    app(prog_name="pdesym")
