import pytest

# Short waves on a small torus, tiny operators: the loop whole, in seconds.
TINY = (
    "dataset.grid.points=64",
    "dataset.grid.length=32.0",
    "dataset.initial.waves=[1]",
    "dataset.times.first=0.5",
    "dataset.times.last=20.0",
    "dataset.times.count=40",
    "dataset.splits.train=4",
    "dataset.splits.valid=0",
    "dataset.splits.test=4",
    "dataset.rtol=1e-4",
    "model.modes=6",
    "model.width=8",
    "model.layers=2",
    "training.steps=8",
    "training.log_every=2",
    "training.checkpoint_every=2",
    "learning.steps=2",
    "learning.copies=2",
    "forecast.start=0",
    "forecast.blocks=2",
    "defects.windows=2",
    "defects.start=0",
    "defects.rtol=1e-8",
    "discovery.windows=2",
    "discovery.start=0",
    "discovery.libraries=[{degree: 1, space: false}]",
)


@pytest.fixture(scope="session")
def tiny():
    return TINY
