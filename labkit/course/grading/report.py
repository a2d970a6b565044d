"""What a teacher gets: grades.csv, a row for each student and lesson, and a short table on the screen."""

import csv
import io
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from labkit.records import write_text
from labkit.wording import in_one_line

COLUMNS = (
    "student", "lesson", "state", "passed", "checks", "predictions", "questions", "seconds", "read by hand",
    "exercises",
)  # fmt: skip
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\uff1d", "\uff0b", "\uff0d", "\uff20")  # also in full width
LONGEST = 300  # characters of a message


def write_csv(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write all rows, whole or not at all. UTF-8 with a mark at its beginning, which Excel asks for."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in rows:
        cells = {
            **row,
            "read by hand": "; ".join(row["remarks"]),
            "exercises": "\n".join(_exercise(one) for one in row["exercises"]),
        }
        writer.writerow([harmless(cells[name]) for name in COLUMNS])
    write_text(path, "\ufeff" + text.getvalue())


def _exercise(one: Mapping[str, str]) -> str:
    first = next(iter(one["message"].splitlines()), "")
    return f"{one['name']}: {one['state']}" + (f" ({in_one_line(first)[:LONGEST]})" if first else "")


def harmless(value: Any) -> Any:
    """A cell that no spreadsheet takes for a formula: text that begins like one gets an apostrophe in front."""
    if not isinstance(value, str):
        return value
    plain = "".join(one if one.isprintable() or one in "\n\t" else "\ufffd" for one in value)
    return f"'{plain}" if plain.lstrip(" \n").startswith(FORMULA) or plain.startswith(FORMULA) else plain


def summary(rows: Sequence[Mapping[str, Any]]) -> str:
    """Students with what they passed and what is odd; then the exercises with how many passed each."""
    names = list(dict.fromkeys(row["student"] for row in rows))
    width = max(map(len, [*names, "student"]))
    lines = [f"{'student':<{width}}  passed       predicted    by hand  states"]
    for name in names:
        own = [row for row in rows if row["student"] == name]
        passed = f"{sum(row['passed'] for row in own)} of {sum(row['checks'] for row in own)}"
        predicted = f"{sum(row['predictions'] for row in own)} of {sum(row['questions'] for row in own)}"
        states = Counter(row["state"] for row in own)
        told = ", ".join(f"{count} {state}" for state, count in states.items())
        lines.append(
            f"{name:<{width}}  {passed:<11}  {predicted:<11}  {sum(bool(row['remarks']) for row in own):<7}  {told}"
        )
    every = [one for row in rows for one in row["exercises"]]
    tried = Counter(one["name"] for one in every)
    solved = Counter(one["name"] for one in every if one["state"] == "passed")
    lines += ["", *(f"{name}: passed by {solved[name]} of {tried[name]}" for name in sorted(tried))]
    return "\n".join(lines)
