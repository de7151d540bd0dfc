"""Values of a JSON result file that know where they stand in it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Record:
    """A value of a JSON file together with its file and its path, `forecast.json` and `arms[0].seed`.

    Every number of the report is read through a record, so that the page can link it to its source, and a key that
    is missing is named with its whole path.
    """

    file: str
    path: tuple[str | int, ...]
    value: Any

    @property
    def where(self) -> str:
        """The path as text: `arms[0].seed`, `defects["t*d_x + d_u"].mean`; empty for the whole file."""
        text = ""
        for step in self.path:
            if isinstance(step, int):
                text += f"[{step}]"
            elif step.isidentifier():
                text += f".{step}" if text else step
            else:
                text += f'["{step}"]'
        return text

    def __getitem__(self, key: str) -> "Record":
        """The entry of an object; ValueError when it has none of that name."""
        self._require(Mapping, "an object")
        if key not in self.value:
            missing = Record(self.file, (*self.path, key), None)
            raise ValueError(
                f"results/{self.file} has no {missing.where}, which the report needs: "
                "write the file again by running the lab in a new folder."
            )
        return Record(self.file, (*self.path, key), self.value[key])

    def __contains__(self, key: str) -> bool:
        """Whether an object has an entry of that name."""
        self._require(Mapping, "an object")
        return key in self.value

    def __iter__(self) -> Iterator["Record"]:
        """The elements of a list, or the entries of an object in the order of the file."""
        if isinstance(self.value, Mapping):
            return (Record(self.file, (*self.path, key), value) for key, value in self.value.items())
        self._require(list, "a list")
        return (Record(self.file, (*self.path, index), value) for index, value in enumerate(self.value))

    @property
    def elements(self) -> list["Record"]:
        """The elements of a list that must have some."""
        self._require(list, "a list")
        if not self.value:
            self._refuse("at least one element")
        return list(self)

    @property
    def key(self) -> str:
        """The name of an entry, the last step of its path."""
        return str(self.path[-1]) if self.path else self.file

    @property
    def number(self) -> float | None:
        """The value as a number, `None` where the file says null (not measured)."""
        if self.value is not None and (isinstance(self.value, bool) or not isinstance(self.value, int | float)):
            self._refuse("a number or null")
        return None if self.value is None else float(self.value)

    @property
    def numbers(self) -> list[float]:
        """The value as a list of numbers, nan where the file says null."""
        found = (element.number for element in self)
        return [float("nan") if number is None else number for number in found]

    @property
    def text(self) -> str:
        """The value as text."""
        self._require(str, "a text")
        return str(self.value)

    @property
    def flag(self) -> bool:
        """The value as true or false."""
        self._require(bool, "true or false")
        return bool(self.value)

    def _require(self, kind: type, name: str) -> None:
        if not isinstance(self.value, kind):
            self._refuse(name)

    def _refuse(self, expected: str) -> None:
        found = repr(self.value)
        shown = found if len(found) <= 40 else found[:37] + "..."
        raise ValueError(f"Expected {expected} at {self.where or 'the top'} of results/{self.file}, got {shown}.")
