"""The recorded sweeps: whole, each of one code and with its provenance, and what they say comes out again."""

import json
import math
import re
from dataclasses import replace
from statistics import stdev
from typing import Any

import pytest
import torch

from labkit import records
from labkit.config import Run
from labkit.cost import flops_per_image, train_flops
from labkit.sweep import described, name_of, recorded_runs
from labkit.train import train

FOLDER = records.REPOSITORY / "data" / "runs"
SWEEPS = sorted(path.stem for path in FOLDER.glob("*.toml"))
# Described and still to be trained, as data/README.md says: whole sweeps, and (model, p, steps) of others.
UNTRAINED: set[str] = set()
MISSING = {
    "grid": {("vit", 2, 9600), ("adventurer", 2, 9600)},
}
CAPABILITY = "AVX512"  # of the processor on which they were trained; others round otherwise
CHEAP = [("digits", "vit", 8), ("digits", "adventurer", 4), ("grid", "vit", 16)]  # some seconds each, at 150 steps


def planned(name: str) -> dict[str, Run]:
    """What a sweep's description asks for, by name, in its order."""
    return {name_of(run): run for run in described(str(FOLDER / f"{name}.toml"))}


def faults_of(line: dict[str, Any], run: Run) -> list[str]:
    """What is wrong with a record of `run`."""
    faults = [f"no {key}" for key in records.RUN_KEYS if key not in line]
    faults += [f"{key} is {line.get(key)!r}" for key, value in run.recipe().items() if line.get(key) != value]
    faults += [
        f"{key} says nothing" for key in ("commit", "code", "device", "machine", "versions") if not line.get(key)
    ]
    if not re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:]{8}\+00:00", line.get("time", "")):
        faults.append(f"time is {line.get('time')!r}")
    by_class = line["class_loss"].values()
    numbers = [line["test_loss"], line["test_accuracy"], line["train_loss"], line["seconds"], *by_class]
    if not all(type(one) is float and math.isfinite(one) and one >= 0 for one in numbers):
        faults.append("a loss, an accuracy or a time is no number")
    if not min(by_class) <= line["test_loss"] <= max(by_class):
        faults.append("the loss lies outside those of its classes")
    shape = {"channels": 1, "classes": len(by_class)}
    if (line["flops_per_image"], line["train_flops"]) != (flops_per_image(run, **shape), train_flops(run, **shape)):
        faults.append("its FLOPs are not those of the cost model")
    return faults


@pytest.mark.parametrize("name", [name for name in SWEEPS if name not in UNTRAINED])
def test_a_sweep_holds_what_is_described_by_one_code(name: str) -> None:
    lines, runs = recorded_runs(name), planned(name)
    there = {line["name"]: line for line in lines}
    assert len(there) == len(lines), "a run stands there twice"
    assert list(there) == [one for one in runs if one in there], "not in the order of the description"
    missing = {(run.model, run.patch_size, run.steps) for one, run in runs.items() if one not in there}
    assert missing == MISSING.get(name, set())
    assert len({line["code"] for line in lines}) == 1
    assert {one: faults for one, line in there.items() if (faults := faults_of(line, runs[one]))} == {}


def test_every_description_has_its_runs_or_is_said_to_have_none() -> None:
    assert {name for name in SWEEPS if not (FOLDER / f"{name}.jsonl").exists()} == UNTRAINED
    assert {path.stem for path in FOLDER.glob("*.jsonl")} <= set(SWEEPS)
    with pytest.raises(ValueError, match="no sweep 'other' is recorded"):
        recorded_runs("other")


@pytest.mark.parametrize(
    ("changed", "fault"),
    [
        ({"learning_rate": 0.1}, "learning_rate is 0.1"),
        ({"test_loss": math.nan}, "is no number"),
        ({"test_loss": 99.0}, "outside those of its classes"),
        ({"train_flops": 1}, "not those of the cost model"),
        ({"commit": None}, "commit says nothing"),
        ({"time": "yesterday"}, "time is 'yesterday'"),
    ],
)
def test_a_record_that_was_tampered_with_is_seen(changed: dict[str, Any], fault: str) -> None:
    line = recorded_runs("digits")[0]
    run = planned("digits")[line["name"]]
    assert faults_of(line, run) == []
    assert any(fault in one for one in faults_of(line | changed, run))


@pytest.mark.parametrize(("name", "model", "p"), CHEAP)
def test_a_recorded_run_comes_out_again(name: str, model: str, p: int) -> None:
    """Bit by bit with the same versions on the same kind of machine, else within three spreads of its seeds."""
    lines = [
        line for line in recorded_runs(name)
        if (line["model"], line["patch_size"], line["steps"]) == (model, p, 150)
    ]  # fmt: skip
    recorded = next(line for line in lines if line["seed"] == 0)
    again = train(replace(planned(name)[recorded["name"]], device="cpu")).record | {"machine": records.machine()}
    again = json.loads(json.dumps(again))
    same = all(again[key] == recorded[key] for key in ("versions", "machine", "threads"))
    same = same and torch.backends.cpu.get_cpu_capability() == CAPABILITY
    spread = stdev(line["test_loss"] for line in lines)
    assert again["test_loss"] == pytest.approx(recorded["test_loss"], abs=0 if same else 3 * spread, rel=0)
    if same:
        assert again["curve"] == recorded["curve"]
