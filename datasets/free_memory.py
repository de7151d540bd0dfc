"""How much memory there is to use."""

import os
from pathlib import Path

import torch

_CGROUP = Path("/sys/fs/cgroup")


def free_memory(device: torch.device | str = "cpu") -> int:
    """Bytes that can be taken on a device without anything being swapped out: what the system says is available.

    In a container, at most what it may still take.
    """
    device = torch.device(device)
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    return min(_available(), _left_to_the_group())


def _available() -> int:
    try:
        for entry in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
            if entry.startswith("MemAvailable:"):
                return int(entry.split()[1]) * 1024
    except OSError:  # a system without /proc
        pass
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2


def _left_to_the_group() -> int:
    try:
        most = (_CGROUP / "memory.max").read_text(encoding="ascii").strip()
        used = int((_CGROUP / "memory.current").read_text(encoding="ascii"))
        cached = dict(line.split() for line in (_CGROUP / "memory.stat").read_text(encoding="ascii").splitlines())
        return 2**63 if most == "max" else max(int(most) - used + int(cached.get("inactive_file", 0)), 0)
    except (OSError, ValueError):
        return 2**63
