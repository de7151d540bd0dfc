import json
import os
import pickle
import resource
import zipfile

import pytest
import torch
from torch import nn

from pdesym.operators import fno, load_operator
from pdesym.training import checkpoint, load_checkpoint, save_checkpoint

STATE = {"step": 7, "lists": [1, 2.5, "text", None], "tensor": torch.arange(3)}


def small(**options):
    return fno(**{"frames_in": 2, "frames_out": 1, "modes": 3, "width": 8, "layers": 2, **options})


def save(run, step, model=None, keep=2):
    return save_checkpoint(run, model or small(), step, {**STATE, "step": step}, {"note": "kept"}, keep)


def test_what_was_saved_comes_back(tmp_path):
    model = small(seed=3)
    folder = save(tmp_path, 7, model)
    assert sorted(file.name for file in folder.iterdir()) == ["config.json", "model.safetensors", "state.pt"]
    with torch.no_grad():
        other = small(seed=3)
        for parameter in other.parameters():
            parameter.zero_()
    state = load_checkpoint(tmp_path, other)
    assert state["step"] == 7
    assert state["lists"] == STATE["lists"]
    assert torch.equal(state["tensor"], STATE["tensor"])
    for a, b, c in zip(model.parameters(), other.parameters(), load_operator(tmp_path).parameters(), strict=True):
        assert torch.equal(a, b)
        assert torch.equal(a, c)
    config = json.loads((folder / "config.json").read_text())
    assert (config["step"], config["note"]) == (7, "kept")


def test_only_the_newest_stay(tmp_path):
    for step in (5, 10, 15, 100):
        save(tmp_path, step)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["last", "step-00000015", "step-00000100"]
    assert load_checkpoint(tmp_path, small())["step"] == 100


@pytest.mark.parametrize("moment", ["save_operator", "torch.save", "fsync", "replace", "second replace", "rmtree"])
def test_a_save_that_breaks_off_leaves_the_last_one(moment, tmp_path, monkeypatch):
    """The process ends at each moment of the second save; then it is made again."""
    save(tmp_path, 5, keep=1)
    calls = []

    def broken(*arguments, **options):
        calls.append(arguments)
        if moment == "second replace" and len(calls) == 1:
            return replace(*arguments, **options)
        raise KeyboardInterrupt

    replace = os.replace
    name = {
        "save_operator": "pdesym.training.checkpoint.save_operator",
        "torch.save": "torch.save",
        "fsync": "os.fsync",
        "rmtree": "pdesym.training.checkpoint._remove_others",
    }.get(moment, "os.replace")
    with monkeypatch.context() as patch:
        patch.setattr(name, broken)
        with pytest.raises(KeyboardInterrupt):
            save(tmp_path, 10, keep=1)
    assert calls
    assert load_checkpoint(tmp_path, small())["step"] == (10 if moment == "rmtree" else 5)
    save(tmp_path, 8, keep=1)  # an earlier step than the one that broke off
    assert load_checkpoint(tmp_path, small())["step"] == 8
    assert sorted(p.name for p in tmp_path.iterdir()) == ["last", "step-00000008"]


@pytest.mark.parametrize("name", ["model.safetensors", "state.pt"])
def test_a_full_disk_keeps_the_last_one(name, tmp_path):
    """The system refuses files above a size, as it refuses any on a full disk."""
    size = (save(tmp_path, 5) / "model.safetensors").stat().st_size
    state = {"large": torch.ones(10**6)} if name == "state.pt" else {}
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + 1000 if state else size - 1000, hard))
    try:
        sentence = r"The checkpoint of step 10 could not be written into .*: make room on the disk and repeat the call"
        with pytest.raises(OSError, match=sentence):
            save_checkpoint(tmp_path, small(), 10, state, {}, 2)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert load_checkpoint(tmp_path, small())["step"] == 5
    assert sorted(p.name for p in tmp_path.iterdir()) == ["last", "step-00000005"]


def test_without_a_checkpoint_the_folder_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no checkpoint in .*: expected a file 'last' that names one"):
        load_checkpoint(tmp_path, small())


@pytest.mark.parametrize(
    ("model", "sentence"),
    [
        (small(width=12), "another model, with width = 8 and not 12: train into another folder, or build the model"),
        (small(modes=4, seed=9), "another model, with modes = 3 and not 4, with seed = 0 and not 9: train"),
        (nn.Linear(2, 2), r"another model, fno and not torch\.nn\.modules\.linear\.Linear: train"),
        (
            small().double(),
            r"holds the weights of another model \(fno.* float32 in the file and .* float64 in the model",
        ),
    ],
)
def test_the_checkpoint_of_another_model_is_refused(model, sentence, tmp_path):
    save(tmp_path, 5)
    before = [p.clone() for p in model.parameters()]
    with pytest.raises(ValueError, match=sentence):
        load_checkpoint(tmp_path, model)
    assert all(torch.equal(a, b) for a, b in zip(before, model.parameters(), strict=True))


def test_a_class_of_the_same_name_with_other_shapes_is_refused(tmp_path):
    save(tmp_path, 5, nn.Linear(2, 3))
    with pytest.raises(
        ValueError, match=r"another model \(weight is \(3, 2\) float32 in the file and \(3, 4\) float32"
    ):
        load_checkpoint(tmp_path, nn.Linear(4, 3))


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9, 0.99])
@pytest.mark.parametrize("name", ["model.safetensors", "state.pt", "config.json"])
def test_a_truncated_file_is_refused(name, share, tmp_path):
    path = save(tmp_path, 5) / name
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    model = small()
    before = [p.clone() for p in model.parameters()]
    with pytest.raises(ValueError, match=rf"{name} is damaged"):
        load_checkpoint(tmp_path, model)
    assert all(torch.equal(a, b) for a, b in zip(before, model.parameters(), strict=True))


@pytest.mark.parametrize("name", ["model.safetensors", "state.pt", "config.json"])
def test_a_missing_file_is_named(name, tmp_path):
    (save(tmp_path, 5) / name).unlink()
    with pytest.raises(FileNotFoundError, match=r"step-00000005"):
        load_checkpoint(tmp_path, small())


class Malicious:
    def __init__(self, target):
        self.target = target

    def __reduce__(self):
        return (os.mkdir, (str(self.target),))


@pytest.mark.parametrize("form", ["torch", "pickle"])
def test_no_code_is_unpickled(form, tmp_path):
    path = save(tmp_path, 5) / "state.pt"
    target = tmp_path / "was-run"
    if form == "torch":
        torch.save({"step": Malicious(target)}, path)
        assert zipfile.is_zipfile(path)
    else:
        path.write_bytes(pickle.dumps({"step": Malicious(target)}, protocol=2))
    with pytest.raises(ValueError, match=r"state\.pt holds other things than tensors, numbers and text, and was not"):
        load_checkpoint(tmp_path, small())
    assert not target.exists()
    if form == "torch":  # the file is a working attack
        torch.load(path, weights_only=False)
        assert target.exists()


def test_a_folder_is_held_by_one_process(tmp_path):
    sentence = "Another process is training into"
    with checkpoint.held(tmp_path), pytest.raises(RuntimeError, match=sentence), checkpoint.held(tmp_path):
        pass
    with checkpoint.held(tmp_path):
        pass
