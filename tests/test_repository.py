"""What the repository says about itself is true: file tree, links, targets, licences, notebooks without outputs."""

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from urllib.parse import unquote

import nbformat
import pytest
import yaml
from test_layers import FLOORS

from labkit.data.photos import photos

ROOT = Path(__file__).parents[1]
IGNORED = {".git", ".venv", "site", "site-full", "runs", "build", "dist"}
SOURCES = sorted(path.stem for path in ROOT.glob("notebooks/source/*.py"))
EDITIONS = sorted(f"{folder}{stem}.ipynb" for folder in ("notebooks/", "notebooks/solved/") for stem in SOURCES)


def git(*arguments: str) -> str | None:
    """What git prints, or None where there is no git or no checkout (an unpacked archive)."""
    try:
        done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, timeout=30)
    except FileNotFoundError:
        return None
    return done.stdout if done.returncode == 0 else None


def files() -> list[str]:
    """Every file of the repository: tracked, or new and not ignored."""
    top = git("rev-parse", "--show-toplevel")
    if top and Path(top.strip()) == ROOT:
        listed = git("ls-files", "--cached", "--others", "--exclude-standard", "-z").split("\0")
        return sorted(name for name in listed if name and (ROOT / name).is_file())
    found = (path.relative_to(ROOT) for path in ROOT.rglob("*") if path.is_file())
    return sorted(str(path) for path in found if not IGNORED & set(path.parts) and "__pycache__" not in path.parts)


# ---------------------------------------------------------------- README


def read_tree(markdown: str) -> list[str]:
    """Paths of the README's file tree: four spaces a level, a folder ends in /, a description after two spaces."""
    block = re.search(r"^## The files\n+.*?^```text\n(.*?)^```", markdown, re.MULTILINE | re.DOTALL)
    above, paths = [], []
    for line in block[1].splitlines():
        level = (len(line) - len(line.lstrip())) // 4
        name = re.split(r"\s{2,}", line.strip())[0]
        above = above[:level]
        paths.append("".join([*above, name]))
        above.append(name)
    return paths


def tree_faults(paths: list[str], present: list[str]) -> list[str]:
    """Lines that name nothing, and files that no line names.

    A folder without lines below it stands for all that it holds, except inside labkit, where each file has its line.
    The line of a package stands for its __init__.py.
    """
    opened = {path for path in paths if path.endswith("/") and any(p != path and p.startswith(path) for p in paths)}
    closed = {path for path in paths if path.endswith("/")} - opened
    whole = tuple(path for path in closed if not path.startswith("labkit/"))
    folders = {"".join(f"{part}/" for part in Path(name).parts[:depth]) for name in present for depth in range(1, 9)}
    faults = [f"the tree names {path}, which is not there" for path in paths if path not in {*present, *folders}]
    for name in present:
        package = name.endswith("__init__.py") and name.removesuffix("__init__.py") in paths
        if not (name in paths or package or name.startswith(whole)):
            faults.append(f"the tree lacks a line for {name}: {summary(ROOT / name)}")
    return faults + [f"the tree names {path} twice" for path in set(paths) if paths.count(path) > 1]


def summary(path: Path) -> str:
    """First line of a module's docstring: what its line in the tree may say."""
    text = path.read_text(encoding="utf-8") if path.suffix == ".py" and path.exists() else ""
    found = re.match(r'"""(.*?)(?:"""|\n)', text)
    return found[1] if found else ""


def test_the_file_tree_is_complete():
    assert tree_faults(read_tree((ROOT / "README.md").read_text()), files()) == []


@pytest.mark.parametrize(
    ("paths", "present"),
    [
        (["a.py"], ["a.py", "b.py"]),  # a new file
        (["a.py", "b.py"], ["a.py"]),  # a file that is gone
        (["labkit/"], ["labkit/train.py"]),  # labkit may not be hidden behind its folder
        (["labkit/", "labkit/ops/"], ["labkit/ops/a.py"]),
        (["a/", "a/b.py"], ["a/b.py", "a/c.py"]),  # an opened folder is complete
        (["a.py", "a.py"], ["a.py"]),
    ],
)
def test_a_stale_tree_is_found(paths: list[str], present: list[str]):
    assert len(tree_faults(paths, present)) == 1


def test_the_two_commands_stand_at_the_top():
    text = (ROOT / "README.md").read_text()
    start = re.match(r"# [^\n]+\n\n```sh\n(.*?)```", text, re.DOTALL)
    assert [line.split("#")[0].strip() for line in start[1].splitlines()] == ["make rerun", "make test"]


# ---------------------------------------------------------------- links and make targets


def anchors(markdown: str) -> set[str]:
    """The anchors that a page's headings get."""
    headings = re.findall(r"^#+ (.*)$", re.sub(r"```.*?```", "", markdown, flags=re.DOTALL), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def dead_links(markdown: str, page: Path) -> list[str]:
    """Local targets of links and pictures that are not there; addresses on the web are not asked."""
    text = re.sub(r"```.*?```|`[^`\n]*`", "", markdown, flags=re.DOTALL)
    targets = re.findall(r"\]\(\s*<?([^)\s>]+)", text) + re.findall(r'(?:src|href)="([^"]+)"', text)
    dead = []
    for target in targets:
        path, _, anchor = unquote(target).partition("#")
        if re.match(r"[a-z]+:", target):
            continue
        there = page.parent / path if path else page
        pages = anchor and there.suffix == ".md" and there.exists()
        if not there.exists() or (pages and anchor not in anchors(there.read_text())):
            dead.append(target)
    return dead


@pytest.mark.parametrize("name", [name for name in files() if name.endswith(".md")])
def test_local_links_lead_somewhere(name: str):
    assert dead_links((ROOT / name).read_text(), ROOT / name) == []


@pytest.mark.parametrize("name", EDITIONS)
def test_links_in_lessons_lead_somewhere(name: str):
    path = ROOT / name
    cells = nbformat.read(path, as_version=4).cells
    assert dead_links("\n\n".join(cell.source for cell in cells if cell.cell_type == "markdown"), path) == []


def test_a_dead_link_is_found(tmp_path: Path):
    page = tmp_path / "page.md"
    text = "# One two\n[a](gone.md) [b](#one-two) [c](#three) [d](https://example.org/x) ![e](page.md) `[f](g.md)`\n"
    page.write_text(text)
    assert dead_links(text, page) == ["gone.md", "#three"]


def targets() -> set[str]:
    return set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


def called(text: str) -> list[str]:
    """The targets of `make TARGET` in code: shell lines, code spans, code blocks."""
    return re.findall(r"\bmake ([a-z]+)", text)


def test_every_make_target_that_is_named_exists():
    for name in ("README.md", "CONTRIBUTING.md", "data/README.md"):
        text = (ROOT / name).read_text()
        code = "\n".join(re.findall(r"```.*?```|`[^`\n]+`", text, re.DOTALL))
        assert set(called(code)) <= targets(), name
    phony = re.search(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert set(phony[1].split()) == targets()


def workflow() -> dict:
    return yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())


def steps_of(job: str) -> list[str]:
    """What the steps of a job run, in order."""
    return [step["run"] for step in workflow()["jobs"][job]["steps"] if "run" in step]


def sandbox_first(commands: str) -> bool:
    """Is bubblewrap there before the tests, which are skipped without it?"""
    return -1 < commands.find("bubblewrap") < commands.find("make test")


def test_continuous_integration_runs_the_same_targets():
    local = (ROOT / ".ci/run").read_text()
    assert called(local) == called("\n".join(steps_of("lab"))) == ["test", "rerun", "browser"]


def test_the_sandbox_is_there_before_the_tests():
    for text in ((ROOT / ".ci/run").read_text(), *("\n".join(steps_of(job)) for job in ("lab", "newest"))):
        assert sandbox_first(text)
        assert not sandbox_first(text.replace("bubblewrap", "bubbles"))
        assert not sandbox_first(f"make test\n{text}")


def test_the_newest_versions_are_tried_every_week():
    (when,) = workflow()[True]["schedule"]  # YAML reads the key `on` as a truth value
    assert re.fullmatch(r"\d+ \d+ \* \* [0-6]", when["cron"])
    assert "'schedule'" in workflow()["jobs"]["newest"]["if"]
    assert called("\n".join(steps_of("newest"))) == ["lock", "test", "rerun"]


def test_ci_run_says_what_it_could_not_install(tmp_path: Path):
    """On a machine where nothing can be installed, and make is only said."""
    for name in ("dirname", "id", "bash"):
        (tmp_path / name).symlink_to(shutil.which(name))
    (tmp_path / "make").write_text("#!/bin/sh\necho make $*\n")
    (tmp_path / "make").chmod(0o755)
    ended = subprocess.run(
        [ROOT / ".ci/run"], env={"PATH": str(tmp_path)}, capture_output=True, text=True, timeout=60, check=False
    )
    said = "is not here and could not be installed: the tests that need it are skipped."
    wanted = [f"bubblewrap {said}", "make test", "make rerun", f"chromium {said}", "make browser LESSONS=01 05 07"]
    assert ended.stdout.splitlines() == wanted, ended.stderr


def test_ci_run_can_be_run_and_stops_at_the_first_failure():
    path = ROOT / ".ci/run"
    assert path.stat().st_mode & 0o111
    assert "set -euo pipefail" in path.read_text()


# ---------------------------------------------------------------- CONTRIBUTING


def floors_in(markdown: str) -> dict[str, int]:
    """The modules of the floors table, each with its floor."""
    rows = re.findall(r"^\| (\d) \w+ \| (.*?) \|", markdown, re.MULTILINE)
    return {f"labkit.{name.rstrip('/')}": int(floor) for floor, names in rows for name in re.findall("`(.+?)`", names)}


def test_the_floors_for_people_are_those_of_the_test():
    told = floors_in((ROOT / "CONTRIBUTING.md").read_text())
    assert told == {name: floor for name, floor in FLOORS.items() if name != "labkit"}


# ---------------------------------------------------------------- version, citation, licences


def test_versions_agree():
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    newest = re.search(r"^## \[([^\]]+)\] - \d{4}-\d\d-\d\d$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)[1]
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    package = re.search(r'^__version__ = "(.+)"$', (ROOT / "labkit/__init__.py").read_text(), re.MULTILINE)[1]
    assert {newest, citation["version"], package} == {version}


def test_the_citation_names_the_paper():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert {"cff-version", "message", "title", "authors"} <= set(citation)
    (paper,) = citation["references"]
    assert paper["title"].startswith("Scaling Laws in Patchification")
    assert paper["identifiers"][0]["value"] == "arXiv:2502.03738"


def test_both_licences_are_there():
    text = (ROOT / "LICENSE").read_text()
    assert "Apache License" in text
    assert "END OF TERMS AND CONDITIONS" in text
    assert "https://creativecommons.org/licenses/by/4.0/" in text


def rows(markdown: str) -> dict[str, str]:
    """Table rows by the name in their first column."""
    return {match[1]: match[0] for match in re.finditer(r"^\| `(\w+)` \|.*$", markdown, re.MULTILINE)}


@pytest.mark.parametrize("name", sorted(photos()))
def test_the_photograph_has_its_row_with_author_and_licence(name: str):
    photo = photos()[name]
    cells = [cell.strip() for cell in rows((ROOT / "data/README.md").read_text())[name].strip("|").split("|")]
    assert cells[3] == photo.licence
    assert [word for word in re.findall(r"\w+", photo.author) if word not in cells[2]] == []
    height, width, *colour = photo.pixels.shape
    assert cells[4] == f"{height} x {width}" + ("" if colour else " grey")


# ---------------------------------------------------------------- lessons


def test_each_lesson_has_its_two_editions_and_its_row():
    """Also keeps the tests below from passing because there is nothing to look at."""
    rooted = sorted(str(path.relative_to(ROOT)) for path in (ROOT / "notebooks").rglob("*.ipynb") if path.is_file())
    assert [name for name in rooted if ".ipynb_checkpoints" not in name] == EDITIONS
    assert len(SOURCES) >= 3
    linked = re.findall(
        r"^\| \d\d \| \[.*?\]\(notebooks/(\w+)\.ipynb\)", (ROOT / "README.md").read_text(), re.MULTILINE
    )
    assert linked == SOURCES


def cells_with_outputs(path: Path) -> list[str]:
    """The ids of a notebook's cells that were run and saved with what came of it."""
    code = [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    return [cell.id for cell in code if cell.outputs or cell.execution_count is not None]


@pytest.mark.parametrize("name", EDITIONS)
def test_editions_hold_no_outputs(name: str):
    assert cells_with_outputs(ROOT / name) == []


# ---------------------------------------------------------------- style


@pytest.mark.parametrize("command", [["check"], ["format", "--check"]], ids=" ".join)
def test_the_code_keeps_its_style(command: list[str]):
    pytest.importorskip("ruff", reason="ruff comes with the extra test")
    done = subprocess.run([sys.executable, "-m", "ruff", *command, "."], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-3000:]


def test_the_benchmark_table_is_the_committed_result() -> None:
    """The README of the benchmarks quotes what `adamw.py --table` prints from the committed file."""
    command = [sys.executable, str(ROOT / "benchmarks" / "adamw.py"), "--table"]
    printed = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT).stdout
    quoted = (ROOT / "benchmarks" / "README.md").read_text(encoding="utf-8")
    rows = [line for line in printed.splitlines() if line.strip()]
    assert len(rows) >= 5
    assert [row for row in rows if row not in quoted] == []
