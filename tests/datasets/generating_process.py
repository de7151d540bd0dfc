"""Run as a script: on a line of input forks a process that generates a dataset, on the next says how it ended.

Everything slow is imported once; the forked process starts at once and may be killed at any moment of its work. The
first line names the folder.

    python generating_process.py RECIPE WORKERS|SCHEDULER
"""

import os
import sys

import counted_solving

from pdesym.datasets.generation import generate
from pdesym.datasets.recipe import load_recipe


def main() -> None:
    """Answers the lines in turn with a process id and with the wait status of that process."""
    recipe, engine = load_recipe(sys.argv[1]), sys.argv[2]
    how = {"workers": int(engine)} if engine.isdigit() else {"scheduler": engine}
    print("ready", flush=True)
    while folder := sys.stdin.readline().strip():
        child = os.fork()
        if child == 0:
            os.environ[counted_solving.LOG] = f"{folder}.log"
            generate(recipe, folder, progress=False, **how)
            os._exit(0)
        print(child, flush=True)
        sys.stdin.readline()  # until then the process keeps its id, even when it has ended
        print(os.waitpid(child, 0)[1], flush=True)


if __name__ == "__main__":
    main()
