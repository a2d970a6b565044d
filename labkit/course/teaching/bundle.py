"""All that a room without network needs: the library's source, data, lessons, pages, and what to fetch beforehand."""

import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from labkit.course.report import read_report
from labkit.course.source import sources

FOLDERS = ("labkit", "data")
FILES = (
    "README.md", "CHANGELOG.md", "CONTRIBUTING.md", "CITATION.cff", "LICENSE", "Makefile", "environment.yml",
    "pyproject.toml", "requirements.lock", "requirements-grade.lock", "notebooks/picture.png",
)  # fmt: skip
WHEELS = "wheels/"
TOLD = ("Downloading", "Saved", "ERROR")  # of what pip says, which is several lines a package
README = """# Patch Lab without a network

- `patch-lab/`: the lessons with their solutions, the library's source, the data, and the exact versions of all packages
- `pages/`: {pages}
- `wheels/`: {wheels}
- `wheels.txt`: which packages these are
- `SHA256SUMS`: `sha256sum --check SHA256SUMS` (macOS: `shasum -a 256 --check SHA256SUMS`) says if a copy is whole

## Beforehand, with a network

In this folder, with the Python and on the kind of system that the room has (wheels differ between them; with CUDA they
are several gigabytes):

```sh
python3 -m pip download -r patch-lab/requirements.lock -d wheels
```

## In the room, without one

```sh
python3 -m venv .venv
.venv/bin/python -m pip install --no-index --find-links wheels -r patch-lab/requirements.lock
.venv/bin/python -m pip install --no-index --no-deps --no-build-isolation -e patch-lab
cd patch-lab
../.venv/bin/labkit doctor
../.venv/bin/jupyter lab notebooks/00_start_here.ipynb
```

On Windows the programs of the environment lie in `.venv\\Scripts` instead of `.venv/bin`.
"""
PAGES_MISSING = "missing, as no re-run was at hand: `labkit rerun` writes `site/`, then build again"
WHEELS_MISSING = "missing: fetch them as below, or build with `--wheels`"
WHEELS_THERE = "the packages, for the system and the Python that this was built with"


def bundle_files(
    repository: Path, notebooks: Path, editions: Mapping[str, str], site: Path
) -> Iterator[tuple[str, bytes]]:
    """What goes into the bundle, wheels and the README aside: the path in it, and the content. `editions` are texts of
    notebooks by their path below `notebooks`. ValueError if the checkout lacks a file."""
    try:
        for path in (*(repository / name for name in FILES), *_inside(repository)):
            yield f"patch-lab/{path.relative_to(repository).as_posix()}", path.read_bytes()
        for path in sources(notebooks):
            yield f"patch-lab/notebooks/source/{path.name}", path.read_bytes()
        for path in _pages(site):
            yield f"pages/{path.relative_to(site).as_posix()}", path.read_bytes()
        lock = (repository / "requirements.lock").read_text(encoding="utf-8")
    except OSError as error:
        raise ValueError(f"{error.filename} cannot be read ({error.strerror}): the bundle would lack it.") from error
    for name, text in editions.items():
        yield f"patch-lab/notebooks/{name}", text.encode()
    yield "wheels.txt", wheels_list(lock).encode()


def readme(site: Path, stems: Sequence[str], *, wheels: bool) -> str:
    """The bundle's README, which says what is missing in it."""
    return README.format(pages=_about_pages(site, stems), wheels=WHEELS_THERE if wheels else WHEELS_MISSING)


def wheels_list(lock: str) -> str:
    """The pinned packages of a lock file, a line each, with the systems that they are for."""
    pins = re.findall(r"^([A-Za-z0-9_.\[\]-]+==[^\\\n]+?)\s*\\?$", lock, re.MULTILINE)
    if not pins:
        raise ValueError("requirements.lock pins no package: nobody could fetch what the room needs; `make lock`.")
    return "\n".join(pins) + "\n"


def fetch_wheels(lock: Path, folder: Path, say: Callable[[str], None]) -> None:
    """Download the packages that `lock` pins into `folder`: the one thing here that asks the network. ValueError if it
    fails."""
    command = [sys.executable, "-m", "pip", "download", "-r", str(lock), "-d", str(folder)]
    last = ""
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as pip:
        for line in pip.stdout:
            last = line.strip() or last
            if last.startswith(TOLD) and line.strip():
                say(last)
    if pip.returncode:
        raise ValueError(
            f"pip could not fetch the wheels ({last[:300]}): nothing else was written; without --wheels all but these "
            "is built."
        )


def _inside(repository: Path) -> Iterator[Path]:
    """The files of the folders that go along, without what Python and JupyterLab leave there."""
    for folder in FOLDERS:
        for path in sorted((repository / folder).rglob("*")):
            parts = path.relative_to(repository).parts
            if path.is_file() and "__pycache__" not in parts and not any(part.startswith(".") for part in parts):
                yield path


def _pages(site: Path) -> list[Path]:
    return [*sorted(site.glob("*.html")), *sorted(path for path in (site / "assets").glob("*") if path.is_file())]


def _about_pages(site: Path, stems: Sequence[str]) -> str:
    if not (site / "index.html").exists():
        return PAGES_MISSING
    lacking = [stem for stem in stems if not (site / f"{stem}.html").exists()]
    started = read_report(site).get("started")
    said = "the lessons as web pages, solutions included; open `pages/index.html`"
    said += f"; of the re-run of {started}" if started else ""
    return said + (f"; missing in it: {', '.join(lacking)} (`labkit rerun` runs all)" if lacking else "")
