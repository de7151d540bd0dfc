"""The rows of the table by name, in the order in which they are printed."""

from speed.rows.dissipative import burgers_row, ks_row
from speed.rows.generators import generators_row
from speed.rows.gpu import gpu_row
from speed.rows.kdv import kdv_row
from speed.rows.navier_stokes import large_row, small_row
from speed.rows.start import start_row
from speed.rows.step import step_row
from speed.rows.tangent import tangent_row
from speed.rows.transforms import transforms_row

ROWS = {
    "kdv": kdv_row,
    "generators": generators_row,
    "step": step_row,
    "transforms": transforms_row,
    "gpu": gpu_row,
    "ks": ks_row,
    "burgers": burgers_row,
    "navier-stokes-64": small_row,
    "navier-stokes-128": large_row,
    "tangent": tangent_row,
    "start": start_row,
}
"""`row(bench) -> Row`."""
