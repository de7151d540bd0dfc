import math

import pytest
import torch

from pdesym.symmetry.functions import FunctionLibrary, Functions, Polynomials

CASES = [(1, 0), (1, 4), (2, 3), (3, 2), (4, 1)]


def points(n: int, count: int = 7) -> torch.Tensor:
    return torch.rand(count, n, dtype=torch.float64, generator=torch.Generator().manual_seed(n)) * 2 - 1


def affine_fields(n: int, count: int = 3) -> tuple[torch.Tensor, torch.Tensor]:
    random = torch.Generator().manual_seed(10 + n)
    draw = torch.randn(count, n, n + 1, dtype=torch.float64, generator=random)
    return draw[..., :n], draw[..., n]


def test_the_order_is_graded_and_lexicographic():
    assert Polynomials(2, 2).exponents.tolist() == [[0, 0], [1, 0], [0, 1], [2, 0], [1, 1], [0, 2]]


@pytest.mark.parametrize(("n", "degree"), CASES)
def test_monomials_are_powers_of_the_coordinates(n, degree):
    library, x = Polynomials(n, degree), points(n)
    expected = (x.unsqueeze(1) ** library.exponents).prod(-1)
    assert library.size == len(library.exponents) == math.comb(n + degree, n)
    assert len(set(map(tuple, library.exponents.tolist()))) == library.size
    torch.testing.assert_close(library.evaluate(x), expected, rtol=1e-14, atol=1e-14)


@pytest.mark.parametrize(("n", "degree"), CASES)
def test_the_jacobian_is_the_derivative(n, degree):
    library, x = Polynomials(n, degree), points(n)
    expected = torch.func.vmap(torch.func.jacrev(lambda z: library.evaluate(z.unsqueeze(0))[0]))(x)
    torch.testing.assert_close(library.jacobian(x), expected, rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize(("n", "degree"), CASES)
def test_lie_matrices_are_the_derivative_along_the_field(n, degree):
    library, x = Polynomials(n, degree), points(n)
    linear, shift = affine_fields(n)
    field = torch.einsum("qjk,pk->qpj", linear, x) + shift.unsqueeze(1)
    expected = torch.einsum("pij,qpj->qpi", library.jacobian(x), field)
    matrices = library.lie_matrices(linear, shift)
    got = torch.einsum("qij,pj->qpi", matrices, library.evaluate(x))
    torch.testing.assert_close(got, expected, rtol=1e-12, atol=1e-12)
    if degree > 0:
        wrong = torch.einsum("qij,pj->qpi", library.lie_matrices(linear.mT, -shift), library.evaluate(x))
        assert (wrong - expected).abs().max() > 0.1


def test_lie_matrices_are_an_anti_homomorphism_of_brackets():
    # Row i holds the image of function i, so that products of matrices stand in the opposite order.
    library = Polynomials(3, 3)
    linear, shift = affine_fields(3, 2)
    (a, b), (s, t) = linear, shift
    both = library.lie_matrices(linear, shift)
    derivations = both[1] @ both[0] - both[0] @ both[1]
    bracket = library.lie_matrices((b @ a - a @ b).unsqueeze(0), (b @ s - a @ t).unsqueeze(0))[0]
    torch.testing.assert_close(derivations, bracket, rtol=1e-11, atol=1e-11)


def test_the_sparse_form_holds_only_what_a_rotation_moves():
    n = 6
    library, linear = Polynomials(n, 2), torch.zeros(1, n, n, dtype=torch.float64)
    linear[0, 0, 1], linear[0, 1, 0] = 1, -1
    sparse = library.sparse_lie_matrices(linear, torch.zeros(1, n, dtype=torch.float64))
    # x₁, x₂; x₁², x₂², two of x₁x₂; x₁x_k and x₂x_k for the other k.
    assert sparse._nnz() == 2 + 4 + 2 * (n - 2)
    assert sparse.to_dense().equal(library.lie_matrices(linear, torch.zeros(1, n, dtype=torch.float64)))


def test_given_functions_agree_with_the_same_polynomials():
    library, x = Polynomials(2, 2), points(2)
    given = Functions(
        (
            lambda z: torch.ones_like(z[:, 0]),
            lambda z: z[:, 0],
            lambda z: z[:, 1],
            lambda z: z[:, 0] ** 2,
            lambda z: z[:, 0] * z[:, 1],
            lambda z: z[:, 1] ** 2,
        ),
        variables=2,
    )
    assert given.size == library.size
    assert isinstance(given, FunctionLibrary)
    assert isinstance(library, FunctionLibrary)
    torch.testing.assert_close(given.evaluate(x), library.evaluate(x))
    torch.testing.assert_close(given.jacobian(x), library.jacobian(x))


def test_given_functions_need_not_be_polynomials():
    given, x = Functions((lambda z: torch.sin(3 * z[:, 1]),), variables=2), points(2)
    expected = torch.stack([torch.zeros(7, dtype=torch.float64), 3 * torch.cos(3 * x[:, 1])], dim=1)
    torch.testing.assert_close(given.jacobian(x)[:, 0], expected)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_values_have_the_dtype_of_the_points(dtype):
    x = points(3).to(dtype)
    for library in (Polynomials(3, 2), Functions((lambda z: z[:, 2].exp(),), variables=3)):
        assert library.evaluate(x).dtype == library.jacobian(x).dtype == dtype


def test_values_can_be_differentiated_at_the_origin():
    x = torch.zeros(1, 2, dtype=torch.float64, requires_grad=True)
    Polynomials(2, 3).evaluate(x).sum().backward()
    assert x.grad.tolist() == [[1.0, 1.0]]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Polynomials(0, 2), "Expected at least one variable and a degree"),
        (lambda: Polynomials(2, -1), "Expected at least one variable and a degree"),
        (lambda: Polynomials(2, 1).evaluate(torch.rand(4, 3)), r"Expected real points of shape \(points, 2\)"),
        (lambda: Functions((), 1), "Expected at least one function"),
        (lambda: Functions((torch.sin,), 0), "Expected at least one variable"),
        (lambda: Functions((torch.sin,), 1).evaluate(torch.rand(4, 1)), "Expected function 0 to return shape"),
        (
            lambda: Polynomials(2, 1).lie_matrices(torch.zeros(1, 3, 3), torch.zeros(1, 3)),
            r"Expected fields A \(q, 2, 2\)",
        ),
    ],
)
def test_what_cannot_serve_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
