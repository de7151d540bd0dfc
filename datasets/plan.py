"""The names of `planning` as they were before."""

from pdesym.datasets.planning import Plan, size_text
from pdesym.datasets.planning import plan as describe

__all__ = ["Plan", "describe", "size_text"]
