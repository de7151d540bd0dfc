import pytest

from pdesym.report.citation import anchor, cited, link
from pdesym.report.record import Record

DOCUMENT = Record(
    "defects.json", (), {"arms": [{"seed": 3, "t*d_x + d_u": {"mean": 0.25}}], "none": None, "yes": True, "name": "a"}
)


def test_a_value_knows_its_path():
    cell = next(iter(DOCUMENT["arms"]))["t*d_x + d_u"]["mean"]
    assert cell.number == 0.25
    assert cell.where == 'arms[0]["t*d_x + d_u"].mean'
    assert cell.key == "mean"


def test_a_missing_key_is_named_with_its_path():
    (arm,) = DOCUMENT["arms"]
    with pytest.raises(ValueError, match=r"^results/defects\.json has no arms\[0\]\.steps, which the report needs"):
        arm["steps"]


@pytest.mark.parametrize(
    ("read", "sentence"),
    [
        (lambda: DOCUMENT["name"].number, r"^Expected a number or null at name of results/defects\.json, got 'a'\.$"),
        (lambda: DOCUMENT["yes"].number, r"^Expected a number or null at yes .* got True\.$"),
        (lambda: DOCUMENT["none"].text, r"^Expected a text at none .* got None\.$"),
        (lambda: DOCUMENT["none"].flag, r"^Expected true or false at none "),
        (lambda: DOCUMENT["none"].numbers, r"^Expected a list at none "),
        (lambda: DOCUMENT["name"]["x"], r"^Expected an object at name "),
        (
            lambda: Record("run.json", (), {"a": []})["a"].elements,
            r"^Expected at least one element at a .* got \[\]\.$",
        ),
    ],
)
def test_a_value_of_another_kind_is_refused(read, sentence):
    with pytest.raises(ValueError, match=sentence):
        read()


def test_null_is_not_measured():
    assert DOCUMENT["none"].number is None
    assert link(DOCUMENT["none"]).endswith(">–</a>")


def test_a_link_names_file_and_path_and_points_to_its_anchor():
    cell = next(iter(DOCUMENT["arms"]))["t*d_x + d_u"]["mean"]
    assert anchor(cell) == "defects.json/arms/0/t%2Ad_x%20%2B%20d_u/mean"
    assert link(cell) == (
        f'<a class="cited" href="#{anchor(cell)}" '
        'title="results/defects.json: arms[0][&quot;t*d_x + d_u&quot;].mean">0.25</a>'
    )


def test_different_paths_have_different_anchors():
    one, other = Record("a.json", ("x/y",), 1), Record("a.json", ("x", "y"), 1)
    assert anchor(one) != anchor(other)


def test_the_text_of_a_link_is_escaped():
    assert "&lt;b&gt;" in cited(DOCUMENT["name"], "<b>")
