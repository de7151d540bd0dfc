"""The laws of the initial fields, as sections of a recipe: `initial: {law: gaussian_field, alpha: 2}`.

Each stands for a law of `pdesym.solvers`, and has its keys; `pdesym.datasets.initial` makes the one from the other.
"""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Discriminator, Field, Tag

from pdesym.datasets.recipe_problem import did_you_mean
from pdesym.datasets.section import Number, Section, Whole

LAWS = ("sinusoids", "gaussian_field", "specks", "uniform", "heat_potential", "cole_hopf", "each")


def _known(law: Any) -> Any:
    if law not in LAWS:
        raise ValueError(f"expected one of {', '.join(LAWS)}{did_you_mean(str(law)[:60], LAWS)}, got {law!r}"[:200])
    return law


def _law(value: Any) -> Any:
    """The tag of a section, `sinusoids` where it says none that there is."""
    law = value.get("law") if isinstance(value, dict) else getattr(value, "law", None)
    return law if law in LAWS else LAWS[0]


def _law_of_one(value: Any) -> Any:
    """The same for the law of a single field."""
    law = _law(value)
    return LAWS[0] if law in ("specks", "each") else law


_Waves = Annotated[tuple[Annotated[Whole, Field(ge=1, le=100_000)], ...], Field(min_length=1, max_length=10_000)]
_Terms = Annotated[Whole, Field(ge=1, le=10_000)]


class Sinusoids(Section):
    """The law of the initial fields, a sum of `terms` sinusoids of random amplitude, phase and wave number.

    u₀(x) = mean + Σ_p A_p sin(2π l_p x/L + φ_p),  A_p uniform in ±amplitude,  φ_p uniform in [0, 2π),  l_p drawn from
    `waves`.
    """

    law: Annotated[Literal["sinusoids"], BeforeValidator(_known)] = "sinusoids"
    terms: _Terms = 10
    amplitude: Number = Field(default=0.5, gt=0)
    waves: _Waves = (1, 2)
    mean: Number = 0.0


class GaussianField(Section):
    """A Gaussian random field with the covariance σ²(−∇² + τ²)^(−α), cut off at `modes` waves along an axis.

    σ is τ^(α − d/2) in d dimensions when it is not given.
    """

    law: Literal["gaussian_field"]
    alpha: Number = Field(default=2.5, gt=0, le=100)
    tau: Number = Field(default=7.0, gt=0)
    sigma: Number | None = Field(default=None, gt=0)
    modes: Whole = Field(default=16, ge=1, le=10_000)
    mean: Number = 0.0


class Specks(Section):
    """(u, v) = (1, 0) but for `count` smooth specks of (1/2, 1/4), `width` wide: the law of Gray-Scott, two fields."""

    law: Literal["specks"]
    count: Whole = Field(default=20, ge=1, le=10_000)
    width: Number = Field(default=0.05, gt=0)


class UniformField(Section):
    """The same value everywhere, such as a fluid at rest."""

    law: Literal["uniform"]
    value: Number = 0.0


class _Potential(Section):
    scale: Number = Field(default=10.0, gt=0, le=300)
    terms: _Terms = 20
    amplitude: Number = Field(default=0.5, gt=0)
    waves: _Waves = (1, 2, 3, 4, 5, 6)


class HeatPotential(_Potential):
    """ψ₀ = exp(2 scale (n − ½)), n = (w − min w)/max(w − min w), of a sum w of random sinusoids: positive everywhere.

    The initial field of the heat equation whose Cole-Hopf transform solves Burgers' equation, on a line. Its keys are
    those of `sinusoids`, and `scale`, half the logarithm of max ψ₀/min ψ₀.
    """

    law: Literal["heat_potential"]


class ColeHopf(_Potential):
    """u₀ = −2ν ∂ₓ log ψ₀ of the ψ₀ that `heat_potential` draws with the same keys and seed: Burgers' initial field.

    ν is the equation's parameter `nu`, each sample's own where it is drawn.
    """

    law: Literal["cole_hopf"]


class Each(Section):
    """A law for every field by its name: `{law: each, fields: {h: {law: sinusoids}, u: {law: uniform}}}`."""

    law: Literal["each"]
    fields: dict[
        str,
        Annotated[
            Annotated[Sinusoids, Tag("sinusoids")]
            | Annotated[GaussianField, Tag("gaussian_field")]
            | Annotated[UniformField, Tag("uniform")]
            | Annotated[HeatPotential, Tag("heat_potential")]
            | Annotated[ColeHopf, Tag("cole_hopf")],
            Discriminator(_law_of_one),
        ],
    ]


InitialLaw = Annotated[
    Annotated[Sinusoids, Tag("sinusoids")]
    | Annotated[GaussianField, Tag("gaussian_field")]
    | Annotated[Specks, Tag("specks")]
    | Annotated[UniformField, Tag("uniform")]
    | Annotated[HeatPotential, Tag("heat_potential")]
    | Annotated[ColeHopf, Tag("cole_hopf")]
    | Annotated[Each, Tag("each")],
    Discriminator(_law),
]
"""One law for all fields, of which each is drawn for itself; or `specks` for the two of Gray-Scott; or `each`."""
