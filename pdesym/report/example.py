"""One test trajectory and what each operator predicted for it."""

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
        apart = np.abs(self.times[nearest] - self.forecast_times)
        step = np.diff(self.times).min() if len(self.times) > 1 else 1.0
        if (apart > 1e-3 * step).any():
            time = self.forecast_times[apart.argmax()]
            raise ValueError(f"The trajectory of the example has no frame at the forecast time {time:g}.")
        return self.truth[nearest]


def read_example(path: Path) -> Example:
    """Reads `example.npz`: x, times, truth, t_pred, and one array `prediction/<operator>` for each operator.

    Raises:
        ValueError: an array is missing or has another shape than the others ask for.
    """
    with np.load(path, allow_pickle=False) as archive:
        arrays = {name: archive[name] for name in archive.files}
    for name in ("x", "times", "truth", "t_pred"):
        if name not in arrays:
            raise ValueError(f"{path} has no array {name}, which the report needs: run the lab in a new folder.")
    predictions = {name.removeprefix(PREFIX): array for name, array in arrays.items() if name.startswith(PREFIX)}
    if not predictions:
        raise ValueError(
            f"{path} has no array {PREFIX}<operator>, which the report needs: run the lab in a new folder."
        )
    x, times, forecast_times = arrays["x"], arrays["times"], arrays["t_pred"]
    expected = {"truth": (len(times), len(x))}
    expected |= {PREFIX + name: (len(forecast_times), len(x)) for name in predictions}
    for name, shape in expected.items():
        if arrays[name].shape != shape:
            raise ValueError(f"Expected the array {name} of {path} of shape {shape}, got {arrays[name].shape}.")
    return Example(x, times, arrays["truth"], forecast_times, predictions)
