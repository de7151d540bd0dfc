"""Solution maps whose algebras are known, and where they show within a window."""

from pdesym.solvers import burgers, heat, kdv, ks

# name → (equation, length, largest wavenumber, algebra, what is none of it)
KNOWN = {
    "heat": (
        heat(0.1), 40.0, 1.3,
        ["d_x", "d_t", "u*d_u", "x*d_x + 2*t*d_t", "0.2*t*d_x - x*u*d_u", "d_u", "x*d_u", "(x**2 + 0.2*t)*d_u"],
        "t*d_x + d_u",
    ),
    "burgers": (
        burgers(0.1), 40.0, 1.3,
        ["d_x", "d_t", "t*d_x + d_u", "x*d_x + 2*t*d_t - u*d_u", "x*t*d_x + t**2*d_t + (x - t*u)*d_u"],
        "u*d_u",
    ),
    "kdv": (kdv(), 80.0, 1.0, ["d_x", "d_t", "t*d_x + d_u", "x*d_x + 3*t*d_t - 2*u*d_u"], "x*d_x + 2*t*d_t - u*d_u"),
    "ks": (ks(), 40.0, 1.3, ["d_x", "d_t", "t*d_x + d_u"], "x*d_x + 4*t*d_t - 3*u*d_u"),
}  # fmt: skip
