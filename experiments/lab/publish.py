"""Copies the results of a run of the lab here, and puts its table and picture into the README.

    .venv/bin/python experiments/lab/publish.py runs/lab

No number is typed: the table is rendered from results/defects.json, the picture is the one that the run drew.
"""

import shutil
import sys
from pathlib import Path

from pdesym.report import defect_table, markdown_table, read_results

HERE = Path(__file__).parent
README = HERE.parent.parent / "README.md"
BEGIN, END = "<!-- table: experiments/lab/results/defects.json -->\n", "<!-- end of table -->"


def main(run: Path) -> None:
    """Takes over the results of one finished run."""
    table = markdown_table(defect_table(read_results(run).defects))
    (HERE / "results").mkdir(exist_ok=True)
    for name in ("forecast.json", "defects.json", "learning.json", "discovery.json", "data.json", "run.json"):
        shutil.copyfile(run / "results" / name, HERE / "results" / name)
    shutil.copyfile(run / "figures" / "summary.png", HERE / "summary.png")
    text = README.read_text(encoding="utf-8")
    head, rest = text.split(BEGIN)
    README.write_text(head + BEGIN + table.strip() + "\n" + END + rest.split(END)[1], encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
