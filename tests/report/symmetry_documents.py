"""Symmetry algebras as the JSON of `determine` and `discover` has them, written by hand."""

import numpy as np

KDV = ["d_x", "d_t", "t*d_x + d_u", "x*d_x + 3*t*d_t - 2*u*d_u"]


def constants(brackets, size):
    """cᵢⱼᵏ as [i][j][k] from {(i, j): {k: number}} with i < j, counted from 1."""
    table = [[[0] * size for _ in range(size)] for _ in range(size)]
    for (i, j), combination in brackets.items():
        for k, number in combination.items():
            table[i - 1][j - 1][k - 1] = number
            table[j - 1][i - 1][k - 1] = f"-{number}" if isinstance(number, str) else -number
    return table


def determined():
    return {
        "equation": "u_t = -a*u*u_x - u_xxx",
        "dimension": 4,
        "coordinates": ["x"],
        "fields": ["u"],
        "parameters": ["a"],
        "generators": KDV,
        "structure_constants": constants({(1, 4): {1: 1}, (2, 3): {1: "a"}, (2, 4): {2: 3}, (3, 4): {3: -2}}, 4),
        "closure": 0,
        "structure": {
            "solvable": True,
            "nilpotent": False,
            "semisimple": False,
            "derived_series": [4, 3, 1, 0],
            "lower_central_series": [4, 3, 3],
            "killing_rank": 1,
            "center": [],
        },
        "ideal": {"direction": "alpha*d_u", "equation": "alpha_t = -alpha_xxx"},
        "families": [],
        "special": [
            {
                "condition": "a = 0",
                "algebra": {"dimension": 1, "generators": ["u*d_u"]},
                "closure": 0,
                "ideal": None,
                "families": [{"text": "f(t)*d_t with any function f(t)"}],
                "note": "",
            },
            {
                "condition": "a = 5",
                "algebra": {"dimension": 7, "generators": ["u*d_u"]},
                "closure": 0.7,
                "ideal": None,
                "families": [],
                "note": "",
            },
            {"condition": "a = 9", "algebra": None, "closure": None, "ideal": None, "families": [], "note": "no text"},
        ],
        "degree": 2,
    }


def discovered(source="equation", dimension=4, floor=2.2e-13, low=1e-16, subject="u_t = -u*u_x - u_xxx"):
    algebra = determined()
    spectrum = [low * (1 + k) for k in range(dimension)] + np.geomspace(1e-2, 1.2, 30 - dimension).tolist()
    return {
        **{key: algebra[key] for key in ("dimension", "coordinates", "fields", "parameters", "generators")},
        **{key: algebra[key] for key in ("structure_constants", "closure", "structure")},
        "dimension": dimension,
        "source": source,
        "subject": subject,
        "superposition": [],
        "spectrum": spectrum,
        "floor": floor,
        "margin": None if floor is None else 1e-2 / floor,
        "rule": "exact source: what lies below the floor is zero",
        "closed_forms": "accepted: fractions",
        "uncertainty": 1e-11,
        "library": ["d_x"] * 30,
        "flags": [],
        "residual": None,
    }
