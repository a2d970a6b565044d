"""Building the two editions of each lesson: `NN_slug.ipynb` for students, `solved/NN_slug.ipynb` for teachers.

The files are a pure function of the source: cell ids come from the lesson's number and the cell's place, there are no
outputs, and keys are sorted, so that a change of one line in the source is a change of one line in the notebook.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from labkit.course.files import notebooks_folder
from labkit.course.solutions import cut_solutions
from labkit.course.source import read_source, sources
from labkit.records import write_text


def build(check: bool = False, *, notebooks: Path | None = None) -> list[Path]:
    """Write every edition whose text differs from its source and return those files.

    With `check` nothing is written: a ValueError names the files that differ and the command that mends them.
    """
    folder = notebooks_folder(notebooks)
    wanted = dict(edition_texts(folder))
    stale = [path for path, text in wanted.items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    orphans = [path for place in (folder, folder / "solved") for path in place.glob("*.ipynb") if path not in wanted]
    if orphans:
        raise ValueError(f"{_names(orphans, folder)}: no source belongs to it, so nothing keeps it right; delete it.")
    if check and stale:
        raise ValueError(
            f"{_names(stale, folder)}: not what the source says, so readers and re-runs would see another lesson than "
            "its authors; `labkit editions` builds it anew."
        )
    (folder / "solved").mkdir(exist_ok=True)
    for path in stale:
        write_text(path, wanted[path])
    return stale


def edition_text(notebook: NotebookNode, number: str, edition: str) -> str:
    """One edition ("student" or "solved") of a source notebook, as the text of its file."""
    cells = []
    for index, cell in enumerate(notebook.cells):
        source = cut_solutions(cell.source) if edition == "student" and cell.cell_type == "code" else cell.source
        make = new_code_cell if cell.cell_type == "code" else new_markdown_cell
        cells.append(make(source, id=f"l{number}-c{index:03d}", metadata=_cell_metadata(cell)))
    metadata = {
        "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
        "labkit": {**notebook.metadata["labkit"], "edition": edition},
        "language_info": {"name": "python"},
    }
    built = new_notebook(cells=cells, metadata=metadata)
    built.nbformat_minor = 5
    nbformat.validate(built)
    return nbformat.writes(built).rstrip("\n") + "\n"


def _cell_metadata(cell: NotebookNode) -> dict[str, Any]:
    """A cell's tags; JupyterLab folds the source of those tagged `collapse`, as the pages do."""
    tags = cell.metadata.get("tags", [])
    folded = {"jupyter": {"source_hidden": True}} if "collapse" in tags else {}
    return ({"tags": tags} if tags else {}) | folded


def edition_texts(folder: Path) -> Iterator[tuple[Path, str]]:
    """Every edition that the sources in `folder` give: where it belongs, and its text. ValueError for a source with a
    fault, and for two of one number."""
    numbers: dict[str, str] = {}
    for path in sources(folder):
        notebook, lesson = read_source(path)
        if twin := numbers.get(lesson.number):
            raise ValueError(f"{path.name} and {twin} have the same number: cell ids and order would clash.")
        numbers[lesson.number] = path.name
        yield folder / f"{path.stem}.ipynb", edition_text(notebook, lesson.number, "student")
        yield folder / "solved" / f"{path.stem}.ipynb", edition_text(notebook, lesson.number, "solved")


def _names(paths: list[Path], folder: Path) -> str:
    return ", ".join(str(path.relative_to(folder)) for path in sorted(paths))
