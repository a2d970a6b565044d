"""Two processes under torchrun train the model that one process trains."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from labkit import checkpoint, dist, records
from labkit.config import Run
from labkit.train import train

RUN = Run(task="digits", image_size=8, patch_size=2, width=16, depth=2, heads=2, steps=20, batch=8, precision="float64")


def torchrun(processes: int, *words: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        [*command, "-m", "labkit", "train", *words], capture_output=True, text=True, env=environment, timeout=200
    )


def words(run: Run) -> list[str]:
    """The run's settings that are not the usual ones, as the command line takes them."""
    usual = vars(Run())
    settings = {name: value for name, value in vars(run).items() if value != usual[name]}
    return [word for name, value in settings.items() for word in (f"--{name.replace('_', '-')}", str(value))]


@pytest.mark.parametrize("run", [replace(RUN, accumulate=2), replace(RUN, model="adventurer", heads=None)])
def test_two_processes_train_to_the_same_weights(run: Run, tmp_path: Path) -> None:
    """In float64, so that only the order of sums is left."""
    pair, alone = replace(run, folder=tmp_path / "pair", checkpoint_every=10), replace(run, folder=tmp_path / "alone")
    done = torchrun(2, *words(pair))
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.count("test loss") == 1, "one of them speaks for both"
    record, single = records.read_json(pair.folder / "record.json"), train(alone, progress=False).record
    assert (record["processes"], single["processes"]) == (2, 1)
    assert record["curve"][0]["train_loss"] == pytest.approx(single["curve"][0]["train_loss"], abs=1e-7)
    ours, theirs = (checkpoint.load(checkpoint.last(folder))[0] for folder in (alone.folder, pair.folder))
    assert {one.dtype for one in ours.values()} == {torch.float64}
    assert max((ours[name] - theirs[name]).abs().max().item() for name in ours) < 1e-8
    untrained = train(replace(alone, steps=1, folder=tmp_path / "other"), progress=False).model.state_dict()
    assert max((ours[name] - untrained[name]).abs().max().item() for name in ours) > 1e-3


def test_shares_of_a_batch_must_be_equal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "3")
    with pytest.raises(ValueError, match=r"batch=8 is not a multiple of 3 \(3 processes, accumulate=1\)"):
        train(RUN, progress=False)


def test_each_process_takes_its_own_part(monkeypatch: pytest.MonkeyPatch) -> None:
    batch = torch.arange(6)
    assert torch.equal(dist.share(batch), batch), "without torchrun there is one process"
    monkeypatch.setenv("WORLD_SIZE", "3")
    parts = []
    for rank in range(3):
        monkeypatch.setenv("RANK", str(rank))
        parts.append(dist.share(batch))
    assert torch.equal(torch.cat(parts), batch)
    assert {len(part) for part in parts} == {2}
