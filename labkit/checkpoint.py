"""A run's folder: checkpoints that are whole or not there, and the finished record.

    FOLDER/step-00000200/weights.safetensors   the model
    FOLDER/step-00000200/state.pt              optimizer, curve, configuration; read with weights_only=True
    FOLDER/step-00000200/sums.json             SHA-256 of both, so that damage is noticed
    FOLDER/record.json                         when the run has ended

A checkpoint is written into a temporary folder that is then renamed; older ones go only after that. Whoever is killed
at any moment finds the last whole one.
"""

import os
import pickle
import re
import shutil
import tempfile
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from labkit.records import read_json, sha256, write_json

FILES = ("weights.safetensors", "state.pt")
NAME = re.compile(r"step-(\d{8})")


def save(folder: Path, step: int, weights: dict[str, Tensor], state: dict[str, Any]) -> Path:
    """Write checkpoint `step`, atomically, then remove older ones. Returns its folder."""
    folder.mkdir(parents=True, exist_ok=True)
    whole = folder / f"step-{step:08d}"
    if whole.exists():
        return whole
    part = Path(tempfile.mkdtemp(dir=folder, prefix=".part-"))
    try:
        save_file({name: tensor.detach().cpu().contiguous() for name, tensor in weights.items()}, part / FILES[0])
        torch.save(state, part / FILES[1])
        write_json(part / "sums.json", {name: sha256(part / name) for name in FILES})
        for name in FILES:
            _sync(part / name)
        os.chmod(part, 0o755)
        os.replace(part, whole)
        _sync(folder)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise
    _clean(folder, keep=whole)
    return whole


def last(folder: Path) -> Path | None:
    """The newest whole checkpoint in `folder`, None if there is none."""
    if not folder.is_dir():
        return None
    found = sorted(path for path in folder.iterdir() if NAME.fullmatch(path.name))
    return found[-1] if found else None


def load(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Weights and state of the checkpoint `path`, on the CPU. ValueError if it is damaged: nothing of it is used."""
    try:
        sums = read_json(path / "sums.json")
        for name in FILES:
            if sha256(path / name) != sums[name]:
                raise ValueError(f"{name} is not what was written (SHA-256 differs)")
        return load_file(path / FILES[0]), torch.load(path / FILES[1], weights_only=True, map_location="cpu")
    except (OSError, KeyError, TypeError, ValueError, RuntimeError, SafetensorError, pickle.UnpicklingError) as error:
        raise ValueError(
            f"checkpoint {path} is damaged: {error}. Its run cannot go on from it and nothing was changed; delete that "
            "folder to start again from an older checkpoint or from the beginning"
        ) from error


def clear(folder: Path) -> None:
    """Remove all checkpoints and the record in `folder`: the run starts over."""
    if folder.is_dir():
        (folder / "record.json").unlink(missing_ok=True)
        _clean(folder, keep=None)


def _clean(folder: Path, *, keep: Path | None) -> None:
    """Remove older checkpoints and the half-written ones of killed processes."""
    for path in list(folder.iterdir()):
        if path != keep and NAME.fullmatch(path.name):
            gone = path.with_name(f".part-{path.name}")  # renamed first: who dies here leaves no half checkpoint behind
            shutil.rmtree(gone, ignore_errors=True)
            os.replace(path, gone)
            shutil.rmtree(gone, ignore_errors=True)
        elif path != keep and path.name.startswith(".part-"):
            shutil.rmtree(path, ignore_errors=True)


def _sync(path: Path) -> None:
    """Ask the system to put `path` on the disk; folders too, where it can (Windows cannot)."""
    if os.name == "nt":
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
