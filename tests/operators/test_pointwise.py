import pytest
import torch
from torch import nn

from pdesym.operators import Pointwise, fno, replace_pointwise_convolutions


@pytest.mark.parametrize("bias", [True, False])
def test_it_is_the_convolution(bias, device):
    torch.manual_seed(0)
    convolution = nn.Conv1d(3, 5, 1, bias=bias).double().to(device)
    u = torch.randn(2, 3, 7, dtype=torch.float64, device=device)
    torch.testing.assert_close(Pointwise(convolution)(u), convolution(u), rtol=0, atol=1e-14)


def test_wider_convolutions_stay():
    module = nn.Sequential(nn.Conv1d(2, 2, 1), nn.Sequential(nn.Conv1d(2, 2, 3), nn.Conv1d(2, 2, 1)))
    names = list(module.state_dict())
    replace_pointwise_convolutions(module)
    kinds = [type(child) for child in (module[0], *module[1])]
    assert kinds == [Pointwise, nn.Conv1d, Pointwise]
    assert list(module.state_dict()) == names


def test_an_fno_has_no_convolution_but_the_spectral():
    assert not any(isinstance(module, nn.Conv1d) for module in fno(2, 2, modes=2, width=4).modules())
