"""What a lesson's recorded run took: the time that the course promises, and which lessons take much longer now."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from labkit.course.lesson import Lesson
from labkit.course.parameters import PROFILES, resolve
from labkit.records import read_json

PATIENCE = 1.5  # times the promise: below, another machine or another day
FULL = Path("data/reports/full.json")  # the report of a whole re-run in the full profile, as `make full` keeps it


class Promise(NamedTuple):
    """Seconds of the recorded run, on which machine, with which parameters."""

    seconds: float
    machine: str
    parameters: dict[str, Any]


def promise(notebooks: Path, stem: str, profile: str = "quick") -> Promise | None:
    """What was kept of a run of lesson `stem`, beside the folder of the lessons: by `labkit record` in data/recorded,
    of the full profile by `make full` in data/reports. None where nothing was. ValueError for a damaged file."""
    root = notebooks.parent
    path = root / FULL if profile == "full" else root / "data" / "recorded" / f"{stem}.json"
    if not path.exists():
        return None
    found = read_json(path)
    try:
        if profile == "full":
            found = next((one for one in found["lessons"] if one["lesson"] == stem), None)
            return found and Promise(found["seconds"], _machine(found["run"]["machine"]), dict(found["parameters"]))
        return Promise(float(found["seconds"]), str(found["machine"]), dict(found["parameters"]))
    except (KeyError, TypeError, ValueError) as error:
        written = "make full" if profile == "full" else f"labkit record {stem}"
        raise ValueError(f"{path} does not say what its run took ({error}): `{written}` writes it") from error


def _machine(kept: Mapping[str, Any]) -> str:
    return f"{kept['platform']}, {kept['cores']:g} cores"


def promised(entry: Mapping[str, Any], lesson: Lesson, notebooks: Path) -> dict[str, Any]:
    """What a report's entry on `lesson` says of its promise: nothing if there is none, or if other parameters were run.
    A parameter that is younger than the record had its usual value then."""
    for profile in PROFILES:
        found = promise(notebooks, lesson.stem, profile)
        if found and resolve(lesson.parameters, profile=profile) | found.parameters == entry["parameters"]:
            late = entry["status"] == "passed" and entry["seconds"] > PATIENCE * found.seconds
            return {"promise": {"seconds": found.seconds, "machine": found.machine, "late": late}}
    return {}


def late_lines(entries: Iterable[Mapping[str, Any]]) -> list[str]:
    """A sentence for each lesson of a report that took more than PATIENCE times its promise."""
    late = [entry for entry in entries if entry.get("promise", {}).get("late")]
    return [_sentence(entry["lesson"], entry["seconds"], entry["promise"]) for entry in late]


def _sentence(stem: str, seconds: float, kept: Mapping[str, Any]) -> str:
    return (
        f"{stem} took {seconds:.0f} s, {seconds / kept['seconds']:.1f} times its recorded {kept['seconds']:.0f} s "
        f"({kept['machine']}): something else may be running, or the lesson has become slower"
    )
