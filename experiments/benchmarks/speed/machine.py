"""One thread, and what the numbers were measured on."""

import os
import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = ("pdesym", "torch", "numpy", "scipy", "numba", "exponax", "jax", "jaxlib", "py-pde")
THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")


def one_thread() -> None:
    """Starts this program again on one processor with one thread for every library, unless that is how it runs.

    XLA takes as many threads as there are processors to run on; the other libraries read their variable as they are
    imported.
    """
    if len(os.sched_getaffinity(0)) == 1 and all(os.environ.get(name) == "1" for name in THREADS):
        return
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    os.execve(sys.executable, [sys.executable, *sys.argv], os.environ | dict.fromkeys(THREADS, "1"))


def facts() -> dict[str, object]:
    """Versions, processor and load."""
    return {
        "processor": _processor(),
        "processors": os.cpu_count(),
        "load": [round(each, 2) for each in os.getloadavg()],
        "python": platform.python_version(),
        "versions": {name: found for name in PACKAGES if (found := _version(name))},
    }


def missing() -> list[str]:
    """The other tools that are not installed."""
    return [name for name in ("exponax", "py-pde") if not _version(name)]


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()
