"""Operators in folders: `config.json` says which module it is, `model.safetensors` holds its tensors."""

import json
from pathlib import Path
from typing import Any

import torch
from torch import nn

from pdesym.operators.registry import configuration, describe_operator
from pdesym.operators.weights import load_weights, read_weights, save_weights

CONFIG, WEIGHTS, LAST = "config.json", "model.safetensors", "last"


def save_operator(operator: nn.Module, directory: str | Path, **record: Any) -> None:
    """Writes a module into a folder, which is made where it is missing.

    Args:
        operator: any module whose state dict holds tensors alone.
        directory: the folder.
        record: what else `config.json` should say, ready for JSON.
    """
    directory = Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    save_weights(operator, directory / WEIGHTS)
    config = {"operator": describe_operator(operator), **record}
    (directory / CONFIG).write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")


def load_operator(directory: str | Path, device: torch.device | str = "cpu") -> nn.Module:
    """The operator in a folder: one that `save_operator` wrote, a checkpoint, or a training run, of which it takes
    the last checkpoint.

    It comes in the precision it was saved in and in evaluation mode.

    Raises:
        FileNotFoundError: when the folder holds none of the three.
        ValueError: when a file in it is damaged, the operator is of a kind that this package does not build, or it is
            still under constraints.
    """
    directory = Path(directory)
    if (directory / LAST).is_file():
        directory = last_checkpoint(directory)
    operator = configuration(read_config(directory)["operator"], directory).build()
    stored = read_weights(directory / WEIGHTS)
    if any("parametrizations." in name and name not in operator.state_dict() for name in stored):
        raise ValueError(
            f"{directory} holds an operator under constraints, whose weights are products: put a new one under the "
            "same constraints and fill it with load_weights, or save it after `remove`, or `fold_bias` of fixed biases."
        )
    if stored:  # a file without tensors is refused below, in a sentence
        operator.to(device=device, dtype=next(iter(stored.values())).dtype)
    load_weights(operator, directory / WEIGHTS)
    return operator.eval()


def last_checkpoint(run: Path) -> Path:
    """The folder of the newest checkpoint of a training run, which the run's file `last` names.

    Raises:
        FileNotFoundError: when there is no such file, or not the folder that it names.
    """
    if not (run / LAST).is_file():
        raise FileNotFoundError(
            f"There is no checkpoint in {run}: expected a file {LAST!r} that names one, as training writes it."
        )
    checkpoint = run / (run / LAST).read_text(encoding="utf-8").strip()
    if not (checkpoint / CONFIG).is_file():
        raise FileNotFoundError(
            f"{run / LAST} names the checkpoint {checkpoint.name}, which is not there: write the name of one that is "
            f"into {LAST!r}, or start again in another folder."
        )
    return checkpoint


def read_config(directory: Path) -> dict[str, Any]:
    """What `config.json` in the folder of a module says.

    Raises:
        FileNotFoundError: when there is none.
        ValueError: when it does not say which module it is.
    """
    path = directory / CONFIG
    if not path.is_file():
        raise FileNotFoundError(
            f"There is no operator in {directory}: expected {CONFIG} and {WEIGHTS}, or the file {LAST!r} of a "
            "training run."
        )
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(config["operator"]["kind"], str):
            return dict(config)
    except (json.JSONDecodeError, KeyError, TypeError, UnicodeDecodeError):
        pass
    raise ValueError(f"{path} is damaged, it does not say which operator it is: take an older checkpoint.")
