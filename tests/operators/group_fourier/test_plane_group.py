import pytest
import torch

from pdesym.operators.group_fourier import PlaneGroup, act_on_grid, field_representation

FIELDS = ("vector", "scalar", "pseudoscalar")


@pytest.mark.parametrize("name", ["p4", "p4m"])
def test_quotients_are_those_of_the_matrices(name):
    group = PlaneGroup(name)
    assert len({tuple(g.flatten().tolist()) for g in group.matrices}) == group.order
    for g in range(group.order):
        for h in range(group.order):
            quotient = group.matrices[g].T @ group.matrices[h]
            assert torch.equal(group.matrices[group.quotients[g, h]], quotient)


def test_elements_are_quarter_turns_and_then_mirror_images():
    group = PlaneGroup("p4m")
    point = torch.tensor([3, 1])
    assert (group.matrices[1] @ point).tolist() == [-1, 3]
    assert (group.matrices[4] @ point).tolist() == [3, -1]
    assert torch.linalg.det(group.matrices.double()).tolist() == [1] * 4 + [-1] * 4


@pytest.mark.parametrize("points", [5, 6])
def test_the_action_on_grids_is_the_formula_and_a_group(points):
    """(g·u)(x) = ρ(g) u(g⁻¹x) point by point, and g·(h·u) = (gh)·u."""
    group = PlaneGroup("p4m")
    u = torch.randn(2, 4, points, points, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    rho = field_representation(FIELDS, group)
    for g in range(group.order):
        moved = act_on_grid(u, g, group, FIELDS)
        for i in range(points):
            for j in range(points):
                a, b = (group.matrices[g].T @ torch.tensor([i, j]) % points).tolist()
                assert torch.equal(moved[..., i, j], u[..., a, b] @ rho[g].T)
        for h in range(group.order):
            product = int((group.quotients[g] == h).nonzero())  # of g and h
            both = act_on_grid(act_on_grid(u, h, group, FIELDS), g, group, FIELDS)
            assert torch.equal(both, act_on_grid(u, product, group, FIELDS))


def test_a_gradient_turns_as_a_vector_and_a_curl_as_a_pseudoscalar():
    """The derivatives of a turned field are the turned derivatives; as scalars they are not."""
    group, points = PlaneGroup("p4m"), 8
    k = torch.fft.fftfreq(points, 1 / points).double()

    def gradient(f):
        spectrum = torch.fft.fft2(f)
        spectrum[..., points // 2, :] = 0
        spectrum[..., :, points // 2] = 0
        return torch.cat([torch.fft.ifft2(1j * wave * spectrum).real for wave in (k[:, None], k[None, :])], -3)

    def curl(v):
        return gradient(v[..., 1:, :, :])[..., :1, :, :] - gradient(v[..., :1, :, :])[..., 1:, :, :]

    f = torch.randn(1, points, points, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    v = torch.randn(2, points, points, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    for g in range(group.order):
        turned = act_on_grid(f, g, group)
        torch.testing.assert_close(gradient(turned), act_on_grid(gradient(f), g, group, ("vector",)))
        turned = curl(act_on_grid(v, g, group, ("vector",)))
        torch.testing.assert_close(turned, act_on_grid(curl(v), g, group, ("pseudoscalar",)))
        if g >= 4:
            assert not torch.allclose(turned, act_on_grid(curl(v), g, group, ("scalar",)), atol=0.1)


def test_what_is_no_action_is_refused():
    group, act = PlaneGroup("p4"), act_on_grid.__wrapped__
    with pytest.raises(ValueError, match=r"Expected the group to be one of p4, p4m, got 'p6'"):
        PlaneGroup("p6")
    with pytest.raises(ValueError, match=r"Expected an element of p4 in 0 \.\. 3, got 4"):
        act(torch.zeros(1, 4, 4), 4, group)
    with pytest.raises(ValueError, match=r"Expected a square grid, got \(4, 6\)"):
        act(torch.zeros(1, 4, 6), 1, group)
    with pytest.raises(ValueError, match=r"Expected 2 channels for the fields \('vector',\), got 1"):
        act(torch.zeros(1, 4, 4), 1, group, ("vector",))
    with pytest.raises(ValueError, match=r"Expected a tuple of fields, each one of scalar, .*, got \('spinor',\)"):
        field_representation(("spinor",), group)
    with pytest.raises(ValueError, match=r"Expected a tuple of fields, each one of scalar, .*, got \(\)"):
        field_representation((), group)
