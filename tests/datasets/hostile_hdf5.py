"""Files of the formats of others that cannot be trusted: every case makes one, or changes one thing in a sound one."""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

SAMPLES, FRAMES, POINTS = 4, 3, 8

Change = Callable[[h5py.File], object]


@dataclass(frozen=True)
class HostileFile:
    """A file to import.

    Attributes:
        name: of the case.
        suffix: of the file, by which its format is found.
        make: writes it, given its path.
        mention: what of the file the refusal has to name, as a regular expression.
    """

    name: str
    suffix: str
    make: Callable[[Path], object]
    mention: str


def _values() -> np.ndarray:
    wave = np.sin(2 * np.pi * np.arange(POINTS) / POINTS)
    return (np.linspace(0.5, 1, SAMPLES)[:, None, None] * np.linspace(1, 2, FRAMES)[:, None] * wave).astype("float32")


def make_pdebench(path: Path) -> None:
    """A sound file of PDEBench."""
    with h5py.File(path, "w") as file:
        file["tensor"] = _values()
        file["x-coordinate"] = np.arange(POINTS) / POINTS
        file["t-coordinate"] = np.linspace(0, 1, FRAMES + 1)


def make_well(path: Path) -> None:
    """A sound file of the Well."""
    with h5py.File(path, "w") as file:
        file.attrs.update({"dataset_name": "sound", "grid_type": "cartesian", "n_spatial_dims": 1})
        file.attrs.update({"n_trajectories": SAMPLES, "simulation_parameters": []})
        dimensions = file.create_group("dimensions")
        dimensions.attrs["spatial_dims"] = ["x"]
        for name, values in {"time": np.linspace(0, 1, FRAMES), "x": np.arange(POINTS) / POINTS}.items():
            dimensions[name] = values
            dimensions[name].attrs.update({"sample_varying": False, "time_varying": False})
        conditions = file.create_group("boundary_conditions")
        periodic = conditions.create_group("x_periodic")
        periodic.attrs.update({"associated_dims": ["x"], "associated_fields": [], "bc_type": "PERIODIC"})
        periodic.attrs.update({"sample_varying": False, "time_varying": False})
        periodic["mask"] = np.array([True] + [False] * (POINTS - 2) + [True])
        file.create_group("scalars").attrs["field_names"] = []
        for order in range(3):
            group = file.create_group(f"t{order}_fields")
            group.attrs["field_names"] = ["u"] if order == 0 else []
        file["t0_fields/u"] = _values()
        file["t0_fields/u"].attrs.update({"sample_varying": True, "time_varying": True, "dim_varying": [True]})


def make_netcdf(path: Path) -> None:
    """A sound file of netCDF."""
    with h5py.File(path, "w") as file:
        file["u"] = _values()
        for number, (name, values) in enumerate(
            {"sample": np.arange(SAMPLES), "time": np.linspace(0, 1, FRAMES), "x": np.arange(POINTS) / POINTS}.items()
        ):
            file[name] = values
            file[name].make_scale(name)
            file["u"].dims[number].attach_scale(file[name])


SOUND = {".hdf5": make_pdebench, ".well.hdf5": make_well, ".nc": make_netcdf}
"""What the cases start from, by the suffix of the file."""


def _changed(suffix: str, change: Change) -> Callable[[Path], None]:
    def make(path: Path) -> None:
        SOUND[suffix](path)
        with h5py.File(path, "r+") as file:
            change(file)

    return make


def _instead(name: str, **about: Any) -> Change:
    """Another array under a name."""

    def change(file: h5py.File) -> None:
        kept = dict(file[name].attrs) if name in file and "DIMENSION_LIST" not in file[name].attrs else {}
        del file[name]
        file.create_dataset(name, **about)
        file[name].attrs.update(kept)

    return change


def _bytes(suffix: str, change: Callable[[bytes], bytes]) -> Callable[[Path], None]:
    def make(path: Path) -> None:
        SOUND[suffix](path)
        path.write_bytes(change(path.read_bytes()))

    return make


def _external(file: h5py.File) -> None:
    """The numbers of the array are those of a file of the system."""
    size = SAMPLES * FRAMES * POINTS
    del file["tensor"]
    file.create_dataset("tensor", (SAMPLES, FRAMES, POINTS), "f4", external=[("/etc/passwd", 0, 4 * size)])


def _virtual(file: h5py.File) -> None:
    layout = h5py.VirtualLayout((SAMPLES, FRAMES, POINTS), "f4")
    layout[:] = h5py.VirtualSource("/etc/passwd", "tensor", (SAMPLES, FRAMES, POINTS))
    del file["tensor"]
    file.create_virtual_dataset("tensor", layout)


def _virtual_of_itself(file: h5py.File) -> None:
    layout = h5py.VirtualLayout((SAMPLES, FRAMES, POINTS), "f4")
    layout[:] = h5py.VirtualSource(".", "tensor", (SAMPLES, FRAMES, POINTS))
    del file["tensor"]
    file.create_virtual_dataset("tensor", layout)


def _deep(file: h5py.File) -> None:
    group = file
    for _ in range(300):
        group = group.create_group("g")


def _hard_loop(file: h5py.File) -> None:
    group = file.create_group("a")
    group["again"] = group


def _compound(file: h5py.File) -> None:
    del file["tensor"]
    file["tensor"] = np.zeros((SAMPLES, FRAMES, POINTS), dtype=[("re", "f4"), ("im", "f4")])


def _bomb(file: h5py.File) -> None:
    """A terabyte of zeros that is packed into a few bytes: one chunk is written, the others are claimed."""
    del file["tensor"]
    array = file.create_dataset(
        "tensor", (2**20, FRAMES, 2**20), "f4", chunks=(1, 1, 2**20), compression="gzip", fillvalue=0.0
    )
    array[0, 0] = 0.0


def _huge_chunk(file: h5py.File) -> None:
    del file["tensor"]
    array = file.create_dataset("tensor", (SAMPLES, FRAMES, 2**27), "f4", chunks=(1, 1, 2**27), compression="gzip")
    array.id.write_direct_chunk((0, 0, 0), b"x" * 100)


def _garbled_chunk(file: h5py.File) -> None:
    del file["tensor"]
    array = file.create_dataset("tensor", data=_values(), chunks=(1, FRAMES, POINTS), compression="gzip")
    array.id.write_direct_chunk((1, 0, 0), b"no gzip at all" * 3)


def _attribute(name: str, key: str, value: Any) -> Change:
    def change(file: h5py.File) -> None:
        (file[name] if name else file).attrs[key] = value

    return change


def _deleted(*names: str) -> Change:
    def change(file: h5py.File) -> None:
        for name in names:
            del file[name]

    return change


def _linked(name: str, link: Any) -> Change:
    def change(file: h5py.File) -> None:
        if name in file:
            del file[name]
        file[name] = link

    return change


def _loop_of_links(file: h5py.File) -> None:
    file["one"], file["two"] = h5py.SoftLink("/two"), h5py.SoftLink("/one")


def _nan_at(name: str) -> Change:
    def change(file: h5py.File) -> None:
        file[name][..., 1] = np.nan

    return change


def _renamed(old: str, new: bytes) -> Change:
    def change(file: h5py.File) -> None:
        file.id.links.move(old.encode(), file.id, new)

    return change


_FLOATS = {"data": _values()}

_OF_PDEBENCH = [
    ("no fields", _deleted("tensor"), r"tensor|field"),
    ("no points", _deleted("x-coordinate"), r"x-coordinate|layout|format"),
    ("no times", _deleted("t-coordinate"), r"t-coordinate"),
    ("nothing at all", _deleted("tensor", "x-coordinate", "t-coordinate"), r"\.hdf5"),
    ("integers", _instead("tensor", data=np.ones((SAMPLES, FRAMES, POINTS), "i4")), r"tensor"),
    ("complex numbers", _instead("tensor", data=np.ones((SAMPLES, FRAMES, POINTS), "c8")), r"tensor"),
    ("truth values", _instead("tensor", data=np.ones((SAMPLES, FRAMES, POINTS), "?")), r"tensor"),
    ("words", _instead("tensor", data=np.full((SAMPLES, FRAMES, POINTS), b"abc")), r"tensor"),
    ("words of any length", _instead("tensor", shape=(SAMPLES,), dtype=h5py.string_dtype()), r"tensor"),
    ("references", _instead("tensor", shape=(SAMPLES, FRAMES, POINTS), dtype=h5py.ref_dtype), r"tensor"),
    ("lists of any length", _instead("tensor", shape=(SAMPLES,), dtype=h5py.vlen_dtype("f4")), r"tensor"),
    ("quadruple precision", _instead("tensor", data=_values().astype("longdouble")), r"tensor"),
    ("pairs of numbers", _compound, r"tensor"),
    ("one number", _instead("tensor", data=np.float32(1)), r"tensor"),
    ("no number", _instead("tensor", data=h5py.Empty("f4")), r"tensor"),
    ("no samples", _instead("tensor", shape=(0, FRAMES, POINTS), dtype="f4"), r"tensor"),
    ("two axes", _instead("tensor", data=np.ones((FRAMES, POINTS), "f4")), r"tensor|axes"),
    ("seven axes", _instead("tensor", data=np.ones((1,) * 7, "f4")), r"tensor|axes"),
    ("nan", _nan_at("tensor"), r"tensor|not finite|nan"),
    ("a group for the fields", lambda file: (_deleted("tensor")(file), file.create_group("tensor")), r"tensor"),
    ("points of another number", _instead("x-coordinate", data=np.arange(5.0)), r"x-coordinate|\bx\b"),
    ("points that do not grow", _instead("x-coordinate", data=np.zeros(POINTS)), r"x-coordinate|\bx\b"),
    ("points that are nan", _instead("x-coordinate", data=np.full(POINTS, np.nan)), r"x-coordinate"),
    ("points that are infinite", _instead("x-coordinate", data=np.full(POINTS, np.inf)), r"x-coordinate"),
    ("points that are words", _instead("x-coordinate", data=np.full(POINTS, b"left")), r"x-coordinate"),
    ("points of two axes", _instead("x-coordinate", data=np.ones((2, POINTS))), r"x-coordinate"),
    ("uneven points", _instead("x-coordinate", data=np.arange(POINTS) ** 2.0), r"x-coordinate|\bx\b"),
    ("too few times", _instead("t-coordinate", data=np.arange(FRAMES - 1.0)), r"t-coordinate|times"),
    ("times that fall", _instead("t-coordinate", data=np.arange(FRAMES + 1.0)[::-1]), r"t-coordinate|time"),
    ("times that are nan", _instead("t-coordinate", data=np.full(FRAMES, np.nan)), r"t-coordinate"),
    ("huge and empty", _instead("tensor", shape=(2**30, 2**20, 2**10), dtype="f4", chunks=(1, 1, 2**10)), r"tensor"),
    ("huge points", _instead("x-coordinate", shape=(2**50,), dtype="f8", chunks=(2**10,)), r"x-coordinate"),
    ("a bomb of zeros", _bomb, r"tensor"),
    ("a huge piece", _huge_chunk, r"tensor"),
    ("a garbled piece", _garbled_chunk, r"tensor"),
    ("numbers of a file of the system", _external, r"tensor"),
    ("a part of another file", _virtual, r"tensor"),
    ("a part of itself", _virtual_of_itself, r"tensor"),
    ("a link to another file", _linked("tensor", h5py.ExternalLink("/etc/passwd", "/tensor")), r"tensor"),
    ("a link to a file above", _linked("extra", h5py.ExternalLink("../../up.hdf5", "/")), r"extra"),
    ("a link to itself", _linked("tensor", h5py.SoftLink("/tensor")), r"tensor"),
    ("a link to nothing", _linked("tensor", h5py.SoftLink("/nowhere")), r"tensor"),
    ("links in a circle", _loop_of_links, r"one|two"),
    ("a group within itself", _hard_loop, r"again"),
    ("groups in groups", _deep, r"deep|/g"),
    ("a name that climbs", _renamed("tensor", b"..\\..\\up"), r"name|up"),
    ("a name of control characters", _renamed("tensor", b"a\nb"), r"name"),
    ("a name that is no text", _renamed("tensor", b"\xff\xfe"), r"\.hdf5"),
]

_OF_THE_WELL = [
    ("samples that are not there", _attribute("", "n_trajectories", 2**40), r"u\b|n_trajectories"),
    ("a word for the number of samples", _attribute("", "n_trajectories", "many"), r"n_trajectories"),
    ("no samples", _attribute("", "n_trajectories", 0), r"n_trajectories"),
    ("a field that climbs", _attribute("t0_fields", "field_names", ["../../up"]), r"up|named"),
    ("a field that is missing", _attribute("t0_fields", "field_names", ["w"]), r"\bw\b"),
    ("names of fields that are numbers", _attribute("t0_fields", "field_names", [1, 2]), r"field_names|named"),
    ("axes that are missing", _attribute("dimensions", "spatial_dims", ["q"]), r"\bq\b"),
    ("axes that are a number", _attribute("dimensions", "spatial_dims", 3), r"spatial_dims"),
    ("four axes", _attribute("dimensions", "spatial_dims", ["a", "b", "c", "d"]), r"axes"),
    ("marks of axes that are words", _attribute("t0_fields/u", "dim_varying", ["yes"]), r"dim_varying|\bu\b"),
    ("marks of too many axes", _attribute("t0_fields/u", "dim_varying", [True] * 9), r"dim_varying|\bu\b"),
    ("no times", _deleted("dimensions/time"), r"time"),
    ("no axes", _deleted("dimensions"), r"dimensions|format"),
    ("a vector of scalars", lambda file: (file["t1_fields"].attrs.update(field_names=["u"]),
                                          file["t1_fields"].create_dataset("u", data=_values())), r"\bu\b"),
    ("nan", _nan_at("t0_fields/u"), r"\bu\b|not finite"),
    ("times of samples", _attribute("dimensions/time", "sample_varying", True), r"time"),
    ("our own metadata as a number", lambda file: file.create_dataset("pdesym", data=3.0), r"pdesym"),
    ("our own metadata, empty", lambda file: file.create_group("pdesym"), r"pdesym"),
]  # fmt: skip

_OF_NETCDF = [
    ("no times", _deleted("time"), r"\bu\b|time"),
    ("no fields", _deleted("u"), r"variable|field|format"),
    ("dimensions without names", _instead("u", **_FLOATS), r"\bu\b|variable"),
    ("nan", _nan_at("u"), r"\bu\b|not finite"),
    ("points that do not grow", lambda file: file["x"].write_direct(np.zeros(POINTS)), r"\bx\b"),
    ("times that are nan", lambda file: file["time"].write_direct(np.full(FRAMES, np.nan)), r"time"),
    ("our own version as a word", _attribute("", "pdesym_schema", "two"), r"'two'"),
    ("our own version of tomorrow", _attribute("", "pdesym_schema", 99), r"99|pdesym_schema|attribute"),
    ("our own version without the rest", _attribute("", "pdesym_schema", 2), r"fields|attribute"),
]

_FILES = [
    ("an empty file", lambda path: path.write_bytes(b"")),
    ("text", lambda path: path.write_text("hello\n" * 100)),
    ("JSON", lambda path: path.write_text(json.dumps({"tensor": [1, 2]}))),
    ("noise", lambda path: path.write_bytes(np.random.default_rng(0).bytes(5000))),
    ("the first eight bytes", lambda path: path.write_bytes(b"\x89HDF\r\n\x1a\n")),
    ("the first eight bytes and noise", lambda path: path.write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(range(256)) * 8)),
    ("a folder", lambda path: path.mkdir()),
    ("a link to itself", lambda path: path.symlink_to(path)),
    ("a link to a device", lambda path: path.symlink_to("/dev/zero")),
    ("a pipe", lambda path: os.mkfifo(path)),
]

CASES = [
    *(HostileFile(f"pdebench: {name}", ".hdf5", _changed(".hdf5", change), mention)
      for name, change, mention in _OF_PDEBENCH),
    *(HostileFile(f"well: {name}", ".well.hdf5", _changed(".well.hdf5", change), mention)
      for name, change, mention in _OF_THE_WELL),
    *(HostileFile(f"netcdf: {name}", ".nc", _changed(".nc", change), mention)
      for name, change, mention in _OF_NETCDF),
    *(HostileFile(f"file: {name}", ".hdf5", make, r"hostile\.hdf5") for name, make in _FILES),
    *(HostileFile(f"{what} cut off at {keep:.0%}", suffix,
                  _bytes(suffix, lambda content, keep=keep: content[: int(keep * len(content))]), r"hostile\.")
      for what, suffix in [("pdebench", ".hdf5"), ("well", ".well.hdf5"), ("netcdf", ".nc")]
      for keep in (0.01, 0.3, 0.7, 0.98)),
]  # fmt: skip
