import pytest

from pdesym.lab import load_lab_recipe, run_lab


def test_overrides_reach_the_run_and_its_dataset():
    recipe, dataset = load_lab_recipe("kdv", ("training.steps=7", "dataset.splits.train=5"))
    assert recipe.training.steps == 7
    assert dataset.splits.train == 5
    assert recipe.seeds == (0, 1)


@pytest.mark.parametrize(
    ("override", "sentence"),
    [
        ("training.stepz=3", "training.stepz.*did you mean.*steps"),
        ("dataset.grid.pionts=3", "grid.pionts.*did you mean.*points"),
        ("forecast.blocks=9", "needs 110 frames, the dataset has 70"),
        ("defects.start=60", "need 80 frames, the dataset has 70"),
        ("discovery.start=60", "discovery from frame 60 need 80 frames, the dataset has 70"),
        ("discovery.libraries=[{degree: 11, space: false}]", "need as many output frames, the operators give 10"),
        ("discovery.libraries=[]", "discovery.libraries"),
        ("boost.generator=t*d_x + d_w", "d_w"),
        ("boost.generator=x*d_x - 2*u*d_u", "does not close on this grid"),
        ("device=tpu", "device 'tpu' is not here: set device=cpu"),
        ("dataset.splits.test=0", "samples to test"),
        ("dataset.equation=u_t = u_xx*u_xx + w", "'w' has no value"),
        ("model.width=0", "model.width"),
    ],
)
def test_bad_recipes_end_in_a_sentence_before_anything_is_computed(tmp_path, override, sentence):
    with pytest.raises(ValueError, match=sentence):
        run_lab(tmp_path / "run", "kdv", (override,))
    assert not (tmp_path / "run").exists()
