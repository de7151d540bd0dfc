"""Looking through a dataset: one that is whole passes, and anything that was changed in one is found and named."""

import hashlib
import json
import random
import re
import shutil
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import zarr

from pdesym.datasets import Recipe, dataset_from_arrays, generate, save_dataset
from pdesym.datasets.solved_anew import batch_with, drawn_batches
from pdesym.datasets.store import checksums, prepare
from pdesym.datasets.verification import verify

BURGERS = {
    "name": "small-burgers",
    "equation": "burgers",
    "parameters": {"nu": {"uniform": [0.05, 0.2]}},
    "grid": {"points": 32, "length": 32.0},
    "initial": {"law": "sinusoids", "terms": 4, "amplitude": 0.3, "waves": [1, 2]},
    "times": {"first": 0.5, "last": 1.5, "count": 4},
    "splits": {"train": 5, "valid": 2},
    "rtol": 1e-5,
    "seed": 3,
    "shard": 2,
}


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Path:
    """The folder of a dataset with a drawn parameter and invariants, in four shards; not to be changed."""
    return generate(Recipe.model_validate(BURGERS), tmp_path_factory.mktemp("verify") / "whole", progress=False)


@pytest.fixture(scope="module")
def with_failures(tmp_path_factory) -> Path:
    """The folder of a dataset some of whose samples blow up: u = u₀/(1 − u₀ t) where diffusion is weak."""
    recipe = Recipe.model_validate(
        {
            **BURGERS,
            "equation": "u_t = u**2 + nu*u_xx",
            "parameters": {"nu": {"log_uniform": [1e-4, 1e-3]}},
            "initial": {"terms": 2, "amplitude": 0.4, "waves": [1]},
            "times": {"last": 2.0, "count": 3},
            "splits": {"train": 8},
            "rtol": None,
            "dt": 0.05,
            "seed": 46,
            "shard": 4,
            "batch": 2,
        }
    )
    return generate(recipe, tmp_path_factory.mktemp("verify") / "failed", progress=False)


@pytest.fixture
def copy(whole, tmp_path) -> Path:
    """The same dataset, to be changed."""
    return Path(shutil.copytree(whole, tmp_path / "copy"))


def test_a_dataset_that_is_whole_passes(whole, hashes, capsys):
    before = hashes(whole)
    found = verify(whole, progress=False)
    assert (found.ok, found.findings, found.notes) == (True, (), ())
    assert (found.samples, found.decoded, found.solved) == (7, 7, 7)
    assert str(found) == f"{whole}: as it should be; 7 of 7 samples decoded, 7 solved anew."
    assert hashes(whole) == before
    assert capsys.readouterr() == ("", "")


def test_progress_is_said_on_standard_error(whole, capsys):
    verify(whole, samples=0)
    assert capsys.readouterr().out == ""


def test_a_dataset_of_the_recipe_without_laws_passes(small_dataset):
    assert verify(small_dataset, progress=False).findings == ()


def test_a_dataset_with_failed_samples_passes(with_failures):
    found = verify(with_failures, samples=None, progress=False)
    assert found.findings == ()
    assert found.solved == 8
    status = zarr.open_array(with_failures / "data.zarr/train/status", mode="r")[:]
    assert 0 < (status == 2).sum() < 8


def test_a_few_samples_are_solved_alone(whole, monkeypatch):
    from pdesym.datasets import solved_anew

    solved, asked = solved_anew.solved_block, []

    def counted(recipe, split, samples, *more):
        asked.extend((split, sample) for sample in samples)
        return solved(recipe, split, samples, *more)

    monkeypatch.setattr(solved_anew, "solved_block", counted)
    for number in (1, 2, 3, 6):
        asked.clear()
        found = verify(whole, samples=number, seed=number, progress=False)
        assert (found.ok, found.notes, found.solved, len(set(asked))) == (True, (), number, number)
        assert f"{number} solved anew" in str(found)
    assert verify(whole, samples=0, progress=False).solved == 0
    with pytest.raises(ValueError, match="at least 0 samples to solve anew, got -1"):
        verify(whole, samples=-1)


def test_the_draw_goes_through_all_splits_and_depends_on_the_seed_alone():
    recipe = Recipe.model_validate({**BURGERS, "splits": {"train": 50, "valid": 10, "test": 4}, "shard": 5, "batch": 2})
    batches = drawn_batches(recipe, 6, 0)
    assert {split for split, _ in batches} == {"train", "valid", "test"}
    assert batches == drawn_batches(recipe, 6, 0)
    assert batches != drawn_batches(recipe, 6, 1)
    everything = [(split, sample) for split, batch in drawn_batches(recipe, None, 0) for sample in batch]
    assert everything == [(split, i) for split, size in recipe.splits.sizes.items() for i in range(size)]
    few = drawn_batches(recipe, 9, 2)
    assert sum(len(batch) for _, batch in few) == 9
    assert all(set(batch) <= set(batch_with(recipe, split, batch[0])) for split, batch in few)
    assert [batch_with(recipe, "train", i) for i in (0, 1, 4, 5)] == [range(2), range(2), range(4, 5), range(5, 7)]


def test_values_that_agree_within_the_tolerance_only_are_noted(copy, monkeypatch):
    from pdesym.datasets import solved_anew

    solved = solved_anew.solved_block

    def rounding_otherwise(*arguments):
        arrays, failures = solved(*arguments)
        return {**arrays, "u": arrays["u"] * np.float32(1 + 1e-6)}, failures

    monkeypatch.setattr(solved_anew, "solved_block", rounding_otherwise)
    found = verify(copy, progress=False)
    assert found.findings == ()
    assert found.notes == ("7 samples solved anew were compared within the tolerance, their bits are others.",)
    monkeypatch.setattr(
        solved_anew, "solved_block", lambda *a: ({**solved(*a)[0], "u": solved(*a)[0]["u"] * 1.001}, {})
    )
    found = verify(copy, progress=False)
    assert len(found.findings) == 7
    assert "sample 0 is not the solution at t = 0.5, the relative difference is 1.0e-03" in found.findings[0]


@pytest.mark.parametrize("horizon", [-1.0, 0.0, 0.5])
def test_noise_behind_a_horizon_that_was_moved_is_found(copy, horizon):
    """Where bits differ everywhere the tolerance decides, up to a horizon that no stored number can move."""
    u, noise = stored(copy, "train", "u"), np.random.default_rng(0).normal(size=(5, 4, 32))
    u[:] = (np.asarray(u[:]) + 0.05 * noise).astype("float32")
    stored(copy, "train", "horizon")[:] = horizon
    summed(copy, "train")
    assert verify(copy, samples=0, progress=False).ok
    found = verify(copy, samples=None, progress=False)
    for sample in range(5):
        assert any(f"train: sample {sample} is not the solution at t = 0.5" in said for said in found.findings)
        assert any(f"train/horizon: sample {sample} has {horizon}" in said for said in found.findings)


ESTIMATES = [
    ("error", 0.5, False),
    ("error", -1.0, False),
    ("error", 1e-9, True),
    ("horizon", np.nan, False),
    ("horizon", 9.0, False),
    ("horizon", 1.25, True),
]


@pytest.mark.parametrize(("name", "value", "fine"), ESTIMATES)
def test_an_estimate_beyond_reason_is_found_where_bits_differ(copy, name, value, fine):
    for split in ("train", "valid"):
        u = stored(copy, split, "u")
        u[:] = np.asarray(u[:]) * np.float32(1 + 1e-6)
        if split == "train":
            stored(copy, split, name)[3] = value
        summed(copy, split)
    found = verify(copy, samples=None, progress=False)
    assert any("compared within the tolerance" in note for note in found.notes)
    wrong = [said for said in found.findings if said.startswith(f"data.zarr/train/{name}: sample 3 has {value}")]
    assert len(wrong) == len([said for said in found.findings if name in said]) == (not fine)


def test_other_versions_are_noted_and_are_no_finding(copy):
    for file in (copy / "data.zarr").rglob("zarr.json"):
        file.write_text(re.sub(r'"torch_version": "[^"]*"', '"torch_version": "1.0"', file.read_text()))
    vouched(copy)
    found = verify(copy, progress=False)
    assert found.findings == ()
    assert len(found.notes) == 2
    assert re.fullmatch(r"torch_version is 1\.0 in the dataset and .* here\.", found.notes[0])


# --- changes of files, one bit each

KINDS = {
    "recipe": "recipe.yaml",
    "manifest": "manifest.json",
    "store": "data.zarr/zarr.json",
    "split": "data.zarr/*/zarr.json",
    "array": "data.zarr/*/*/zarr.json",
    "field": "data.zarr/*/u/c/*/*/*",
    "drawn": "data.zarr/*/nu/c/*",
    "account": "data.zarr/*/[ehp]*/c/*",
    "steps": "data.zarr/*/steps/c/*",
    "invariant": "data.zarr/*/invariant_*/c/*/*",
    "checksum": "data.zarr/*/checksum/c/*",
    "status": "data.zarr/*/status/c/*",
    "coordinate": "data.zarr/*/[tx]*/c/0",
    "index": "data.zarr/*/sample/c/0",
}


def flip_a_bit(folder: Path, kind: str, seed: int) -> str:
    """Flips one bit of a file of a kind; the file, relative to the folder."""
    choice = random.Random(f"{kind} {seed}")
    file = choice.choice(sorted(folder.glob(KINDS[kind])))
    content = bytearray(file.read_bytes())
    content[choice.randrange(len(content))] ^= 1 << choice.randrange(8)
    file.write_bytes(content)
    return file.relative_to(folder).as_posix()


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("kind", KINDS)
def test_a_flipped_bit_is_found_wherever_it_is(copy, kind, seed):
    file = flip_a_bit(copy, kind, seed)
    found = verify(copy, samples=0, progress=False)
    assert any(said.startswith((file, f"{copy / file}")) or file in said for said in found.findings), found


@pytest.mark.slow
def test_hundreds_of_flipped_bits_are_found(whole, copy):
    for seed in range(3, 25):
        for kind in KINDS:
            file = flip_a_bit(copy, kind, seed)
            assert not verify(copy, samples=0, progress=False).ok, (kind, seed)
            shutil.copy(whole / file, copy / file)
    assert verify(copy, progress=False).ok


@pytest.mark.parametrize("keep", [0, 1, 0.5, 0.99])
@pytest.mark.parametrize("kind", ["field", "checksum", "status", "coordinate", "split"])
def test_a_truncated_file_is_found(copy, kind, keep):
    file = sorted(copy.glob(KINDS[kind]))[0]
    content = file.read_bytes()
    file.write_bytes(content[: keep if keep == 1 else int(keep * len(content))])
    found = verify(copy, samples=0, progress=False)
    assert any(file.relative_to(copy).as_posix() in said for said in found.findings)


# --- changes by somebody who knows the formats


def vouched(folder: Path) -> None:
    """Makes the gathered copy and the manifest say what the files say now."""
    root = folder / "data.zarr/zarr.json"
    gathered = json.loads(root.read_text())
    for path in gathered["consolidated_metadata"]["metadata"]:
        own = json.loads((root.parent / path / "zarr.json").read_text())
        gathered["consolidated_metadata"]["metadata"][path].update(own)
    root.write_text(json.dumps(gathered))
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["sha256"] = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in manifest["sha256"]}
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n")


def edit(file: Path, *path: str, value: object) -> None:
    """Sets one entry of a JSON file."""
    data = json.loads(file.read_text())
    section = data
    for key in path[:-1]:
        section = section[key]
    section[path[-1]] = value
    file.write_text(json.dumps(data))


EDITED = [
    ("equation", "u_t = -u*u_x - u_xxx"),
    ("equation_text", '["u_t = u_xx"]'),
    ("seed", 4),
    ("rtol", 1e-9),
    ("parameters", '{"nu": 0.1}'),
    ("title", "another"),
    ("solver", "euler"),
    ("recipe", "name: another\n"),
    ("fields", '["u", "v"]'),
    ("variables", '["u", "checksum", "status"]'),
    ("pdesym_schema", 3),
    ("shard", 1),
    ("batch", 1),
    ("complete", 0),
    ("split", "test"),
]


@pytest.mark.parametrize(("key", "value"), EDITED)
def test_an_edited_attribute_is_named_even_when_everything_vouches_for_it(copy, key, value):
    edit(copy / "data.zarr/train/zarr.json", "attributes", key, value=value)
    vouched(copy)
    found = verify(copy, samples=0, progress=False)
    assert any(said.startswith(f"data.zarr/train/zarr.json: attributes.{key} is {value!r}") for said in found.findings)
    assert found.decoded == 7


ARRAY_EDITS = [
    ("u", ("attributes", "units"), "m/s"),
    ("u", ("dimension_names",), ["sample", "x", "time"]),
    ("u", ("fill_value",), 0.0),
    ("u", ("data_type",), "int32"),
    ("u", ("shape",), [5, 4, 33]),
    ("u", ("codecs",), [{"name": "bytes"}]),
    ("u", ("chunk_grid", "configuration", "chunk_shape"), [1, 4, 32]),
    ("nu", ("attributes", "distribution"), "uniform [0, 1]"),
    ("x", ("attributes", "length"), 64.0),
    ("x", ("attributes", "periodic"), 0),
    ("time", ("attributes", "axis"), "X"),
    ("status", ("attributes", "flag_meanings"), "a b c"),
]


@pytest.mark.parametrize(("array", "path", "value"), ARRAY_EDITS)
def test_edited_metadata_of_an_array_are_named(copy, array, path, value):
    edit(copy / f"data.zarr/train/{array}/zarr.json", *path, value=value)
    vouched(copy)
    found = verify(copy, samples=0, progress=False)
    assert any(said.startswith(f"data.zarr/train/{array}/zarr.json: {'.'.join(path)}") for said in found.findings)


@pytest.mark.parametrize(
    ("line", "other", "said"),
    [
        ("seed: 3", "seed: 4", "attributes.seed is 3 and by recipe.yaml it is 4."),
        ("train: 5", "train: 50", "data.zarr/train/sample/zarr.json: shape is [5] and by recipe.yaml it is [50]."),
        ("train: 5", "train: 900000000", "shape is [5] and by recipe.yaml it is [900000000]."),
        ("points: 32", "points: 100000000", "shape is [32] and by recipe.yaml it is [100000000]."),
        ("rtol: 1.0e-05", "rtol: nan", "rtol in "),
        ("name: small-burgers", "nmae: small-burgers", "Unknown key nmae in "),
        ("equation: burgers", "equation: u_t = -u_xx", "recipe.yaml describes no dataset: "),
    ],
)
def test_an_edited_recipe_is_named(copy, line, other, said):
    recipe = copy / "recipe.yaml"
    assert line in recipe.read_text()
    recipe.write_text(recipe.read_text().replace(line, other))
    found = verify(copy, progress=False)
    assert found.findings[0].startswith("recipe.yaml was changed: its SHA-256 is ")
    assert any(said in finding for finding in found.findings), found


def stored(folder: Path, split: str, name: str) -> zarr.Array:
    return zarr.open_array(folder / "data.zarr" / split / name, mode="r+")


def summed(folder: Path, split: str) -> None:
    """Makes the checksums say what the values are now."""
    names = json.loads(zarr.open_group(folder / "data.zarr", path=split, mode="r").attrs["variables"])[:-2]
    stored(folder, split, "checksum")[:] = checksums([np.asarray(stored(folder, split, name)[:]) for name in names])


def test_one_value_that_was_written_anew_is_found_by_its_checksum(copy):
    stored(copy, "train", "u")[3, 1, 7] = 0.25
    found = verify(copy, samples=0, progress=False)
    assert len(found.findings) == 1
    assert found.findings[0].startswith("data.zarr/train: the values of sample 3 are not those that were written")
    assert found.decoded == 6


def test_swapped_samples_are_found(copy):
    array = stored(copy, "train", "u")
    array[:2] = np.asarray(array[:2])[::-1]
    assert verify(copy, samples=0, progress=False).decoded == 5
    summed(copy, "train")
    assert verify(copy, samples=0, progress=False).ok
    found = verify(copy, samples=None, progress=False)
    assert [re.search(r"sample (\d)", said)[1] for said in found.findings] == ["0", "1"]


@pytest.mark.parametrize(
    ("name", "index", "value"),
    [("u", (3, 1, 7), 0.25), ("nu", 3, 0.123), ("invariant_mass", (3, 2), 9.0), ("error", 3, 1e-9), ("steps", 3, 1)],
)
def test_a_value_with_the_right_checksum_is_found_by_solving_anew(copy, name, index, value):
    stored(copy, "train", name)[index] = value
    summed(copy, "train")
    assert verify(copy, samples=0, progress=False).ok
    found = verify(copy, samples=None, progress=False)
    assert [said.partition(" has ")[0] for said in found.findings] == [f"data.zarr/train/{name}: sample 3"]


def test_the_last_bits_of_a_value_may_differ(copy):
    array = stored(copy, "train", "u")
    array[3, 1, 7] = np.nextafter(array[3, 1, 7], np.float32(np.inf))
    summed(copy, "train")
    assert verify(copy, samples=None, progress=False).ok
    array[3, 1, 7] = np.float32(array[3, 1, 7]) * np.float32(1 + 1e-6)
    summed(copy, "train")
    assert not verify(copy, samples=None, progress=False).ok


@pytest.mark.parametrize(
    ("index", "value", "said"),
    [
        (1, 0, "data.zarr/train/status: sample 1 has 0, expected 1 or 2."),
        (1, 77, "data.zarr/train/status: sample 1 has 77, expected 1 or 2."),
        (4, 2, "data.zarr/train/status: sample 4 has 2, and the attribute failures gives no reason."),
    ],
)
def test_an_edited_status_is_found(copy, index, value, said):
    stored(copy, "train", "status")[index] = value
    assert said in verify(copy, samples=0, progress=False).findings


def test_a_failed_sample_with_values_and_a_reason_too_many_are_found(with_failures, tmp_path):
    copy = Path(shutil.copytree(with_failures, tmp_path / "copy"))
    status = stored(copy, "train", "status")
    failed, fine = (int(np.flatnonzero(status[:] == mark)[0]) for mark in (2, 1))
    stored(copy, "train", "u")[failed] = 0.0
    summed(copy, "train")
    said = f"data.zarr/train: sample {failed} failed by its status and has fields that are not nan."
    assert verify(copy, samples=0, progress=False).findings == (said,)
    status[failed] = 1
    assert not verify(copy, samples=0, progress=False).ok
    edit(copy / "data.zarr/train/zarr.json", "attributes", "failures", value=json.dumps({fine: "because"}))
    vouched(copy)
    found = verify(copy, samples=None, progress=False)
    said = f"data.zarr/train/status: sample {fine} has 1, and the attribute failures gives a reason why it failed."
    assert said in found.findings
    assert f"data.zarr/train/status: sample {failed} fails when solved anew." in found.findings


def test_values_that_are_not_finite_are_found(copy):
    stored(copy, "train", "u")[2, 0, 0] = np.nan
    summed(copy, "train")
    said = "data.zarr/train: sample 2 is complete by its status and has fields that are not finite."
    assert verify(copy, samples=0, progress=False).findings == (said,)


def test_a_coordinate_that_was_written_anew_is_named_with_its_value(copy):
    stored(copy, "valid", "time")[2] = 9.0
    vouched(copy)
    found = verify(copy, samples=0, progress=False)
    (said,) = found.findings
    assert said.startswith("data.zarr/valid/time/c/0 is not what recipe.yaml stands for, value 2 of time is 9.0 and sh")


@pytest.mark.parametrize("kind", ["field", "drawn", "checksum", "status", "coordinate", "array", "split", "manifest"])
def test_a_file_that_is_gone_is_named(copy, kind):
    file = sorted(copy.glob(KINDS[kind]))[0]
    file.unlink()
    found = verify(copy, samples=0, progress=False)
    assert any(said.startswith(f"{file.relative_to(copy)} is missing") for said in found.findings)


@pytest.mark.parametrize("name", ["notes.txt", "data.zarr/train/u/c/0/0/9", "data.zarr/extra/zarr.json"])
def test_a_file_too_many_is_named(copy, name):
    (copy / name).parent.mkdir(exist_ok=True)
    (copy / name).write_text("{}")
    assert f"{name} does not belong to the dataset." in verify(copy, samples=0, progress=False).findings


def test_a_link_is_named_and_not_followed(copy):
    shard = copy / "data.zarr/train/u/c/0/0/0"
    shutil.move(shard, copy.parent / "outside")
    shard.symlink_to(copy.parent / "outside")
    found = verify(copy, samples=0, progress=False)
    assert "data.zarr/train/u/c/0/0/0 is a link: a dataset consists of plain files." in found.findings


def test_what_is_not_complete_or_no_dataset_is_refused(small_kdv, tmp_path):
    with pytest.raises(FileNotFoundError, match="holds no dataset"):
        verify(tmp_path)
    prepare(small_kdv, tmp_path, "cpu")
    with pytest.raises(ValueError, match=r"is not complete, manifest\.json is missing .*: repeat the command"):
        verify(tmp_path)


# --- imported data, which have no recipe


@pytest.fixture(scope="module")
def imported(tmp_path_factory) -> Path:
    """The folder of a dataset of one's own arrays, of which a sample failed; not to be changed."""
    values = np.random.default_rng(0).normal(size=(5, 3, 8)).astype("float32")
    values[3, 1, 2] = np.nan
    nu = {"nu": np.linspace(0.1, 0.5, 5)}
    splits = {
        split: dataset_from_arrays({"u": part}, [0.0, 1.0, 2.0], length=1.0, parameters=own, allow_nan=True)
        for split, part, own in [("train", values, nu), ("valid", values[:2], {"nu": nu["nu"][:2]})]
    }
    return save_dataset(splits, tmp_path_factory.mktemp("verify") / "imported", shard=2, progress=False)


@pytest.fixture
def imported_copy(imported, tmp_path) -> Path:
    """The same dataset, to be changed."""
    return Path(shutil.copytree(imported, tmp_path / "copy"))


def test_imported_data_pass_and_the_note_says_what_was_not_done(imported):
    found = verify(imported, progress=False)
    assert (found.findings, found.samples, found.decoded, found.solved) == ((), 7, 7, 0)
    assert found.notes == ("The data are imported: there is no recipe to solve them anew by.",)


IMPORTED_KINDS = {
    **{name: KINDS[name] for name in ("manifest", "store", "split", "array", "field", "drawn", "checksum", "status")},
    "source": "source.yaml",
    "coordinate": "data.zarr/*/[tx]*/c/0",
}


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("kind", IMPORTED_KINDS)
def test_a_flipped_bit_of_imported_data_is_found(imported_copy, monkeypatch, kind, seed):
    monkeypatch.setitem(KINDS, kind, IMPORTED_KINDS[kind])
    file = flip_a_bit(imported_copy, kind, seed)
    found = verify(imported_copy, progress=False)
    assert any(file in said for said in found.findings), found


IMPORTED_EDITS = [
    ("train", ("attributes", "shard"), 3, "a file holds 2 samples, and attributes.shard of"),
    ("train", ("attributes", "shard"), -1, "the key shard is -1"),
    ("train", ("attributes", "complete"), 0, "attributes.complete is 0, expected 1"),
    ("train", ("attributes", "fields"), '["w"]', "train/w/zarr.json"),
    ("train", ("attributes", "variables"), '["u", "nu"]', "expected different names that end with checksum and status"),
    ("train", ("attributes", "variables"), '["../u", "checksum", "status"]', "attributes.variables is ['../u'"),
    ("train", ("attributes", "variables"), '["nu", "checksum", "status"]', "attributes.variables lacks the field 'u'"),
    ("train", ("attributes", "failures"), "{}", "sample 3 has 2, and the attribute failures gives no reason"),
    ("train", ("attributes", "failures"), '{"99": "no"}', "attributes.failures names sample 99 of 5"),
    ("train", ("attributes", "failures"), "[1]", "attributes.failures is '[1]', expected JSON"),
    ("train/u", ("shape",), [5, 3, 9], "dimension_names and shape are"),
    ("train/u", ("shape",), [2**60, 3, 8], "dimension_names and shape are"),
    ("train/u", ("codecs",), [{"name": "quantum"}], "u/zarr.json is damaged"),
    ("train/nu", ("shape",), [4], "nu/zarr.json: shape is [4], expected 5 samples"),
    ("train/nu", ("data_type",), "bool", "nu/zarr.json"),
    ("train/status", ("shape",), [9], "status/zarr.json is damaged"),
]


@pytest.mark.parametrize(("group", "path", "value", "said"), IMPORTED_EDITS)
def test_imported_metadata_are_held_against_each_other(imported_copy, group, path, value, said):
    edit(imported_copy / "data.zarr" / group / "zarr.json", *path, value=value)
    vouched(imported_copy)
    found = verify(imported_copy, progress=False)
    assert any(said in finding for finding in found.findings), found


def test_an_imported_file_too_many_or_too_few_is_named(imported_copy):
    (imported_copy / "data.zarr/train/u/c/7").mkdir()
    (imported_copy / "data.zarr/train/u/c/7/0").write_text("")
    (imported_copy / "data.zarr/valid/nu/c/0").unlink()
    found = verify(imported_copy, progress=False)
    assert found.findings == (
        "data.zarr/train/u/c/7/0 does not belong to the dataset.",
        "data.zarr/valid/nu/c/0 is missing: its samples are lost.",
    )


def test_imported_metadata_that_were_gathered_otherwise_are_named(imported_copy):
    root = imported_copy / "data.zarr/zarr.json"
    edit(root, "consolidated_metadata", "metadata", "train/u", "attributes", "units", value="m")
    manifest = json.loads((imported_copy / "manifest.json").read_text())
    manifest["sha256"]["data.zarr/zarr.json"] = hashlib.sha256(root.read_bytes()).hexdigest()
    (imported_copy / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n")
    assert verify(imported_copy, progress=False).findings == (
        "data.zarr/zarr.json: attributes.units of train/u is 'm', and data.zarr/train/u/zarr.json says '1'.",
    )


def test_no_more_than_a_shard_is_in_memory(tmp_path):
    values = np.random.default_rng(0).normal(size=(32, 8, 32768)).astype("float32")
    data = dataset_from_arrays({"u": values}, np.arange(8.0), length=1.0)
    folder = save_dataset({"train": data}, tmp_path / "large", shard=2, progress=False)
    tracemalloc.start()
    found = verify(folder, progress=False)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found.ok
    assert most < values.nbytes / 3
