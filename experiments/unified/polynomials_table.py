"""The table of polynomial recovery beside the published one."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from pdesym.report.number_text import measured_text

PUBLISHED = yaml.safe_load((Path(__file__).parent / "polynomials_published.yaml").read_text(encoding="utf-8"))


def table(trials: Sequence[Mapping[str, Any]]) -> str:
    """One line a row: N* as mean (least–largest), published, on own draws, and on the draws of the released study."""
    lines = [
        "| function | algebra | n | r | coefficients | N*, published | N*, own draws | trials | N*, released draws | "
        "difference, trial by trial | CPU-s a trial | published, s a trial |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for name in dict.fromkeys(one["row"] for one in trials):
        mine = [one for one in trials if one["row"] == name]
        own = [one["n_star"] for one in mine if one["draws"] == "own"]
        released = {one["seed"]: one["n_star"] for one in mine if one["draws"] == "released"}
        published = PUBLISHED[name]
        shared = [n - published["n_star"][seed] for seed, n in released.items() if seed < len(published["n_star"])]
        seconds = [one["cpu_seconds"] for one in mine]
        first = mine[0]
        cells = [
            f"{first['family']}, degree {first['degree']}",
            first["algebra"],
            str(first["variables"]),
            str(first["features"]),
            str(first["size"]),
            spread(published["n_star"]),
            spread(own),
            str(len(own)),
            spread(list(released.values())),
            mean_and_error(shared),
            measured_text(sum(seconds) / len(seconds)),
            measured_text(float(published["seconds"])),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    lines += ["", "± is the standard error of the mean."]
    return "\n".join(lines) + "\n"


def spread(numbers: Sequence[int]) -> str:
    """Mean ± standard error (least–largest)."""
    return f"{mean_and_error(numbers)} ({min(numbers)}–{max(numbers)})" if numbers else "–"


def mean_and_error(numbers: Sequence[int]) -> str:
    """Mean ± standard error."""
    if not numbers:
        return "–"
    mean = sum(numbers) / len(numbers)
    if len(numbers) == 1:
        return f"{mean:.1f}"
    variance = sum((number - mean) ** 2 for number in numbers) / (len(numbers) - 1)
    return f"{mean:.1f} ± {(variance / len(numbers)) ** 0.5:.1f}"
