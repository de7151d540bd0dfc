"""Learning symmetries: vector fields that are neural networks, fitted to data, equations and operators."""

from pdesym.symmetry.learn.fit import Fit, LearnSettings
from pdesym.symmetry.learn.flow_score import FlowScore
from pdesym.symmetry.learn.given import relative_breaking
from pdesym.symmetry.learn.learn import learn
from pdesym.symmetry.learn.learned import Learned, ReadOff
from pdesym.symmetry.learn.measure import Measure
from pdesym.symmetry.learn.network import GeneratorNetwork
from pdesym.symmetry.learn.on_shell import OnShellScore
from pdesym.symmetry.learn.operator_score import OperatorScore
from pdesym.symmetry.learn.patches import PatchSource
from pdesym.symmetry.learn.problem import EXACT, LearningProblem, from_operator, from_trajectories
from pdesym.symmetry.learn.scales import Scales
from pdesym.symmetry.learn.solution_frames import SolutionFrames

__all__ = [
    "EXACT",
    "Fit",
    "FlowScore",
    "GeneratorNetwork",
    "LearnSettings",
    "Learned",
    "LearningProblem",
    "Measure",
    "OnShellScore",
    "OperatorScore",
    "PatchSource",
    "ReadOff",
    "Scales",
    "SolutionFrames",
    "from_operator",
    "from_trajectories",
    "learn",
    "relative_breaking",
]
