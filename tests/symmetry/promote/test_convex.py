import cvxpy
import numpy as np
import pytest
import torch

from pdesym.symmetry.functions import Functions, Polynomials
from pdesym.symmetry.promote.admm import Settings
from pdesym.symmetry.promote.candidate import CandidateAlgebra
from pdesym.symmetry.promote.convex import fit_exact, fit_penalised
from pdesym.symmetry.promote.lie_tensors import polynomial_lie_tensor, sampled_lie_tensor
from pdesym.symmetry.promote.recovered import recovered_algebra

N = 4
LIBRARY = Polynomials(N, 2)
SE = CandidateAlgebra.special_euclidean(N)
FINE = Settings(tolerance=1e-9, max_iterations=50_000)


def places(count: int, seed: int = 0, variables: int = N) -> torch.Tensor:
    random = torch.Generator().manual_seed(seed)
    return torch.rand(count, variables, dtype=torch.float64, generator=random) * 2 - 1


TENSOR = polynomial_lie_tensor(LIBRARY, SE, places(LIBRARY.size + 1))


def radial(x: torch.Tensor) -> torch.Tensor:
    """A function of the distance to a centre: so(n) about it, and nothing else, is its algebra in se(n)."""
    centre = torch.tensor([0.3, -0.5, 0.2, 0.7], dtype=torch.float64)
    return (0.4 + 0.8 * (x - centre).square().sum(1)).unsqueeze(1)


def without_symmetry(x: torch.Tensor) -> torch.Tensor:
    weights = torch.randn(LIBRARY.size, dtype=torch.float64, generator=torch.Generator().manual_seed(5))
    return (LIBRARY.evaluate(x) @ weights).unsqueeze(1)


def reference(design, targets, tensors, weights, misfit):
    """The same problem by an interior-point or splitting solver of other people."""
    components = targets.shape[1]
    w = cvxpy.Variable(design.shape[1] * components)
    matrices = [
        np.stack([t.matrix(e).numpy() for e in torch.eye(t.parameters, dtype=torch.float64)], -1) for t in tensors
    ]
    norms = [
        weight * cvxpy.normNuc(cvxpy.reshape(m.reshape(-1, m.shape[-1]) @ w, m.shape[:2], order="C"))
        for m, weight in zip(matrices, weights, strict=True)
    ]
    data = design.numpy() @ cvxpy.reshape(w, (design.shape[1], components), order="C") - targets.numpy()
    if misfit:
        problem = cvxpy.Problem(cvxpy.Minimize(cvxpy.sum_squares(data) / (2 * len(design)) + sum(norms)))
    else:
        problem = cvxpy.Problem(cvxpy.Minimize(sum(norms)), [data == 0])
    problem.solve(solver=cvxpy.SCS, eps_abs=1e-8, eps_rel=1e-8, max_iters=200_000)
    return problem.value, torch.tensor(w.value).reshape(design.shape[1], components)


@pytest.mark.parametrize("samples", [6, 9, 12])
@pytest.mark.parametrize("function", [radial, without_symmetry])
def test_exact_data_have_the_optimum_of_the_reference(function, samples):
    x = places(samples, 1)
    found = fit_exact(LIBRARY.evaluate(x), function(x), [TENSOR], settings=FINE)
    objective, coefficients = reference(LIBRARY.evaluate(x), function(x), [TENSOR], [1.0], misfit=False)
    assert found.converged
    assert found.objective == pytest.approx(objective, rel=1e-5)
    torch.testing.assert_close(found.coefficients, coefficients, rtol=0, atol=1e-3)
    torch.testing.assert_close(LIBRARY.evaluate(x) @ found.coefficients, function(x), rtol=0, atol=1e-10)


@pytest.mark.parametrize("gamma", [1e-3, 0.03])
def test_penalised_noisy_data_have_the_optimum_of_the_reference(gamma):
    x = places(20, 1)
    y = radial(x) + 0.05 * torch.randn(20, 1, dtype=torch.float64, generator=torch.Generator().manual_seed(3))
    found = fit_penalised(LIBRARY.evaluate(x), y, [TENSOR], [gamma], settings=FINE)
    objective, coefficients = reference(LIBRARY.evaluate(x), y, [TENSOR], [gamma], misfit=True)
    assert found.converged
    assert found.objective == pytest.approx(objective, rel=1e-5)
    torch.testing.assert_close(found.coefficients, coefficients, rtol=0, atol=1e-4)


def test_a_sum_over_candidates_has_the_optimum_of_the_reference():
    x = places(8, 1)
    row, column = torch.triu_indices(N, N, offset=1)
    linear = torch.zeros(len(row), N, N, dtype=torch.float64)
    linear[torch.arange(len(row)), row, column] = -1.0
    linear[torch.arange(len(row)), column, row] = 1.0
    algebras = [CandidateAlgebra.of(linear), CandidateAlgebra.translations(N)]
    tensors = [polynomial_lie_tensor(LIBRARY, algebra, places(LIBRARY.size + 1)) for algebra in algebras]
    found = fit_exact(LIBRARY.evaluate(x), radial(x), tensors, [1.0, 0.3], settings=FINE)
    objective, coefficients = reference(LIBRARY.evaluate(x), radial(x), tensors, [1.0, 0.3], misfit=False)
    assert found.converged
    assert found.objective == pytest.approx(objective, rel=1e-5)
    torch.testing.assert_close(found.coefficients, coefficients, rtol=0, atol=1e-3)


def test_functions_to_vectors_have_the_optimum_of_the_reference():
    # Rotations of the plane act on x and on F(x) alike; F turns and stretches, and commutes with them.
    library, x = Polynomials(2, 2), places(4, 1, variables=2)
    turn = torch.tensor([[[0.0, -1.0], [1.0, 0.0]]], dtype=torch.float64)
    algebra = CandidateAlgebra.of(turn, output=turn)
    tensor = polynomial_lie_tensor(library, algebra, places(7, variables=2), components=2)
    y = x @ torch.tensor([[1.5, -0.7], [0.7, 1.5]], dtype=torch.float64).mT
    found = fit_exact(library.evaluate(x), y, [tensor], settings=FINE)
    assert found.converged
    assert found.algebras[0].nullity == 1
    invariant = polynomial_lie_tensor(library, CandidateAlgebra.of(turn), places(7, variables=2), components=2)
    assert fit_exact(library.evaluate(x), y, [invariant], settings=FINE).algebras[0].nullity == 0


def test_the_algebra_of_a_radial_function_is_found_from_fewer_samples_than_coefficients():
    x = places(13, 1)
    found = fit_exact(LIBRARY.evaluate(x), radial(x), [TENSOR])
    unseen = places(50, 2)
    assert len(x) < LIBRARY.size
    torch.testing.assert_close(LIBRARY.evaluate(unseen) @ found.coefficients, radial(unseen), rtol=0, atol=1e-4)
    assert found.algebras[0].nullity == N * (N - 1) // 2
    # Each symmetry leaves the function as it is, by the definition: values along its flow.
    for symmetry in found.algebras[0].symmetries:
        velocity = torch.einsum("k,kij,pj->pi", symmetry, SE.linear, unseen) + symmetry @ SE.shift
        change = radial(unseen + 1e-6 * velocity) - radial(unseen - 1e-6 * velocity)
        assert change.abs().max() < 1e-9


@pytest.mark.parametrize("samples", [9, 12, 15])
def test_data_without_symmetry_do_not_come_out_symmetric(samples):
    x = places(samples, 1)
    found = fit_exact(LIBRARY.evaluate(x), without_symmetry(x), [TENSOR])
    assert found.converged
    assert found.algebras[0].nullity == 0


@pytest.mark.parametrize("tolerance", [1e-3, 1e-4, 1e-5])
@pytest.mark.parametrize(("function", "nullity"), [(radial, N * (N - 1) // 2), (without_symmetry, 0)])
def test_a_loose_fit_counts_the_symmetries_that_it_made(function, nullity, tolerance):
    x = places(13, 1)
    found = fit_exact(LIBRARY.evaluate(x), function(x), [TENSOR], settings=Settings(tolerance=tolerance))
    assert found.converged
    assert found.algebras[0].nullity == nullity == SE.size - len(found.state.split[0].values)


def test_a_constant_has_all_symmetries():
    x = places(3, 1)
    found = fit_exact(LIBRARY.evaluate(x), torch.full((3, 1), 2.0, dtype=torch.float64), [TENSOR])
    assert found.converged
    assert found.algebras[0].nullity == SE.size


@pytest.mark.parametrize("gamma", [1e-8, 1e-2])
@pytest.mark.parametrize("factors", [(-1.0, -1.0, -1.0), (1.0, 2.0, 3.0)])
def test_fields_with_all_symmetries_or_none_are_fitted_at_any_weight(gamma, factors):
    """x' = diag(factors) x against so(3): isotropic fields have no Lie derivative, the others a full one."""
    turns = torch.zeros(3, 3, 3, dtype=torch.float64)
    for k, (i, j) in enumerate(((0, 1), (0, 2), (1, 2))):
        turns[k, i, j], turns[k, j, i] = 1.0, -1.0
    library, x = Polynomials(3, 1), places(30, 1, variables=3)
    algebra = CandidateAlgebra.of(turns, torch.zeros(3, 3, dtype=torch.float64), turns)
    tensor = polynomial_lie_tensor(library, algebra, places(40, 2, variables=3), components=3)
    y = x * torch.tensor(factors, dtype=torch.float64)
    found = fit_penalised(library.evaluate(x), y, [tensor], [gamma])
    assert found.converged
    assert found.algebras[0].nullity == (3 if len(set(factors)) == 1 else 0)
    assert torch.linalg.norm(library.evaluate(x) @ found.coefficients - y) < 2 * gamma**0.5 * torch.linalg.norm(y)


def test_a_larger_penalty_trades_more_misfit_for_more_symmetry():
    x = places(40, 1)
    y = radial(x) + 0.01 * torch.randn(40, 1, dtype=torch.float64, generator=torch.Generator().manual_seed(3))
    path = [fit_penalised(LIBRARY.evaluate(x), y, [TENSOR], [gamma]) for gamma in (1e-5, 1e-3, 1e-1)]
    norms = [found.algebras[0].singular_values.sum().item() for found in path]
    misfits = [(LIBRARY.evaluate(x) @ found.coefficients - y).square().mean().item() for found in path]
    assert all(found.converged for found in path)
    assert norms == sorted(norms, reverse=True)
    assert misfits == sorted(misfits)
    # Noise has no symmetry: with hardly any penalty the fit has none, with enough it has some.
    assert path[0].algebras[0].nullity == 0
    assert path[1].algebras[0].nullity > 0


def test_few_singular_vectors_give_what_all_of_them_give():
    # 55 generators, of which few stay: the steps in between take a subspace.
    n = 10
    library, algebra = Polynomials(n, 2), CandidateAlgebra.special_euclidean(n)
    tensor = polynomial_lie_tensor(library, algebra, places(library.size + 1, 3, n))
    x = places(45, 4, n)
    direction = torch.nn.functional.normalize(torch.arange(1.0, n + 1, dtype=torch.float64), dim=0)
    y = (1 + (x @ direction) + 0.5 * (x @ direction) ** 2).unsqueeze(1)
    partial = fit_exact(library.evaluate(x), y, [tensor], settings=Settings(tolerance=1e-9))
    whole = fit_exact(library.evaluate(x), y, [tensor], settings=Settings(tolerance=1e-9, check_every=1))
    assert partial.converged
    assert whole.converged
    torch.testing.assert_close(partial.coefficients, whole.coefficients, rtol=0, atol=1e-7)
    assert partial.algebras[0].nullity == (n - 1) * n // 2


def test_a_start_changes_the_way_and_not_the_end():
    x = places(12, 1)
    first = fit_exact(LIBRARY.evaluate(x), radial(x), [TENSOR], settings=FINE)
    again = fit_exact(LIBRARY.evaluate(x), radial(x), [TENSOR], settings=FINE, start=first.state)
    assert again.iterations < first.iterations
    torch.testing.assert_close(again.coefficients, first.coefficients, rtol=0, atol=1e-7)


def test_what_did_not_converge_says_so():
    x = places(9, 1)
    found = fit_exact(LIBRARY.evaluate(x), without_symmetry(x), [TENSOR], settings=Settings(max_iterations=3))
    assert found.iterations == 3
    assert not found.converged


@pytest.mark.parametrize("components", [1, 2])
def test_samples_of_lie_derivatives_are_the_exact_ones_at_the_points(components):
    turn = torch.tensor([[[0.0, -1.0], [1.0, 0.0]]], dtype=torch.float64)
    algebra = CandidateAlgebra.of(turn, torch.ones(1, 2, dtype=torch.float64), turn if components == 2 else None)
    library, points = Polynomials(2, 3), places(30, variables=2)
    exact = polynomial_lie_tensor(library, algebra, points, components)
    sampled = sampled_lie_tensor(library, algebra, points, components)
    random = torch.Generator().manual_seed(1)
    c = torch.randn(library.size * components, dtype=torch.float64, generator=random)
    torch.testing.assert_close(
        torch.linalg.svdvals(exact.matrix(c)), torch.linalg.svdvals(sampled.matrix(c)), rtol=1e-12, atol=1e-12
    )
    for tensor in (exact, sampled):
        norm = torch.linalg.matrix_norm(tensor.matrix(c)) ** 2
        torch.testing.assert_close(c @ tensor.normal @ c, norm, rtol=1e-11, atol=1e-12)
        images = tensor.derivatives(c)
        torch.testing.assert_close(tensor.adjoint(tensor.metric(images)), tensor.normal @ c, rtol=1e-10, atol=1e-10)


def test_functions_that_are_no_polynomials_are_promoted_too():
    # sin and cos of both coordinates, from samples of sin(x₁ + x₂), whose symmetry is the translation along (1, −1).
    terms = (
        lambda z: torch.sin(z[:, 0]) * torch.cos(z[:, 1]),
        lambda z: torch.cos(z[:, 0]) * torch.sin(z[:, 1]),
        lambda z: torch.cos(z[:, 0]) * torch.cos(z[:, 1]),
        lambda z: torch.sin(z[:, 0]) * torch.sin(z[:, 1]),
    )
    library, x = Functions(terms, variables=2), places(3, 2, variables=2) * 3
    points = places(200, variables=2) * torch.pi
    tensor = sampled_lie_tensor(library, CandidateAlgebra.translations(2), points)
    found = fit_exact(library.evaluate(x), torch.sin(x.sum(1, keepdim=True)), [tensor], settings=FINE)
    assert found.algebras[0].nullity == 1
    direction = found.algebras[0].symmetries[0].abs()
    torch.testing.assert_close(direction, torch.full((2,), 0.5**0.5, dtype=torch.float64), rtol=0, atol=1e-5)
    mixed = torch.sin(x.sum(1, keepdim=True)) + torch.sin(x[:, :1]) * torch.sin(x[:, 1:])
    assert fit_exact(library.evaluate(x), mixed, [tensor], settings=FINE).algebras[0].nullity == 0


def test_points_that_leave_derivatives_open_are_refused():
    n = 10
    library, se = Polynomials(n, 2), CandidateAlgebra.special_euclidean(n)
    c = torch.randn(library.size, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    enough = polynomial_lie_tensor(library, se, places(library.size, variables=n))
    assert recovered_algebra(enough, c).nullity == 0
    few, twice = places(5, variables=n), places(40, variables=n).repeat(2, 1)
    flat = places(100, variables=n) * torch.tensor([1.0] * 9 + [0.0], dtype=torch.float64)
    for points in (few, twice, flat, few[:0]):
        with pytest.raises(ValueError, match="Expected points that tell 66 functions apart"):
            polynomial_lie_tensor(library, se, points)
        with pytest.raises(ValueError, match="Expected points that tell 66 functions apart"):
            sampled_lie_tensor(library, se, points)
    # Translations lower the degree: as many points as 1, x₁ … x_n are enough.
    line = CandidateAlgebra.translations(n)
    assert recovered_algebra(polynomial_lie_tensor(library, line, places(n + 1, variables=n)), c).nullity == 0
    with pytest.raises(ValueError, match="Expected points that tell 11 functions apart, got 10 points that tell 10"):
        polynomial_lie_tensor(library, line, places(n, variables=n))


def test_candidates_are_orthonormal_whatever_basis_was_given():
    random = torch.Generator().manual_seed(0)
    mix = torch.randn(SE.size, SE.size, dtype=torch.float64, generator=random)
    mixed = CandidateAlgebra.of(torch.einsum("kl,lij->kij", mix, SE.linear), mix @ SE.shift)
    c = torch.randn(LIBRARY.size, dtype=torch.float64, generator=random)
    other = polynomial_lie_tensor(LIBRARY, mixed, places(LIBRARY.size + 1))
    torch.testing.assert_close(torch.linalg.svdvals(other.matrix(c)), torch.linalg.svdvals(TENSOR.matrix(c)))


X = places(4, 1)
DESIGN = LIBRARY.evaluate(X)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: fit_exact(DESIGN, radial(X), []), "Expected at least one Lie tensor"),
        (lambda: fit_exact(DESIGN[:3], radial(X), [TENSOR]), "Expected samples and Lie tensors of one model"),
        (lambda: fit_exact(DESIGN, radial(X).log().log(), [TENSOR]), "Expected finite data"),
        (lambda: fit_exact(DESIGN, radial(X), [TENSOR], [0.0]), "Expected 1 positive weights"),
        (
            lambda: fit_exact(LIBRARY.evaluate(places(30)), places(30)[:, :1] ** 3, [TENSOR]),
            "Expected data that some coefficients reproduce",
        ),
        (lambda: Settings(tolerance=0.0), "Expected a tolerance between 0 and 1"),
        (lambda: Settings(relaxation=2.0), "Expected a relaxation from 1 to 2"),
        (lambda: CandidateAlgebra.of(torch.ones(2, 3, 3)), "Expected generators that move x independently"),
        (lambda: CandidateAlgebra.of(torch.ones(1, 3, 3), torch.ones(2, 3)), r"Expected a shift \(1, 3\)"),
        (lambda: polynomial_lie_tensor(Polynomials(3, 1), SE, X), r"Expected an algebra of motions of R\^3"),
        (
            lambda: polynomial_lie_tensor(
                Polynomials(2, 1),
                CandidateAlgebra.of(torch.ones(1, 2, 2), output=torch.ones(1, 2, 2)),
                X[:, :2],
                components=3,
            ),
            "Expected a function of 2 components",
        ),
        (lambda: sampled_lie_tensor(LIBRARY, SE, X, weights=-X[:, 0].abs()), "Expected 4 positive weights"),
    ],
)
def test_what_cannot_serve_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
