"""Where the lessons lie, and writing files so that a reader never sees half of one."""

import os
from pathlib import Path


def notebooks_folder(given: Path | None = None) -> Path:
    """The folder that holds `source/`, the student editions and `solved/`; by default the checkout's own."""
    folder = Path(given) if given is not None else Path(__file__).parents[2] / "notebooks"
    if not folder.is_dir():
        raise ValueError(
            f"there is no notebooks folder at {folder}: without it there are no lessons. "
            "Install labkit from a checkout (pip install -e .) or pass the folder (--notebooks DIR)."
        )
    return folder.resolve()


def write_atomic(path: Path, content: str | bytes) -> None:
    """Write to a file beside `path`, then rename it: whoever reads `path` finds the old content or the new one."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        part.write_bytes(content.encode() if isinstance(content, str) else content)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def make_writable(folder: Path) -> None:
    """Make the folder and prove that a file can be written in it; a ValueError before any work otherwise."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_atomic(folder / ".writable", "")
        (folder / ".writable").unlink()
    except OSError as error:
        raise ValueError(f"cannot write in {folder} ({error.strerror}): nothing was started.") from error
