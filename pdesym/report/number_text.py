"""Numbers as text, in one style for the terminal, Markdown, the page and the figures."""

import math

NOT_MEASURED = "–"


def measured_text(value: float | None) -> str:
    """A measured number with two digits: `0.33`, `1.4`, `12`, `3.8e-07`; `nan`, `inf`, and `–` for None."""
    if value is None:
        return NOT_MEASURED
    if not math.isfinite(value):
        return f"{value:g}"
    if value == 0:
        return "0"
    scientific = f"{value:.1e}"
    exponent = int(scientific.split("e")[1])
    if not -2 <= exponent < 2:
        return scientific
    return f"{value:.{max(0, 1 - exponent)}f}"


def given_text(value: float | None) -> str:
    """A number that was chosen, with all its digits: `128`, `1e-06`, `0.4016`; whole ones in groups, `50,000`."""
    if value is None:
        return NOT_MEASURED
    if math.isfinite(value) and value == int(value) and abs(value) < 1e15:
        return f"{int(value):,}" if abs(value) >= 10_000 else f"{int(value)}"
    return f"{value:.10g}"


def largest_text(value: float | None) -> str:
    """The bound of a relative defect: `√2`, or whatever else was given."""
    return "√2" if value is not None and math.isclose(value, math.sqrt(2.0)) else given_text(value)


def seconds_text(value: float | None) -> str:
    """A duration: `3.2 s`, `43 s`, `4 min 07 s`, `2 h 05 min`."""
    if value is None or not math.isfinite(value):
        return measured_text(value)
    if value < 9.95:
        return f"{value:.1f} s"
    seconds = round(value)
    if seconds < 60:
        return f"{seconds} s"
    if seconds < 3600:
        return f"{seconds // 60} min {seconds % 60:02d} s"
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60:02d} min"


_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def power_of_ten_text(value: float) -> str:
    """A tick of a logarithmic axis: `10⁻³`, `1`, `10`."""
    exponent = round(math.log10(value))
    return {0: "1", 1: "10"}.get(exponent, "10" + str(exponent).translate(_SUPERSCRIPTS))
