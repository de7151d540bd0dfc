"""The kinds of operators that can be built again from what `config.json` says of them."""

from collections.abc import Mapping
from dataclasses import MISSING, asdict, fields
from typing import Any, ClassVar, Protocol, TypeVar, runtime_checkable

from torch import nn


@runtime_checkable
class OperatorConfig(Protocol):
    """A frozen dataclass of what JSON can hold (tuples stand for its lists) that builds an operator.

    The operator keeps it as its attribute `config`.
    """

    kind: ClassVar[str]

    def build(self) -> nn.Module:
        """The operator with its initial weights."""


_CONFIGS: dict[str, Any] = {}
_Config = TypeVar("_Config")


def register(config: type[_Config]) -> type[_Config]:
    """Decorates the configuration class of a kind, so that folders that name the kind can be opened."""
    _CONFIGS[config.kind] = config  # type: ignore[attr-defined]
    return config


def describe_operator(operator: nn.Module) -> dict[str, Any]:
    """What a module is, as JSON holds it: its kind and configuration, or the name of its class if it has none."""
    config: Any = getattr(operator, "config", None)
    if type(config) in _CONFIGS.values():
        return {"kind": config.kind, **_plain(asdict(config))}
    return {"kind": f"{type(operator).__module__}.{type(operator).__qualname__}"}


def configuration(described: Mapping[str, Any], place: object) -> OperatorConfig:
    """The configuration that `describe_operator` described.

    Args:
        described: kind and configuration.
        place: where it was found, for the sentences.

    Raises:
        ValueError: for a kind that this package does not build, or entries of another version.
    """
    kind = described["kind"]
    if kind not in _CONFIGS:
        raise ValueError(
            f"{place} holds a {kind}, and only {', '.join(_CONFIGS)} can be reopened from its configuration: "
            "build the module yourself and fill it with load_weights."
        )
    arguments = {name: _tuples(value) for name, value in described.items() if name != "kind"}
    entries = fields(_CONFIGS[kind])
    expected = {entry.name for entry in entries}
    needed = {entry.name for entry in entries if entry.default is MISSING}
    if not needed <= arguments.keys() <= expected:
        odd = ", ".join(sorted((arguments.keys() - expected) | (needed - arguments.keys())))
        raise ValueError(
            f"The configuration of the {kind} in {place} is not one of this version of pdesym, which differs in "
            f"{odd}: open it with the version that wrote it."
        )
    config: OperatorConfig = _CONFIGS[kind](**arguments)
    return config


def completed(described: Mapping[str, Any]) -> dict[str, Any]:
    """A description with the defaults of entries that its kind did not have when it was written."""
    entries = fields(_CONFIGS[described["kind"]]) if described["kind"] in _CONFIGS else ()
    defaults = {entry.name: _plain(entry.default) for entry in entries if entry.default is not MISSING}
    return {**defaults, **described}


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _plain(entry) for name, entry in value.items()}
    return [_plain(entry) for entry in value] if isinstance(value, list | tuple) else value


def _tuples(value: Any) -> Any:
    return tuple(_tuples(entry) for entry in value) if isinstance(value, list) else value
