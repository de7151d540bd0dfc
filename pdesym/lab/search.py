"""Where symmetries are looked for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

from pdesym.symmetry import Library


@dataclass(frozen=True)
class Search:
    """What all sources of one discovery share.

    Attributes:
        degree: of the polynomials in space, time and fields, where no terms are given.
        terms: functions, as text; each direction gets a combination of them.
        parameters: values of equations' parameters.
        where: the relations of auxiliary fields, of equations given by text.
        data: the dataset on whose fields operators are looked at.
        split: of datasets.
        seed: of the draws.
        alike: folders of operators that were trained alike from other seeds.
    """

    degree: int | None = None
    terms: tuple[str, ...] = ()
    parameters: Mapping[str, Fraction] = field(default_factory=dict)
    where: tuple[str, ...] = ()
    data: Path | None = None
    split: str = "test"
    seed: int = 0
    alike: tuple[Path, ...] = ()

    def __post_init__(self) -> None:
        if self.terms and self.degree is not None:
            raise ValueError("A library of terms has no degree: leave out --degree or --library.")

    def library(self, fields: Sequence[str], coordinates: Sequence[str]) -> Library:
        """The vector fields to look among.

        Raises:
            ExpressionError: (a ValueError) for a term that cannot be read.
        """
        if self.terms:
            return Library.of_terms(self.terms, fields, coordinates)
        return Library.polynomial(2 if self.degree is None else self.degree, fields, coordinates)
