"""One trial of polynomial recovery: the least number of samples from which a function is found."""

import time
from dataclasses import asdict
from typing import Any

import torch

from experiments.unified.polynomials_problem import Problem, Row
from pdesym.symmetry.promote.admm import Settings, State
from pdesym.symmetry.promote.convex import Promoted, fit_exact
from pdesym.symmetry.promote.lie_tensors import polynomial_lie_tensor
from pdesym.symmetry.promote.recovered import recovered_algebra

# Largest error of a coefficient relative to the largest coefficient: below it the function is recovered.
RECOVERED = 5e-3
# Errors settle long before residuals do. A fit is first made to the coarse tolerance, and goes on to the fine one where
# its error is within a factor 2.5 of the line between found and not found.
COARSE = Settings(tolerance=3e-4, max_iterations=1000)
FINE = Settings(tolerance=5e-5, max_iterations=2000)
NEAR = 2.5


def run_trial(row: Row, seed: int, problem: Problem) -> dict[str, Any]:
    """N*, found by bisection, with every fit that was made on the way.

    Bisection is right: the models that meet N + 1 samples are among those that meet N, so that F, where it is the most
    symmetric of these, is the most symmetric of those. 1 sample counts as too few and one more than coefficients as
    enough, untested, as in the released study. A fit starts where the one before it ended, which saves iterations; its
    minimiser does not depend on it.

    `symmetries_found` counts the singular values that thresholding had made zero when the fit with N* samples ended.
    Next to the line a function is often found to 5e-3 before it is exactly symmetric, and the count then falls short
    of `symmetries`.
    """
    wall, cpu = time.monotonic(), time.process_time()
    library = row.library
    tensor = polynomial_lie_tensor(library, row.candidate, problem.points)
    design = library.evaluate(problem.x)
    low, high = 1, library.size + 1
    fits: list[dict[str, Any]] = []
    start: State | None = None
    best: Promoted | None = None

    def fit(samples: int, settings: Settings, start: State | None) -> Promoted:
        return fit_exact(design[:samples], problem.y[:samples], [tensor], settings=settings, start=start)

    def error_of(found: Promoted) -> float:
        apart = (found.coefficients[:, 0] - problem.coefficients).abs().max() / problem.coefficients.abs().max()
        return apart.item()

    while high - low > 1:
        samples = (low + high) // 2
        began = time.process_time()
        found, iterations = fit(samples, COARSE, start), 0
        if RECOVERED / NEAR < error_of(found) < RECOVERED * NEAR:
            iterations, found = found.iterations, fit(samples, FINE, found.state)
        start = found.state
        if error_of(found) < RECOVERED:
            high, best = samples, found
        else:
            low = samples
        fits.append(
            {
                "samples": samples,
                "error": error_of(found),
                "objective": found.objective,
                "iterations": iterations + found.iterations,
                "refined": iterations > 0,
                "primal_residual": found.primal_residual,
                "dual_residual": found.dual_residual,
                "converged": found.converged,
                "cpu_seconds": round(time.process_time() - began, 3),
            }
        )
    spent = time.process_time() - cpu
    true = recovered_algebra(tensor, problem.coefficients)
    return {
        **asdict(row),
        "seed": seed,
        "size": library.size,
        "n_star": high,
        "symmetries": true.nullity,
        "symmetries_found": None if best is None else tensor.generators - len(best.state.split[0].values),
        "true_objective": true.singular_values.sum().item(),
        "fits": fits,
        "converged": all(fit["converged"] for fit in fits),
        "cpu_seconds": round(spent, 3),
        "wall_seconds": round(time.monotonic() - wall, 3),
        "threads": torch.get_num_threads(),
    }


def settings() -> dict[str, Any]:
    """What a trial runs with, for the results."""
    return {"recovered": RECOVERED, "near": NEAR, "coarse": asdict(COARSE), "fine": asdict(FINE)}
