"""labkit.cost.calibration: what a calibration means and what is foreseen from it. Never how fast this machine is."""

import json
import math
import time

import pytest
import torch

from labkit.cost import calibration as ours
from labkit.cost.calibration import Calibration, Measured
from labkit.cost.roofline import at_size, seconds_for

RATES = ("float32", "bfloat16", "bandwidth", "exponentials", "launch")
CURVES = ("float32_sides", "bfloat16_sides", "passes")


def round_numbers(**changes):
    """A machine of 100 GFLOP/s (bfloat16: 400), 10 GB/s, a billion exponentials and one microsecond to start an
    operation; at small sides and large results each rate is a tenth."""
    numbers = {"float32": 1e11, "bfloat16": 4e11, "bandwidth": 1e10, "exponentials": 1e9, "launch": 1e-6}
    rates = {name: Measured(value, value, value, 3, 1) for name, value in numbers.items()}
    for name, sizes in (("float32", (10, 1000)), ("bfloat16", (10, 1000)), ("bandwidth", (10**8, 10**6))):
        curve = [Measured(v, v, v, 3, size) for v, size in zip((numbers[name] / 10, numbers[name]), sizes, strict=True)]
        rates["passes" if name == "bandwidth" else f"{name}_sides"] = tuple(sorted(curve, key=lambda one: one.size))
    words = {"device": "cpu", "name": "a machine", "threads": 1, "torch": "2.10", "float32_precision": "highest"}
    return Calibration(**{**words, **rates, **changes})


def check_calibration(found, device):
    assert found.device == device
    assert found.threads == torch.get_num_threads()
    curves = [one for name in CURVES for one in getattr(found, name)]
    for measured in [*(getattr(found, name) for name in RATES), *curves]:
        assert 0 < measured.lower <= measured.median <= measured.upper < math.inf
        assert measured.n >= 3
        assert measured.size >= 1
    assert 1e6 < found.float32.median < 1e18
    assert 1e6 < found.bandwidth.median < 1e16
    assert found.launch.median < 0.1
    for name in CURVES:
        sizes = [one.size for one in getattr(found, name)]
        assert len(sizes) >= 2
        assert sizes == sorted(set(sizes))


@pytest.fixture(scope="module")
def calibration():
    ours._small_models(torch.device("cpu"))  # once and for all, torch loads what it counts operations with
    began, told = time.process_time(), []  # the process's own time: what else runs here must not fail a test
    found = ours.calibrate(0.5, progress=lambda fraction, text: told.append((fraction, text)))
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
    assert set(texts[:-1]) <= {*RATES, "passes"}


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
        monkeypatch.setattr(ours.time, "perf_counter", lambda: self.now)

    def passes(self, seconds):
        self.now += seconds

    def costs(self, monkeypatch, owner, name, seconds):
        plain = getattr(owner, name)

        def counted(*args, **kwargs):
            self.now += seconds(*args)
            return plain(*args, **kwargs)

        monkeypatch.setattr(owner, name, counted)


def test_two_flops_a_multiply_add_two_bytes_a_copied_byte_and_a_start_for_each_operation(monkeypatch):
    """On a pretended machine of known rates, which the true arithmetic of small sizes runs under."""
    clock = FakeClock(monkeypatch)
    monkeypatch.setattr(ours, "SIDES", (16, 32, 64))
    monkeypatch.setattr(ours, "COPY_BYTES", 4_000)
    monkeypatch.setattr(ours, "PASS_BYTES", (400, 4_000))
    monkeypatch.setattr(ours, "EXPONENTIALS", 500)
    reach = {16: 0.5, 32: 1.0, 64: 0.8}  # the middle side is the fastest
    clock.costs(monkeypatch, torch, "mm", lambda a, b: 2 * len(a) ** 3 / (1e8 * reach[len(a)]))
    clock.costs(monkeypatch, torch.Tensor, "copy_", lambda to, source: 2 * source.nbytes / 1e7)
    clock.costs(monkeypatch, torch, "mul", lambda a, b: 3 * a.nbytes / (1e6 if a.nbytes > 1000 else 1e7))
    clock.costs(monkeypatch, torch, "exp", lambda a: len(a) / 1e5)
    monkeypatch.setattr(ours, "_small_models", lambda device: (lambda: clock.passes(7e-4), 7))
    found = ours.calibrate(10)
    assert found.float32.median == pytest.approx(1e8)
    assert found.float32.size == found.bfloat16.size == 32
    assert found.bandwidth.median == pytest.approx(1e7)
    assert found.bandwidth.size == 4_000
    for curve, known in ((found.float32_sides, {16: 5e7, 32: 1e8, 64: 8e7}), (found.passes, {400: 1e7, 4_000: 1e6})):
        assert {one.size: one.median for one in curve} == pytest.approx(known)
    assert found.exponentials.median == pytest.approx(1e5)
    assert found.launch.median == pytest.approx(1e-4)
    assert clock.now == pytest.approx(10, rel=0.2)


def test_a_side_that_would_break_the_budget_is_left_out(monkeypatch):
    clock = FakeClock(monkeypatch)
    monkeypatch.setattr(ours, "SIDES", (16, 32, 2_048))
    monkeypatch.setattr(ours, "COPY_BYTES", 4_000)
    monkeypatch.setattr(ours, "PASS_BYTES", (400, 4_000))
    monkeypatch.setattr(ours, "EXPONENTIALS", 500)
    clock.costs(monkeypatch, torch, "mm", lambda a, b: len(a) ** 3 / 1e6)
    clock.costs(monkeypatch, torch.Tensor, "copy_", lambda to, source: 1e-4)
    clock.costs(monkeypatch, torch, "mul", lambda a, b: 3 * a.nbytes / (1e6 if a.nbytes > 1000 else 1e7))
    clock.costs(monkeypatch, torch, "exp", lambda a: len(a) / 1e5)
    monkeypatch.setattr(ours, "_small_models", lambda device: (lambda: clock.passes(7e-4), 7))
    assert ours.calibrate(2).float32.size < 2_048
    assert clock.now < 4  # one product of the largest side takes two hours


@pytest.mark.parametrize("seconds", [0, -1, math.nan, math.inf])
def test_no_time_is_refused(seconds):
    with pytest.raises(ValueError, match="a positive number is needed"):
        ours.calibrate(seconds)


@pytest.mark.parametrize("device", ["meta", "cuda:99"])
def test_an_absent_device_is_refused(device):
    with pytest.raises(ValueError, match=f"device {device}: cpu, and cuda where there is one"):
        ours.calibrate(0.1, device=device)


@pytest.mark.gpu
def test_a_gpu_is_calibrated_on_its_own_clock():
    found = ours.calibrate(2.0, device="cuda")
    check_calibration(found, "cuda")
    assert found.name == torch.cuda.get_device_name()
    assert found.bfloat16.median > found.float32.median


def test_the_roofline_by_hand():
    none = {"flops": 0, "bytes_moved": 0, "launches": 0}
    cost = round_numbers()
    assert seconds_for(cost, **none) == 0
    assert seconds_for(cost, flops=1e11, bytes_moved=1e9, launches=0) == pytest.approx(1)
    assert seconds_for(cost, flops=1e10, bytes_moved=1e10, launches=0) == pytest.approx(1)
    assert seconds_for(cost, flops=1e11, bytes_moved=1e10, launches=1e6) == pytest.approx(2)
    assert seconds_for(cost, **{**none, "flops": 4e11}, dtype="bfloat16") == pytest.approx(1)
    assert seconds_for(cost, **none, exponentials=2e9) == pytest.approx(2)
    assert seconds_for(cost, **{**none, "flops": 1e11}, side=10) == pytest.approx(10)
    assert seconds_for(cost, **{**none, "bytes_moved": 1e10}, output=1e9) == pytest.approx(10)


def test_between_measured_sizes_on_logarithmic_axes_and_flat_beyond():
    curve = round_numbers().float32_sides
    assert at_size(curve, 100) == pytest.approx(10**10.5)
    assert at_size(curve, 1) == at_size(curve, 10) == pytest.approx(1e10)
    assert at_size(curve, 10**6) == pytest.approx(1e11)


@pytest.mark.parametrize("what", ["flops", "bytes_moved", "launches"])
def test_more_work_never_takes_less_time(what):
    work = {"flops": 1e9, "bytes_moved": 1e8, "launches": 100}
    times = [seconds_for(round_numbers(), **{**work, what: 10.0**power}) for power in range(13)]
    assert times == sorted(times)
    assert times[-1] > times[0]


def test_impossible_work_is_refused():
    with pytest.raises(ValueError, match="none may be negative"):
        seconds_for(round_numbers(), flops=1, bytes_moved=-1, launches=0)
    with pytest.raises(ValueError, match="'float16' was not measured"):
        seconds_for(round_numbers(), flops=1, bytes_moved=1, launches=0, dtype="float16")
