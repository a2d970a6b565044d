"""The command line: `labkit COMMAND`, or `python -m labkit COMMAND`.

A user's mistake ends with one paragraph and exit code 2, a lesson that does not pass with exit code 1.
"""

import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

try:
    import tyro
except ModuleNotFoundError:
    sys.exit(
        "labkit: the command line needs the package tyro: pip install tyro, or install labkit with its dependencies."
    )


def rerun(
    lessons: tyro.conf.Positional[tuple[str, ...]] = (),
    /,
    *,
    profile: Literal["quick", "full"] = "quick",
    set: tyro.conf.UseAppendAction[tuple[tuple[str, ...], ...]] = (),
    out: Path = Path("site"),
    jobs: int = 1,
    notebooks: Path | None = None,
) -> int:
    """Run the lessons without a screen and write their pages.

    Args:
        lessons: numbers, slugs or file names without ending; all lessons if none is given
        profile: quick (a class room) or full (an evening)
        set: NAME=VALUE, one or more parameters with other values
        out: folder for executed notebooks, report.json and pages
        jobs: lessons side by side; those that measure time always run alone
        notebooks: folder of the lessons, if not the checkout's
    """
    from labkit.course.rerun import rerun

    overrides = _pairs([pair for group in set for pair in group])
    report = rerun(lessons, profile=profile, overrides=overrides, out=out, jobs=jobs, notebooks=notebooks, say=_say)
    ran = [entry for entry in report["lessons"] if entry["run"]["started"] == report["started"]]
    width = max(len(entry["lesson"]) for entry in ran)
    _say("")
    for entry in ran:
        _say(f"{entry['lesson']:<{width}}  {entry['status']:<7}  {entry['seconds']:8.1f} s")
    passed = sum(entry["status"] == "passed" for entry in ran)
    _say(f"\n{passed} of {len(ran)} passed; open {out.resolve() / 'index.html'}")
    return int(passed < len(ran))


def pages(out: Path = Path("site")) -> int:
    """Turn the executed notebooks of the last re-run into pages again.

    Args:
        out: folder that `labkit rerun` wrote
    """
    from labkit.course.pages import pages

    _say(f"open {pages(out)}")
    return 0


def editions(check: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False, notebooks: Path | None = None) -> int:
    """Build the student and the solved edition of each lesson from notebooks/source.

    Args:
        check: write nothing; complain if an edition is not what its source says
        notebooks: folder of the lessons, if not the checkout's
    """
    from labkit.course.editions import build

    written = build(check, notebooks=notebooks)
    _say("\n".join(f"wrote {path}" for path in written) or "every edition is what its source says")
    return 0


def record(lessons: tyro.conf.Positional[tuple[str, ...]] = (), /) -> int:
    """Run the lessons and keep the results that they quote under data/recorded.

    Args:
        lessons: numbers, slugs or file names without ending; all lessons if none is given
    """
    from labkit.course.record import record

    _say("\n".join(f"wrote {path}" for path in record(lessons, say=_say)))
    return 0


def doctor() -> int:
    """Say what this machine has for the lessons and what will be slow on it."""
    from labkit.doctor import as_table, doctor

    _say(as_table(doctor()).rstrip())
    return 0


COMMANDS = {"rerun": rerun, "pages": pages, "editions": editions, "record": record, "doctor": doctor}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return the exit code."""
    for name in ("SIGTERM", "SIGHUP"):  # a closed terminal sends the second one; Windows has none
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), _leave)
    try:
        return tyro.extras.subcommand_cli_from_dict(
            COMMANDS, prog="labkit", description="Patch Lab's lessons: build them, run them, read them.", args=arguments
        )
    except ValueError as error:
        sys.stderr.write(f"labkit: {' '.join(str(error).split())}\n")
        return 2
    except KeyboardInterrupt:
        sys.stderr.write("labkit: interrupted; what had finished is kept\n")
        return 130


def _leave(number: int, frame: object) -> None:
    """End as after Ctrl-C, so that no kernel is left behind."""
    sys.exit(128 + number)


def _pairs(settings: Sequence[str]) -> dict[str, str]:
    """{"name": "value"} from ["name=value"]."""
    if wrong := [setting for setting in settings if "=" not in setting]:
        raise ValueError(
            f"--set takes NAME=VALUE, not {', '.join(wrong)} (lessons stand before --set): nothing was run."
        )
    return dict(setting.split("=", 1) for setting in settings)


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
