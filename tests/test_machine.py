"""labkit.machine: what a calibration means, and which limits count. Never how fast this machine is."""

import json
import math
import time
from pathlib import Path

import pytest
import torch

from labkit import machine
from labkit.machine import Calibration, Measured

RATES = ("float32", "bfloat16", "bandwidth", "launch")


def round_numbers(**changes):
    """A machine of 100 GFLOP/s (bfloat16: 400), 10 GB/s and one microsecond to start an operation."""
    numbers = {"float32": 1e11, "bfloat16": 4e11, "bandwidth": 1e10, "launch": 1e-6}
    rates = {name: Measured(value, value, value, 3, 1) for name, value in numbers.items()}
    words = {"device": "cpu", "name": "a machine", "threads": 1, "torch": "2.10", "float32_precision": "highest"}
    return Calibration(**{**words, **rates, **changes})


def check_calibration(found, device):
    assert found.device == device
    assert found.threads == torch.get_num_threads()
    for name in RATES:
        measured = getattr(found, name)
        assert 0 < measured.lower <= measured.median <= measured.upper < math.inf
        assert measured.n >= 3
        assert measured.size >= 1
    assert 1e6 < found.float32.median < 1e18
    assert 1e6 < found.bandwidth.median < 1e16
    assert found.launch.median < 0.1


@pytest.fixture(scope="module")
def calibration():
    began, told = time.process_time(), []  # the process's own time: what else runs here must not fail a test
    found = machine.calibrate(0.5, progress=lambda fraction, text: told.append((fraction, text)))
    return found, time.process_time() - began, told


def test_a_calibration_has_its_meaning(calibration):
    check_calibration(calibration[0], "cpu")


def test_the_budget_is_roughly_kept(calibration):
    assert calibration[1] < 5


def test_progress_goes_up_to_one_and_names_what_is_measured(calibration):
    fractions, texts = zip(*calibration[2], strict=True)
    assert list(fractions) == sorted(fractions)
    assert all(0 <= fraction < 1 for fraction in fractions[:-1])
    assert (fractions[-1], texts[-1]) == (1.0, "done")
    assert set(texts[:-1]) <= set(RATES)


def test_a_calibration_survives_json(calibration):
    written = json.dumps(calibration[0].to_json())
    assert Calibration.from_json(json.loads(written)) == calibration[0]


def test_a_foreign_json_is_refused():
    values = round_numbers().to_json()
    with pytest.raises(ValueError, match=r"'extra'.*measure anew"):
        Calibration.from_json({**values, "extra": 1})
    del values["launch"]
    with pytest.raises(ValueError, match=r"'launch'.*measure anew"):
        Calibration.from_json(values)


class FakeClock:
    """A clock that moves only when work is done: every call costs its matrix product, copy or addition."""

    def __init__(self, monkeypatch):
        self.now = 0.0
        monkeypatch.setattr(machine.time, "perf_counter", lambda: self.now)

    def costs(self, monkeypatch, owner, name, seconds):
        plain = getattr(owner, name)

        def counted(*args, **kwargs):
            self.now += seconds(*args)
            return plain(*args, **kwargs)

        monkeypatch.setattr(owner, name, counted)


def test_two_flops_a_multiply_add_two_bytes_a_copied_byte_and_one_launch_each(monkeypatch):
    """On a pretended machine of known rates, which the true arithmetic of small sizes runs under."""
    clock = FakeClock(monkeypatch)
    monkeypatch.setattr(machine, "SIDES", (16, 32, 64))
    monkeypatch.setattr(machine, "COPY_BYTES", 4_000)
    reach = {16: 0.5, 32: 1.0, 64: 0.8}  # the middle side is the fastest
    clock.costs(monkeypatch, torch, "mm", lambda a, b: 2 * len(a) ** 3 / (1e8 * reach[len(a)]))
    clock.costs(monkeypatch, torch.Tensor, "copy_", lambda to, source: 2 * source.nbytes / 1e7)
    clock.costs(monkeypatch, torch, "add", lambda a, b: 1e-4)
    found = machine.calibrate(10)
    assert found.float32.median == pytest.approx(1e8)
    assert found.float32.size == found.bfloat16.size == 32
    assert found.bandwidth.median == pytest.approx(1e7)
    assert found.bandwidth.size == 4_000
    assert found.launch.median == pytest.approx(1e-4)
    assert clock.now == pytest.approx(10, rel=0.2)


def test_a_side_that_would_break_the_budget_is_left_out(monkeypatch):
    clock = FakeClock(monkeypatch)
    monkeypatch.setattr(machine, "SIDES", (16, 32, 2_048))
    monkeypatch.setattr(machine, "COPY_BYTES", 4_000)
    clock.costs(monkeypatch, torch, "mm", lambda a, b: len(a) ** 3 / 1e6)
    clock.costs(monkeypatch, torch.Tensor, "copy_", lambda to, source: 1e-4)
    clock.costs(monkeypatch, torch, "add", lambda a, b: 1e-4)
    assert machine.calibrate(2).float32.size < 2_048
    assert clock.now < 4  # one product of the largest side takes two hours


@pytest.mark.parametrize("seconds", [0, -1, math.nan, math.inf])
def test_no_time_is_refused(seconds):
    with pytest.raises(ValueError, match="a positive number is needed"):
        machine.calibrate(seconds)


@pytest.mark.parametrize("device", ["meta", "cuda:99"])
def test_an_absent_device_is_refused(device):
    with pytest.raises(ValueError, match=f"device {device}: cpu, and cuda where there is one"):
        machine.calibrate(0.1, device=device)


@pytest.mark.gpu
def test_a_gpu_is_calibrated_on_its_own_clock():
    found = machine.calibrate(2.0, device="cuda")
    check_calibration(found, "cuda")
    assert found.name == torch.cuda.get_device_name()
    assert found.bfloat16.median > found.float32.median


def test_the_roofline_by_hand():
    none = {"flops": 0, "bytes_moved": 0, "launches": 0}
    cost = round_numbers()
    assert machine.seconds_for(cost, **none) == 0
    assert machine.seconds_for(cost, flops=1e11, bytes_moved=1e9, launches=0) == pytest.approx(1)
    assert machine.seconds_for(cost, flops=1e10, bytes_moved=1e10, launches=0) == pytest.approx(1)
    assert machine.seconds_for(cost, flops=1e11, bytes_moved=1e10, launches=1e6) == pytest.approx(2)
    assert machine.seconds_for(cost, **{**none, "flops": 4e11}, dtype="bfloat16") == pytest.approx(1)


@pytest.mark.parametrize("what", ["flops", "bytes_moved", "launches"])
def test_more_work_never_takes_less_time(what):
    work = {"flops": 1e9, "bytes_moved": 1e8, "launches": 100}
    times = [machine.seconds_for(round_numbers(), **{**work, what: 10.0**power}) for power in range(13)]
    assert times == sorted(times)
    assert times[-1] > times[0]


def test_impossible_work_is_refused():
    with pytest.raises(ValueError, match="none may be negative"):
        machine.seconds_for(round_numbers(), flops=1, bytes_moved=-1, launches=0)
    with pytest.raises(ValueError, match="'float16' was not measured"):
        machine.seconds_for(round_numbers(), flops=1, bytes_moved=1, launches=0, dtype="float16")


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
