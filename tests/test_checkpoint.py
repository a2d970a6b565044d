"""Checkpoints and results are whole or not there; damage is named."""

import os
from pathlib import Path

import pytest
import torch

from labkit import checkpoint, records


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    return checkpoint.save(tmp_path / "run", 7, {"w": torch.arange(6.0)}, {"step": 7, "recipe": {"seed": 0}})


def test_what_is_saved_comes_back(saved: Path) -> None:
    weights, state = checkpoint.load(saved)
    assert torch.equal(weights["w"], torch.arange(6.0))
    assert state == {"step": 7, "recipe": {"seed": 0}}
    assert checkpoint.last(saved.parent) == saved


def test_newer_replaces_older(saved: Path) -> None:
    newer = checkpoint.save(saved.parent, 12, {"w": torch.zeros(1)}, {"step": 12})
    assert [path.name for path in saved.parent.iterdir()] == [newer.name]
    assert checkpoint.last(saved.parent) == newer
    assert checkpoint.last(saved.parent / "nowhere") is None


@pytest.mark.parametrize("name", [*checkpoint.FILES, "sums.json"])
@pytest.mark.parametrize("damage", ["flipped", "truncated", "empty", "missing"])
def test_damage_is_named_and_nothing_changed(saved: Path, name: str, damage: str) -> None:
    file = saved / name
    content = bytearray(file.read_bytes())
    if damage == "missing":
        file.unlink()
    else:
        content[len(content) // 2] ^= 1
        file.write_bytes({"flipped": content, "truncated": content[: len(content) // 2], "empty": b""}[damage])
    before = sorted(path.name for path in saved.iterdir())
    with pytest.raises(ValueError, match=r"checkpoint .*step-00000007 is damaged: .*delete that\s+folder"):
        checkpoint.load(saved)
    assert sorted(path.name for path in saved.iterdir()) == before


def test_a_pickle_that_runs_code_is_refused(saved: Path, tmp_path: Path) -> None:
    class Hostile:
        def __reduce__(self) -> tuple:
            return (os.mkdir, (str(tmp_path / "ran"),))

    torch.save({"step": Hostile()}, saved / "state.pt")
    sums = records.read_json(saved / "sums.json")
    sums["state.pt"] = records.sha256(saved / "state.pt")
    records.write_json(saved / "sums.json", sums)
    with pytest.raises(ValueError, match="damaged"):
        checkpoint.load(saved)
    assert not (tmp_path / "ran").exists()


def test_death_while_saving_keeps_the_old_one(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    for moment in ("save_file", "_sync"):
        with monkeypatch.context() as patch:
            patch.setattr(checkpoint, moment, killed)
            with pytest.raises(KeyboardInterrupt):
                checkpoint.save(saved.parent, 12, {"w": torch.zeros(1)}, {"step": 12})
        assert checkpoint.last(saved.parent) == saved
        checkpoint.load(saved)
        assert [path.name for path in saved.parent.iterdir()] == [saved.name]


def test_death_while_removing_older_ones_leaves_no_half_checkpoint(
    saved: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(path: Path, **_: object) -> None:
        if path.exists():
            (path / "weights.safetensors").unlink(missing_ok=True)
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(checkpoint.shutil, "rmtree", killed)
        with pytest.raises(KeyboardInterrupt):
            checkpoint.clear(saved.parent)
    assert checkpoint.last(saved.parent) is None, "half of a checkpoint is none"


def test_json_is_whole_or_not_there(tmp_path: Path) -> None:
    path = tmp_path / "a" / "result.json"
    records.write_json(path, {"x": 1})
    with pytest.raises(TypeError):
        records.write_json(path, {"x": object()})
    assert records.read_json(path) == {"x": 1}

    def fails(file: object) -> None:
        file.write(b"half")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        records.write_atomically(path, fails)
    assert records.read_json(path) == {"x": 1}
    assert [p.name for p in path.parent.iterdir()] == ["result.json"]
    path.write_text("{")
    with pytest.raises(ValueError, match="is not JSON"):
        records.read_json(path)


def test_recorded_results_say_how_to_get_them() -> None:
    with pytest.raises(ValueError, match="run `make record`"):
        records.recorded("nosuch")
