"""report.json: what was run, with which values, how it ended, on which machine, with which versions."""

import json
import os
import platform
import sys
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import labkit
from labkit import records

PACKAGES = ("torch", "numpy", "plotly", "papermill", "jupyterlab")


def provenance(profile: str, notebooks: Path) -> dict[str, Any]:
    """Profile, time, versions, commit and machine of a run that starts now."""
    return {
        "profile": profile,
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "versions": {
            "python": platform.python_version(),
            "labkit": labkit.__version__,
            **{name: _version(name) for name in PACKAGES},
        },
        "commit": records.commit(notebooks),
        "machine": {"platform": f"{platform.system()} {platform.machine()}", "cores": _cores()},
    }


def read_report(out: Path) -> dict[str, Any]:
    """The report that lies in `out`, or an empty one; a ValueError if what lies there is none."""
    path = out / "report.json"
    if not path.exists():
        return {"lessons": []}
    try:
        return {"lessons": [], **json.loads(path.read_text(encoding="utf-8"))}
    except (ValueError, TypeError) as error:
        raise ValueError(
            f"{path} is no report ({error}): earlier results could not be kept; delete the file."
        ) from error


def merge(report: dict[str, Any], entry: dict[str, Any], out: Path) -> dict[str, Any]:
    """The report with one lesson's entry new; other lessons keep theirs as long as their notebook lies in `out`."""
    entries = {
        old["lesson"]: old for old in report["lessons"] if (out / "notebooks" / f"{old['lesson']}.ipynb").exists()
    }
    entries[entry["lesson"]] = entry
    return {**report, "lessons": [entries[name] for name in sorted(entries)]}


def write_report(out: Path, report: dict[str, Any]) -> None:
    """Write it for people and programs alike."""
    records.write_json(out / "report.json", report)


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
