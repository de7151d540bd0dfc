"""Embedded Runge-Kutta pairs as tables."""

from dataclasses import dataclass
from fractions import Fraction

Rows = tuple[tuple[float, ...], ...]


@dataclass(frozen=True)
class Tableau:
    """An embedded pair for u' = f(u, t) or u' = A u + b(t) + N(u, t).

    Attributes:
        name: its usual name with the source.
        order: of the result.
        estimate_order: the estimate of one step is of the order h^estimate_order.
        nodes: c_i of the stages.
        explicit: a_ij of N, or of f.
        implicit: a_ij of A u + b(t), diagonal included; empty for an explicit method.
        weights: b_j.
        estimate: differences to the embedded weights, the last for the new state where there is one more of them.
    """

    name: str
    order: int
    estimate_order: int
    nodes: tuple[float, ...]
    explicit: Rows
    implicit: Rows
    weights: tuple[float, ...]
    estimate: tuple[float, ...]


def _numbers(text: str) -> Rows:
    return tuple(tuple(float(Fraction(word)) for word in line.split()) for line in text.strip().splitlines())


def _lower(text: str) -> Rows:
    """The rows of a tableau below its empty first row."""
    return ((), *_numbers(text))


def _differences(weights: tuple[float, ...], others: tuple[float, ...]) -> tuple[float, ...]:
    longer = (*weights, *(0.0,) * (len(others) - len(weights)))
    return tuple(a - b for a, b in zip(longer, others, strict=True))


_ARK_NODES = (0.0, 0.5, 83 / 250, 31 / 50, 17 / 20, 1.0)
_ARK_IMPLICIT = _lower("""
    1/4 1/4
    8611/62500 -1743/31250 1/4
    5012029/34652500 -654441/2922500 174375/388108 1/4
    15267082809/155376265600 -71443401/120774400 730878875/902184768 2285395/8070912 1/4
    82889/524892 0 15625/83664 69875/102672 -2260/8211 1/4
""")
_ARK_EXPLICIT = _lower("""
    1/2
    13861/62500 6889/62500
    -116923316275/2393684061468 -2731218467317/15368042101831 9408046702089/11113171139209
    -451086348788/2902428689909 -2682348792572/7519795681897 12662868775082/11960479115383 \
        3355817975965/11060851509271
    647845179188/3216320057751 73281519250/8382639484533 552539513391/3454668386233 \
        3354512671639/8306763924573 4040/17871
""")
(_ARK_EMBEDDED,) = _numbers(
    "4586570599/29645900160 0 178811875/945068544 814220225/1159782912 -3700637/11593932 61727/225920"
)
_ARK_WEIGHTS = _ARK_IMPLICIT[-1]

ARK4 = Tableau(
    name="ARK4(3)6L[2]SA (Kennedy and Carpenter, Appl. Numer. Math. 44, 2003)",
    order=4,
    estimate_order=4,
    nodes=_ARK_NODES,
    implicit=_ARK_IMPLICIT,
    explicit=_ARK_EXPLICIT,
    weights=_ARK_WEIGHTS,
    estimate=_differences(_ARK_WEIGHTS, _ARK_EMBEDDED),
)

_DOPRI_NODES = (0.0, 1 / 5, 3 / 10, 4 / 5, 8 / 9, 1.0)
_DOPRI = _lower("""
    1/5
    3/40 9/40
    44/45 -56/15 32/9
    19372/6561 -25360/2187 64448/6561 -212/729
    9017/3168 -355/33 46732/5247 49/176 -5103/18656
""")
(_DOPRI_WEIGHTS, _DOPRI_EMBEDDED) = _numbers("""
    35/384 0 500/1113 125/192 -2187/6784 11/84
    5179/57600 0 7571/16695 393/640 -92097/339200 187/2100 1/40
""")

DORMAND_PRINCE = Tableau(
    name="DOPRI5(4) (Dormand and Prince, J. Comput. Appl. Math. 6, 1980)",
    order=5,
    estimate_order=5,
    nodes=_DOPRI_NODES,
    implicit=(),
    explicit=_DOPRI,
    weights=_DOPRI_WEIGHTS,
    estimate=_differences(_DOPRI_WEIGHTS, _DOPRI_EMBEDDED),
)
