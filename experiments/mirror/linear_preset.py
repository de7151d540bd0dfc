"""The sizes of the experiments on linear models with symmetric parametrisations."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Preset:
    """Everything that decides the numbers.

    Attributes:
        features: of the regression; a third of the true coefficients are 0.
        weakest: smallest of the true coefficients that are not 0; they grow by equal factors up to 1.
        size: rows and columns of the factorised matrix.
        smallest_value: smallest singular value of the true matrix; they grow by equal factors up to 1.
        rate: learning rate λ of the regression.
        matrix_rate: of the factorisation.
        steps: of SGD, each on one fresh sample.
        noises: standard deviations σ of the label's noise, with no weight decay.
        decays: strengths 2γ of weight decay as torch.optim.SGD takes it, with the least of the noises.
        zero: size below which a coefficient or singular value counts as vanished.
        samples: that the exponent of collapse is estimated from.
        seeds: of the data and initial factors.
    """

    features: int = 24
    weakest: float = 0.01
    size: int = 8
    smallest_value: float = 0.05
    rate: float = 0.05
    matrix_rate: float = 0.01
    steps: int = 60_000
    noises: tuple[float, ...] = (0.1, 0.5, 1.0, 2.0, 3.0)
    decays: tuple[float, ...] = (0.01, 0.03, 0.1, 0.3)
    zero: float = 1e-6
    samples: int = 4000
    seeds: int = 10

    def settings(self) -> list[tuple[float, float]]:
        """All (σ, 2γ)."""
        return [(noise, 0.0) for noise in self.noises] + [(self.noises[0], decay) for decay in self.decays]


PRESETS = {"laptop": Preset(), "paper": Preset(features=96, size=24, steps=200_000, seeds=20)}
