"""Results as files: one JSON object a run, written whole or not at all, with all that is needed to repeat it.

`RUN_KEYS` are the keys that every training record has, the same everywhere; a task may add more.
"""

import hashlib
import importlib.metadata
import json
import os
import platform
import subprocess
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

RUN_KEYS = (
    "task", "data", "image_size", "model", "patch_size", "tokens", "width", "depth", "heads", "steps", "batch", "seed",
    "learning_rate", "parameters", "flops_per_image", "train_flops", "train_loss", "test_loss", "test_accuracy",
    "seconds", "device", "threads", "versions", "commit", "time",
)  # fmt: skip

REPOSITORY = Path(__file__).resolve().parent.parent


def write_atomically(path: Path, write: Callable[[BinaryIO], object]) -> None:
    """Give `write` a temporary file beside `path`, then rename it into place: a reader sees the old file or the new."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(name, 0o644)
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def write_text(path: Path, text: str) -> None:
    """Write `text` as UTF-8, atomically."""
    write_atomically(Path(path), lambda file: file.write(text.encode()))


def write_json(path: Path, value: Any) -> None:
    """Write `value` as readable JSON, atomically."""
    write_text(path, json.dumps(value, indent=1, ensure_ascii=False) + "\n")


def read_json(path: Path) -> Any:
    """The JSON in `path`. ValueError if it is damaged (FileNotFoundError if it is not there)."""
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is not JSON ({error}): it is damaged and nothing was read from it") from error


def make_writable(folder: Path, *, lost: str = "results") -> None:
    """Make the folder and prove that it can be written, before any work; ValueError, with what would be `lost`, if it
    cannot."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        Path(tempfile.mkdtemp(dir=folder, prefix=".part-")).rmdir()
    except OSError as error:
        raise ValueError(
            f"folder {folder} cannot be written ({error.strerror}): {lost} would be lost; nothing was started"
        ) from error


def sha256(path: Path) -> str:
    """The SHA-256 of a file's content, in hexadecimal digits."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def recorded(name: str) -> Any:
    """A recorded result that lessons quote, `data/recorded/<name>.json` of the course; `make record` recomputes them.

    ValueError with what to do if it is missing.
    """
    path = REPOSITORY / "data" / "recorded" / f"{name}.json"
    if not path.exists():
        raise ValueError(f"the recorded result {name!r} is not at {path}: run `make record`, which computes it")
    return read_json(path)


def versions(*more: str) -> dict[str, str]:
    """The versions that can change a number, and those of `more` packages."""
    found = {"python": platform.python_version()}
    for package in ("torch", "numpy", "scikit-image", "scikit-learn", *more):
        found[package] = importlib.metadata.version(package)
    return found


RECORDED = ("data/recorded", "data/reports", "data/runs", "benchmarks/results")  # of lessons, sweeps, benchmarks


def commit(folder: Path = REPOSITORY) -> str | None:
    """The commit that `folder` (the code's own checkout) stands at, with "+changes" if tracked files differ from it,
    recorded results aside: they say nothing of the code. None outside a git checkout."""
    head = _git(folder, "rev-parse", "HEAD")
    if not head:
        return None
    code = [":/", *(f":(top,exclude){path}" for path in RECORDED)]
    changes = _git(folder, "status", "--porcelain", "--untracked-files=no", "--", *code)
    return head + ("+changes" if changes else "")


def _git(folder: Path, *words: str) -> str:
    try:
        answer = subprocess.run(["git", "-C", str(folder), *words], capture_output=True, text=True, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return answer.stdout.strip() if answer.returncode == 0 else ""


def now() -> str:
    """The time in UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def machine() -> str:
    """The machine in words: system, processor, cores."""
    return f"{platform.system()} {platform.machine()}, {_processor()}, {os.cpu_count()} cores"


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or "processor unknown"
