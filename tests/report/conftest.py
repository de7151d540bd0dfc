"""Result files as a run of the lab leaves them, their numbers from seeded formulas."""

import json
import math
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from pdesym.report import write_page

GENERATORS = [
    {"text": "u*d_u", "meaning": "amplitude scaling", "symmetry": False},
    {"text": "d_x", "meaning": "x-translation", "symmetry": True},
    {"text": "t*d_x + d_u", "meaning": "Galilean boost", "symmetry": True},
    {"text": "t*d_x - d_u", "meaning": "boost with the wrong sign", "symmetry": False},
]
LEVELS = {
    "exact solver": (0.41, 3.1e-15, 2.7e-11, 0.83),
    "plain FNO": (0.46, 4.3e-7, 0.33, 0.97),
    "boosted FNO": (0.42, 5.1e-7, 0.021, 0.84),
}
OPERATORS = ("plain FNO", "boosted FNO")
SEEDS = (0, 1)


def soliton(x, t, speed, length):
    distance = (x - speed * t + length / 2) % length - length / 2
    return 3 * speed / np.cosh(0.5 * math.sqrt(speed) * distance) ** 2


def example() -> dict[str, np.ndarray]:
    x = np.arange(64) * 2.0
    times = 44.0 + 0.4 * np.arange(70)
    t_pred = times[20:60]
    truth = soliton(x, times[:, None], 0.5, 128.0) - 0.2
    late = (t_pred - t_pred[0])[:, None]
    return {
        "x": x,
        "times": times,
        "truth": truth,
        "t_pred": t_pred,
        "prediction/plain FNO": truth[20:60] + 0.02 * late * np.sin(x / 5),
        "prediction/boosted FNO": (truth[20:60] + 0.01 * late * np.cos(x / 5)).astype(np.float32),
    }


def discovery(name: str, source: str, dimension: int, floor: float) -> dict:
    spectrum = np.sort(np.concatenate([floor * np.linspace(0.2, 0.9, dimension), np.linspace(0.1, 1.2, 9 - dimension)]))
    return {
        "name": name,
        "source": source,
        "subject": name,
        "generators": ["d_x", "d_t", "t*d_x + d_u"][:dimension],
        "superposition": [],
        "dimension": dimension,
        "spectrum": spectrum.tolist(),
        "floor": floor,
        "last_zero": spectrum[dimension - 1],
        "first_other": spectrum[dimension],
        "error": None if source == "equation" else floor / 2,
        "rule": f"values up to {floor:g} are zero",
        "flags": ["unclear: the dimension may be wrong"] if floor > 0.01 else [],
    }


def found() -> list[dict]:
    return [
        discovery("equation", "equation", 3, 2.2e-13),
        discovery("exact solver", "operator", 3, 5e-3),
        discovery("plain FNO", "operator", 2, 0.04),
        discovery("boosted FNO", "operator", 3, 0.06),
    ]


def documents() -> dict[str, dict]:
    random = np.random.default_rng(0)
    arms, training = [], []
    for seed in SEEDS:
        for operator, level in zip(OPERATORS, (1.0, 0.6), strict=True):
            per_frame = level * 1e-3 * np.exp(np.linspace(0, 4, 40)) * random.uniform(0.8, 1.2, 40)
            arms.append(
                {
                    "operator": operator,
                    "seed": seed,
                    "steps": 1000,
                    "parameters": 412884,
                    "train_seconds": random.uniform(40, 50),
                    "nmse_unrolled": per_frame.sum(),
                    "nmse_first_block": per_frame[:20].mean(),
                    "nmse_per_frame": per_frame.tolist(),
                    "nmse_per_sample": (per_frame.sum() * random.lognormal(0, 0.5, 128)).tolist(),
                }
            )
            loss = np.exp(-np.arange(0, 1000, 10) / 200) * random.uniform(0.9, 1.1, 100)
            training.append(
                {"operator": operator, "seed": seed, "steps": list(range(0, 1000, 10)), "loss": loss.tolist()}
            )
    ratios = [
        {"seed": seed, "value": arms[2 * seed + 1]["nmse_unrolled"] / arms[2 * seed]["nmse_unrolled"]} for seed in SEEDS
    ]
    operators = []
    for name, levels in LEVELS.items():
        spread = 0.0 if name == "exact solver" else 0.1
        cells = {
            generator["text"]: {"mean": mean, "low": mean * (1 - spread), "high": mean * (1 + spread)}
            for generator, mean in zip(GENERATORS, levels, strict=True)
        }
        nmse = [arm["nmse_unrolled"] for arm in arms if arm["operator"] == name]
        operators.append({"name": name, "nmse": float(np.mean(nmse)) if nmse else None, "defects": cells})
    return {
        "forecast": {
            "metric": "NMSE: Σ over the frames of mean (prediction - truth)² / mean truth².",
            "times": example()["t_pred"].tolist(),
            "arms": arms,
            "ratios": [
                {
                    "operator": "boosted FNO",
                    "seeds": ratios,
                    "mean": float(np.mean([ratio["value"] for ratio in ratios])),
                }
            ],
        },
        "defects": {
            "metric": "Relative defect δ = ‖dF Q - Q F‖ / √(‖dF Q‖² + ‖Q F‖²).",
            "maximum": math.sqrt(2),
            "windows": 64,
            "generators": [dict(generator) for generator in GENERATORS],
            "operators": operators,
        },
        "learning": {
            "method": "Vector fields of level < 0.02 are symmetries.",
            "runs": [
                {
                    "seed": seed,
                    "equation": "identified from the data: u_t = -u_xxx & more",
                    "dimension": 3,
                    "levels": [1.1e-4, 2.2e-4, 3.3e-4, 0.71, 1.9],
                    "tolerance": 0.02,
                    "generators": ["d_x", "d_t", "t*d_x + d_u"],
                    "angle": 0.012 + seed,
                    "accepted": 0.97,
                    "frames": 0.9,
                    "flags": ["unclear: it may be broken"] if seed else [],
                }
                for seed in SEEDS
            ],
        },
        "discovery": {
            "method": "Singular values of the condition dF·Q = Q F < 1.",
            "windows": 8,
            "libraries": [
                {"name": "polynomials of degree 1 in time & the fields", "columns": 9, "sources": found()},
                {"name": "polynomials of degree 1 in time, space & the fields", "columns": 12, "sources": found()},
            ],
        },
        "data": {
            "equation": "u_t = -u*u_x - u_xxx",
            "formula": "uₜ + u uₓ + uₓₓₓ = 0",
            "parameters": {},
            "grid": {"points": 64, "length": 128.0},
            "splits": {"train": 32, "valid": 16, "test": 128},
            "rtol": 1e-6,
            "largest_error": 7.4e-7,
            "steps": {"smallest": 1204, "largest": 29500},
            "seconds": 21.4,
        },
        "training": {"arms": training},
        "run": {
            "versions": {"python": "3.11.9", "torch": "2.13.0"},
            "threads": 2,
            "seconds": {"data": 21.4, "training": 168.2},
            "recipe": {"name": "kdv", "grid": {"points": 64}, "seeds": [0, 1]},
            "command": "pdesym lab --out runs/lab",
        },
    }


def write_results(folder: Path, contents: dict[str, dict], arrays: dict[str, np.ndarray]) -> Path:
    (folder / "results").mkdir(parents=True)
    for name, content in contents.items():
        (folder / "results" / f"{name}.json").write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
    np.savez(folder / "results" / "example.npz", **arrays)
    return folder


@pytest.fixture
def contents():
    """The JSON files as dictionaries, for a test to spoil."""
    return documents()


@pytest.fixture
def arrays():
    return example()


@pytest.fixture
def folder(tmp_path, contents, arrays):
    """A run's folder with all result files and no page."""
    return write_results(tmp_path / "run", contents, arrays)


@pytest.fixture(scope="session")
def report(tmp_path_factory):
    """A run's folder with its page, not to be changed."""
    folder = write_results(tmp_path_factory.mktemp("report") / "run", documents(), example())
    path = write_page(folder)
    return SimpleNamespace(folder=folder, path=path, text=path.read_text(encoding="utf-8"), contents=documents())


@pytest.fixture
def write_run():
    """Writes result files, spoiled ones for instance, into a new folder."""
    return write_results


@pytest.fixture(scope="session")
def run_documents():
    """Makes the JSON files as dictionaries."""
    return documents


@pytest.fixture(scope="session")
def run_example():
    """Makes the arrays of the example."""
    return example
