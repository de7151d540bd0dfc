"""One test trajectory and what each operator predicted for it."""

import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float

PREFIX = "prediction/"


@dataclass(frozen=True)
class Example:
    """A trajectory u(x, t) on a grid and the forecasts of it; every field is (time, x), dimensionless."""

    x: Float[np.ndarray, " x"]
    times: Float[np.ndarray, " time"]
    truth: Float[np.ndarray, "time x"]
    forecast_times: Float[np.ndarray, " forecast"]
    predictions: Mapping[str, Float[np.ndarray, "forecast x"]]

    @property
    def forecast_truth(self) -> Float[np.ndarray, "forecast x"]:
        """The trajectory at the times of the forecast; ValueError when it has no frame at one of them."""
        nearest = np.abs(self.times[:, None] - self.forecast_times).argmin(axis=0)
        step = np.diff(self.times).min() if len(self.times) > 1 else 1.0
        # Times may have been stored in single precision.
        apart = np.abs(self.times[nearest] - self.forecast_times) > 1e-3 * step
        if apart.any():
            time = self.forecast_times[apart.argmax()]
            raise ValueError(f"The trajectory of the example has no frame at the forecast time {time:g}.")
        return self.truth[nearest]


def read_example(path: Path) -> Example:
    """Reads `example.npz`: x, times, truth, t_pred, and one array `prediction/<operator>` for each operator.

    Raises:
        ValueError: an array is missing or has another shape than the others ask for.
    """
    arrays = _read_arrays(path)
    for name in ("x", "times", "truth", "t_pred"):
        if name not in arrays:
            raise ValueError(f"{path} has no array {name}, which the report needs: run the lab in a new folder.")
    predictions = {name.removeprefix(PREFIX): array for name, array in arrays.items() if name.startswith(PREFIX)}
    if not predictions:
        raise ValueError(f"{path} has no prediction of any operator, {PREFIX}<operator>: run the lab in a new folder.")
    x, times, forecast_times = arrays["x"], arrays["times"], arrays["t_pred"]
    expected = {"truth": (len(times), len(x))}
    expected |= {PREFIX + name: (len(forecast_times), len(x)) for name in predictions}
    for name, shape in expected.items():
        if arrays[name].shape != shape:
            raise ValueError(f"Expected the array {name} of {path} of shape {shape}, got {arrays[name].shape}.")
    return Example(x, times, arrays["truth"], forecast_times, predictions)


def _read_arrays(path: Path) -> dict[str, np.ndarray]:
    try:
        # Opened here: numpy leaves a file open that turns out to be no archive.
        with path.open("rb") as file, zipfile.ZipFile(file):
            file.seek(0)
            with np.load(file, allow_pickle=False) as archive:
                return {name: archive[name] for name in archive.files}
    except (zipfile.BadZipFile, EOFError, ValueError) as error:
        raise ValueError(f"{path} is not a NumPy archive ({error}): delete it and run the lab again.") from None
