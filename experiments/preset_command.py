"""The command line that scripts with presets have in common."""

from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Mapping
from typing import Any, TypeVar

import torch

_Preset = TypeVar("_Preset")


def preset_parser(description: str | None, presets: Mapping[str, Any]) -> ArgumentParser:
    """A parser with `--preset`, the laptop's by default, and the script's first lines as its help."""
    parser = ArgumentParser(description=description, formatter_class=RawDescriptionHelpFormatter)
    parser.add_argument("--preset", choices=tuple(presets), default="laptop")
    return parser


def chosen_preset(description: str | None, presets: Mapping[str, _Preset]) -> tuple[str, _Preset]:
    """The name and the preset that the command line asks for, and torch on one thread: the transforms are short."""
    name = preset_parser(description, presets).parse_args().preset
    torch.set_num_threads(1)
    return name, presets[name]
