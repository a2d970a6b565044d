"""The first cell of each lesson: how long it takes, what it aims at, by which check each aim is tested."""

from typing import Any

from IPython.display import Markdown, display

from labkit.records import REPOSITORY, read_json, recorded


def start(number: str) -> None:
    """Show minutes (machine: measured; work: estimated) and objectives of lesson `number`."""
    stem, header = header_of(number)
    rows = "\n".join(f"- **{one['text']}** (check `{one['check']}`)" for one in header["objectives"])
    display(Markdown(f"{_minutes(stem, header)}\n\nAfter this lesson you can\n\n{rows}"))


def header_of(number: str) -> tuple[str, dict[str, Any]]:
    """The file stem and the header of lesson `number`, as its student edition carries it. ValueError if there is
    none."""
    found = sorted((REPOSITORY / "notebooks").glob(f"{number}_*.ipynb"))
    if not found:
        raise ValueError(f"there is no lesson {number!r} in notebooks/, so its objectives cannot be shown")
    return found[0].stem, read_json(found[0])["metadata"]["labkit"]


def _minutes(stem: str, header: dict[str, Any]) -> str:
    work = f"About {header['working_minutes']} minutes of work (estimated)"
    try:
        record = recorded(stem)
    except ValueError:
        return f"{work}; machine time not measured yet."
    return (
        f"{work}; the machine works for {record['seconds'] / 60:.1f} minutes of it (measured on {record['machine']})."
    )
