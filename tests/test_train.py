"""The loop: it learns, it resumes bit by bit, it stops when it must, and its record says what was run."""

import importlib.util
import json
import subprocess
import sys
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from jaxtyping import TypeCheckError

from labkit import checkpoint, config, records
from labkit import train as loop
from labkit.config import Run
from labkit.journal import Diverged, Journal
from labkit.models import build
from labkit.optimizer import adamw, learning_rate
from labkit.tasks import task_of
from labkit.train import evaluate, train

TINY = Run(task="digits", image_size=8, patch_size=4, width=16, depth=1, heads=2, steps=12, batch=8, checkpoint_every=5)
ADVENTURER = replace(TINY, model="adventurer", heads=None)


def weights(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    return model.state_dict()


def equal(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def test_it_learns() -> None:
    run = replace(TINY, steps=150, width=32, batch=32, learning_rate=3e-3)
    record = train(run, progress=False).record
    assert record["test_accuracy"] > 0.6, "chance is 0.1"
    assert record["curve"][0]["train_loss"] > 2.0 > record["curve"][-1]["train_loss"]


def test_adventurer_learns_textures() -> None:
    run = replace(ADVENTURER, task="textures", image_size=16, width=32, batch=32, learning_rate=3e-3, steps=80)
    record = train(run, progress=False).record
    assert record["curve"][0]["train_loss"] > 2.6, "chance is the logarithm of fourteen, 2.64"
    assert record["test_loss"] < 2.5
    assert record["test_accuracy"] > 0.15


def test_record_has_every_key_first_and_is_plain_json(tmp_path: Path) -> None:
    record = train(replace(TINY, folder=tmp_path), progress=False).record
    assert tuple(record)[: len(records.RUN_KEYS)] == records.RUN_KEYS
    assert json.loads(json.dumps(record)) == record == records.read_json(tmp_path / "record.json")
    assert record["tokens"] == 4
    assert record["commit"] is None or len(record["commit"].removesuffix("+changes")) == 40
    assert record["test_accuracy"] == pytest.approx(
        sum(record["class_accuracy"][k] * (task_of(TINY).test()[1] == int(k)).float().mean() for k in "0123456789")
    )


def test_the_record_repeats_the_run() -> None:
    first = train(TINY, progress=False)
    again = Run(**{name: first.record[name] for name in TINY.recipe()}, threads=first.record["threads"])
    assert equal(weights(train(again, progress=False).model), weights(first.model))


@pytest.mark.parametrize(("tiny", "stop_at"), [*((TINY, step) for step in (1, 5, 7, 11)), (ADVENTURER, 7)])
def test_stopped_and_resumed_is_bit_equal(tmp_path: Path, tiny: Run, stop_at: int) -> None:
    whole = train(tiny, progress=False)
    run = replace(tiny, folder=tmp_path)
    stopped = train(run, stop_at=stop_at, progress=False)
    assert stopped.record is None
    resumed = train(run, progress=False)
    assert equal(weights(whole.model), weights(resumed.model))
    assert resumed.curve == whole.curve
    same = set(records.RUN_KEYS) - {"seconds", "time"}
    assert {k: whole.record[k] for k in same} == {k: resumed.record[k] for k in same}


def test_a_finished_run_is_not_run_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = replace(TINY, folder=tmp_path)
    first = train(run, progress=False)
    monkeypatch.setattr(loop, "_loop", None)
    again = train(run, progress=False)
    assert again.record == first.record
    assert equal(weights(again.model), weights(first.model))


SCRIPT = """
import os, random, signal, sys, time
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
import torch
from labkit import checkpoint
from labkit.config import Run
from labkit.train import train

torch.set_num_threads(1)
run = Run(task="digits", image_size=8, patch_size=4, width=16, depth=2, heads=2, steps=300, batch=8, checkpoint_every=7)
whole = train(run, progress=False)  # also warms up, so that the children train at once
kept = replace(run, folder=Path(sys.argv[1]))
killed = 0
for _ in range(40):
    before = checkpoint.last(kept.folder)
    child = os.fork()
    if child == 0:
        train(kept, progress=False)
        os._exit(0)
    while checkpoint.last(kept.folder) == before and os.waitpid(child, os.WNOHANG) == (0, 0):
        time.sleep(0.0005)
    time.sleep(random.random() * 0.05)
    os.kill(child, signal.SIGKILL)
    killed += os.waitpid(child, 0)[1] == signal.SIGKILL
    if killed == 6:
        break
resumed = train(kept, progress=False)
same = all(torch.equal(a, b) for a, b in zip(whole.model.state_dict().values(), resumed.model.state_dict().values()))
print(killed, same, resumed.curve == whole.curve, len(list(kept.folder.glob(".*"))))
"""


def test_sigkill_at_any_moment_ends_with_the_same_weights(tmp_path: Path) -> None:
    """Killed six times at moments that no one chose, then left alone."""
    done = subprocess.run([sys.executable, "-c", SCRIPT, str(tmp_path)], capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["6", "True", "True", "0"], "kills, equal weights, equal curve, half-written files"
    assert records.read_json(tmp_path / "record.json")["steps"] == 300


def test_a_loss_that_is_not_finite_stops_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = replace(TINY, folder=tmp_path)
    task, original = task_of(run), task_of(run).batch

    def poisoned(seed: int, step: int, size: int) -> tuple[torch.Tensor, torch.Tensor]:
        images, labels = original(seed, step, size)
        return (images * float("nan") if step == 8 else images), labels

    monkeypatch.setattr(task, "batch", poisoned, raising=False)
    with pytest.raises(Diverged, match=r"step 8 gave loss nan .* last good checkpoint is .*step-00000005"):
        train(run, progress=False)
    saved, state = checkpoint.load(checkpoint.last(tmp_path))
    assert state["step"] == 5
    assert all(tensor.isfinite().all() for tensor in saved.values())
    assert not (tmp_path / "record.json").exists()


def test_on_a_gpu_losses_wait_but_no_bad_checkpoint_is_written() -> None:
    """The journal as a GPU run uses it: twenty losses wait, the first bad one is named, all before `settle` returns."""
    journal = Journal(100, patience=20)
    for step in range(25):
        loss = torch.tensor(float("inf") if step == 22 else 1.0)
        journal.add(loss, torch.tensor(1.0), safe=None)
    with pytest.raises(Diverged, match=r"step 22 gave loss inf.*no checkpoint had been written"):
        journal.settle(safe=None)


def test_accumulation_gives_the_same_gradients() -> None:
    task, gradients = task_of(TINY), []
    for parts in (1, 4):
        torch.manual_seed(0)
        model = build(TINY, channels=1, classes=10)
        run = replace(TINY, accumulate=parts, clip=float("inf"))
        loss, norm = loop.gradients(run, model, task.batch(0, 0, 8))
        gradients.append([loss, norm, *(weight.grad for weight in model.parameters())])
    for a, b in zip(*gradients, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-6)


def test_clipping_takes_effect() -> None:
    free, tight = (train(replace(TINY, clip=clip, steps=3), progress=False).model for clip in (float("inf"), 1e-9))
    assert not equal(weights(free), weights(tight))


@pytest.mark.parametrize("tiny", [TINY, ADVENTURER], ids=lambda run: run.model)
def test_bf16_trains_near_float32(tiny: Run) -> None:
    exact, half = (train(replace(tiny, precision=p, steps=30), progress=False).record for p in ("float32", "bf16"))
    assert half["train_loss"] != exact["train_loss"]
    assert half["train_loss"] == pytest.approx(exact["train_loss"], rel=0.05)


def test_evaluation_takes_every_image_once() -> None:
    trained = train(TINY, progress=False)
    images, labels = task_of(TINY).test()
    logits = trained.model.eval()(images)
    loss, accuracy = evaluate(trained.model, (images, labels))
    assert loss == pytest.approx(torch.nn.functional.cross_entropy(logits, labels).item(), rel=1e-5)
    assert accuracy == pytest.approx((logits.argmax(1) == labels).float().mean().item())


def test_the_test_set_is_looked_at_once_after_the_last_step(monkeypatch: pytest.MonkeyPatch) -> None:
    task, seen = task_of(TINY), []
    for name in ("batch", "validation", "test"):
        original = getattr(task, name)
        monkeypatch.setattr(task, name, lambda *a, n=name, f=original: seen.append(n) or f(*a), raising=False)
    train(TINY, progress=False)
    assert seen.count("test") == 1
    assert seen[-1] == "test"
    assert seen.count("batch") == TINY.steps
    assert seen.count("validation") >= 5, "the curve looks at validation images"


def test_each_step_is_taken_at_its_learning_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    rates = []

    def watched(model: torch.nn.Module, run: Run) -> torch.optim.Optimizer:
        optimizer = adamw(model, run)
        step = optimizer.step
        optimizer.step = lambda: rates.append([group["lr"] for group in optimizer.param_groups]) or step()
        return optimizer

    monkeypatch.setattr(loop, "adamw", watched)
    train(TINY, progress=False)
    wanted = [learning_rate(step, steps=12, peak=TINY.learning_rate, warmup=TINY.warmup) for step in range(12)]
    assert rates == [[rate, rate] for rate in wanted]


def test_learning_rate_climbs_then_falls_and_never_is_zero() -> None:
    rates = [learning_rate(s, steps=100, peak=1.0, warmup=0.1) for s in range(100)]
    assert rates[:10] == pytest.approx([(s + 1) / 10 for s in range(10)])
    assert all(a > b for a, b in pairwise(rates[9:]))
    assert rates[54] == pytest.approx(0.5, abs=0.02)
    assert 0 < rates[-1] < 0.001
    assert learning_rate(0, steps=1, peak=1.0, warmup=0.1) == 1.0
    assert learning_rate(0, steps=7, peak=1.0, warmup=0.0) == 1.0


def test_what_is_decayed() -> None:
    model = train(TINY, progress=False).model
    decayed, free = (group["params"] for group in adamw(model, TINY).param_groups)
    assert all(weight.ndim >= 2 for weight in decayed)
    assert any(weight is model.positions.table for weight in free)
    assert len(decayed) + len(free) == len(list(model.parameters()))


def test_threads_come_back() -> None:
    before = torch.get_num_threads()
    train(replace(TINY, threads=2, steps=1), progress=False)
    assert torch.get_num_threads() == before


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"steps": 0}, "steps=0 must be 1 or more"),
        ({"steps": True}, "steps=True is bool, not int"),
        ({"batch": 10, "accumulate": 4}, "batch=10 is not a multiple of accumulate=4"),
        ({"learning_rate": 0.0}, "learning_rate=0.0 must be above 0"),
        ({"learning_rate": float("nan")}, "learning_rate=nan must be above 0"),
        ({"warmup": 1.0}, "0 <= warmup < 1"),
        ({"clip": 0.0}, "clip=0.0 must be above 0"),
        ({"weight_decay": -0.1}, "weight_decay=-0.1 must be finite and 0 or more"),
        ({"weight_decay": float("nan")}, "weight_decay=nan must be finite"),
        ({"learning_rate": float("inf")}, "learning_rate=inf must be above 0 and finite"),
        ({"precision": "fp8"}, "precision 'fp8' is unknown; there are float32, bf16"),
        ({"seed": -1}, "seed=-1 must lie between 0 and"),
        ({"seed": 2**70}, "must lie between 0 and"),
    ],
)
def test_bad_configurations_are_refused(change: dict, words: str) -> None:
    with pytest.raises(ValueError, match=words.replace("(", r"\(")):
        replace(TINY, **change)


def test_options_of_other_models_are_refused_and_defaults_resolved() -> None:
    with pytest.raises(ValueError, match=r"heads=4 has no effect in model 'adventurer': leave it out"):
        Run(model="adventurer", heads=4)
    with pytest.raises(ValueError, match=r"flips='alternate' has no effect in model 'vit': leave it out"):
        Run(model="vit", flips="alternate")
    with pytest.raises(ValueError, match="heads=0 must be 1 or more"):
        Run(heads=0)
    with pytest.raises(ValueError, match=r"flips 'odd' is unknown; there are as_released, alternate, never"):
        build(Run(model="adventurer", flips="odd"), channels=1, classes=2)
    for run, heads, flips in (
        (Run(), 4, None),
        (Run(heads=2), 2, None),
        (Run(model="adventurer"), None, "as_released"),
        (Run(model="adventurer", flips="never"), None, "never"),
    ):
        assert (run.recipe()["heads"], run.recipe()["flips"]) == (heads, flips)
        assert Run(**run.recipe()).recipe() == run.recipe(), "a recipe is a run again"
    assert Run().recipe() == Run(heads=4).recipe(), "a default that is written out is the same run"
    model = build(replace(ADVENTURER, depth=3, flips="alternate"), channels=1, classes=2)
    assert model.flips == (False, True, False)
    assert build(replace(TINY, heads=8), channels=1, classes=2).blocks[0].attention.heads == 8


@pytest.mark.parametrize("change", [{"steps": 2.0}, {"compile": "no"}, {"learning_rate": "0.1"}, {"task": ["digits"]}])
def test_other_types_are_refused_in_words(change: dict) -> None:
    """Without the checks that only tests have: the module is loaded once more, as users load it."""
    spec = importlib.util.spec_from_file_location("plain_config", config.__file__)
    plain = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = plain
    spec.loader.exec_module(plain)
    (name,) = change
    with pytest.raises(ValueError, match=rf"{name}=.* is \w+, not \w+: the run was not started"):
        plain.Run(**change)


def test_a_folder_that_cannot_be_written_is_refused_before_the_first_step(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for folder in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(ValueError, match=r"cannot be written .* nothing was started"):
            train(replace(TINY, folder=folder), progress=False)


def test_a_checkpoint_of_something_else_is_refused(tmp_path: Path) -> None:
    checkpoint.save(tmp_path, 5, {"w": torch.zeros(1)}, {"step": 5})
    with pytest.raises(ValueError, match=r"is none of labkit\.train"):
        train(replace(TINY, folder=tmp_path), progress=False)


def test_settings_that_cannot_take_effect(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"stop_at=3 needs run.folder"):
        train(TINY, stop_at=3)
    for stop_at in (13, 0, 2.5):
        with pytest.raises((ValueError, TypeCheckError), match="stop_at"):
            train(replace(TINY, folder=tmp_path), stop_at=stop_at)
    with pytest.raises(ValueError, match="device 'tpu' is unknown"):
        train(replace(TINY, device="tpu"))
    if not torch.cuda.is_available():
        with pytest.raises(ValueError, match="torch sees no GPU here"):
            train(replace(TINY, device="cuda"))
    with pytest.raises(ValueError, match="image size 8 is not a multiple of patch size 3"):
        train(replace(TINY, patch_size=3))
    assert not list(tmp_path.iterdir()), "nothing half-written"


def test_another_recipe_does_not_go_on(tmp_path: Path) -> None:
    run = replace(TINY, folder=tmp_path)
    train(run, stop_at=6, progress=False)
    with pytest.raises(ValueError, match=r"learning_rate is 0.001 there and 0.01 here; seed is 0 there and 4 here"):
        train(replace(run, learning_rate=0.01, seed=4), progress=False)
    assert checkpoint.last(tmp_path).name == "step-00000006", "what was there is kept"
    fresh = train(replace(run, seed=4), resume=False, progress=False)
    assert equal(weights(fresh.model), weights(train(replace(TINY, seed=4), progress=False).model))


def test_stopping_behind_what_is_done_is_refused(tmp_path: Path) -> None:
    run = replace(TINY, folder=tmp_path)
    train(run, stop_at=7, progress=False)
    with pytest.raises(ValueError, match=r"stop_at=5 lies behind: .* already taken 7 steps"):
        train(run, stop_at=5, progress=False)


@pytest.mark.gpu
def test_trains_and_resumes_on_a_gpu(tmp_path: Path) -> None:
    run = replace(TINY, device="cuda", precision="bf16", folder=tmp_path)
    train(run, stop_at=6, progress=False)
    resumed = train(run, progress=False)
    whole = train(replace(run, folder=None), progress=False)
    assert resumed.record["test_loss"] == pytest.approx(whole.record["test_loss"], rel=1e-2)
    assert resumed.record["device"] == torch.cuda.get_device_name()


@pytest.mark.gpu
def test_compiled_on_a_gpu() -> None:
    plain, compiled = (train(replace(TINY, device="cuda", compile=c), progress=False).record for c in (False, True))
    assert compiled["train_loss"] == pytest.approx(plain["train_loss"], rel=1e-3)
