"""What is wrong with the values of a recipe, in one sentence, from what pydantic found."""

import difflib
import re
import types
import typing
from collections.abc import Iterator, Sequence
from typing import Any, Literal

from pydantic import BaseModel


def sentence(
    model: type[BaseModel], data: dict[str, Any], problems: Sequence[Any], name: str, overrides: Sequence[str] = ()
) -> str:
    """The sentence about the problem to mend first.

    Args:
        model: the class the values should fit.
        data: the values, as nested mappings.
        problems: `ValidationError.errors()`.
        name: where the values came from, "kdv.yaml".
        overrides: the texts "a.b=value" that changed them; the sentence points at the one that is to blame.
    """
    problem = min(problems, key=_rank)
    path = _path(data, problem)
    key = ".".join(path)
    origin = next((f"--set {plain(text)}" for text in overrides if _sets(text, key)), name)
    if problem["type"] == "extra_forbidden":
        section = ".".join(path[:-1])
        allowed = [*_keys(model, data, path[:-1])]
        guess = _same_word_elsewhere(model, path[-1], key) or did_you_mean(path[-1], allowed, section)
        of = f" of {section}" if section else ""
        return f"Unknown key {key} in {origin}{guess}: the keys{of} are {', '.join(allowed)}."
    if problem["type"] == "missing":
        missing = [".".join(_path(data, other)) for other in problems if other["type"] == "missing"]
        return f"{_capital(name)} lacks {', '.join(missing)}: add what is missing."
    if problem["type"] == "value_error":
        said = str(problem["ctx"]["error"]).rstrip(".")
    else:
        said = f"{_expected(problem)}, got {shown(problem['input'])}"
    return f"{key} in {origin} is wrong: {said}." if key else f"{_capital(origin)} is wrong: {said}."


def _rank(problem: Any) -> int:
    """What to say first: an unknown law makes its keys unknown, and a key with a typo is also one that is missing."""
    if problem["loc"] and problem["loc"][-1] == "law":
        return 0
    return 1 if problem["type"] == "extra_forbidden" else 2


def did_you_mean(word: str, allowed: Sequence[str], section: str = "") -> str:
    """The hint " (did you mean ...?)", or nothing when no allowed word is near."""
    close = difflib.get_close_matches(word, allowed, n=1)
    return f" (did you mean {section + '.' if section else ''}{close[0]}?)" if close else ""


def shown(value: Any) -> str:
    """A value as an error shows it, not longer than 60 characters."""
    text = "nothing" if value is None else repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def plain(text: str) -> str:
    """A text of the user's as an error shows it: in one line, not longer than 200 characters."""
    text = text if text.isprintable() else repr(text)[1:-1]
    return text if len(text) <= 200 else text[:197] + "..."


def _capital(text: str) -> str:
    return "T" + text[1:] if text.startswith("the ") else text


def _sets(override: str, key: str) -> bool:
    return f"{key}.".startswith(override.partition("=")[0].strip() + ".")


def _expected(problem: Any) -> str:
    """What pydantic says should be there, without its vocabulary."""
    if problem["type"] in ("model_type", "dict_type"):
        return "expected a section of keys and values"
    said = re.sub(r", unable to parse.*| after validation, not \d+", "", problem["msg"])
    said = re.sub(r"^\w+ should (be|have) ", "expected ", said)
    return said.replace("a valid integer", "an integer").replace("a valid ", "a ")


def _path(data: Any, problem: Any) -> tuple[str, ...]:
    """The keys of the place of a problem; pydantic mixes in names of union members, which are not in the data."""
    path = []
    for depth, part in enumerate(problem["loc"]):
        in_list = isinstance(data, list | tuple) and isinstance(part, int) and part < len(data)
        if in_list or (isinstance(data, dict) and part in data):
            data = data[part]
        elif problem["type"] != "missing" or depth < len(problem["loc"]) - 1:
            continue
        path.append(str(part))
    return tuple(path)


def _keys(model: type[BaseModel], data: Any, path: Sequence[str]) -> Iterator[str]:
    """The keys that the section at a path may have, each once."""
    yield from dict.fromkeys(key for section in _sections(model, data, path) for key in section.model_fields)


def _sections(model: Any, data: Any, path: Sequence[str]) -> list[type[BaseModel]]:
    """The classes that the section at a path may be of."""
    if isinstance(model, type) and issubclass(model, BaseModel):
        if not path:
            return [model]
        field = model.model_fields.get(path[0])
        return _sections(field.annotation, _at(data, path[0]), path[1:]) if field else []
    arguments, origin = typing.get_args(model), typing.get_origin(model)
    if origin is typing.Annotated:
        return _sections(arguments[0], data, path)
    if origin in (typing.Union, types.UnionType):
        chosen = [member for member in arguments if _names(member, data)]
        return [section for member in chosen or arguments for section in _sections(member, data, path)]
    if path and origin in (dict, list, tuple):
        return _sections(arguments[origin is dict], _at(data, path[0]), path[1:])
    return []


def _at(data: Any, part: str) -> Any:
    if isinstance(data, dict):
        return data.get(part)
    return data[int(part)] if isinstance(data, list | tuple) and part.isdigit() and int(part) < len(data) else None


def _names(member: Any, data: Any) -> bool:
    """Whether the data name this member of a union by a literal, as in `law: sinusoids`."""
    while typing.get_origin(member) is typing.Annotated:
        member = typing.get_args(member)[0]
    if not (isinstance(member, type) and issubclass(member, BaseModel) and isinstance(data, dict)):
        return False
    return any(
        typing.get_origin(field.annotation) is Literal and data.get(key) in typing.get_args(field.annotation)
        for key, field in member.model_fields.items()
    )


def _same_word_elsewhere(model: type[BaseModel], word: str, key: str) -> str:
    places = [path for path in _all_paths(model, "") if path.rpartition(".")[2] == word and path != key]
    return f" (did you mean {places[0]}?)" if places else ""


def _all_paths(model: type[BaseModel], prefix: str) -> Iterator[str]:
    for key, field in model.model_fields.items():
        yield prefix + key
        for section in _sections(field.annotation, {}, ()):
            yield from _all_paths(section, f"{prefix}{key}.")
