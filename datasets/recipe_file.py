"""Small YAML files that become frozen pydantic models, checked on the way.

The functions take the model class, so every kind of recipe reads its files, its overrides and its typos the same way.
"""

import re
from collections.abc import Sequence
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from pdesym.datasets.errors import RecipeError
from pdesym.datasets.recipe_problem import did_you_mean, plain, sentence, shown

Model = TypeVar("Model", bound=BaseModel)

_MOST_BYTES = 10**6
_MOST_VALUES = 50_000
_DEEPEST = 20
_LONGEST_OVERRIDE = 10_000


def load(
    model: type[Model], source: str | Path, overrides: Sequence[str] = (), shipped: Traversable | None = None
) -> Model:
    """The recipe of a YAML file, or of the folder of shipped ones.

    Args:
        model: the pydantic class that says which keys there are; it should forbid extra keys.
        source: a path (it ends in .yaml or .yml, or has a folder in it), or the name of a shipped recipe.
        overrides: texts like "grid.points=256", values in YAML; they replace what the file says.
        shipped: the folder of shipped recipes, `importlib.resources.files(...)`.

    Raises:
        RecipeError: when there is no such recipe, or its text, an override or a value is wrong.
    """
    text, name = source_text(source, shipped)
    data = parse(text, name)
    for override in overrides:
        _replace(data, override)
    return validate(model, data, name, overrides)


def dump(recipe: BaseModel) -> str:
    """The recipe as YAML, every default written out; reading it back gives an equal recipe."""
    return yaml.safe_dump(recipe.model_dump(mode="json", exclude_none=True), sort_keys=False, allow_unicode=True)


def source_text(source: str | Path, shipped: Traversable | None) -> tuple[str, str]:
    """The text of a recipe file, or of a shipped one by its name, and how errors call it.

    Raises:
        RecipeError: when there is none, or it is no text of a sensible size.
    """
    path = Path(source)
    if isinstance(source, Path) or path.suffix in (".yaml", ".yml") or len(path.parts) != 1:
        name = plain(str(path))
        try:
            with open(path, "rb") as file:
                data = file.read(_MOST_BYTES + 1)  # not all of what may be endless
            if len(data) > _MOST_BYTES:
                raise RecipeError(f"{name} is larger than {_MOST_BYTES // 10**6} MB: expected a recipe in YAML.")
            return data.decode("utf-8-sig"), name
        except UnicodeDecodeError:
            raise RecipeError(f"{name} is not a text file in UTF-8: expected a recipe in YAML.") from None
        except RecipeError:
            raise
        except (OSError, ValueError) as error:  # ValueError: a path that no system knows
            reason = (getattr(error, "strerror", None) or "no such file").lower()
            raise RecipeError(f"The recipe {name} cannot be read: {reason}.") from None
    files = {Path(file.name).stem: file for file in shipped.iterdir()} if shipped else {}
    names = sorted(stem for stem, file in files.items() if file.name.endswith(".yaml"))
    if source not in names:
        guess = did_you_mean(source, names)
        raise RecipeError(
            f"No recipe is named {plain(str(source))}{guess}: shipped are {', '.join(names) or 'none'}, and a file of "
            "your own is given by a path that ends in .yaml."
        )
    return files[source].read_text(encoding="utf-8"), f"the recipe {source}"


def parse(text: str, name: str) -> dict[str, Any]:
    """The mapping that a YAML text holds.

    Raises:
        RecipeError: for text that is not YAML (with line and column), a key given twice, or anything but a mapping.
    """
    try:
        data = yaml.load(text, Loader=_Loader)  # a SafeLoader: it builds plain values only
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f" at line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise RecipeError(f"{name} is not valid YAML{place}: {error.problem or error.context}.") from None
    except (yaml.YAMLError, ValueError, OverflowError) as error:  # the latter two from numbers and dates that are none
        raise RecipeError(f"{name} is not valid YAML: {' '.join(str(error).split()).rstrip('.')}.") from None
    if not isinstance(data, dict):
        raise RecipeError(f"{name} should hold the keys and values of a recipe, like `seed: 0`, got {shown(data)}.")
    return data


def validate(model: type[Model], data: dict[str, Any], name: str, overrides: Sequence[str] = ()) -> Model:
    """The model with these values; `name` says in an error where they came from.

    Raises:
        RecipeError: for an unknown, missing or wrong value.
    """
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise RecipeError(sentence(model, data, error.errors(), name, overrides)) from None


def first_difference(one: BaseModel, other: BaseModel) -> tuple[str, Any, Any] | None:
    """The first key, as a dotted path, whose values differ, with both values; None when the recipes are equal."""
    return _first_difference(one.model_dump(mode="json"), other.model_dump(mode="json"), ())


def _first_difference(one: Any, other: Any, path: tuple[str, ...]) -> tuple[str, Any, Any] | None:
    if one == other:
        return None
    if not (isinstance(one, dict) and isinstance(other, dict)):
        return ".".join(path), one, other
    keys = [*one, *(key for key in other if key not in one)]
    found = (_first_difference(one.get(key), other.get(key), (*path, key)) for key in keys)
    return next(difference for difference in found if difference is not None)


class _Loader(yaml.SafeLoader):
    """YAML in which 1e-5 is a number, as people write it, and a key given twice is an error.

    Ten lines with aliases can stand for more values than any memory holds, and deep nesting ends in a stack overflow:
    neither has a place in a recipe.
    """

    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self._depth = self._nodes = 0

    def compose_node(self, parent: Any, index: Any) -> yaml.Node | None:
        """A value, and those within it."""
        event = self.peek_event()
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None) is not None:
            raise yaml.composer.ComposerError(
                None, None, "anchors and aliases (& and *) are not read, write the value out", event.start_mark
            )
        self._nodes += 1
        if self._nodes > _MOST_VALUES:
            raise yaml.composer.ComposerError(
                None, None, f"the text is too large, expected at most {_MOST_VALUES} values", event.start_mark
            )
        self._depth += 1
        if self._depth > _DEEPEST:
            raise yaml.composer.ComposerError(
                None, None, f"expected at most {_DEEPEST} levels of nesting", event.start_mark
            )
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """A mapping whose keys are words, all different."""
        seen = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode) or key.tag != "tag:yaml.org,2002:str":
                raise yaml.constructor.ConstructorError(None, None, "a key should be a word", key.start_mark)
            if key.value in seen:
                problem = f"the key {key.value} is given twice"
                raise yaml.constructor.ConstructorError(None, None, problem, key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep)


# Binary data and ordered maps are no values of a recipe.
_Loader.yaml_constructors = {
    tag: constructor
    for tag, constructor in yaml.SafeLoader.yaml_constructors.items()
    if tag is None
    or tag.rpartition(":")[2] in ("null", "bool", "int", "float", "str", "seq", "map", "set", "timestamp")
}
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"^[-+]?(\d+\.?\d*|\.\d+)[eE][-+]?\d+$"), list("-+.0123456789")
)


def _replace(data: dict[str, Any], override: str) -> None:
    key, equals, text = override.partition("=")
    path = key.strip().split(".")
    if not equals or not all(path):
        raise RecipeError(f"Expected key=value to set, like grid.points=256, got {shown(override)}.")
    if len(override) > _LONGEST_OVERRIDE or len(path) > _DEEPEST:
        raise RecipeError(
            f"Expected at most {_LONGEST_OVERRIDE} characters and {_DEEPEST} levels of sections in --set "
            f"{override[:40]}...: write it into the recipe."
        )
    try:
        value = yaml.load(text, Loader=_Loader)
    except (yaml.YAMLError, ValueError, OverflowError):
        raise RecipeError(
            f"The value in --set {plain(override)} is not YAML: expected a number, word or list."
        ) from None
    override = plain(override)
    section: Any = data
    for depth, part in enumerate(path[:-1]):
        section = section.setdefault(part, {})
        if not isinstance(section, dict):
            parent = ".".join(path[: depth + 1])
            raise RecipeError(f"{key} in --set {override} cannot be set: {parent} is {shown(section)}, not a section.")
    section[path[-1]] = value
