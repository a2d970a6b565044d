"""The choices that a reader made, kept on this machine: notebooks/my_predictions.json, which git ignores.

One JSON object by question: what was asked, the letter chosen, when, and, once it is known, the letter that came out.
Nothing here raises for the file's sake: a lesson goes on without it, and says so. Runs without anybody at the screen
never come here.
"""

from typing import Any

from labkit.records import REPOSITORY, now, read_json, write_json

FILE = REPOSITORY / "notebooks" / "my_predictions.json"


def choices() -> tuple[dict[str, dict[str, str]], str]:
    """What is stored, by question, and a sentence on what is wrong with the file ("" if nothing is). A damaged file is
    kept under another name, so that nothing in it is lost, and the store begins anew."""
    found, wrong, _ = _read()
    return found, wrong


def note(name: str, **facts: str) -> str:
    """Store facts on question `name` in place of those that are there: `asked`, `choice`, and `came_out` if it is
    known. A sentence on what went wrong, or ""."""
    found, wrong, safe = _read()
    found[name] = {**facts, "time": now()}
    return f"{wrong} {_write(found) if safe else 'The choice counts, but is not stored.'}".strip()


def forget(name: str) -> str:
    """Drop what is stored on question `name`. A sentence on what went wrong, or ""."""
    found, wrong, safe = _read()
    if found.pop(name, None) is None or not safe:
        return wrong
    return f"{wrong} {_write(found)}".strip()


def forget_all() -> int:
    """Drop every choice; how many there were. OSError if the file cannot be removed."""
    found, _ = choices()
    FILE.unlink(missing_ok=True)
    return len(found)


def _read() -> tuple[dict[str, dict[str, str]], str, bool]:
    """What is stored, what is wrong, and whether writing would lose nothing."""
    try:
        found = read_json(FILE)
    except FileNotFoundError:
        return {}, "", True
    except OSError as error:
        return {}, f"{FILE} cannot be read ({error.strerror}): choices made before are not known here.", False
    except ValueError:
        return {}, *_put_aside()
    return (found, "", True) if _is_whole(found) else ({}, *_put_aside())


def _is_whole(found: Any) -> bool:
    """Whether each question has a choice and what was asked, all in words."""
    return isinstance(found, dict) and all(
        isinstance(entry, dict)
        and {"choice", "asked"} <= entry.keys()
        and all(isinstance(fact, str) for fact in entry.values())
        for entry in found.values()
    )


def _put_aside() -> tuple[str, bool]:
    """What was done with a damaged file, and whether its place is free now."""
    number = 1
    while (aside := FILE.with_name(f"{FILE.stem}.damaged-{number}.json")).exists():
        number += 1
    try:
        FILE.rename(aside)
    except OSError as error:
        why = f"{FILE.name} is damaged and cannot be put aside ({error.strerror}): choices made before are not known."
        return why, False
    return f"{FILE.name} was damaged: it is kept as {aside.name}, and choices are stored anew from here on.", True


def _write(found: dict[str, dict[str, str]]) -> str:
    try:
        write_json(FILE, found)
    except OSError as error:
        return f"The choice counts, but is not stored: {FILE} cannot be written ({error.strerror})."
    return ""
