"""Functions and kernels that commute with a group: known dimensions, the definition, and controls."""

import functools

import pytest
import torch

from pdesym.symmetry.enforce import (
    OnPolynomials,
    PointAction,
    affine_action,
    directions,
    equivariant_functions,
    equivariant_kernels,
    euclidean,
    general_linear,
    hyperoctahedral,
    kernel_action,
    linear_action,
    orthogonal,
    scalings,
    special_euclidean,
    special_orthogonal,
    symmetric,
    translations,
)
from pdesym.symmetry.functions import Functions, Polynomials


def weighted(exponent):
    def weight(group):
        return group.representation(torch.full((1, 1, 1), float(exponent)), torch.zeros(0, 1, 1))

    return weight


def scalar(group):
    return group.scalar


def vector(group):
    return group.vector


def own(group):
    return linear_action(group.vector)


SE, E, SO = special_euclidean, euclidean, special_orthogonal
KERNELS = [
    # group, points, ρ_out, ρ_in of each argument, degree, the number of independent kernels
    (translations(1), affine_action, scalar, [scalar], 4, 5),  # powers of x − y
    (scalings(1), own, weighted(1), [weighted(0)], 4, 1),  # homogeneous of degree b_out − b_in − 1
    (scalings(1), own, weighted(2), [weighted(0)], 4, 2),
    (scalings(1), own, weighted(4), [weighted(1)], 4, 3),
    (scalings(1), own, weighted(3), [weighted(0), weighted(0)], 3, 3),  # degree b_out − b_in − 2, of three variables
    (SO(2), own, scalar, [scalar], 2, 5),
    (SE(2), affine_action, scalar, [scalar], 2, 2),
    (SE(2), affine_action, scalar, [scalar], 4, 3),
    (SE(2), affine_action, directions, [directions], 2, 6),
    (E(2), affine_action, directions, [directions], 2, 3),
    (SE(2), affine_action, directions, [scalar], 2, 2),
    (E(2), affine_action, scalar, [scalar, scalar], 2, 4),  # of x − y and x − z: 1 and three inner products
    (SE(2), affine_action, scalar, [directions, directions], 0, 2),  # F·G and F × G
    (hyperoctahedral(1), own, scalar, [scalar], 2, 4),  # even
    (hyperoctahedral(1), own, vector, [scalar], 2, 2),  # odd
]


def name(case):
    group, _, _, inputs, degree, dimension = case
    return f"{group.name}-{len(inputs)}-{degree}-{dimension}"


def spaces(case):
    group, act, rep_out, reps_in, _, _ = case
    action = act(group)
    return action, [action] * len(reps_in), rep_out(group), [rep(group) for rep in reps_in]


def difference(space, action, values, word, points):
    """F(g x) − ρ(g) F(x), relative, for every basis function."""
    linear, shift = action.affine(word)
    turned = torch.einsum("ab,rkb->rka", values.matrix(word), space.evaluate(points).flatten(2))
    moved = space.evaluate(points @ linear.T + shift).flatten(2)
    return (moved - turned).flatten(1).norm(dim=1) / (moved.flatten(1).norm(dim=1) + turned.flatten(1).norm(dim=1))


@pytest.mark.parametrize("case", KERNELS, ids=name)
def test_the_kernels_of_known_dimension_commute_with_random_elements(case):
    group, *_, degree, dimension = case
    action, actions, rep_out, reps_in = spaces(case)
    library = Polynomials(action.dimension * (1 + len(actions)), degree)
    found = equivariant_kernels(library, action, actions, rep_out, reps_in)
    assert found.dimension == dimension
    assert found.null_space.gap > 1e10

    rng = torch.Generator().manual_seed(0)
    points = torch.randn(20, library.variables, generator=rng, dtype=torch.float64)
    joint, values = kernel_action(action, actions, rep_out, reps_in)
    coefficients = torch.randn(1, *found.basis.shape[1:], generator=rng, dtype=torch.float64)
    other = type(found)(library, coefficients, found.null_space)
    broken = []
    for _ in range(4):
        word = group.random_element(rng, size=0.4)
        assert difference(found, joint, values, word, points).amax() <= 1e-10
        broken.append(float(difference(other, joint, values, word, points)))
    assert max(broken) > 0.05


@pytest.mark.parametrize("case", [KERNELS[i] for i in (0, 2, 6, 8, 9, 13)], ids=name)
def test_at_sample_points_the_same_kernels_are_found(case):
    *_, degree, dimension = case
    action, actions, rep_out, reps_in = spaces(case)
    exact = Polynomials(2 * action.dimension, degree)
    arguments = (action, actions, rep_out, reps_in)
    terms = [
        lambda z, e=e: torch.stack([z[:, j] ** n for j, n in enumerate(e)]).prod(0) for e in exact.exponents.tolist()
    ]
    points = torch.randn(200, 2 * action.dimension, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    weights = torch.rand(200, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    sampled = equivariant_kernels(Functions(tuple(terms), 2 * action.dimension), *arguments, points, weights)
    assert sampled.dimension == dimension
    known = equivariant_kernels(exact, *arguments).basis.flatten(1)
    together = torch.cat([known, sampled.basis.flatten(1)])
    assert torch.linalg.matrix_rank(together, rtol=1e-9) == dimension
    values = sampled.evaluate(points) * (weights / 200).sqrt()[:, None, None]
    gram = torch.einsum("rkab,skab->rs", values, values)
    assert torch.allclose(gram, torch.eye(dimension, dtype=torch.float64), atol=1e-9)


def test_the_lie_derivative_of_a_kernel_is_the_formula_by_automatic_differentiation():
    group = special_euclidean(2)
    action, turn = affine_action(group), directions(group)
    library, rng = Polynomials(4, 3), torch.Generator().manual_seed(0)
    c = torch.randn(4 * library.size, generator=rng, dtype=torch.float64)
    joint, values = kernel_action(action, [action], turn, [turn])
    acting = values * OnPolynomials(group, joint, library)

    def kernel(z):
        return (c.reshape(2, 2, -1) * library.evaluate(z[None])[0]).sum(-1)

    z = torch.randn(4, generator=rng, dtype=torch.float64)
    for i in range(3):
        phi, a, b = turn.generators()[i], action.linear[i], action.shift[i]
        _, along = torch.func.jvp(kernel, (z,), (torch.cat([a @ z[:2] + b, a @ z[2:] + b]),))
        formula = phi @ kernel(z) - kernel(z) @ phi - kernel(z) * a.trace() - along
        ours = (acting.drho(i, c[:, None]).reshape(2, 2, -1) * library.evaluate(z[None])[0]).sum(-1)
        assert torch.allclose(ours, formula, atol=1e-10)


@pytest.mark.parametrize(("inputs", "b_out"), [(1, 3.0), (2, 4.5)])
def test_the_integral_operator_itself_commutes_with_scalings(inputs, b_out):
    # (g F)(y) = e^(b t) F(e^(−t) y); the density that dy brings is in the kernel's law.
    group, b_in, t = scalings(1), (1.0, 0.5)[:inputs], 0.3
    action = linear_action(group.vector)
    reps = [weighted(b)(group) for b in b_in]
    degree = 3
    found = equivariant_kernels(
        Polynomials(1 + inputs, degree), action, [action] * inputs, weighted(b_out)(group), reps
    )
    y = torch.linspace(-9, 9, 151, dtype=torch.float64)
    x = torch.tensor([-0.7, 0.4, 1.3], dtype=torch.float64)
    z = torch.cartesian_prod(x, *[y] * inputs)

    def fields(scale):
        return [scale**b * torch.exp(-((y / scale - 0.3 * j) ** 2)) for j, b in enumerate(b_in, 1)]

    def integral(coefficients, scale, stretch):
        points = torch.cat([z[:, :1] * stretch, z[:, 1:]], 1)
        kernel = coefficients @ Polynomials(1 + inputs, degree).evaluate(points).T
        product = functools.reduce(torch.outer, fields(scale)) if inputs == 2 else fields(scale)[0]
        return kernel.reshape(len(x), -1) @ product.flatten() * (y[1] - y[0]) ** inputs

    def defect(coefficients):
        g = torch.tensor(t, dtype=torch.float64).exp()
        after, before = g**b_out * integral(coefficients, 1.0, 1 / g), integral(coefficients, g, 1.0)
        return float((after - before).norm() / after.norm())

    assert found.dimension == (2 if inputs == 1 else 3)
    for member in found.basis.reshape(found.dimension, -1):
        assert defect(member) <= 1e-10
    assert defect(torch.ones(found.basis.shape[-1], dtype=torch.float64)) > 0.05


FUNCTIONS = [
    # group, ρ of the values, degree, the number of independent functions
    (special_orthogonal(3), scalar, 4, 3),  # 1, |x|², |x|⁴
    (special_orthogonal(3), vector, 3, 2),  # x, |x|² x
    (orthogonal(2), vector, 3, 2),
    (special_orthogonal(2), vector, 3, 4),
    (general_linear(2), vector, 2, 1),
    (symmetric(4), scalar, 3, 7),  # partitions of 0, 1, 2, 3: 1 + 1 + 2 + 3
    (symmetric(3), vector, 1, 3),  # 1, Σ x, x
    (hyperoctahedral(2), scalar, 4, 4),
]


@pytest.mark.parametrize("method", ["dense", "krylov"])
@pytest.mark.parametrize("case", FUNCTIONS, ids=lambda case: f"{case[0].name}-{case[2]}-{case[3]}")
def test_functions_of_known_dimension_commute_with_random_elements(case, method):
    group, values, degree, dimension = case
    action, values = linear_action(group.vector), values(group)
    found = equivariant_functions(Polynomials(action.dimension, degree), action, values, method=method)
    assert found.dimension == dimension
    rng = torch.Generator().manual_seed(0)
    points = torch.randn(30, action.dimension, generator=rng, dtype=torch.float64)
    for _ in range(4):
        assert difference(found, action, values, group.random_element(rng, size=0.4), points).amax() <= 1e-10


def test_functions_that_are_no_polynomials():
    group = special_orthogonal(2)
    radius = functools.partial(torch.linalg.vector_norm, dim=1)
    terms = (lambda x: radius(x), lambda x: torch.sin(radius(x)), lambda x: torch.sin(x[:, 0]), lambda x: x[:, 1] ** 3)
    points = torch.randn(50, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    found = equivariant_functions(Functions(terms, 2), linear_action(group.vector), group.scalar, points)
    assert found.dimension == 2
    assert found.basis[..., 2:].abs().amax() < 1e-12
    # All of them invariant: singular values are rounding alone, and count as such.
    everything = equivariant_functions(Functions(terms[:2], 2), linear_action(group.vector), group.scalar, points)
    assert everything.dimension == 2


def test_functions_that_a_translation_leaves_alone_are_not_taken_for_special_points():
    """sin² x, x and 1 do not know y: rounding in the coefficient of y is no motion."""
    terms = (
        lambda x: x[:, 0],
        lambda x: x[:, 1],
        lambda x: torch.sin(x[:, 0]) ** 2,
        lambda x: torch.ones_like(x[:, 0]),
    )
    along = translations(1)
    action = PointAction(
        along,
        torch.zeros(1, 2, 2).double(),
        torch.tensor([[0.0, 1.0]]).double(),
        torch.zeros(0, 2, 2).double(),
        torch.zeros(0, 2).double(),
    )
    for seed in range(3):
        points = torch.randn(40, 2, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
        assert equivariant_functions(Functions(terms, 2), action, along.scalar, points).dimension == 3


SO2 = special_orthogonal(2)
PLANE, LIBRARY = linear_action(SO2.vector), Functions((lambda x: x[:, 0], lambda x: x[:, 1]), 2)
POINTS = torch.randn(6, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
ERRORS = {
    "variables": (lambda: equivariant_functions(Polynomials(3, 1), PLANE, SO2.scalar), "a library of 2 variables"),
    "no points": (lambda: equivariant_functions(LIBRARY, PLANE, SO2.scalar), "Expected sample points for a library"),
    "few points": (
        lambda: equivariant_functions(LIBRARY, PLANE, SO2.scalar, POINTS[:1]),
        "Expected 2 functions that are independent on the points, got 1 points",
    ),
    "dependent": (
        lambda: equivariant_functions(Functions(LIBRARY.terms * 2, 2), PLANE, SO2.scalar, POINTS),
        "Expected 4 functions that are independent",
    ),
    "weights": (
        lambda: equivariant_functions(LIBRARY, PLANE, SO2.scalar, POINTS, -torch.ones(6)),
        "Expected 6 weights that are not negative",
    ),
    "points on a line": (
        lambda: equivariant_functions(
            Functions((lambda x: x[..., 0] ** 2, lambda x: x[..., 0] ** 4), 2),
            PLANE,
            SO2.scalar,
            torch.stack([torch.linspace(-1, 1, 50, dtype=torch.float64), torch.zeros(50, dtype=torch.float64)], 1),
        ),
        "symmetric that are not beside them: spread the points",
    ),
    "no input": (
        lambda: equivariant_kernels(Polynomials(2, 1), PLANE, [], SO2.scalar, []),
        "Expected an action on points and a representation for each input, got 0 and 0",
    ),
    "not affine": (lambda: affine_action(SO2), r"Expected matrices \[\[R, b\], \[0, 1\]\]"),
    "no directions": (lambda: directions(SO2), r"Expected matrices \[\[R, b\], \[0, 1\]\]"),
}


@pytest.mark.parametrize(("make", "message"), ERRORS.values(), ids=ERRORS)
def test_what_does_not_fit_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
