"""What a lesson's recorded run took: the time that the course promises, and which lessons take much longer now."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from labkit.records import read_json

PATIENCE = 1.5  # times the promise: below, another machine or another day


class Promise(NamedTuple):
    """Seconds of the recorded run, on which machine, with which parameters."""

    seconds: float
    machine: str
    parameters: dict[str, Any]


def promise(notebooks: Path, stem: str) -> Promise | None:
    """What `labkit record` kept of the run of lesson `stem`, in data/recorded beside the folder of the lessons; None
    where nothing was recorded."""
    path = notebooks.parent / "data" / "recorded" / f"{stem}.json"
    if not path.exists():
        return None
    found = read_json(path)
    try:
        return Promise(float(found["seconds"]), str(found["machine"]), dict(found["parameters"]))
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(
            f"{path} does not say what its run took ({error}): `labkit record {stem}` writes it"
        ) from error


def promised(entry: Mapping[str, Any], notebooks: Path) -> dict[str, Any]:
    """What a report's entry says of its promise: nothing if there is none, or if other parameters were run."""
    found = promise(notebooks, entry["lesson"])
    if found is None or found.parameters != entry["parameters"]:
        return {}
    late = entry["status"] == "passed" and entry["seconds"] > PATIENCE * found.seconds
    return {"promise": {"seconds": found.seconds, "machine": found.machine, "late": late}}


def late_lines(entries: Iterable[Mapping[str, Any]]) -> list[str]:
    """A sentence for each lesson of a report that took more than PATIENCE times its promise."""
    late = [entry for entry in entries if entry.get("promise", {}).get("late")]
    return [_sentence(entry["lesson"], entry["seconds"], entry["promise"]) for entry in late]


def _sentence(stem: str, seconds: float, kept: Mapping[str, Any]) -> str:
    return (
        f"{stem} took {seconds:.0f} s, {seconds / kept['seconds']:.1f} times its recorded {kept['seconds']:.0f} s "
        f"({kept['machine']}): something else may be running, or the lesson has become slower"
    )
