"""Where the lessons lie, and reading one."""

from pathlib import Path

import nbformat
from nbformat import NotebookNode

from labkit.records import REPOSITORY
from labkit.wording import in_one_line


def notebooks_folder(given: Path | None = None) -> Path:
    """The folder that holds `source/`, the student editions and `solved/`; by default the checkout's own."""
    folder = Path(given) if given is not None else REPOSITORY / "notebooks"
    if not folder.is_dir():
        raise ValueError(
            f"there is no notebooks folder at {folder}: without it there are no lessons. "
            "Install labkit from a checkout (pip install -e .) or pass the folder (--notebooks DIR)."
        )
    return folder.resolve()


def read_notebook(path: Path) -> NotebookNode:
    """The notebook in `path`; a ValueError if the file is damaged."""
    try:
        return nbformat.read(path, as_version=4)
    except Exception as error:  # nbformat lets errors of many types through
        raise ValueError(f"it cannot be read as a notebook ({in_one_line(error)[:200]})") from error
