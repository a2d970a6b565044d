"""A sweep trains what is described, once each, whatever kills it, and mixes nothing unseen."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

import psutil
import pytest

from labkit import records
from labkit.__main__ import main
from labkit.config import Run
from labkit.sweep import described, foreseen, grid, missing, name_of, read_lines, sweep, values_by
from labkit.sweep import engine as engine_module
from labkit.sweep.code import code_hash, files_behind, hash_of
from labkit.sweep.folder import Folder
from labkit.sweep.words import outcome_as_text, prediction_as_text
from labkit.train import train

TINY = {"task": "digits", "image_size": 8, "width": 16, "depth": 1, "heads": 2, "steps": 12, "batch": 8}

# ---------------------------------------------------------------- descriptions


def test_a_grid_is_every_combination() -> None:
    runs = grid(model=["vit", "adventurer"], patch_size=(16, 8), seed=[0, 1], steps=7)
    assert [(run.model, run.patch_size, run.seed) for run in runs] == [
        (model, p, seed) for model in ("vit", "adventurer") for p in (16, 8) for seed in (0, 1)
    ]
    assert {run.steps for run in runs} == {7}


@pytest.mark.parametrize(
    ("axes", "message"),
    [
        ({"patchsize": [4]}, "patchsize: no such axis"),
        ({"folder": "here"}, "folder: no such axis"),
        ({"seed": []}, "seed: an axis without a value"),
        ({"steps": [0]}, "steps=0 must be 1 or more"),
        ({"threads": [1, 2]}, "threads: no axis, because it changes no number"),
    ],
)
def test_a_wrong_grid_is_refused(axes: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        grid(**axes)


def test_a_file_describes_the_same_as_a_call(tmp_path: Path) -> None:
    toml, python = tmp_path / "some.toml", tmp_path / "some.py"
    toml.write_text(
        "[same]\nsteps = 9\n[[grid]]\npatch_size = [8, 4]\nseed = [0, 1]\n[[grid]]\npatch_size = 4\nseed = [1, 2]\n"
    )
    python.write_text(
        "from labkit.sweep import grid\ndef mine():\n    return grid(patch_size=[8, 4], seed=[0, 1], steps=9)\n"
        "nothing = 3\ndef none():\n    return []\n"
    )
    mine = grid(patch_size=[8, 4], seed=[0, 1], steps=9)
    assert described(f"{python}:mine") == mine
    assert described(str(toml)) == [*mine, Run(patch_size=4, seed=2, steps=9)], "a run described twice is one run"
    for wrong, message in [
        (f"{python}:nothing", "has no function 'nothing'"),
        (f"{python}:none", "must return runs"),
        (str(python), "name the function that returns the runs"),
        (str(tmp_path / "other.toml"), "is not a file"),
    ]:
        with pytest.raises(ValueError, match=message):
            described(wrong)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[[grid]\n", "is not TOML"),
        ("seed = [1]\n", "must hold"),
        ("[grid]\nseed = [1]\n", "must hold"),
        ("[same]\nsteps = 3\n", "must hold"),
        ("[[grid]]\nseeds = [1]\n", "seeds: no such axis"),
    ],
)
def test_a_wrong_file_is_refused(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "wrong.toml").write_text(text)
    with pytest.raises(ValueError, match=message):
        described(str(tmp_path / "wrong.toml"))


def test_names_differ_where_numbers_may() -> None:
    run = Run(**TINY, patch_size=4)
    others = [replace(run, learning_rate=2e-3), replace(run, width=32), replace(run, seed=1)]
    assert len({name_of(one) for one in (run, *others)}) == 4
    assert name_of(run) == name_of(replace(run, threads=2, checkpoint_every=5)), "where it runs changes no number"


# ---------------------------------------------------------------- the code behind a result


def test_the_hash_covers_what_training_imports_and_nothing_else() -> None:
    names = {path.name for path in files_behind("labkit.train")}
    assert {"train.py", "ssd_chunked.py", "attention.py", "textures.py", "optimizer.py", "dist.py"} <= names
    assert not {"engine.py", "costs.py", "__main__.py", "rerun.py"} & names


def test_the_hash_sees_code_and_not_words(tmp_path: Path) -> None:
    one = tmp_path / "one.py"

    def hashed(text: str) -> str:
        one.write_text(text)
        return hash_of([one])

    first = hashed('"""Words."""\n\ndef f(x):\n    """Twice."""\n    return 2 * x\n')
    assert hashed('"""Others."""\ndef f( x ):\n    # why\n    return 2*x\n') == first
    assert hashed('"""Words."""\n\ndef f(x):\n    """Twice."""\n    return 3 * x\n') != first


# ---------------------------------------------------------------- training


def test_a_sweep_equals_single_runs_and_repeats_nothing(tmp_path: Path) -> None:
    runs = grid(**TINY, patch_size=[8, 4], seed=[0, 1])
    found = sweep(runs, tmp_path, workers=2, progress=False)
    assert not found.failed
    alone = [train(run, progress=False).record for run in runs]
    for mine, theirs in zip(found.records, alone, strict=True):
        assert {k: mine[k] for k in ("test_loss", "class_loss", "curve")} == {
            k: theirs[k] for k in ("test_loss", "class_loss", "curve")
        }
        assert mine["code"] == code_hash()
    assert read_lines(tmp_path / "results.jsonl") == found.records
    assert not list((tmp_path / "runs").iterdir()), "checkpoints of finished runs are let go"
    stamps = {path: path.stat().st_mtime_ns for path in (tmp_path / "results").iterdir()}
    more = grid(**TINY, patch_size=[8, 4], seed=[0, 1, 2])
    assert [run.seed for run in missing(more, tmp_path).values()] == [2, 2]
    again = sweep(more, tmp_path, workers=1, progress=False)
    assert [line["seed"] for line in again.records] == [0, 1, 2, 0, 1, 2]
    assert {path: path.stat().st_mtime_ns for path in stamps} == stamps


def test_a_failed_run_is_recorded_and_stops_no_other(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    runs = [*grid(**TINY, patch_size=[8, 3], seed=0), Run(**TINY, patch_size=4, learning_rate=1e30)]
    found = sweep(runs, tmp_path, workers=1)
    assert "1 of 3 runs, 2 failed" in capsys.readouterr().out
    assert [line["patch_size"] for line in found.records] == [8]
    errors = {name.split("-")[2]: error for name, error in found.failed.items()}
    assert "image size 8 is not a multiple of patch size 3" in errors["p3"]
    assert errors["p4"].startswith("Diverged: step ")
    told = records.read_json(tmp_path / "failed" / f"{name_of(runs[1])}.json")
    assert "Traceback" in told["traceback"]
    assert Run(**told["run"]) == runs[1]
    assert missing(runs, tmp_path) == {}, "a run that failed is not tried again unasked"
    assert len(missing(runs, tmp_path, retry=True)) == 2
    assert [line["name"] for line in read_lines(tmp_path / "failed.jsonl")] == [name_of(run) for run in runs[1:]]
    records.write_json(tmp_path / "failed" / f"{name_of(runs[1])}.json", {**told, "code": "0" * 16})
    assert list(missing(runs, tmp_path)) == [name_of(runs[1])], "what other code could not do may be tried by this one"
    assert "2 failed; --retry" in outcome_as_text(found, tmp_path)


def test_results_of_other_code_are_not_mixed_in_unasked(tmp_path: Path) -> None:
    runs = grid(**TINY, patch_size=8, seed=[0, 1])
    sweep(runs[:1], tmp_path, progress=False)
    path = Folder(tmp_path).result(name_of(runs[0]))
    records.write_json(path, {**records.read_json(path), "code": "0" * 16})
    with pytest.raises(ValueError, match=f"1 results in .* other code .0000000000000000 there, {code_hash()} here"):
        sweep(runs, tmp_path, progress=False)
    assert not Folder(tmp_path).result(name_of(runs[1])).exists(), "nothing was started"
    mixed = sweep(runs, tmp_path, mix=True, progress=False)
    assert [line["code"] == code_hash() for line in mixed.records] == [False, True]


def test_a_run_that_other_code_began_starts_over(tmp_path: Path) -> None:
    run, folder = Run(**TINY, patch_size=8, checkpoint_every=4), Folder(tmp_path)
    begun = folder.run(name_of(run))
    train(replace(run, folder=begun, seed=1), stop_at=8, progress=False)  # another recipe: going on would fail
    records.write_json(begun / "code.json", "0" * 16)
    found = sweep([run], tmp_path, progress=False)
    assert not found.failed
    assert found.records[0]["test_loss"] == train(run, progress=False).record["test_loss"]


def test_two_sweeps_do_not_share_a_folder(tmp_path: Path) -> None:
    with Folder(tmp_path).locked(), pytest.raises(ValueError, match="another sweep is at work"):
        sweep(grid(**TINY, patch_size=8), tmp_path, progress=False)


def test_nothing_to_train_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="a sweep without a run"):
        sweep([], tmp_path)
    with pytest.raises(ValueError, match="workers=0 must be 1 or more"):
        sweep(grid(**TINY), tmp_path, workers=0)


def test_a_process_that_dies_again_and_again_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that ends as if it had been killed: tried three times, then written down; the next run gets a fresh
    one."""
    (tmp_path / "dies.py").write_text("import os, sys\nsys.stdin.readline()\nos._exit(9)\n")
    started, real = [], subprocess.Popen

    def popen(command: list[str], **more: object) -> subprocess.Popen:
        started.append(command)
        return real([sys.executable, str(tmp_path / "dies.py")] if len(started) <= 3 else command, **more)

    monkeypatch.setattr(engine_module.subprocess, "Popen", popen)
    runs = grid(**TINY, patch_size=[8, 4])
    found = sweep(runs, tmp_path / "out", workers=1, progress=False)
    assert len(found.records) == 1
    assert [error for error in found.failed.values() if "died 3 times (exit code 9)" in error]


def test_a_failed_run_may_succeed_when_it_is_tried_again(tmp_path: Path) -> None:
    run, folder = Run(**TINY, patch_size=8), Folder(tmp_path)
    told = {"name": name_of(run), "error": "OSError: no space left on device", "code": code_hash()}
    records.write_json(folder.failure(name_of(run)), told)
    assert sweep([run], tmp_path, progress=False).failed == {name_of(run): told["error"]}
    again = sweep([run], tmp_path, retry=True, progress=False)
    assert (len(again.records), again.failed) == (1, {})
    assert not folder.failure(name_of(run)).exists()
    assert (tmp_path / "failed.jsonl").read_text() == ""


# ---------------------------------------------------------------- signals


@pytest.fixture
def slow(tmp_path: Path) -> tuple[list[Run], list[str], Path]:
    """Two runs of some seconds with checkpoints, the command that trains them, and its folder."""
    description, out = tmp_path / "some.toml", tmp_path / "out"
    some = {**TINY, "steps": 300, "patch_size": 2, "checkpoint_every": 20}
    lines = [f"{name} = {json.dumps(value)}" for name, value in some.items()]
    description.write_text("\n".join(["[[grid]]", *lines, "seed = [0, 1]\n"]))
    command = [sys.executable, "-m", "labkit", "sweep", str(description), str(out), "--workers", "1"]
    return described(str(description)), command, out


def wait_until(reached: Callable[[], bool]) -> None:
    limit = time.monotonic() + 120
    while not reached():
        assert time.monotonic() < limit, "it never came to that"
        time.sleep(0.005)


def half_way(out: Path) -> bool:
    """In the middle of a run that has a checkpoint, with one before it."""
    begun = {path.parent.name for path in out.glob("runs/*/step-*")}
    finished = {path.stem for path in out.glob("results/*.json")}
    return len(finished) == 1 and bool(begun - finished)


@cache
def loss_of(run: Run) -> float:
    return train(run, progress=False).record["test_loss"]


def workers_of(process: subprocess.Popen) -> list[psutil.Process]:
    return psutil.Process(process.pid).children(recursive=True)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals")
@pytest.mark.parametrize(("number", "code"), [(2, 130), (15, 143)])
def test_an_interrupted_sweep_leaves_no_process(slow: tuple, number: int, code: int) -> None:
    _, command, out = slow
    started = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        # as from a terminal: what runs in a script's background has Ctrl-C switched off, and hands that down
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )  # fmt: skip
    wait_until(lambda: half_way(out))
    workers = workers_of(started)
    started.send_signal(number)
    said = started.communicate()
    assert started.returncode == code, said
    assert workers
    assert not any(worker.is_running() for worker in workers)
    assert len(read_lines(out / "results.jsonl")) == 1, "what is finished is merged"


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
def test_a_worker_that_is_killed_is_replaced(slow: tuple) -> None:
    """As by the kernel, for want of memory: its run goes on from its checkpoint in a fresh process."""
    runs, command, out = slow
    started = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    wait_until(lambda: half_way(out))
    workers = workers_of(started)
    assert workers
    for worker in workers:
        worker.kill()
    said = started.communicate()
    assert started.returncode == 0, said
    assert [line["test_loss"] for line in read_lines(out / "results.jsonl")] == [loss_of(run) for run in runs]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
def test_a_worker_that_is_killed_with_its_work_done_repeats_nothing(slow: tuple) -> None:
    """The result is there, the word of it is not."""
    _, command, out = slow
    started = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    wait_until(lambda: any(out.glob("results/*.json")))
    for worker in workers_of(started):
        worker.kill()
    first = next(out.glob("results/*.json"))
    stamp = first.stat().st_mtime_ns
    said = started.communicate()
    assert (started.returncode, first.stat().st_mtime_ns) == (0, stamp), said
    assert "2 of 2 runs" in said[0].decode()


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
def test_killed_at_any_moment_it_goes_on(slow: tuple) -> None:
    runs, command, out = slow
    started = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    wait_until(lambda: half_way(out))
    workers = workers_of(started)
    started.send_signal(signal.SIGKILL)
    started.wait()
    assert psutil.wait_procs(workers, timeout=60)[1] == [], "a worker without its sweep ends by itself"
    finished = {path: path.read_bytes() for path in out.glob("results/*.json")}
    assert len(finished) == 1
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "2 runs, 1 of them to do" in done.stdout
    assert "predicted:" in done.stdout.split("2 of 2 runs")[0], "what it will take is said first"
    assert {path: path.read_bytes() for path in finished} == finished
    assert [line["test_loss"] for line in read_lines(out / "results.jsonl")] == [loss_of(run) for run in runs]


# ---------------------------------------------------------------- what it will take, tables


def test_the_prediction_adds_up() -> None:
    runs = [*grid(**TINY, patch_size=[8, 2], seed=[0, 1]), Run(**{**TINY, "patch_size": 3})]
    predicted = foreseen(runs, progress=False)
    assert [len(kind.runs) for kind in predicted.kinds] == [2, 2, 1]
    large, small, impossible = predicted.kinds
    assert min(large.step, large.looks, small.step, small.looks) > 0
    assert impossible.step == 0
    assert predicted.core_hours * 3600 == pytest.approx(sum(predicted.seconds.values()))
    assert predicted.seconds[name_of(runs[0])] == pytest.approx(12 * large.step + large.looks)
    words = prediction_as_text(predicted, 2)
    assert "2 x digits vit, p=2, 8 px, width 16, depth 1, heads 2, batch 8: " in words
    assert "p=3, 8 px, width 16, depth 1, heads 2, batch 8: cannot be built" in words
    flexible = foreseen(grid(**TINY, patch_size=2, largest_patch=8), progress=False)
    assert min(flexible.kinds[0].step, flexible.kinds[0].looks) > 0
    told = prediction_as_text(flexible, 1)
    assert "p=2, 8 px, width 16, depth 1, heads 2, largest_patch 8, batch 8: " in told, "what sets a kind apart is said"
    assert "core-hours" in words
    assert "2 workers" in words


def test_the_prediction_alone_starts_nothing(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    (tmp_path / "some.toml").write_text('[[grid]]\ntask = "digits"\nimage_size = 8\nsteps = 5\n')
    assert main(["sweep", str(tmp_path / "some.toml"), str(tmp_path / "out"), "--predict"]) == 0
    assert "1 runs, 1 of them to do" in capsys.readouterr().out
    assert not (tmp_path / "out").exists()


def test_values_are_gathered_by_place_and_never_counted_twice() -> None:
    lines = [{"p": p, "steps": 5, "seed": seed, "test_loss": p + seed} for p in (8, 4) for seed in (1, 0)]
    assert values_by(lines, "p") == {8: [8, 9], 4: [4, 5]}
    assert values_by(lines, "p", "steps", value="seed") == {(8, 5): [0, 1], (4, 5): [0, 1]}
    with pytest.raises(ValueError, match=r"not the same seeds everywhere \(8: \[0\]; 4: \[0, 1\]\)"):
        values_by(lines[1:], "p")
    with pytest.raises(ValueError, match="patch: not in every record, which holds p, steps, seed, test_loss"):
        values_by(lines, "patch")
    with pytest.raises(ValueError, match=r"two records for \{'p': 8\}, seed 1"):
        values_by([*lines, lines[0]], "p")


def test_damaged_lines_are_refused(tmp_path: Path) -> None:
    (tmp_path / "some.jsonl").write_text('{"seed": 1}\n{"seed"')
    with pytest.raises(ValueError, match="is not JSON lines"):
        read_lines(tmp_path / "some.jsonl")
