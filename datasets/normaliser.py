"""Fields with mean 0 and standard deviation 1."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from pdesym.datasets.decoded import kept_samples, kept_values, shards_of
from pdesym.datasets.moments import Moments
from pdesym.datasets.open import open_dataset
from pdesym.datasets.stored import axes_of_data, fields_of_data

TRAIN = "train"


@dataclass(frozen=True)
class Normaliser:
    """u ↦ (u − mean)/std for each field, and back.

    Fields may come as `(batch, channel, *space)` or `(batch, time, channel, *space)`: the channels are counted from the
    last axes. The numbers are float64; what is applied to a tensor has its precision and device.

    Args:
        fields: names of the channels.
        mean: of each field.
        std: of each field, above 0.
        dims: number of space dimensions.

    Raises:
        ValueError: for numbers of other lengths, not finite, or a standard deviation that is not above 0.
    """

    fields: tuple[str, ...]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    dims: int

    def __post_init__(self) -> None:
        for name in ("mean", "std"):
            values = getattr(self, name)
            if len(values) != len(self.fields):
                raise ValueError(f"Expected one {name} for each of the fields {list(self.fields)}, got {list(values)}.")
            if not all(math.isfinite(value) for value in values):
                raise ValueError(f"Expected a finite {name} for each field, got {list(values)}.")
        if min(self.std, default=1.0) <= 0:
            raise ValueError(f"Expected standard deviations above 0, got {list(self.std)}.")
        if not 1 <= self.dims <= 3:
            raise ValueError(f"Expected 1 to 3 space dimensions, got {self.dims}.")

    @classmethod
    def fit(cls, directory: str | Path, split: str = TRAIN, constant: str = "refuse") -> "Normaliser":
        """The mean and the standard deviation of each field over all samples, frames and points of the training data.

        The numbers are merged shard by shard in float64, so that only one shard is in memory; samples that failed are
        left out.

        Args:
            directory: the folder of the dataset.
            split: `train`; others are refused.
            constant: what to do with a field of constant value: `refuse` it, or `keep` its scale (std 1).

        Raises:
            FileNotFoundError: when there is no dataset in the folder.
            ValueError: for another split, a field that is constant or not finite, or a split that cannot be opened.
        """
        if split != TRAIN:
            raise ValueError(
                f"A normaliser is fitted on the split {TRAIN} alone, got {split}: what is known of the other splits "
                "before training makes their errors worth less."
            )
        if constant not in ("refuse", "keep"):
            raise ValueError(f"Expected constant to be refuse or keep, got {constant!r}.")
        with open_dataset(directory, split) as data:
            fields, dims, kept = fields_of_data(data), len(axes_of_data(data)), kept_samples(data)
            means, deviations = [], []
            for field in fields:
                moments = Moments()
                for part in shards_of(data):
                    moments.add(kept_values(data, field, part, kept))
                if not math.isfinite(moments.std):
                    raise ValueError(
                        f"The field {field} of the split {split} in {directory} has values that are not finite: "
                        "generate it again, or look at it with `verify`."
                    )
                rounding = float(np.finfo(data[field].dtype).eps) if data[field].dtype.kind == "f" else 0.0
                if moments.std <= 2 * rounding * abs(moments.mean):
                    if constant == "refuse":
                        raise ValueError(
                            f"The field {field} of the split {split} in {directory} is {moments.mean:g} everywhere and "
                            "has no scale to divide by: fit with constant='keep', which leaves its scale as it is."
                        )
                    deviations.append(1.0)
                else:
                    deviations.append(moments.std)
                means.append(moments.mean)
        return cls(fields, tuple(means), tuple(deviations), dims)

    def require(self, fields: Sequence[str], dims: int) -> None:
        """Refuses data that this was not fitted on.

        Raises:
            ValueError: for other fields or another number of space dimensions.
        """
        if (tuple(fields), dims) != (self.fields, self.dims):
            raise ValueError(
                f"This normaliser is for the fields {', '.join(self.fields)} in {self.dims}D, got {', '.join(fields)} "
                f"in {dims}D: fit one on the training data of these."
            )

    def apply(self, u: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
        """(u − mean)/std of every field, `(..., channel, *space)`."""
        mean, std = self._columns(u)
        return (u - mean) / std

    def invert(self, u: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
        """u·std + mean of every field, `(..., channel, *space)`: the inverse of `apply`."""
        mean, std = self._columns(u)
        return u * std + mean

    def to_dict(self) -> dict[str, Any]:
        """Lists, numbers and words, for JSON and for checkpoints."""
        return {"fields": list(self.fields), "mean": list(self.mean), "std": list(self.std), "dims": self.dims}

    @classmethod
    def from_dict(cls, saved: Mapping[str, Any]) -> "Normaliser":
        """What `to_dict` gave.

        Raises:
            ValueError: for a key that is missing, unknown or of another kind.
        """
        expected = ("fields", "mean", "std", "dims")
        if set(saved) != set(expected):
            raise ValueError(f"Expected the keys {', '.join(expected)} of a normaliser, got {', '.join(saved)}.")
        try:
            mean, std = (tuple(float(value) for value in saved[key]) for key in ("mean", "std"))
            return cls(tuple(map(str, saved["fields"])), mean, std, int(saved["dims"]))
        except TypeError:
            raise ValueError(f"Expected lists of names and numbers of a normaliser, got {dict(saved)}.") from None

    def _columns(self, u: Tensor) -> tuple[Tensor, Tensor]:
        channel = -self.dims - 1
        if u.ndim < self.dims + 1 or u.shape[channel] != len(self.fields):
            raise ValueError(
                f"Expected {len(self.fields)} channels before {self.dims} space axes, got a tensor of shape "
                f"{tuple(u.shape)}."
            )
        shape = (len(self.fields), *(1,) * self.dims)
        return _like(u, self.mean).reshape(shape), _like(u, self.std).reshape(shape)


def _like(u: Tensor, values: Sequence[float]) -> Tensor:
    return torch.tensor(values, dtype=torch.float64).to(u.device, u.dtype)
