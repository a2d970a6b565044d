"""environment.yml, pyproject.toml and requirements.lock say the same thing about what is installed."""

import ast
import re
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[1]
LOCKS = ("requirements.lock", "requirements-grade.lock")
COMMENTED = re.compile(r"^\s*#\s*-\s+(?P<line>[A-Za-z0-9].*)$", re.MULTILINE)
PINNED = re.compile(r"^(?P<name>[a-z0-9][a-z0-9._-]*)==(?P<version>[^ ;\\]+)", re.MULTILINE)


def project() -> dict:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def as_set(lines: list[str]) -> set[tuple]:
    """Requirements as comparable tuples: name, extras, range, marker."""
    read = [Requirement(line) for line in lines]
    return {(canonicalize_name(r.name), frozenset(r.extras), r.specifier, str(r.marker or "")) for r in read}


def environment(text: str) -> tuple[list[str], list[str], list[str]]:
    """The conda lines, the pip lines, and the pip lines that are commented out, of an environment.yml."""
    read = yaml.safe_load(text)["dependencies"]
    conda = [line for line in read if isinstance(line, str)]
    (pip,) = [line["pip"] for line in read if isinstance(line, dict)]
    return conda, pip, [match["line"] for match in COMMENTED.finditer(text)]


def disagreements(environment_text: str, project: dict) -> list[str]:
    """What environment.yml says otherwise than pyproject.toml; empty when they agree."""
    conda, pip, commented = environment(environment_text)
    extras = project["optional-dependencies"]
    wrong = []
    if as_set(pip) != as_set(project["dependencies"] + extras["test"]):
        wrong.append("the pip section is not the dependencies and the extra test")
    if as_set(commented) != as_set(extras["gpu"]):
        wrong.append("the commented lines are not the extra gpu")
    if len(pip) != len(as_set(pip)):
        wrong.append("a package stands twice in the pip section")
    if {Requirement(line).name for line in conda} != {"python", "pip"}:
        wrong.append("conda brings python and pip and nothing else")
    lowest = str(Requirement(next(line for line in conda if line.startswith("python"))).specifier).split(",")
    if project["requires-python"] not in lowest:
        wrong.append("the python line does not start at requires-python")
    return wrong


def unmet(lock_text: str, requirements: list[str]) -> list[str]:
    """The requirements that the lock does not satisfy."""
    pins: dict[str, list[Version]] = {}
    for match in PINNED.finditer(lock_text):
        pins.setdefault(canonicalize_name(match["name"]), []).append(Version(match["version"]))
    read = [Requirement(line) for line in requirements]
    return [
        str(r)
        for r in read
        if not (found := pins.get(canonicalize_name(r.name))) or not all(v in r.specifier for v in found)
    ]


def test_environment_agrees_with_pyproject():
    assert disagreements((ROOT / "environment.yml").read_text(), project()) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("- torch>=2.10", "- torch>=2.9"),  # another range
        ("      - timm>=1.0.20\n", ""),  # a package is missing
        ("# - flash-attn>=2.7", "# - flash-attn>=2.6"),  # the commented line counts
        ("# - flash-attn>=2.7", "- flash-attn>=2.7"),  # and it is a comment
        ("- python>=3.11,", "- python>=3.10,"),
        ("  - pip\n", "  - pip\n  - numpy\n"),
    ],
)
def test_a_difference_is_found(old: str, new: str):
    text = (ROOT / "environment.yml").read_text()
    assert old in text
    assert disagreements(text.replace(old, new), project())


def test_the_lock_pins_every_package_that_is_asked_for():
    extras = project()["optional-dependencies"]
    asked = project()["dependencies"] + extras["test"] + extras["browser"]
    build = tomllib.loads((ROOT / "pyproject.toml").read_text())["build-system"]["requires"]
    assert unmet((ROOT / "requirements.lock").read_text(), asked + build) == []


def test_what_nbgrader_needs_is_pinned_beside_the_lock_and_not_in_it():
    """In it, students would find nbgrader's menus in their JupyterLab; twice, two versions could be asked for."""
    own, everyone = (set(PINNED.findall((ROOT / name).read_text())) for name in reversed(LOCKS))
    assert unmet((ROOT / "requirements-grade.lock").read_text(), project()["optional-dependencies"]["grade"]) == []
    assert not {name for name, _ in own} & {name for name, _ in everyone}


@pytest.mark.parametrize("name", LOCKS)
def test_every_line_of_a_lock_is_an_exact_version_with_its_hash(name: str):
    text = re.sub(r"\\\n\s*", "", (ROOT / name).read_text())
    lines = [line for line in text.splitlines() if line and not line.lstrip().startswith("#")]
    assert lines
    assert [line for line in lines if not PINNED.match(line) or "--hash=sha256:" not in line] == []


@pytest.mark.parametrize("asked", ["torch>=99", "torch<2", "a-package-that-is-not-there"])
def test_an_unmet_range_is_found(asked: str):
    assert unmet((ROOT / "requirements.lock").read_text(), [asked])


@pytest.mark.parametrize("name", [*LOCKS, "pyproject.toml", "environment.yml"])
def test_no_address_is_written_where_packages_are_named(name: str):
    """Whoever installs chooses where packages come from; an address here would overrule that."""
    assert re.findall(r"https?:|file:|--(?:extra-)?index|--find-links", (ROOT / name).read_text()) == []


def test_torch_is_new_enough_to_read_checkpoints_safely():
    (torch,) = [Requirement(line) for line in project()["dependencies"] if Requirement(line).name == "torch"]
    assert Version("2.9.1") not in torch.specifier
    assert Version("2.10.0") in torch.specifier


# Installed under one name, imported under another.
IMPORTED_AS = {
    "scikit-image": "skimage",
    "scikit-learn": "sklearn",
    "pillow": "PIL",
    "pyyaml": "yaml",
    "ipython": "IPython",
    "pytest-xdist": "xdist",
}
# Needed and never imported by us.
UNSEEN = {
    "torchvision": "timm imports it",
    "jupyterlab": "make lab",
    "ipykernel": "runs the notebooks",
    "pytest-xdist": "make test runs in two processes",
    "pytest-timeout": "a test that hangs fails",
    "ruff": "make lint",
    "pre-commit": "the hooks",
    "beartype": "checks shapes while testing; conftest.py names it in a string",
}


def imported(*folders: str) -> set[str]:
    """Top-level names of everything that the Python files below these folders import, the standard library left out."""
    names = set()
    for path in sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level:
                names.add(node.module.split(".")[0])
    beside = {path.stem for path in (ROOT / "tests").rglob("*.py")}
    return names - set(sys.stdlib_module_names) - beside - {"labkit"}


def import_names(requirements: list[str]) -> dict[str, str]:
    """The name that each required package is imported under -> the package."""
    names = [canonicalize_name(Requirement(line).name) for line in requirements]
    return {IMPORTED_AS.get(name, name.replace("-", "_")): name for name in names}


def test_what_is_imported_is_declared():
    """A package that only comes along with another one is gone when that one changes its mind."""
    extras = project()["optional-dependencies"]
    library = import_names(project()["dependencies"])
    assert imported("labkit", "notebooks/source") - set(library) == set()
    tests = {*library, *import_names(extras["test"])}
    assert imported("tests/browser") - tests - set(import_names(extras["browser"])) == set()
    assert imported("tests") - imported("tests/browser") - tests == set()


def test_what_is_declared_is_used():
    extras = project()["optional-dependencies"]
    lists = [project()["dependencies"], extras["test"], extras["browser"]]
    uses = [imported("labkit", "notebooks/source"), imported("tests"), imported("tests/browser")]
    for declared, used in zip(lists, uses, strict=True):
        idle = {package for name, package in import_names(declared).items() if name not in used}
        assert idle - set(UNSEEN) == set()
