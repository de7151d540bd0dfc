"""A record and the page made of it lie beside each other."""

import json

from pdesym.report.rendered import write_rendered


def test_the_record_and_its_page_have_one_name(tmp_path):
    path = tmp_path / "results" / "angles.json"
    record = {"angle": 0.5, "σ": [1e-16, 2.0]}
    write_rendered(path, record, "The angle: 0.5°\n")
    assert json.loads(path.read_text(encoding="utf-8")) == record
    assert path.with_suffix(".md").read_text(encoding="utf-8") == "The angle: 0.5°\n"
    assert sorted(each.name for each in path.parent.iterdir()) == ["angles.json", "angles.md"]
