"""The choices that a reader made, kept on this machine: notebooks/my_predictions.json, which git ignores.

One JSON object by question: what was asked, the letter chosen, when, and, once it is known, the letter that came out.
Several notebooks may be open, each with a kernel of its own: they take turns, so that none loses what another wrote.
Nothing here raises for the file's sake: a lesson goes on without it, and says so. Runs without anybody at the screen
never come here.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Any

from labkit.locks import locked
from labkit.records import REPOSITORY, now, read_json, write_json

FILE = REPOSITORY / "notebooks" / "my_predictions.json"


def choices() -> tuple[dict[str, dict[str, str]], str]:
    """What is stored, by question, and a sentence on what is wrong with the file ("" if nothing is). A damaged file is
    kept under another name, so that nothing in it is lost, and the store begins anew."""
    with _my_turn():
        found, wrong, _ = _read()
    return found, wrong


def note(name: str, **facts: str) -> str:
    """Store facts on question `name` in place of those that are there: `asked`, `choice`, and `came_out` if it is
    known. A sentence on what went wrong, or ""."""
    with _my_turn():
        found, wrong, safe = _read()
        found[name] = {**facts, "time": now()}
        return f"{wrong} {_write(found) if safe else 'The choice counts, but is not stored.'}".strip()


def forget(name: str) -> str:
    """Drop what is stored on question `name`. A sentence on what went wrong, or ""."""
    with _my_turn():
        found, wrong, safe = _read()
        if found.pop(name, None) is None or not safe:
            return wrong
        return f"{wrong} {_write(found)}".strip()


def forget_all() -> tuple[int, int]:
    """Drop every choice, and what was put aside as damaged: how many choices and how many such files there were.
    OSError if a file cannot be removed."""
    with _my_turn():
        found, _, _ = _read()
        damaged = list(FILE.parent.glob(f"{FILE.stem}.damaged-*.json"))
        for path in (FILE, *damaged):
            path.unlink(missing_ok=True)
    return len(found), len(damaged)


@contextmanager
def _my_turn() -> Iterator[None]:
    """Keep other kernels from the file meanwhile. Where no lock can be had, in a folder that cannot be written for one,
    the work is done without: what goes wrong then is said by whoever writes."""
    with ExitStack() as held:
        with suppress(OSError):
            held.enter_context(locked(FILE.with_name(f".{FILE.stem}.lock"), wait=True))
        yield


def _read() -> tuple[dict[str, dict[str, str]], str, bool]:
    """What is stored, what is wrong, and whether writing would lose nothing."""
    try:
        found = read_json(FILE)
    except FileNotFoundError:
        return {}, "", True
    except OSError as error:
        return {}, f"{FILE} cannot be read ({error.strerror}): choices made before are not known here.", False
    except (ValueError, RecursionError):  # the latter: nested too deeply
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
