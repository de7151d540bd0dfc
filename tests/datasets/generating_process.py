"""Run as a script: on a line of input forks a process that generates a dataset, on the next says how it ended.

Everything slow is imported once; the forked process starts at once and may be killed at any moment of its work.

    python generating_process.py RECIPE FOLDER WORKERS
"""

import os
import sys

from pdesym.datasets.generation import generate
from pdesym.datasets.recipe import load_recipe


def main() -> None:
    """Answers the lines in turn with a process id and with the wait status of that process."""
    recipe, folder, workers = load_recipe(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    print("ready", flush=True)
    while sys.stdin.readline():
        child = os.fork()
        if child == 0:
            generate(recipe, folder, progress=False, workers=workers)
            os._exit(0)
        print(child, flush=True)
        sys.stdin.readline()  # until then the process keeps its id, even when it has ended
        print(os.waitpid(child, 0)[1], flush=True)


if __name__ == "__main__":
    main()
