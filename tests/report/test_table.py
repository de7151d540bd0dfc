import math
import re

import pytest

from pdesym.report import defect_table, html_table, markdown_table, terminal_table
from pdesym.report.number_text import measured_text

SHOWN = ["d_x", "t*d_x + d_u", "u*d_u", "t*d_x - d_u"]  # the symmetries first, else as in the file


def expected_rows(defects):
    """What each row must say, read from the JSON directly."""
    return {
        operator["name"]: [operator["nmse"], *(operator["defects"][text]["mean"] for text in SHOWN)]
        for operator in defects["operators"]
    }


def test_symmetries_come_first(contents):
    table = defect_table(contents["defects"])
    assert [column.text for column in table.columns] == SHOWN
    assert [column.symmetry for column in table.columns] == [True, True, False, False]


def test_the_terminal_table_says_what_the_file_says(contents):
    lines = terminal_table(defect_table(contents["defects"])).splitlines()
    for name, numbers in expected_rows(contents["defects"]).items():
        (line,) = [line for line in lines if line.startswith(name)]
        assert line.removeprefix(name).split() == [measured_text(number) for number in numbers]


def test_the_terminal_table_fits_and_is_aligned(contents):
    lines = terminal_table(defect_table(contents["defects"])).splitlines()
    assert max(len(line) for line in lines) <= 100
    rule = next(index for index, line in enumerate(lines) if line.startswith("─"))
    ends = [{match.end() for match in re.finditer(r"\S+", line)} for line in lines[rule + 1 :]]
    # Numbers end at the same place in every row, under the end of their generator's text.
    columns = set.intersection(*ends)
    assert len(columns) >= 5
    for text in SHOWN:
        assert lines[rule - 1].index(text) + len(text) in columns
    assert "symmetries (0 is right)" in lines[0]
    assert "not symmetries (must not vanish)" in lines[0]


def test_the_markdown_table_says_what_the_file_says(contents):
    head, ruler, *rows = markdown_table(defect_table(contents["defects"])).splitlines()
    cells = [[cell.strip() for cell in row.strip("|").split("|")] for row in (head, ruler, *rows)]
    assert {len(row) for row in cells} == {6}
    assert cells[0][2:] == [
        "x-translation<br>`d_x`<br>symmetry",
        "Galilean boost<br>`t*d_x + d_u`<br>symmetry",
        "amplitude scaling<br>`u*d_u`<br>**not** a symmetry",
        "boost with the wrong sign<br>`t*d_x - d_u`<br>**not** a symmetry",
    ]
    for row, (name, numbers) in zip(cells[2:], expected_rows(contents["defects"]).items(), strict=True):
        assert row == [name, *(measured_text(number) for number in numbers)]


def test_markdown_is_escaped(contents):
    contents["defects"]["operators"][0]["name"] = "a|b*c <script>"
    row = markdown_table(defect_table(contents["defects"])).splitlines()[2]
    assert row.startswith(r"| a\|b\*c &lt;script&gt; |")


def test_the_html_table_gives_the_range_where_seeds_differ(contents):
    rows = html_table(defect_table(contents["defects"])).split("<tr>")[3:]
    assert [row.count('class="range"') for row in rows] == [0, 4, 4]


def test_numbers_that_are_not_finite_are_shown(contents):
    cell = contents["defects"]["operators"][1]["defects"]["d_x"]
    cell.update(mean=math.nan, low=0.1, high=math.inf)
    contents["defects"]["operators"][2]["nmse"] = math.inf
    table = defect_table(contents["defects"])
    for text in (terminal_table(table), markdown_table(table), html_table(table)):
        assert "nan" in text
        assert "inf" in text


def test_symmetries_alone_make_a_table(contents):
    contents["defects"]["generators"] = contents["defects"]["generators"][1:3]
    table = defect_table(contents["defects"])
    assert table.groups == (("symmetries (0 is right)", 2),)
    for text in (terminal_table(table), html_table(table)):
        assert "not symmetries" not in text


def test_a_missing_generator_is_named(contents):
    del contents["defects"]["operators"][2]["defects"]["u*d_u"]
    with pytest.raises(ValueError, match=r'defects\.json has no operators\[2\]\.defects\["u\*d_u"\]'):
        defect_table(contents["defects"])


@pytest.mark.parametrize("key", ["generators", "operators"])
def test_an_empty_list_is_refused(contents, key):
    contents["defects"][key] = []
    with pytest.raises(ValueError, match=rf"^Expected at least one element at {key} of results/defects\.json"):
        defect_table(contents["defects"])
