"""The first cell of each lesson: how long it takes, what it aims at, by which check each aim is tested."""

from typing import Any

import yaml
from IPython.display import Markdown, display

from labkit.records import REPOSITORY, recorded


def start(number: str) -> None:
    """Show minutes (machine: measured; work: estimated) and objectives of lesson `number`."""
    stem, header = header_of(number)
    rows = "\n".join(f"- **{one['text']}** (check `{one['check']}`)" for one in header["objectives"])
    display(Markdown(f"{_minutes(stem, header)}\n\nAfter this lesson you can\n\n{rows}"))


def header_of(number: str) -> tuple[str, dict[str, Any]]:
    """The file stem and the header of lesson `number`. ValueError if there is no such lesson."""
    found = sorted((REPOSITORY / "notebooks" / "source").glob(f"{number}_*.py"))
    if not found:
        raise ValueError(f"there is no lesson {number!r} in notebooks/source/, so its objectives cannot be shown")
    lines = found[0].read_text(encoding="utf-8").split("# ---\n")[1].splitlines()
    return found[0].stem, yaml.safe_load("\n".join(line[2:] for line in lines))["jupyter"]["labkit"]


def _minutes(stem: str, header: dict[str, Any]) -> str:
    work = f"About {header['working_minutes']} minutes of work (estimated)"
    try:
        record = recorded(stem)
    except ValueError:
        return f"{work}; machine time not measured yet."
    return (
        f"{work}; the machine works for {record['seconds'] / 60:.1f} minutes of it (measured on {record['machine']})."
    )
