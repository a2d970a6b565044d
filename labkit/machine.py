"""The machine below the lessons: how many cores and how much memory a process may really use, and what it does with
memory that it has freed."""

import ctypes
import os
import sys
from pathlib import Path, PurePosixPath

import psutil


def cores() -> float:
    """How many cores this process may use: its affinity, and the share its control group allows (Linux)."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    shares = [words for words in _group("cpu.max") if words[0] != "max"]
    quotas, periods = _group("cpu.cfs_quota_us", "cpu"), _group("cpu.cfs_period_us", "cpu")
    shares += [[quota, period] for (quota,), (period,) in zip(quotas, periods, strict=False) if int(quota) > 0]
    return min([float(allowed), *(int(quota) / int(period) for quota, period in shares)])


def memory() -> tuple[int, int]:
    """Bytes of memory in total and available, within what the control group allows; its other users are not seen."""
    told = [*_group("memory.max"), *_group("memory.limit_in_bytes", "memory")]
    limits = [int(limit) for (limit,) in told if limit != "max"]
    host = psutil.virtual_memory()
    return min([host.total, *limits]), min([host.available, *limits])


M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4  # of glibc's mallopt


def keep_freed_memory() -> bool:
    """Let this process keep the memory that it frees, for its next tensor. Otherwise glibc hands large blocks back to
    the system and fetches them again, page by page, which takes longer than many a pass over them, and on a shared
    machine now this long, now that. Whether it could be set: it is a matter of Linux with glibc. Used in lesson 03."""
    if sys.platform != "linux":
        return False
    library = ctypes.CDLL(None)
    return hasattr(library, "mallopt") and bool(
        library.mallopt(M_MMAP_MAX, 0) and library.mallopt(M_TRIM_THRESHOLD, -1)
    )


def _group(file: str, controller: str = "") -> list[list[str]]:
    """The words in `file` of this process's control group and of those above it; no controller means version 2."""
    own = Path("/proc/self/cgroup")
    lines = [line.split(":", 2) for line in own.read_text().splitlines()] if own.exists() else []
    paths = [PurePosixPath(path) for _, controllers, path in lines if controller in controllers.split(",")]
    folders = [Path("/sys/fs/cgroup", controller, *step.parts[1:]) for path in paths for step in (path, *path.parents)]
    return [(folder / file).read_text().split() for folder in folders if (folder / file).is_file()]
