"""labkit.machine: what the doctor says, and what a calibration means. Never how fast this machine is."""

import json
import math
import time
from pathlib import Path

import pytest
import torch

from labkit import machine
from labkit.machine import Calibration, Finding, Measured

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


def finding(name, **options):
    return next(found for found in machine.doctor(**options) if found.name == name)


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
    gpus = [one for one in machine.doctor() if one.name.startswith("GPU")]
    assert len(gpus) == torch.cuda.device_count()
    assert torch.cuda.get_device_name() in gpus[0].value


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


def test_the_doctor_looks_at_everything():
    findings = machine.doctor()
    names = {found.name for found in findings}
    assert {"python", "cores", "torch threads", "memory", "attention matrix", "disk", *machine.PACKAGES} <= names
    assert any(name.startswith("GPU") for name in names)
    assert {found.verdict for found in findings} <= {"ok", "slow", "missing", "broken"}
    assert all(found.value and bool(found.advice) == (found.verdict != "ok") for found in findings)


@pytest.mark.parametrize("name", ["anywidget", "timm", "torch"])
def test_the_doctor_goes_on_when_a_package_is_missing(monkeypatch, name):
    plain = machine.version

    def version(asked):
        if asked == name:
            raise machine.PackageNotFoundError(asked)
        return plain(asked)

    monkeypatch.setattr(machine, "version", version)
    assert finding(name)[1:3] == ("not installed", "missing")
    assert machine.PACKAGES[name] in finding(name).advice
    assert finding("numpy").verdict == "ok"


def test_the_doctor_sees_an_old_torch_and_a_package_that_does_not_load(monkeypatch):
    def refuse(name):
        raise RuntimeError("operator torchvision::nms does not exist")

    monkeypatch.setattr(machine, "version", lambda name: "2.9.1+cpu")
    monkeypatch.setattr(machine.importlib, "import_module", refuse)
    assert finding("torch").verdict == "broken"
    assert finding("torchvision").verdict == "broken"
    assert "nms does not exist" in finding("torchvision").advice
    monkeypatch.setattr(machine, "version", lambda name: "2.10.0")
    assert finding("torch").verdict == "ok"


def environment(folder, **packages):
    room = folder / "lib" / "python3.11" / "site-packages"
    for name, number in packages.items():
        info = room / f"{name}-{number}.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name.replace('_', '-')}\nVersion: {number}\n")
    return folder


def test_the_doctor_compares_the_kernel_with_its_server(monkeypatch, tmp_path):
    here = {name: machine.version(name) for name in machine.FRONT_ENDS}
    other = environment(tmp_path / "other", jupyterlab="4.4.0", **{**here, "anywidget": "0.0.1"})
    monkeypatch.setattr(machine, "_server_folder", lambda: other)
    found = finding("anywidget, server")
    assert found.verdict == "broken"
    assert found.value == f"0.0.1 in the server, {here['anywidget']} in the kernel"
    assert "plotly, server" not in {one.name for one in machine.doctor()}
    bare = environment(tmp_path / "bare", jupyterlab="4.4.0")
    monkeypatch.setattr(machine, "_server_folder", lambda: bare)
    assert finding("plotly, server").verdict == finding("jupyterlab_widgets, server").verdict == "missing"
    same = environment(tmp_path / "same", jupyterlab="4.4.0", **here)
    monkeypatch.setattr(machine, "_server_folder", lambda: same)
    assert finding("server and kernel").verdict == "ok"


@pytest.mark.parametrize(
    ("available", "large"), [(10**12, ""), (5 * 10**9, "1"), (10**8, "2, 1"), (10**5, "16, 8, 4, 2, 1")]
)
def test_the_attention_matrix_that_does_not_fit_is_named(available, large):
    found = machine._attention(available, "memory")
    assert "p = 1: 10,070.5 MB" in found.value  # 50,176 tokens, squared, four bytes each
    assert found.verdict == ("slow" if large else "ok")
    assert found.advice.startswith(f"p = {large} does not fit") if large else not found.advice


def test_little_of_anything_is_said(monkeypatch, tmp_path):
    monkeypatch.setattr(machine, "memory", lambda: (2 * 10**9, 10**9))
    monkeypatch.setattr(machine, "cores", lambda: 0.5)
    monkeypatch.setattr(machine.torch, "get_num_threads", lambda: 8)
    monkeypatch.setattr(machine.torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(machine.shutil, "disk_usage", lambda folder: machine.shutil._ntuple_diskusage(1e9, 1e9, 0.0))
    found = {one.name: one for one in machine.doctor(folder=tmp_path)}
    verdicts = {name: found[name].verdict for name in ("memory", "cores", "torch threads", "attention matrix", "disk")}
    assert verdicts == {
        "memory": "slow",
        "cores": "slow",
        "torch threads": "slow",
        "attention matrix": "slow",
        "disk": "broken",
    }
    assert "set_num_threads(1)" in found["torch threads"].advice
    assert found["GPU"].verdict in ("slow", "broken")


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


def test_the_table_is_markdown_whatever_the_cells_hold():
    table = machine.as_table([Finding("a|b", "two\nlines", "ok"), Finding("c", "1", "slow", "do x")])
    assert table.splitlines() == [
        "| name | value | verdict | advice |",
        "| --- | --- | --- | --- |",
        r"| a\|b | two lines | ok |  |",
        "| c | 1 | slow | do x |",
    ]
