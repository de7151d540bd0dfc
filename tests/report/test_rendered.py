"""A record and the page made of it lie beside each other."""

import json

import pytest

from pdesym.report.rendered import write_rendered


@pytest.mark.parametrize("record", [{"angle": 0.5, "σ": [1e-16, 2.0]}, [{"angle": 0.5}, {"angle": 2.0}]])
def test_the_record_and_its_page_have_one_name(record, tmp_path):
    path = tmp_path / "results" / "angles.json"
    write_rendered(path, record, "The angle: 0.5°\n")
    assert json.loads(path.read_text(encoding="utf-8")) == record
    assert path.with_suffix(".md").read_text(encoding="utf-8") == "The angle: 0.5°\n"
    assert sorted(each.name for each in path.parent.iterdir()) == ["angles.json", "angles.md"]
