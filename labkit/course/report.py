"""report.json: what was run, with which values, how it ended, on which machine, with which versions."""

import json
import platform
from pathlib import Path
from typing import Any

import labkit
from labkit import records

RUN = ("profile", "started", "versions", "commit", "machine")  # keys of a run, of the report itself and of each entry
ENTRY = ("lesson", "status", "seconds", "parameters", "run")
ERROR = ("cell", "index", "line", "name", "message")  # of a lesson that did not pass


def provenance(profile: str, notebooks: Path) -> dict[str, Any]:
    """Profile, time, versions, commit and machine of a run that starts now."""
    from labkit.machine import cores  # brings torch, which the pages do without

    return {
        "profile": profile,
        "started": records.now(),
        "versions": {"labkit": labkit.__version__, **records.versions("plotly", "papermill")},
        "commit": records.commit(notebooks),
        "machine": {"platform": f"{platform.system()} {platform.machine()}", "cores": cores()},
    }


def read_report(out: Path) -> dict[str, Any]:
    """The report that lies in `out`, or an empty one; a ValueError if what lies there is none."""
    path = out / "report.json"
    if not path.exists():
        return {"lessons": []}
    try:
        report = json.loads(path.read_text(encoding="utf-8"))
        _check(report)
    except ValueError as error:
        raise ValueError(
            f"{path} is no report ({error}): earlier results could not be kept; delete the file."
        ) from error
    return report


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


def _check(report: Any) -> None:
    _has(report, (*RUN, "seconds", "lessons"), "the report")
    _has(report["machine"], ("platform", "cores"), "its machine")
    if not isinstance(report["lessons"], list):
        raise ValueError("its lessons are no list")
    for number, entry in enumerate(report["lessons"], start=1):
        _has(entry, ENTRY, f"entry {number}")
        _has(entry["run"], RUN, f"the run of entry {number}")
        _has(entry["run"]["machine"], ("platform", "cores"), f"the machine of entry {number}")
        if entry["status"] != "passed":
            _has(entry.get("error"), ERROR, f"the error of entry {number}")


def _has(value: Any, keys: tuple[str, ...], what: str) -> None:
    if not isinstance(value, dict):
        raise ValueError(f"{what} is missing or no object")
    if missing := [key for key in keys if key not in value]:
        raise ValueError(f"{what} lacks {', '.join(missing)}")
