import json
import pickle

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from pdesym.operators import fno, load_operator, load_weights, save_operator, save_weights


def small(**options):
    return fno(**{"frames_in": 2, "frames_out": 1, "modes": 3, "width": 8, "layers": 2, **options})


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("dims", [1, 2])
def test_an_operator_reopens_as_it_was(dims, dtype, tmp_path, device):
    operator = small(dims=dims, seed=7).to(device, dtype)
    with torch.no_grad():
        for parameter in operator.parameters():
            parameter += 0.01
    save_operator(operator, tmp_path / "new" / "folder", note="kept")
    reopened = load_operator(tmp_path / "new" / "folder", device)
    assert reopened.config == operator.config
    assert not reopened.training
    for a, b in zip(operator.parameters(), reopened.parameters(), strict=True):
        assert a.dtype == b.dtype
        assert a.device == b.device
        assert torch.equal(a, b)
    assert json.loads((tmp_path / "new" / "folder" / "config.json").read_text())["note"] == "kept"


def test_the_tensors_are_readable_without_this_package(tmp_path):
    operator = small()
    save_operator(operator, tmp_path)
    tensors = load_file(tmp_path / "model.safetensors")
    assert tensors.keys() == operator.state_dict().keys()


def test_weights_of_another_model_are_refused(tmp_path):
    save_weights(small(width=8), tmp_path / "a.safetensors")
    model = small(width=10)
    before = [p.clone() for p in model.parameters()]
    with pytest.raises(ValueError, match=r"another model \(fno\..* is \(.*\) float32 in the file and \(.*\) float32"):
        load_weights(model, tmp_path / "a.safetensors")
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), before, strict=True))
    with pytest.raises(ValueError, match=r"another model \(fno\..* is .* float32 in the file and .* float64 in the m"):
        load_weights(small(width=8).double(), tmp_path / "a.safetensors")
    with pytest.raises(ValueError, match=r"another model \(without 0.weight\)"):
        load_weights(nn.Sequential(nn.Linear(2, 2)), tmp_path / "a.safetensors")
    save_file({**nn.Linear(2, 2).state_dict(), "extra": torch.zeros(1)}, tmp_path / "b.safetensors")
    with pytest.raises(ValueError, match=r"another model \(with extra beside the model's own tensors\)"):
        load_weights(nn.Linear(2, 2), tmp_path / "b.safetensors")


@pytest.mark.parametrize("size", [0, 4, 100, -1])
def test_truncated_weights_are_refused(size, tmp_path):
    save_operator(small(), tmp_path)
    path = tmp_path / "model.safetensors"
    path.write_bytes(path.read_bytes()[:size])
    with pytest.raises(ValueError, match=r"model\.safetensors is damaged or not a safetensors file"):
        load_operator(tmp_path)


def test_a_pickle_in_the_place_of_the_weights_is_not_opened(tmp_path):
    save_operator(small(), tmp_path)
    (tmp_path / "model.safetensors").write_bytes(pickle.dumps(small().state_dict()))
    with pytest.raises(ValueError, match="damaged or not a safetensors file"):
        load_operator(tmp_path)


def test_what_is_missing_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no operator in .*: expected config\.json and model\.safetensors"):
        load_operator(tmp_path)
    save_operator(small(), tmp_path)
    (tmp_path / "model.safetensors").unlink()
    with pytest.raises(FileNotFoundError, match=r"weights of a model in .*model\.safetensors, and there is no such"):
        load_operator(tmp_path)
    (tmp_path / "last").write_text("step-00000010\n")
    with pytest.raises(FileNotFoundError, match="names the checkpoint step-00000010, which is not there"):
        load_operator(tmp_path)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"operator": 3}', '{"operator": {"kind": null}}'])
def test_a_damaged_configuration_is_refused(text, tmp_path):
    save_operator(small(), tmp_path)
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(ValueError, match=r"config\.json is damaged, it does not say which operator it is"):
        load_operator(tmp_path)


def test_a_configuration_of_another_version_is_refused(tmp_path):
    save_operator(small(), tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    config["operator"]["colour"] = "blue"
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(ValueError, match=r"not one of this version of pdesym, which differs in colour"):
        load_operator(tmp_path)


def test_a_configuration_from_before_an_entry_was_added_takes_its_default(tmp_path):
    save_operator(small(increment=0.5), tmp_path)
    path = tmp_path / "config.json"
    config = json.loads(path.read_text())
    assert load_operator(tmp_path).config.increment == config["operator"].pop("increment") == 0.5
    path.write_text(json.dumps(config))
    assert load_operator(tmp_path).config.increment is None
    del config["operator"]["frames_in"]
    path.write_text(json.dumps(config))
    with pytest.raises(ValueError, match="differs in frames_in"):
        load_operator(tmp_path)


def test_a_module_without_configuration_is_saved_but_not_reopened(tmp_path):
    save_operator(nn.Linear(2, 2), tmp_path)
    with pytest.raises(ValueError, match=r"holds a torch\.nn.*\.Linear, and only .*fno.* can be reopened"):
        load_operator(tmp_path)
    load_weights(nn.Linear(2, 2), tmp_path / "model.safetensors")
