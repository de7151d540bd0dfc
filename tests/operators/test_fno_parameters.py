"""An FNO of parameters that differ from sample to sample."""

import json

import pytest
import torch

from pdesym.operators import FNOConfig, fno, load_operator, save_operator

NAMES, REFERENCE = ("duration", "nu"), (2.0, 0.1)


def small(**options):
    return fno(**{"frames_in": 2, "frames_out": 1, "modes": 3, "width": 8, "layers": 2, **options})


@pytest.mark.parametrize("points", [(16,), (8, 9)])
def test_it_sees_the_logarithms_over_the_reference(points, travelling_waves):
    operator = small(parameters=NAMES, reference=REFERENCE, dims=len(points)).double()
    u = travelling_waves(2, 2, 1, points)
    parameters = torch.tensor([[4.0, 0.1], [1.0, 0.3]], dtype=torch.float64)
    seen = {}
    operator.fno.register_forward_pre_hook(lambda _, inputs: seen.update(v=inputs[0]))
    v = operator(u, parameters)
    assert v.shape == (2, 1, 1, *points)
    expected = (parameters / torch.tensor(REFERENCE, dtype=torch.float64)).log()
    torch.testing.assert_close(seen["v"][:, 2:].flatten(2).mean(2), expected, rtol=1e-14, atol=1e-15)
    assert torch.equal(seen["v"][:, :2], u[:, :, 0])
    torch.testing.assert_close(operator(u, torch.tensor(REFERENCE).double().expand(2, 2)), operator(u))
    assert (v - operator(u)).norm() > 1e-3 * v.norm()


def test_its_derivative_in_a_parameter_is_the_difference_quotient(travelling_waves):
    operator = small(parameters=NAMES, reference=REFERENCE).double()
    u, p = travelling_waves(2, 2, 1, (16,)), torch.full((2, 2), 0.7, dtype=torch.float64)
    tangent = torch.func.jvp(lambda q: operator(u, q), (p,), (torch.ones_like(p),))[1]
    quotient = (operator(u, p + 1e-5) - operator(u, p - 1e-5)) / 2e-5
    torch.testing.assert_close(tangent, quotient, rtol=1e-6, atol=1e-9)


def test_it_is_saved_with_them_and_opens_without(tmp_path):
    operator = small(parameters=NAMES, reference=REFERENCE)
    save_operator(operator, tmp_path / "with")
    assert load_operator(tmp_path / "with").config == operator.config
    save_operator(small(), tmp_path / "without")
    path = tmp_path / "without" / "config.json"
    written = json.loads(path.read_text())
    assert (written["operator"].pop("parameters"), written["operator"].pop("reference")) == ([], [])
    path.write_text(json.dumps(written))
    assert load_operator(tmp_path / "without").config == small().config


def test_what_does_not_fit_is_refused():
    for names, reference in [(("nu",), ()), (("nu", "nu"), (1.0, 1.0)), (("nu",), (0.0,))]:
        with pytest.raises(ValueError, match="different parameters of an FNO with a positive reference each"):
            FNOConfig(2, 1, parameters=names, reference=reference)
    u = torch.zeros(2, 2, 1, 16)
    with pytest.raises(ValueError, match=r"takes parameters of shape \(2, 2\), those of \(duration, nu\)"):
        small(parameters=NAMES, reference=REFERENCE)(u, torch.ones(2, 1))
    with pytest.raises(ValueError, match=r"takes parameters of shape \(2, 0\)"):
        small()(u, torch.ones(2, 1))
