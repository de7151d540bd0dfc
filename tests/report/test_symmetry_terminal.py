"""What the terminal shows of a symmetry algebra is what the file says."""

import json

import pytest

from pdesym.report.brackets import bracket_table, combination
from pdesym.report.determined_terminal import determined_parts
from pdesym.report.discovery_terminal import discovery_parts
from pdesym.report.symmetry_files import require_folder, write_determined, write_discovery
from pdesym.report.terminal import print_on_terminal
from tests.report.symmetry_documents import constants, determined, discovered

WRONG = "t*d_x - d_u"


@pytest.fixture
def printed(capsys):
    def show(parts):
        print_on_terminal(parts)
        return capsys.readouterr().out

    return show


@pytest.mark.parametrize(
    ("constants", "text"),
    [
        ([0, 0], "0"),
        ([1, -1], "v1 - v2"),
        ([0, "-3/2"], "-3/2 v2"),
        (["2*nu", 0, 3], "2*nu v1 + 3 v3"),
        (["a + b", 0], "(a + b) v1"),
        ([0.33333, -1e-12], "0.333 v1"),
        ([1.0, -1.0], "v1 - v2"),
    ],
)
def test_a_bracket_as_text(constants, text):
    assert combination(constants) == text


def test_a_file_without_brackets_has_no_table():
    assert bracket_table({"structure_constants": None}) is None


def test_a_bracket_that_leaves_the_span_is_no_combination(printed):
    space = determined() | {"outside": [[1, 2]], "closure": 0.5, "structure": None}
    table, measured = bracket_table(space), bracket_table(space | {"uncertainty": 1e-3})
    assert table is not None
    assert measured is not None
    assert (table[1][2], table[2][1], table[0][3]) == ("outside", "outside", "v1")
    assert "outside: this bracket is no combination" in printed(determined_parts(space))
    assert measured[1][2] == "a v1"


def test_the_determined_algebra(printed):
    text = printed(determined_parts(determined()))
    lines = [line.split() for line in text.splitlines()]
    for k, generator in enumerate(determined()["generators"], start=1):
        assert [f"v{k}", *generator.split()] in lines
    assert WRONG not in text
    assert ["v2", "0", "0", "a", "v1", "3", "v2"] in lines
    assert "for any a" in text
    assert "solvable, not nilpotent, not semisimple" in text
    assert "derived series 4 > 3 > 1 > 0" in text
    assert "Killing form of rank 1" in text
    assert "and the superposition alpha*d_u with alpha_t = -alpha_xxx" in text
    assert "a = 0: 1 generator\n    u*d_u\n    and f(t)*d_t with any function f(t)" in text
    assert "a = 5: 7 in the ansatz, not closed, most likely infinitely many" in text
    assert "a = 9: no text" in text


def test_the_discovered_algebra(printed):
    text = printed(discovery_parts(discovered() | {"flags": ["unclear: [bold]the gap[/bold] is small"]}))
    assert "equation: u_t = -u*u_x - u_xxx\n  4 symmetries among 30 vector fields" in text
    assert all(generator in text for generator in determined()["generators"])
    assert WRONG not in text
    assert "doubtful: unclear: [bold]the gap[/bold] is small" in text, "what is found is no markup"
    assert "σ_4 = 4.0e-16, σ_5 = 0.010" in text
    assert "last zero" not in text


def test_sources_stand_side_by_side(printed):
    others = [discovered("data", 3, 1e-3, 1e-17), discovered("data", 0, None, subject="nothing")]
    text = printed(discovery_parts(discovered() | {"beside": others}))
    rows = [line.split() for line in text.splitlines()]
    assert ["data:", "nothing", "0", "–", "–", "0.010", "–", "0"] in rows
    assert ["equation:", "u_t", "=", "-u*u_x", "-", "u_xxx", "4", "4.0e-16", "2.2e-13", "0.010", "4.5e+10", "0"] in rows


def test_a_table_that_is_too_wide_becomes_a_list(printed):
    brackets = {(1, 2): {k: f"{k}*nu + {k}*kappa" for k in range(1, 9)}}
    wide = determined() | {"generators": [f"x**{k}*d_x" for k in range(9)]}
    text = printed(determined_parts(wide | {"structure_constants": constants(brackets, 9)}))
    assert "[v1, v2] = (1*nu + 1*kappa) v1" in text
    assert "[v1, v3]" not in text


def test_files_hold_what_the_figures_are_drawn_from(tmp_path):
    write_determined(tmp_path / "a", determined(), r"\partial_x")
    write_discovery(tmp_path / "b", discovered() | {"beside": [discovered("data")]})
    assert sorted(path.name for path in tmp_path.rglob("*.*")) == [
        "algebra.json",
        "algebra.tex",
        "commutators.png",
        "commutators.png",
        "discovery.json",
        "spectrum.png",
    ]
    assert json.loads((tmp_path / "a" / "algebra.json").read_text(encoding="utf-8")) == determined()
    with pytest.raises(NotADirectoryError, match=r"algebra\.tex is a file: give a folder to --out\.$"):
        require_folder(tmp_path / "a" / "algebra.tex")
