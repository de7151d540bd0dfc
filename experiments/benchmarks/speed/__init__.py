"""Parts of `solvers.py`: the problems, their truths, the clock, the other tools, one module for each row."""
