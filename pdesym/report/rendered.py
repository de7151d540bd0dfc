"""Results of a script as JSON, and the page rendered from them beside it."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pdesym.report.atomic import write_atomically


def write_rendered(path: Path, record: Mapping[str, Any] | Sequence[Any], text: str) -> None:
    """Writes a record as JSON, and the Markdown made of it under the same name with `.md`.

    Args:
        path: of the JSON; its folder is made where it is missing.
        record: numbers, text, lists and mappings of them; itself a mapping or a list.
        text: the page.
    """
    write_atomically(path, (json.dumps(record, indent=1) + "\n").encode())
    write_atomically(path.with_suffix(".md"), text.encode())
