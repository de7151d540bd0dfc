"""Libraries of scalar functions of x in R^n, in which a model F = W D(x) is linear in its coefficients W."""

from pdesym.symmetry.functions.function_library import FunctionLibrary
from pdesym.symmetry.functions.given_functions import Functions
from pdesym.symmetry.functions.polynomials import Polynomials

__all__ = ["FunctionLibrary", "Functions", "Polynomials"]
