"""The sizes of the experiment on turned flows."""

from dataclasses import dataclass

from pdesym.operators import FNOConfig, GroupFNOConfig
from pdesym.training import TrainingSettings

FIELDS = ("pseudoscalar",)


@dataclass(frozen=True)
class Preset:
    """Everything that decides the numbers, apart from the seed of an arm.

    Attributes:
        points: of the grid along both axes.
        dt: time step of the solver.
        frames: of a trajectory, one a unit of time, from 0 on.
        train: trajectories to train on.
        validation: trajectories that choose the learning rate.
        test: trajectories that are scored, once.
        first: frame from which a forecast starts.
        blocks: steps of a forecast.
        modes: highest wavenumber in the operators.
        widths: of the operators, which gives them equal numbers of parameters.
        layers: of the operators.
        steps: of a training.
        batch: windows in a step.
        rates: peaks of the learning rate, of which each operator takes its best.
        seeds: of weights and windows; the first one chooses the learning rate.
    """

    points: int = 64
    dt: float = 0.025
    frames: int = 13
    train: int = 64
    validation: int = 12
    test: int = 24
    first: int = 2
    blocks: int = 8
    modes: int = 12
    widths: tuple[tuple[str, int], ...] = (("fno", 20), ("p4", 10), ("p4m", 7))
    layers: int = 4
    steps: int = 600
    batch: int = 8
    rates: tuple[float, ...] = (2e-3, 6e-3)
    seeds: tuple[int, ...] = (0, 1, 2)

    def operator(self, name: str, seed: int, increment: float) -> FNOConfig | GroupFNOConfig:
        """The operator of an arm before training: "fno", or the one that commutes with a group."""
        width = dict(self.widths)[name]
        if name == "fno":
            return FNOConfig(1, 1, 1, self.modes, width, self.layers, 2, seed, increment)
        return GroupFNOConfig(1, 1, FIELDS, name, self.modes, width, self.layers, seed, increment)

    def settings(self, rate: float, seed: int) -> TrainingSettings:
        """How an arm is trained."""
        return TrainingSettings(
            steps=self.steps,
            batch=self.batch,
            learning_rate=rate,
            seed=seed,
            log_every=max(self.steps // 20, 1),
            checkpoint_every=max(self.steps // 6, 50),
        )


PRESETS = {
    "laptop": Preset(),
    "paper": Preset(
        points=128,
        dt=0.0125,
        train=1024,
        validation=64,
        test=128,
        modes=24,
        widths=(("fno", 40), ("p4", 20), ("p4m", 14)),
        steps=20_000,
        batch=32,
        rates=(1e-3, 2e-3, 4e-3),
    ),
}
