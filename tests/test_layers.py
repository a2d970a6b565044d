"""Imports in labkit point down, and the library below the figures runs without notebook packages.

Each module stands on a floor. It may import what stands on a lower floor, and what stands beside it in its own folder.
A module without a floor is an error, so that a new room is given its place before it is used.
"""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

# module or package -> floor; the longest matching name counts
FLOORS = {
    "labkit": 0,  # the package itself: a docstring and the version, imported by everything
    # 0 numbers: pure functions on tensors and numbers, a run's configuration, one JSON object per run
    "labkit.ops": 0,
    "labkit.stats": 0,
    "labkit.config": 0,
    "labkit.records": 0,
    "labkit.dist": 0,
    "labkit.grid": 0,
    "labkit.locks": 0,
    "labkit.machine": 0,
    "labkit.wording": 0,
    # 1 parts: modules (B, N, D) -> (B, N, D), data sets, a run's folder
    "labkit.tokenizers": 1,
    "labkit.extended": 1,
    "labkit.flexible": 1,
    "labkit.positions": 1,
    "labkit.nn": 1,
    "labkit.heads": 1,
    "labkit.resize": 1,
    "labkit.tasks": 1,
    "labkit.data": 1,
    "labkit.checkpoint": 1,
    # 2 models: whole models
    "labkit.models": 2,
    # 3 cost: parameters, operations, memory, time, and the device that they are spent on
    "labkit.cost": 3,
    "labkit.doctor": 3,
    "labkit.device": 3,
    # 4 work: the training loop, what it is compared with, grids of runs, fitted laws, figures
    "labkit.train": 4,
    "labkit.optimizer": 4,
    "labkit.journal": 4,
    "labkit.baselines": 4,
    "labkit.codes": 4,
    "labkit.influence": 4,
    "labkit.evaluate": 4,
    "labkit.sweep": 4,
    "labkit.study": 4,
    "labkit.scaling": 4,
    "labkit.figures": 4,
    # 5 faces: what notebooks and the command line touch
    "labkit.lesson": 5,
    "labkit.course": 5,
    "labkit.__main__": 5,
}
# Between folders of one floor: one direction each, with its reason.
SIDEWAYS = {
    ("labkit.tasks", "labkit.data"),  # a task is a data set and what is asked of it
    ("labkit.__main__", "labkit.course"),  # the command line calls the course
    ("labkit.course", "labkit.lesson"),  # recording collects what lessons say
    ("labkit.sweep", "labkit.train"),  # a sweep trains
    ("labkit.sweep", "labkit.journal"),  # and knows how often a run looks
    ("labkit.sweep", "labkit.optimizer"),
    ("labkit.figures", "labkit.scaling"),  # a figure draws a fit
    ("labkit.study", "labkit.sweep"),  # a study is a sweep and what it asks
    ("labkit.figures", "labkit.study"),  # a figure draws its findings
}
# Packages that a GPU box may not have: for the faces only, plotly for the figures as well.
NOTEBOOK = {
    "plotly",
    "anywidget",
    "papermill",
    "ipywidgets",
    "traitlets",
    "IPython",
    "ipykernel",
    "jupytext",
    "nbformat",
    "nbclient",
    "nbconvert",
    "tyro",
    "latex2mathml",
}
MAY_DRAW = {"plotly"}


def module_name(path: Path, root: Path) -> str:
    """labkit/data/photos.py -> labkit.data.photos, labkit/data/__init__.py -> labkit.data."""
    parts = path.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def place(module: str, names) -> str | None:
    """The longest of the names that is this module or a package around it."""
    around = [name for name in names if module == name or module.startswith(name + ".")]
    return max(around, key=len, default=None)


def room(module: str) -> str | None:
    """The entry of FLOORS that a module stands in; being inside labkit is not enough."""
    found = place(module, FLOORS)
    return found if found != "labkit" or module == "labkit" else None


def imports(path: Path, root: Path) -> list[tuple[int, str]]:
    """Line and full module name of every import in a file, inside functions as well."""
    here, found = module_name(path, root), []
    package = here.split(".") if path.name == "__init__.py" else here.split(".")[:-1]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found += [(node.lineno, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            start = ".".join([*base, *([node.module] if node.module else [])])
            found += [(node.lineno, deepest(start, alias.name, root)) for alias in node.names]
    return found


def deepest(start: str, name: str, root: Path) -> str:
    """`from labkit import stats` names a module, `from labkit.stats import mean` a function in one."""
    path = root.joinpath(*start.split("."), name)
    return f"{start}.{name}" if path.is_dir() or path.with_suffix(".py").is_file() else start


def folder(module: str, root: Path) -> str:
    """The folder that a module's file lies in, as a dotted name."""
    return module if root.joinpath(*module.split(".")).is_dir() else module.rpartition(".")[0]


def problem(here: str, there: str, root: Path) -> str | None:
    """Why module `here` may not import `there`, or None."""
    mine, theirs = room(here), room(there)
    if not there.startswith("labkit"):
        package = there.split(".")[0]
        allowed = FLOORS[mine] == 5 or (mine == "labkit.figures" and package in MAY_DRAW)
        return None if package not in NOTEBOOK or allowed else f"{package} is for the faces"
    if theirs is None:
        return f"{there} has no floor"
    if FLOORS[theirs] > FLOORS[mine]:
        return f"{there} stands above, on floor {FLOORS[theirs]}"
    beside = mine == theirs or folder(here, root) == folder(there, root) or (mine, theirs) in SIDEWAYS
    return None if beside or FLOORS[theirs] < FLOORS[mine] else f"{there} stands beside, in another folder"


def problems(root: Path) -> list[str]:
    """Every import below root/labkit that the floors forbid, and every module without a floor."""
    wrong = []
    for path in sorted((root / "labkit").rglob("*.py")):
        here = module_name(path, root)
        if room(here) is None:
            wrong.append(f"{here} has no floor: give it one in tests/test_layers.py and CONTRIBUTING.md")
            continue
        for line, there in imports(path, root):
            if why := problem(here, there, root):
                wrong.append(f"{path.relative_to(root)}:{line}: {here} (floor {FLOORS[room(here)]}): {why}")
    return wrong


def test_imports_point_down():
    assert problems(ROOT) == []


def test_no_floor_is_left_over():
    """A name in the table that no file has any more is out of date."""
    there = {room(module_name(path, ROOT)) for path in (ROOT / "labkit").rglob("*.py")}
    assert set(FLOORS) - there == set()


PLANTED = {
    "upward": ("labkit/stats.py", "from labkit.train import train"),
    "upward, of the package": ("labkit/stats.py", "from labkit import train"),
    "upward, relative": ("labkit/nn/mlp.py", "from ..models import vit"),
    "upward, inside a function": ("labkit/stats.py", "def f():\n    import labkit.lesson"),
    "beside, in another folder": ("labkit/nn/mlp.py", "from labkit.heads import Classify"),
    "beside, against the one direction": ("labkit/data/photos.py", "from labkit.tasks import task_of"),
    "figures from train": ("labkit/train.py", "from labkit.figures import curves"),
    "notebook package": ("labkit/train.py", "import tyro"),
    "notebook package in figures": ("labkit/figures/curves.py", "from IPython.display import display"),
    "plotly outside figures": ("labkit/cost.py", "import plotly.graph_objects as go"),
    "room without a floor": ("labkit/attic.py", "import math"),
    "from a room without a floor": ("labkit/train.py", "from labkit.attic import box"),
}


@pytest.mark.parametrize("case", PLANTED)
def test_a_planted_import_is_found(case: str, tmp_path: Path):
    name, text = PLANTED[case]
    plant(tmp_path, name, text)
    assert len(problems(tmp_path)) == 1


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("labkit/train.py", "import torch\nfrom labkit import stats\nfrom labkit.models.vit import ViT"),
        ("labkit/tokenizers.py", "from labkit.positions import POSITIONS"),
        ("labkit/nn/mlp.py", "from .attention import Attention"),
        ("labkit/tasks.py", "from labkit.data.digits import digits"),
        ("labkit/figures/curves.py", "import plotly.graph_objects as go\nfrom labkit.figures import grid"),
        ("labkit/lesson/check.py", "import ipywidgets\nfrom labkit.train import train"),
    ],
)
def test_an_allowed_import_is_let_through(name: str, text: str, tmp_path: Path):
    plant(tmp_path, name, text)
    assert problems(tmp_path) == []


def plant(root: Path, name: str, text: str) -> None:
    """A small labkit with the rooms that the cases name, and one file with the given text."""
    for package in ("nn", "data", "models", "figures", "lesson"):
        (root / "labkit" / package).mkdir(parents=True)
        (root / "labkit" / package / "__init__.py").touch()
    for file in ("stats", "positions", "heads", "tasks", "train", "models/vit", "nn/attention", "figures/grid"):
        (root / "labkit" / f"{file}.py").touch()
    (root / name).write_text(text + "\n")


WITHOUT_NOTEBOOKS = """
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {blocked!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Absent())
{body}
"""


def without_notebooks(body: str) -> subprocess.CompletedProcess:
    code = WITHOUT_NOTEBOOKS.format(blocked=sorted(NOTEBOOK), body=body)
    return subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120)


def test_training_needs_no_notebook_package():
    done = without_notebooks("import labkit, labkit.train, labkit.baselines")
    assert done.returncode == 0, done.stderr


def test_the_block_on_notebook_packages_works():
    done = without_notebooks("import plotly")
    assert done.returncode != 0
    assert "No module named 'plotly'" in done.stderr
