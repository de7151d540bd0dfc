"""Learning vector fields with progress, checkpoints, and results that are kept on disk."""

import hashlib
import json
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from pdesym.operators import load_weights, save_operator
from pdesym.operators.storage import LAST, WEIGHTS, last_checkpoint, read_config
from pdesym.solvers.threads import one_thread
from pdesym.symmetry.learn import Fit, GeneratorNetwork, Learned, LearningProblem, LearnSettings, Scales
from pdesym.training.checkpoint import held, load_checkpoint, save_checkpoint
from pdesym.training.metrics import MetricsLog
from pdesym.training.progress import steps_shown

GENERATORS = "generators"
_DEFAULT = LearnSettings()
_KEEP = 2
# Pieces of data by which a problem is told from others.
_PROBED = 4


def learn_generators(
    problem: LearningProblem,
    settings: LearnSettings = _DEFAULT,
    directory: str | Path | None = None,
    *,
    checkpoint_every: int = 20,
    progress: bool = True,
) -> Learned:
    """`learn`, with progress; with a folder also with a log, checkpoints, and the vector fields for later.

    A run that was killed at any moment and started again by the same call ends with the same weights, bit for bit on a
    CPU with the same number of threads. `load_generators` opens what the folder holds at the end.

    Args:
        problem: of `from_trajectories` or `from_operator`.
        settings: how to fit.
        directory: folder of the run, made where it is missing; None keeps nothing.
        checkpoint_every: steps between two checkpoints.
        progress: whether to show it, as a bar on a terminal and as plain lines elsewhere.

    Raises:
        ValueError: when the folder holds a run on other data or with other settings, or a damaged checkpoint.
        RuntimeError: when another process learns into the folder.
        FloatingPointError: when the loss is no longer finite; checkpoints written before stay.
    """
    if checkpoint_every < 1:
        raise ValueError(f"Expected at least 1 step between checkpoints, got {checkpoint_every}.")
    run = None if directory is None else Path(directory)
    with held(run) if run is not None else nullcontext(), one_thread():
        fit = Fit(problem.score, problem.measure, settings)
        identity = {"learning": {**settings.model_dump(), "subject": problem.subject, "data": _digest(problem)}}
        if run is not None:
            _resume(run, fit, identity)
        log = MetricsLog(run, fit.done) if run is not None else None
        with steps_shown(progress, "learning generators", fit.done, settings.steps) as advance:
            while fit.done < settings.steps:
                report = fit.step()
                advance(1)
                if log is not None:
                    log.write({"step": fit.done, **report})
                if run is not None and (fit.done == settings.steps or fit.done % checkpoint_every == 0):
                    save_checkpoint(run, fit.network, fit.done, fit.state(), identity, _KEEP)
        learned = Learned.of(fit, problem)
        if run is not None:
            _write(run / GENERATORS, learned)
    return learned


def load_generators(directory: str | Path) -> GeneratorNetwork:
    """The symmetries that a finished run in a folder learned, a family for `augment`.

    Raises:
        FileNotFoundError: when the folder holds no finished run.
        ValueError: when a file is damaged, or no symmetry was learned.
    """
    folder = Path(directory) / GENERATORS
    if not folder.is_dir():
        raise FileNotFoundError(
            f"There are no learned generators in {directory}: learn_generators writes them at its end, repeat its call."
        )
    found = read_config(folder)["learned"]
    if not found["dimension"]:
        raise ValueError(f"No symmetry was learned in {directory}: the least level is {found['levels'][0]:.2g}.")
    written: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in found["scales"].items()}
    scales = Scales(**written)
    network = GeneratorNetwork(scales, len(found["levels"]), found["width"], found["branch"])
    load_weights(network, folder / WEIGHTS)
    return network.selected(range(found["dimension"]))


def _write(folder: Path, learned: Learned) -> None:
    network = learned.network
    record = {
        "subject": learned.problem.subject,
        "dimension": learned.dimension,
        "levels": learned.levels,
        "tolerance": learned.problem.tolerance,
        "flags": learned.flags,
        "scales": asdict(network.scales),
        "width": network.joint_in.shape[0],
        "branch": network.branches[0].shape[0],
    }
    save_operator(network, folder, learned=record)


def _resume(run: Path, fit: Fit, identity: dict[str, Any]) -> None:
    if not (run / LAST).exists():
        return
    saved = read_config(last_checkpoint(run)).get("learning", {})
    for key, value in json.loads(json.dumps(identity["learning"])).items():
        if saved.get(key) != value:
            raise ValueError(
                f"The run in {run} was started with {key} = {saved.get(key)}, got {value}: give the same to continue "
                "it, or take another folder."
            )
    fit.resume(load_checkpoint(run, fit.network))


def _digest(problem: LearningProblem) -> str:
    """A short hash of the points of the measure, and of what the scores say of vector fields that a seed draws."""
    parts = (problem.measure.t, problem.measure.u)
    fields = b"".join(part.cpu().contiguous().numpy().tobytes() for part in parts)
    probe = GeneratorNetwork(problem.measure.scales, 1, 2, 1).to(problem.measure.u.device)
    said = [f"{problem.tolerance:g}"]
    with torch.no_grad():
        for score in (problem.score, problem.held_out):
            levels = score.levels(probe, problem.measure, torch.arange(min(score.pieces, _PROBED)))
            said += [type(score).__name__, str(score.pieces), f"{float(levels[0]):.5g}"]
    return hashlib.sha256(fields + " ".join(said).encode()).hexdigest()[:16]
