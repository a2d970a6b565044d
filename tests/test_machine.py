"""labkit.machine: which limits on cores and memory count."""

import math
import subprocess
import sys
from pathlib import Path

import pytest

from labkit import machine

KEEPING = """
import sys
import psutil, torch
from labkit.machine import keep_freed_memory

held = lambda: psutil.Process().memory_info().rss
assert keep_freed_memory() or sys.argv[1] == "plain"
torch.ones(2**26)
before = held()
torch.ones(2**26)
print(before, held())
"""


def control_groups(monkeypatch, tmp_path, own, files):
    """Let machine see `files` below the control groups and `own` as this process's place in them."""
    (tmp_path / "own").write_text(own)
    for name, text in files.items():
        (tmp_path / "groups" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "groups" / name).write_text(text)
    moved = {"/proc/self/cgroup": tmp_path / "own", "/sys/fs/cgroup": tmp_path / "groups"}
    monkeypatch.setattr(machine, "Path", lambda first, *rest: Path(moved.get(first, first), *rest))


def test_limits_of_control_groups_version_2_are_kept_even_from_above(monkeypatch, tmp_path):
    files = {"job/memory.max": "1000000\n", "job/step/memory.max": "max\n", "job/cpu.max": "50000 100000\n"}
    control_groups(monkeypatch, tmp_path, "0::/job/step\n", files)
    assert machine.memory() == (1e6, 1e6)
    assert machine.cores() == 0.5


def test_limits_of_control_groups_version_1_are_kept(monkeypatch, tmp_path):
    files = {
        "memory/memory.limit_in_bytes": "9223372036854771712\n",
        "memory/job/memory.limit_in_bytes": "2000000\n",
        "cpu/job/cpu.cfs_quota_us": "25000\n",
        "cpu/job/cpu.cfs_period_us": "100000\n",
        "cpu/cpu.cfs_quota_us": "-1\n",
        "cpu/cpu.cfs_period_us": "100000\n",
    }
    control_groups(monkeypatch, tmp_path, "4:memory:/job\n1:cpu,cpuacct:/job\n0::/\n", files)
    assert machine.memory() == (2e6, 2e6)
    assert machine.cores() == 0.25


def test_without_control_groups_the_machine_itself_counts(monkeypatch, tmp_path):
    monkeypatch.setattr(machine, "Path", lambda *parts: tmp_path / "absent")
    total, available = machine.memory()
    assert 0 < available <= total < math.inf
    assert machine.cores() >= 1


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's malloc is Linux's")
def test_freed_memory_is_kept_where_that_can_be_set():
    code = KEEPING.replace("keep_freed_memory() or ", "")  # a process that keeps nothing, to compare with
    told = {}
    for name, script in (("kept", KEEPING), ("plain", code)):
        command = [sys.executable, "-c", script, name]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
        told[name] = int(done.stdout.split()[0])
    assert told["kept"] - told["plain"] > 2**27, "a quarter of a gigabyte was freed and is still there"
