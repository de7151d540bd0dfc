"""The sizes of the experiment on sparse Fourier modes."""

from dataclasses import asdict, dataclass

from experiments.forecasting.settings import fingerprint
from pdesym.operators import FNOConfig
from pdesym.training import TrainingSettings


@dataclass(frozen=True)
class Preset:
    """Everything that decides the numbers, apart from arm and seed.

    Attributes:
        viscosity: ν of Burgers' equation, dimensionless.
        duration: T, dimensionless.
        points: of the grid on the circle of length 2π.
        finer: times as many points on which the equation is solved.
        waves: highest wavenumber of u₀.
        train: pairs to train on.
        validation: pairs that choose the strengths.
        test: pairs that are scored.
        modes: highest wavenumber in the operator.
        width: of the operator.
        layers: of the operator.
        steps: of the first phase, in which constraints act.
        tuning: steps of the second phase, with what was removed left at 0.
        batch: pairs in a step.
        rate: peak of the learning rate in the first phase.
        tuning_rate: in the second.
        per_mode: strengths κ with a unit for each Fourier mode of a layer.
        per_part: strengths κ with a unit for each real number, the real or imaginary part of a weight.
        decayed_per_mode: the ladder per mode where plain weight decay acts as well.
        decays: strengths of the plain decay γ/2 Σ|W|² of the spectral weights, of which validation chooses one.
        size_mode: of a mode's gate where its weights are 0 (`pdesym.symmetry.mirror.constrain`).
        size_part: the same of a part's factors.
        tolerance_mode: modes up to this size, relative to the largest, are removed.
        tolerance_part: the same of parts, of which there are two thousand in a mode.
        seeds: of weights and batches.
    """

    viscosity: float = 0.05
    duration: float = 1.0
    points: int = 128
    finer: int = 2
    waves: int = 8
    train: int = 512
    validation: int = 256
    test: int = 512
    modes: int = 32
    width: int = 32
    layers: int = 4
    steps: int = 1200
    tuning: int = 400
    batch: int = 16
    rate: float = 4e-3
    tuning_rate: float = 1e-3
    per_mode: tuple[float, ...] = (1e-5, 3e-5, 1e-4)
    per_part: tuple[float, ...] = (1e-7, 3e-7)
    decayed_per_mode: tuple[float, ...] = (3e-5,)
    decays: tuple[float, ...] = (1e-6, 1e-5, 1e-4)
    size_mode: float = 0.125
    size_part: float = 0.03125
    tolerance_mode: float = 1e-4
    tolerance_part: float = 1e-5
    seeds: tuple[int, ...] = (0, 1, 2)

    def operator(self, seed: int) -> FNOConfig:
        """The operator before training."""
        return FNOConfig(1, 1, 1, self.modes, self.width, self.layers, seed=seed)

    def first(self, seed: int) -> TrainingSettings:
        """How the first phase is trained."""
        return self._settings(self.steps, self.rate, seed)

    def second(self, seed: int) -> TrainingSettings:
        """How the second phase is trained."""
        return self._settings(self.tuning, self.tuning_rate, seed + 1000)

    def whole(self, seed: int) -> TrainingSettings:
        """As many steps as both phases in one."""
        return self._settings(self.steps + self.tuning, self.rate, seed)

    def strengths(self, per: str) -> tuple[float, ...]:
        """The ladder of κ with a unit per mode or per part."""
        return self.per_mode if per == "mode" else self.per_part

    def tolerance(self, per: str) -> float:
        """Relative size up to which units are removed."""
        return self.tolerance_mode if per == "mode" else self.tolerance_part

    def size(self, per: str) -> float:
        """Of the factors of what is 0."""
        return self.size_mode if per == "mode" else self.size_part

    def folder(self) -> str:
        """A name that changes with anything but the ladders and seeds: trainings of other sizes are others."""
        ladders = {"per_mode": None, "per_part": None, "decayed_per_mode": None, "decays": None, "seeds": None}
        return fingerprint({**asdict(self), **ladders})

    def _settings(self, steps: int, rate: float, seed: int) -> TrainingSettings:
        return TrainingSettings(
            steps=steps,
            batch=self.batch,
            learning_rate=rate,
            weight_decay=0.0,
            seed=seed,
            log_every=max(steps // 4, 1),
            checkpoint_every=max(steps // 2, 100),
            keep_checkpoints=1,
        )


PRESETS = {
    "laptop": Preset(),
    "narrow": Preset(modes=24),
    "paper": Preset(train=4096, test=1024, steps=20_000, tuning=5_000, width=48, batch=32, rate=2e-3),
}
