"""Lessons as nbgrader's assignments: its own commands hand them out, grade them and export the marks."""

import csv
import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import nbformat
import pytest
from traitlets.config import Config

from labkit.__main__ import main
from labkit.course.editions import build
from labkit.course.nbgrader import write_assignments
from labkit.lesson.exercises import EXERCISES

ROOT = Path(__file__).parents[1]
LESSON = Path(__file__).parent / "fixtures" / "grading" / "01_small.py"
BESIDE = Path(sys.prefix) / "nbgrader"  # where make puts it, out of JupyterLab's sight


@pytest.fixture
def course(tmp_path: Path) -> Path:
    """The notebooks' folder of a course of one small lesson."""
    (tmp_path / "notebooks/source").mkdir(parents=True)
    shutil.copy(LESSON, tmp_path / "notebooks/source")
    build(notebooks=tmp_path / "notebooks")
    return tmp_path / "notebooks"


def facts(notebook: nbformat.NotebookNode) -> dict[str, dict]:
    """nbgrader's metadata by the name of the cell."""
    found = [cell.metadata.nbgrader for cell in notebook.cells if "nbgrader" in cell.metadata]
    return {one.grade_id: one for one in found}


def test_every_exercise_has_its_answer_and_its_points(tmp_path: Path) -> None:
    """Of the whole course, which is built in a moment."""
    written = write_assignments(tmp_path / "nb", points=3)
    marked = [facts(nbformat.read(path, as_version=4)) for path in written if path.suffix == ".ipynb"]
    points = {name: one.points for lesson in marked for name, one in lesson.items() if one.grade}
    assert points == dict.fromkeys(EXERCISES, 3)
    answers = {name for lesson in marked for name, one in lesson.items() if one.solution}
    assert answers == {f"{name}-answer" for name in EXERCISES}
    assert sum(map(len, marked)) == 2 * len(EXERCISES)


def test_solutions_are_marked_and_the_graded_cell_stands_behind_the_check(course: Path, tmp_path: Path) -> None:
    path, configuration = write_assignments(tmp_path / "nb", notebooks=course)
    cells = nbformat.read(path, as_version=4).cells
    for cell in cells:
        assert ("BEGIN SOLUTION" in cell.source) == bool(cell.metadata.get("nbgrader", {}).get("solution"))
    (place,) = [k for k, cell in enumerate(cells) if cell.metadata.get("nbgrader", {}).get("grade_id") == "01-count"]
    assert cells[place - 1].source == 'count = answer("01-count", my_count)'
    assert "check(my_count)" in cells[place].source
    assert cells[place].metadata.nbgrader.locked
    read = Config()
    exec(configuration.read_text(), {"get_config": lambda: read})
    limits = dict.fromkeys(("timeout", "iopub_timeout", "startup_timeout"), 60)  # of the lesson's header
    assert read.ExecutePreprocessor == limits
    configuration.write_text("# a teacher's own\n")
    write_assignments(tmp_path / "nb", notebooks=course)
    assert configuration.read_text() == "# a teacher's own\n"


def test_command_line(course: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["course", "nbgrader", str(tmp_path / "nb"), "--notebooks", str(course)]
    assert main([*words, "--lessons", "01"]) == 0
    assert "01_small.ipynb" in capsys.readouterr().out
    assert main([*words, "--lessons", "07"]) == 2
    assert "no lesson with exercises is called 07" in capsys.readouterr().err


def nbgrader(folder: Path, *words: str) -> str:
    """Run one of nbgrader's commands in its folder, all of its own files in there; what it said."""
    own = {"HOME": str(folder), "JUPYTER_CONFIG_DIR": str(folder / "jupyter"), "IPYTHONDIR": str(folder / "ipython")}
    paths = os.pathsep.join(map(str, (ROOT, BESIDE)))
    environment = os.environ | own | {"PYTHONPATH": paths, "PYTHONWARNINGS": "ignore", "OMP_NUM_THREADS": "1"}
    programs = (BESIDE / "bin", Path(sys.executable).parent, environment["PATH"])  # it calls alembic by name
    environment["PATH"] = os.pathsep.join(map(str, programs))
    command = [sys.executable, "-m", "nbgrader", *words]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=880)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stderr


@pytest.mark.timeout(1800)  # three commands and a kernel
@pytest.mark.skipif(
    not (find_spec("nbgrader") or BESIDE.is_dir()), reason="nbgrader comes with make, or with the extra grade"
)
def test_nbgrader_hands_out_grades_and_exports(course: Path, tmp_path: Path) -> None:
    folder = tmp_path / "nb"
    write_assignments(folder, notebooks=course)
    nbgrader(folder, "generate_assignment", "01_small", "--create")
    released = nbformat.read(folder / "release/01_small/01_small.ipynb", as_version=4)
    assert "SOLUTION" not in "".join(cell.source for cell in released.cells)
    handed_out = [cell.source for cell in nbformat.read(course / "01_small.ipynb", as_version=4).cells]
    assert [cell.source for cell in released.cells if not cell.id.endswith("-graded")] == handed_out
    for cell in released.cells:
        if cell.source.startswith("def my_count"):
            cell.source = cell.source.replace("...", "return (image_size // patch_size) ** 2, channels * patch_size**2")
        if cell.metadata.get("nbgrader", {}).get("grade_id") == "01-place":
            cell.source = "pass"  # a student who edits a check: nbgrader puts its own back
    place = folder / "submitted/bob/01_small/01_small.ipynb"
    place.parent.mkdir(parents=True)
    nbformat.write(released, place)
    nbgrader(folder, "autograde", "01_small", "--create")
    nbgrader(folder, "export", "--to", "grades.csv")
    (row,) = csv.DictReader((folder / "grades.csv").read_text(encoding="utf-8").splitlines())
    assert (row["assignment"], row["student_id"]) == ("01_small", "bob")
    assert (float(row["score"]), float(row["max_score"])) == (1.0, 2.0)
