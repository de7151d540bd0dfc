"""Training of operators: losses, one loop that resumes exactly, checkpoints, and long rollouts with their error."""

from pdesym.training.batches import Augmentation, RandomWindows, TrainingWindows, draw_batch
from pdesym.training.checkpoint import load_checkpoint, save_checkpoint
from pdesym.training.devices import local_device
from pdesym.training.learning import learn_generators, load_generators
from pdesym.training.loop import TrainingRun, train
from pdesym.training.losses import mean_squared_error, normalised_mean_squared_error, relative_l2
from pdesym.training.metrics import read_metrics
from pdesym.training.moved_pool import MovedPool
from pdesym.training.moving_windows import MovingWindows
from pdesym.training.parallel import Training, train_in_parallel
from pdesym.training.rollout import UnrolledError, unroll, unrolled_nmse
from pdesym.training.settings import TrainingSettings
from pdesym.training.symmetry_promotion import SymmetryPromotion
from pdesym.training.tangent_targets import TangentTargets

__all__ = [
    "Augmentation",
    "MovedPool",
    "MovingWindows",
    "RandomWindows",
    "SymmetryPromotion",
    "TangentTargets",
    "Training",
    "TrainingRun",
    "TrainingSettings",
    "TrainingWindows",
    "UnrolledError",
    "draw_batch",
    "learn_generators",
    "load_checkpoint",
    "load_generators",
    "local_device",
    "mean_squared_error",
    "normalised_mean_squared_error",
    "read_metrics",
    "relative_l2",
    "save_checkpoint",
    "train",
    "train_in_parallel",
    "unroll",
    "unrolled_nmse",
]
