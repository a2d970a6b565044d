"""What a student's code sees while it is graded: a machine without network, made by bubblewrap (`bwrap`).

Seen, and read only: the system's programs (/usr), the Python environment, `labkit` without `labkit.lesson` and
`labkit.course`, and `data/`. So no exercise's reference, no solved edition, no test, no submission, no home. Written:
one small folder in memory, which is also the home, gone afterwards. Processes, users, hosts and messages are the
sandbox's own; environment variables are a few of ours.
"""

import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import labkit
from labkit.records import REPOSITORY

LABKIT = Path(labkit.__file__).resolve().parent
HERE = Path(__file__).resolve().parent
SYSTEM = ("/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
CONFIGURATION = ("/etc/ld.so.cache", "/etc/alternatives", "/etc/localtime")
HOME = "/tmp/home"


@dataclass(frozen=True)
class Limits:
    """What one answer may take: `seconds` from when it starts, `memory` in MB, also of all it writes to `disk`, bytes
    that it may print, and threads or processes."""

    seconds: int | float = 60
    memory: int = 2000
    disk: int = 64
    output: int = 1_000_000
    processes: int = 128


def bubblewrap() -> str:
    """The path of bwrap. ValueError where it is missing or may not work, with what can be done."""
    found = shutil.which("bwrap")
    if found is None:
        raise ValueError(
            "bubblewrap (bwrap) is not on this machine, so students' code would run with all that you may do. It is "
            "a package of every Linux (apt install bubblewrap) and works in Windows' WSL; macOS has none. Nothing was "
            "graded. --trust grades without it: only for people whom you would let sit at your machine"
        )
    tried = subprocess.run(
        [found, "--ro-bind", "/", "/", "--unshare-all", "--die-with-parent", "true"], capture_output=True, text=True
    )
    if tried.returncode:
        raise ValueError(
            f"bubblewrap cannot make a sandbox here ({tried.stderr.strip()[:200]}): many systems in containers, and "
            "some that forbid user namespaces, do not let it. Nothing was graded. --trust grades without it: only for "
            "people whom you would let sit at your machine"
        )
    return found


def sandboxed(bwrap: str, limits: Limits, hidden: Iterable[Path] = ()) -> list[str]:
    """The command that runs the answerer in a sandbox, but for the filter. Folders in `hidden` are empty in there,
    also if they lie inside what is shown."""
    size = str(limits.disk * 10**6)
    shown = _shown()
    command = [bwrap, "--unshare-all", "--unshare-user", "--disable-userns", "--die-with-parent", "--new-session"]
    command += ["--clearenv", "--cap-drop", "ALL", "--hostname", "sandbox"]
    command += ["--proc", "/proc", "--dev", "/dev", "--size", "1000000", "--tmpfs", "/dev/shm", "--remount-ro", "/dev"]
    command += ["--size", size, "--tmpfs", "/tmp", "--dir", HOME, *_system()]
    for folder in shown:
        command += ["--ro-bind", str(folder), str(folder)]
    for room in ("lesson", "course"):
        command += ["--size", "1000000", "--tmpfs", str(LABKIT / room)]
    command += ["--ro-bind", str(HERE / "stand_in.py"), str(LABKIT / "lesson" / "__init__.py")]
    command += ["--ro-bind", str(HERE / "answerer.py"), "/answerer.py"]
    covered = [REPOSITORY / name for name in ("notebooks", "tests", ".git")] + [Path(one).resolve() for one in hidden]
    covered = [one for one in covered if one.is_dir() and any(one.is_relative_to(folder) for folder in shown)]
    for folder in covered:
        command += ["--size", "1000000", "--tmpfs", str(folder)]
    for folder in (LABKIT / "lesson", LABKIT / "course", *covered, "/"):
        command += ["--remount-ro", str(folder)]
    for name, value in _environment().items():
        command += ["--setenv", name, value]
    return [*command, "--chdir", HOME, sys.executable, "-s", "-B", "/answerer.py"]


def trusted() -> list[str]:
    """The command that runs the answerer as any other program."""
    return [sys.executable, "-s", "-B", str(HERE / "answerer.py")]


def _environment() -> dict[str, str]:
    """All variables that are set inside."""
    paths = [str(LABKIT.parent), *map(str, _packages())]
    one_thread = {name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}
    own = {"HOME": HOME, "USER": "student", "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "PYTHONPATH": ":".join(paths)}
    return own | one_thread


def _system() -> Iterator[str]:
    """The system's own folders: links stay links."""
    for name in SYSTEM:
        path = Path(name)
        if path.is_symlink():
            yield from ("--symlink", str(path.readlink()), name)
        elif path.is_dir():
            yield from ("--ro-bind", name, name)
    for name in CONFIGURATION:
        yield from ("--ro-bind-try", name, name)


def _shown() -> list[Path]:
    """Folders that are shown as they are, the outer before the inner."""
    folders = {Path("/usr"), *map(Path, (sys.prefix, sys.base_prefix)), *_packages(), LABKIT, REPOSITORY / "data"}
    return sorted({one.resolve() for one in folders if one.is_dir()} | {Path(sys.prefix).absolute()})


def _packages() -> list[Path]:
    """Folders of packages that lie outside the environment, such as a user's own."""
    inside = tuple(Path(one).resolve() for one in (sys.prefix, sys.base_prefix, "/usr"))
    found = [Path(one).resolve() for one in sys.path if Path(one).name in ("site-packages", "dist-packages")]
    return [one for one in dict.fromkeys(found) if one.is_dir() and not any(map(one.is_relative_to, inside))]
