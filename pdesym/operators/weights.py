"""The tensors of a module in one safetensors file, read back only into a module of the same names and shapes."""

from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn


def save_weights(module: nn.Module, path: str | Path) -> None:
    """Writes the state dict of a module, which must hold tensors alone, as safetensors."""
    save_file({name: tensor.contiguous() for name, tensor in module.state_dict().items()}, path)


def load_weights(module: nn.Module, path: str | Path) -> None:
    """Fills a module with the tensors of a safetensors file; the module keeps its device.

    Raises:
        FileNotFoundError: when there is no such file.
        ValueError: when the file is damaged, or holds other tensors than the module.
    """
    path = Path(path)
    stored, expected = read_weights(path), module.state_dict()
    problem = _first_difference(stored, expected)
    if any("parametrizations." in name for name in stored.keys() ^ expected.keys()):
        raise ValueError(
            f"{path} holds weights under other constraints than the model ({problem}): put the model under the same "
            "ones first, or save after `remove`, or `fold_bias` of fixed biases."
        )
    if problem:
        raise ValueError(
            f"{path} holds the weights of another model ({problem}): build the model with the configuration that "
            "they were trained with, which load_operator does."
        )
    module.load_state_dict(stored)


def read_weights(path: Path) -> dict[str, Tensor]:
    """The tensors of a safetensors file by name, on the CPU.

    Raises:
        FileNotFoundError: when there is no such file.
        ValueError: when the file is damaged.
    """
    if not path.is_file():
        raise FileNotFoundError(f"Expected the weights of a model in {path}, and there is no such file.")
    try:
        return load_file(path)
    except SafetensorError as error:
        raise ValueError(
            f"{path} is damaged or not a safetensors file ({error}): restore it, or take an older checkpoint."
        ) from error


def _first_difference(stored: dict[str, Tensor], expected: dict[str, Tensor]) -> str | None:
    """What the file has otherwise than the module, None when nothing."""
    for name, tensor in expected.items():
        if name not in stored:
            return f"without {name}"
        if stored[name].shape != tensor.shape or stored[name].dtype != tensor.dtype:
            file, model = (f"{tuple(t.shape)} {str(t.dtype).removeprefix('torch.')}" for t in (stored[name], tensor))
            return f"{name} is {file} in the file and {model} in the model"
    return next((f"with {name} beside the model's own tensors" for name in stored if name not in expected), None)
