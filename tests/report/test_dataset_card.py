"""The card of a dataset says what is in it, for data of any kind; its files appear at once."""

import numpy as np
import pytest
from matplotlib.image import imread

from pdesym.datasets import Recipe, generate
from pdesym.datasets.verification import verify
from pdesym.report.card_sections import Section, escaped, markdown_text
from pdesym.report.dataset_card import dataset_card, describe_dataset
from pdesym.report.dataset_figure import numbers_figure
from pdesym.report.terminal import print_on_terminal
from tests.datasets.made_dataset import numbered, written

TIMES = np.linspace(0, 1, 6)
KDV = {
    "name": "card-kdv",
    "equation": "kdv",
    "grid": {"points": 32, "length": 32.0},
    "initial": {"law": "sinusoids", "terms": 4, "amplitude": 0.3, "waves": [1, 2]},
    "times": {"first": 0.0, "last": 2.0, "count": 7},
    "splits": {"train": 4, "test": 2},
    "rtol": 1e-5,
    "shard": 2,
}


@pytest.fixture(scope="module")
def kdv(tmp_path_factory):
    return generate(Recipe.model_validate(KDV), tmp_path_factory.mktemp("card") / "kdv", progress=False)


@pytest.fixture
def printed(capsys):
    def show(card):
        print_on_terminal(card.parts())
        return " ".join(capsys.readouterr().out.split())

    return show


def test_a_generated_dataset(kdv, tmp_path, printed):
    card = describe_dataset(kdv, tmp_path / "card")
    text = (tmp_path / "card" / "README.md").read_text(encoding="utf-8")
    assert text == card.markdown
    assert text.startswith("# card-kdv\n")
    for said in (
        "Korteweg-de Vries",
        "u_t = -a*u*u_x - b*u_xxx",
        "4 generators in x, t, u, exactly",
        "x\\*d\\_x + 3\\*t\\*d\\_t - 2\\*u\\*d\\_u",
        "32 points on a length of 32, periodic",
        "7 frames from 0 to 2, every 0.3333",
        "| train | 4 | 0 |",
        "drift of momentum",
        "law: sinusoids",
        'Windows.open("FOLDER", "train"',
        "![Trajectories",
        "figures/numbers.png",
        "pdesym generate",
        "rtol: 1e-05",
    ):
        assert said in text, said
    for name in ("trajectories", "numbers"):
        image = imread(tmp_path / "card" / "figures" / f"{name}.png")
        assert min(image.shape[:2]) > 200
        assert image.std() > 0.05
    shown = printed(card)
    assert "t*d_x + d_u" in shown
    assert "Korteweg-de Vries" in shown


def test_it_lies_beside_the_data_if_not_told_otherwise_and_says_the_same_again(kdv):
    describe_dataset(kdv, symmetries=False)
    first = {path: (kdv / path).read_bytes() for path in ("README.md", "figures/numbers.png")}
    describe_dataset(kdv, symmetries=False)
    assert {path: (kdv / path).read_bytes() for path in first} == first
    assert "not determined: they were not asked for" in first["README.md"].decode()
    assert str(kdv) not in first["README.md"].decode()
    assert verify(kdv, samples=0).ok  # the card belongs there
    assert sorted(path.name for path in kdv.iterdir() if path.is_dir()) == ["data.zarr", "figures"]


def test_what_is_printed_changes_with_the_data(tmp_path):
    one, other = (
        dataset_card(written(tmp_path / str(k), {"train": {"u": k + numbered(3, 6, 8)}}, times=TIMES)).markdown
        for k in (0, 100)
    )
    assert one != other


def test_data_from_elsewhere_on_a_plane(tmp_path, printed):
    fields = {"u": numbered(3, 6, 8, 12), "v": numbered(3, 6, 8, 12, seed=1)}
    own = {"kappa": np.array([0.1, 0.2, 0.4])}
    folder = written(
        tmp_path / "made",
        {"valid": fields},
        times=TIMES**2,
        lengths=(8.0, 3.0),
        own={"valid": own},
        failed={"valid": {1: "it <b>blew</b> up | at t = 0.2"}},
        equation_text='["u_t = kappa*lap(u) - v", "v_t = u"]',
    )
    card = describe_dataset(folder, symmetries=False)
    text = card.markdown
    assert "every sample has its own kappa, from 0.10 to 0.40" in text
    assert "6 frames from 0 to 1, at unequal steps" in text
    assert "valid 1: it &lt;b&gt;blew&lt;/b&gt; up \\| at t = 0.2" in text
    assert "no errors were estimated" in text
    assert "source: made by a test" in text
    assert "Normaliser.fit" not in text  # there is no split train to fit it on
    assert (folder / "figures" / "trajectories.png").is_file()
    assert "kappa" in printed(card)


@pytest.mark.parametrize("points", [(8,), (8, 6, 4)])
def test_data_without_an_equation_or_a_torus(tmp_path, points):
    folder = written(
        tmp_path / "made",
        {"train": {"u": numbered(2, 6, *points)}},
        times=TIMES,
        lengths=(8.0, 3.0, 2.0)[: len(points)],
        periodic=0,
    )
    text = describe_dataset(folder).markdown
    assert "not determined: the dataset does not say which equation it solves" in text
    assert "not periodic" in text
    assert "Windows" not in text  # windows need a torus
    assert "| train | u (float32) |" in text.replace("\\", "")


def test_an_equation_without_determining_equations_is_no_reason_to_fail(tmp_path):
    folder = written(
        tmp_path, {"train": {"u": numbered(2, 6, 8)}}, times=TIMES, equation_text='["u_t = u_xx + abs(u)"]'
    )
    assert "not determined: " in dataset_card(folder).markdown


def test_bad_places_are_said_before_anything_is_computed(kdv, tmp_path):
    file = tmp_path / "file"
    file.write_text("")
    with pytest.raises(NotADirectoryError, match="is a file: give a folder for the card"):
        describe_dataset(kdv, file)
    with pytest.raises(FileNotFoundError, match="holds no dataset"):
        describe_dataset(tmp_path)


def test_boxes_and_times_of_their_own_are_said(tmp_path):
    own = {"grid": {"points": 32, "length": {"uniform": [30, 34]}}, "splits": {"train": 2}}
    times = {"first": 0.0, "last": 1.0, "count": 5, "stretch": {"uniform": [0.5, 2.0]}}
    folder = generate(Recipe.model_validate({**KDV, **own, "times": times}), tmp_path / "own", progress=False)
    text = dataset_card(folder, symmetries=False).markdown
    assert "Korteweg-de Vries" in text
    assert "every sample has its own length, uniform \\[30.0, 34.0\\]" in text
    assert "its own time\\_stretch" in text


def test_nothing_is_taken_for_markup():
    assert escaped("a*b_c [d](e) <i> `f` | g\nh") == r"a\*b\_c \[d\](e) &lt;i&gt; \`f\` \| g h"
    fenced = markdown_text("t", [Section("s", code="```\n# no title\n```")])
    assert "````\n```\n# no title\n```\n````" in fenced


@pytest.mark.parametrize(
    ("wave", "said", "unsaid"),
    [
        (
            7,
            (
                "drift of momentum, of sampling |",
                "has up to 1 of the norm of u, more than 0.0001): the drift of momentum is one of this sampling, no "
                "measure of what the solutions keep",
            ),
            "so drifts are those of the solutions",
        ),
        (1, ("| train | drift of momentum |", "the stored points resolve the fields"), "of sampling"),
    ],
)
def test_a_drift_of_sampling_is_told_from_one_of_the_solution(tmp_path, wave, said, unsaid):
    u = np.broadcast_to(np.cos(2 * np.pi * wave * np.arange(16) / 16), (3, 6, 16)).copy()
    own = {"invariant_momentum": np.broadcast_to(np.exp(-TIMES), (3, 6)).copy()}
    folder = written(tmp_path / "made", {"train": {"u": u}}, times=TIMES, own={"train": own})
    card = describe_dataset(folder, symmetries=False)
    for words in ("integrals over the stored points", *said):
        assert words in card.markdown, words
    assert unsaid not in card.markdown
    figure = numbers_figure(card.summary, card.summary.split("train"))
    panel = figure.axes[1]
    assert [text.get_text() for text in panel.get_legend().get_texts()] == [
        f"momentum{' (of sampling)' if wave == 7 else ''}"
    ]
    assert ("norm of u" in panel.get_xlabel().replace("\n", " ")) == (wave == 7)


def test_words_stand_on_the_left_and_numbers_on_the_right():
    rows = (("a", "of b", "1.4", "90.4 kB", "–"), ("b", "–", "50,000", "nan", "-3.8e-07"))
    assert "| --- | --- | ---: | ---: | ---: |" in markdown_text("t", [Section("s", heads=tuple("vwxyz"), rows=rows)])


def test_a_drift_within_one_decade_has_ticks_beside_it(tmp_path):
    u = np.broadcast_to(np.cos(2 * np.pi * np.arange(16) / 16), (3, 6, 16)).copy()
    momentum = np.broadcast_to(np.array([1, 1.0002, 1.0003, 1.0004, 1.0003, 1.0002]), (3, 6)).copy()
    own = {"train": {"invariant_momentum": momentum}}
    summary = dataset_card(written(tmp_path, {"train": {"u": u}}, times=TIMES, own=own), symmetries=False).summary
    panel = numbers_figure(summary, summary.split("train")).axes[1]
    low, high = panel.get_ylim()
    assert sum(low <= tick <= high for tick in panel.get_yticks()) >= 2
