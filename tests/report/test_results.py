import re

import numpy as np
import pytest

from pdesym.report import read_example, read_results


def test_all_files_are_read(folder, contents, arrays):
    results = read_results(folder)
    for name, content in contents.items():
        assert getattr(results, name) == content
    assert set(results.example.predictions) == {"plain FNO", "boosted FNO"}
    np.testing.assert_array_equal(results.example.truth, arrays["truth"])


def test_missing_files_are_all_named_in_one_sentence(folder):
    (folder / "results" / "training.json").unlink()
    (folder / "results" / "example.npz").unlink()
    sentence = r"results has no training\.json, example\.npz, which the report is drawn from: run the lab on "
    with pytest.raises(FileNotFoundError, match=sentence):
        read_results(folder)


def test_a_folder_without_results_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"has no forecast\.json, .* run the lab on"):
        read_results(tmp_path)


@pytest.mark.parametrize(
    ("text", "sentence"), [('{"metric": ', "data.json is not JSON .*line 1"), ("[1]", "JSON object in .*, got list")]
)
def test_a_file_that_is_no_json_object_is_refused(folder, text, sentence):
    (folder / "results" / "data.json").write_text(text)
    with pytest.raises(ValueError, match=sentence):
        read_results(folder)


@pytest.mark.parametrize("content", [b"", b"not an archive", b"PK\x03\x04 half of one"])
def test_a_file_that_is_no_archive_is_refused(folder, content):
    (folder / "results" / "example.npz").write_bytes(content)
    with pytest.raises(ValueError, match=r"example\.npz is not a NumPy archive .*: delete it and run the lab again\.$"):
        read_results(folder)


@pytest.mark.parametrize("name", ["x", "times", "truth", "t_pred"])
def test_a_missing_array_is_named(tmp_path, arrays, name):
    del arrays[name]
    np.savez(tmp_path / "example.npz", **arrays)
    with pytest.raises(ValueError, match=rf"example\.npz has no array {name}, which the report needs"):
        read_example(tmp_path / "example.npz")


def test_an_example_without_predictions_is_refused(tmp_path, arrays):
    np.savez(tmp_path / "example.npz", **{name: array for name, array in arrays.items() if "/" not in name})
    with pytest.raises(ValueError, match="has no prediction of any operator"):
        read_example(tmp_path / "example.npz")


@pytest.mark.parametrize("name", ["truth", "prediction/plain FNO"])
def test_an_array_of_another_shape_is_refused(tmp_path, arrays, name):
    shape = arrays[name].shape
    arrays[name] = arrays[name][:, :-1]
    np.savez(tmp_path / "example.npz", **arrays)
    expected = re.escape(f"Expected the array {name} of {tmp_path / 'example.npz'} of shape {shape}, got")
    with pytest.raises(ValueError, match=expected):
        read_example(tmp_path / "example.npz")


def test_the_truth_of_the_forecast_is_the_trajectory_at_its_times(tmp_path, arrays):
    arrays["t_pred"] = arrays["t_pred"].astype(np.float32)  # as a training loop may store them
    np.savez(tmp_path / "example.npz", **arrays)
    np.testing.assert_array_equal(read_example(tmp_path / "example.npz").forecast_truth, arrays["truth"][20:60])


def test_a_forecast_between_the_frames_is_refused(tmp_path, arrays):
    arrays["t_pred"] = arrays["t_pred"] + 0.2
    np.savez(tmp_path / "example.npz", **arrays)
    with pytest.raises(ValueError, match=r"has no frame at the forecast time 52\.2"):
        _ = read_example(tmp_path / "example.npz").forecast_truth
