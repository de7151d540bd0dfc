"""Which linear parts are refused: those whose short waves grow without bound, and no others."""

import pytest
import torch

from pdesym.solvers import Equation, FlowMap, Grid

REFUSED = [
    "u_t = -u_xx",
    "u_t = -1e-6*u_xx - u*u_x",
    "u_t = u_xxxx",
    "u_t = -(-1)*u_xxxx + u_xx",
    "u_t = u_xx + 1e-13*u_xxxx",
    "u_t = u_xx + 1e-18*u_xxxx",
    "u_t = -u_xxx - 1e-3*u_xx",
    "u_t = -u_xxxxxx - u_xxxx",
    "u_t = -u_xx + 100*u_xxx - 100*u",
    "u_t = u_xx; v_t = -v_xx",
    "u_t = -u_xxxxx - 1e-3*u_xx; v_t = v_xx",
    "u_t = v; v_t = -u_xx",
    "u_t = v; v_t = u_xxx",
    "u_t = v_x; v_t = u",
    "u_t = v_x; v_t = -u_x",
    "u_t = 0.1*u_xx + v_xx; v_t = u_xx",
    "u_t = v; v_t = w; w_t = u_x",
]
ACCEPTED = [
    "u_t = 0",
    "u_t = 5*u + t",
    "u_t = u_x + 3*u_xxx - 2*u_xxxxx",
    "u_t = -u_xx - u_xxxx",
    "u_t = -u_xx - 1e-12*u_xxxx",
    "u_t = u_xx - 1e-12*u_xxxx",
    "u_t = -9*u_xx - 1e-15*u_xxxx + u_xxx",
    "u_t = -u_xx - 6*u_xxxx + 1e-3*u_xxxxxx",
    "u_t = -u_xxxxxx - 3*u_xxxxxxxx",
    "u_t = v; v_t = 9*u_xx",
    "u_t = v; v_t = -u_xxxx",
    "u_t = v; v_t = u_xx - u; w_t = w_xx",
    "u_t = v_xx; v_t = -u_xx",
    "u_t = v_x; v_t = u_x",
    "u_t = v_xxx; v_t = u_xxx",
    "u_t = -u_xxx + v_xxx; v_t = -v_xxx",
    "u_t = 0.1*u_xx + 3*v; v_t = -2*u + 0.2*v_xx",
    "u_t = 0.1*u_xx + 10*v_xx; v_t = 0.2*v_xx",
    "u_t = v; v_t = w; w_t = -u",
]


def flow(text: str, dims: int = 1, **parameters: torch.Tensor | float) -> FlowMap:
    return FlowMap(Equation(*text.split("; "), **parameters), Grid(*(8,) * dims, length=1.0), (0.0, 1.0), dt=0.1)


@pytest.mark.parametrize("text", REFUSED)
def test_refused(text):
    with pytest.raises(ValueError, match="is ill-posed forward in time: its linear part makes waves"):
        flow(text)


@pytest.mark.parametrize("text", ACCEPTED)
def test_accepted(text):
    flow(text)


@pytest.mark.parametrize("text", [*REFUSED, *ACCEPTED])
def test_the_verdict_is_the_same_along_another_axis(text):
    turned = text.replace("_t", "@").replace("x", "y").replace("@", "_t")
    verdicts = []
    for version in (text, turned):
        try:
            flow(version, dims=2)
            verdicts.append(True)
        except ValueError:
            verdicts.append(False)
    assert verdicts == [text in ACCEPTED] * 2


@pytest.mark.parametrize(
    ("text", "dims", "accepted"),
    [
        ("u_t = u_xx + u_yy + 1.9*u_xy", 2, True),
        ("u_t = u_xx + u_yy + 2.1*u_xy", 2, False),
        ("u_t = u_xx + 9*u_yy - 5.9*u_xy", 2, True),
        ("u_t = u_xx + 9*u_yy - 6.5*u_xy", 2, False),
        ("u_t = 0.1*u_xx + 0.9*u_yy + 0.6*u_xy", 2, True),
        ("u_t = u_xx - 0.01*u_yy", 2, False),
        ("u_t = lap(u)", 3, True),
        ("u_t = lap(u) - 1.5*u_zz", 3, False),
        ("u_t = -lap(lap(u)) - lap(u)", 3, True),
        ("u_t = v; v_t = lap(u)", 3, True),
        ("u_t = v; v_t = u_xx - u_yy", 2, False),
    ],
)
def test_several_dimensions(text, dims, accepted):
    if accepted:
        flow(text, dims)
    else:
        with pytest.raises(ValueError, match="ill-posed"):
            flow(text, dims)


def test_the_sample_with_the_wrong_sign_is_named():
    nu = torch.tensor([0.1, 0.2, -1e-4, 0.3], dtype=torch.float64)
    with pytest.raises(ValueError, match=r"its linear part of sample 2 makes waves .* or of the parameter before it"):
        flow("u_t = nu*u_xx", nu=nu)
    flow("u_t = nu*u_xx", nu=nu.abs())
    with pytest.raises(ValueError, match="sample 2"):
        flow("u_t = v; v_t = nu*u_xx", nu=nu)
