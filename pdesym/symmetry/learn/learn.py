"""Learning in memory; `pdesym.training.learn_generators` does the same with progress and checkpoints."""

from pdesym.solvers.threads import one_thread
from pdesym.symmetry.learn.fit import Fit, LearnSettings
from pdesym.symmetry.learn.learned import Learned
from pdesym.symmetry.learn.problem import LearningProblem

_DEFAULT = LearnSettings()


def learn(problem: LearningProblem, settings: LearnSettings = _DEFAULT) -> Learned:
    """Vector fields fitted to a problem, and how many of them are symmetries.

    Args:
        problem: of `from_trajectories` or `from_operator`.
        settings: how to fit.

    Raises:
        FloatingPointError: when the loss is no longer finite.
    """
    with one_thread():
        fit = Fit(problem.score, problem.measure, settings)
        for _ in range(settings.steps):
            fit.step()
        return Learned.of(fit, problem)
