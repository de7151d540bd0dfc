"""Checkpoints of a training run: one folder a save, complete or not there at all.

    <run>/step-00000500/model.safetensors    the weights
                        config.json          which operator it is, and how it is trained
                        state.pt             optimiser and learning rate schedule
    <run>/last                               the name of the newest

A folder is written under another name, forced to disk and then renamed; only then does `last` name it. Nothing in it
is ever unpickled beyond tensors, numbers, text and containers of them.
"""

import fcntl
import os
import pickle
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from torch import nn

from pdesym.datasets.durable import flush_one
from pdesym.operators import describe_operator, load_weights, save_operator
from pdesym.operators.registry import completed
from pdesym.operators.storage import LAST, WEIGHTS, last_checkpoint, read_config

STATE = "state.pt"


def save_checkpoint(
    run: str | Path, model: nn.Module, step: int, state: Mapping[str, Any], record: Mapping[str, Any], keep: int
) -> Path:
    """Writes the checkpoint of a step and removes all but the `keep` newest.

    Args:
        run: folder of the run.
        model: any module whose state dict holds tensors alone.
        step: steps made.
        state: tensors, numbers, text and containers of them, for `load_checkpoint`.
        record: what `config.json` should say beside the operator, ready for JSON.
        keep: checkpoints that stay.

    Raises:
        OSError: when the files cannot be written, on a full disk say; the checkpoints before stay.
    """
    run = Path(run)
    final, partial = run / f"step-{step:08d}", run / "writing.partial"
    for leftover in (partial, final):  # of a process that was killed here
        shutil.rmtree(leftover, ignore_errors=True)
    try:
        save_operator(model, partial, step=step, **record)
        _write_state(state, partial / STATE)
        for file in (*partial.iterdir(), partial):
            flush_one(file)
    except (OSError, SafetensorError) as error:
        shutil.rmtree(partial, ignore_errors=True)
        raise OSError(
            f"The checkpoint of step {step} could not be written into {run} ({error}): make room on the disk and "
            "repeat the call, which continues from the checkpoint before."
        ) from error
    os.replace(partial, final)
    flush_one(run)

    pointer = run / f"{LAST}.partial"
    pointer.write_text(final.name + "\n", encoding="utf-8")
    flush_one(pointer)
    os.replace(pointer, run / LAST)
    flush_one(run)
    _remove_others(run, final, keep)
    return final


def load_checkpoint(run: str | Path, model: nn.Module) -> dict[str, Any]:
    """Fills a model from the newest checkpoint of a run; returns the saved state.

    Raises:
        FileNotFoundError: when the run has no checkpoint, or a file of it is missing.
        ValueError: when it is the checkpoint of another model, or a file of it is damaged or not what it should be.
    """
    folder = last_checkpoint(Path(run))
    stored, expected = completed(read_config(folder)["operator"]), describe_operator(model)
    if stored != expected:
        raise ValueError(
            f"{folder} is the checkpoint of another model, {_differences(stored, expected)}: train into another "
            "folder, or build the model that it holds."
        )
    state = _read_state(folder / STATE)
    load_weights(model, folder / WEIGHTS)
    return state


@contextmanager
def held(run: Path) -> Iterator[None]:
    """Makes the folder of a run and keeps every other process from training into it, as long as this one lives.

    Raises:
        RuntimeError: when another process holds it.
    """
    run.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(run, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise RuntimeError(f"Another process is training into {run}: wait for it or end it.") from None
        yield
    finally:
        os.close(descriptor)


def _remove_others(run: Path, final: Path, keep: int) -> None:
    folders = sorted(run.glob("step-*"))
    newest = folders.index(final) + 1  # `last` never named what is later
    for other in folders[: max(newest - keep, 0)] + folders[newest:]:
        shutil.rmtree(other)


def _write_state(state: Mapping[str, Any], path: Path) -> None:
    try:
        torch.save(dict(state), path)
    except RuntimeError as error:  # torch's word for a file that cannot be written
        raise OSError(str(error).splitlines()[0]) from error


def _read_state(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing: write the name of an older checkpoint into {LAST!r}.")
    try:
        return dict(torch.load(path, map_location="cpu", weights_only=True))
    except pickle.UnpicklingError as error:
        raise ValueError(
            f"{path} holds other things than tensors, numbers and text, and was not opened: it is not a file that "
            f"training wrote, write the name of an older checkpoint into {LAST!r}."
        ) from error
    except (RuntimeError, EOFError, OSError, ValueError, TypeError) as error:
        raise ValueError(f"{path} is damaged: write the name of an older checkpoint into {LAST!r}.") from error


def _differences(stored: Mapping[str, Any], expected: Mapping[str, Any]) -> str:
    if stored["kind"] != expected["kind"]:
        return f"{stored['kind']} and not {expected['kind']}"
    names = [name for name in {**stored, **expected} if stored.get(name) != expected.get(name)]
    return ", ".join(f"with {name} = {stored.get(name)} and not {expected.get(name)}" for name in names)
