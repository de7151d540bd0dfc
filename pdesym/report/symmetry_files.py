"""A symmetry algebra in a folder: the JSON, and the figures that are drawn from it."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pdesym.report.atomic import write_atomically
from pdesym.report.figures.commutators import commutators_figure
from pdesym.report.figures.png import save_figure
from pdesym.report.figures.spectra import spectra_figure


def require_folder(path: Path | None) -> None:
    """Whether files can be written there later, before anything is computed.

    Raises:
        NotADirectoryError: when the path is a file.
    """
    if path is not None and path.exists() and not path.is_dir():
        raise NotADirectoryError(f"{path} is a file: give a folder to --out.")


def write_determined(folder: Path, determined: Mapping[str, Any], latex: str) -> None:
    """Writes algebra.json, commutators.png, and the basis in LaTeX as algebra.tex."""
    written = _write(folder / "algebra.json", determined)
    save_figure(commutators_figure(written), folder / "commutators.png", "algebra.json")
    write_atomically(folder / "algebra.tex", f"{latex}\n".encode())


def write_discovery(folder: Path, discovery: Mapping[str, Any]) -> None:
    """Writes discovery.json, spectrum.png with the sources beside it, and commutators.png."""
    written = _write(folder / "discovery.json", discovery)
    spectra = spectra_figure([written, *written.get("beside", [])])
    save_figure(spectra, folder / "spectrum.png", "discovery.json")
    save_figure(commutators_figure(written), folder / "commutators.png", "discovery.json")


def json_text(document: Mapping[str, Any]) -> str:
    """The document as JSON on lines of their own."""
    return json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False)


def _write(path: Path, document: Mapping[str, Any]) -> dict[str, Any]:
    """Writes a document; gives back what stands in the file."""
    text = json_text(document)
    write_atomically(path, f"{text}\n".encode())
    return dict(json.loads(text))
