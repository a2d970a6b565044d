"""The hash of the code that a run's numbers come from, so that results of different code are not mixed unseen.

The files are those that the training loop imports, directly or not. Comments, docstrings and the layout of lines are
left out: they change no number.
"""

import ast
import hashlib
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent.parent
START = "labkit.train"


@cache
def code_hash() -> str:
    """Sixteen hexadecimal digits over all files that can change a number."""
    return hash_of(files_behind(START))


def hash_of(files: list[Path]) -> str:
    """The same over any Python files, in the order of their names."""
    digest = hashlib.sha256()
    for path in sorted(files):
        digest.update(f"{path.name}\n{_statements(path)}\n".encode())
    return digest.hexdigest()[:16]


def files_behind(module: str, package: Path = PACKAGE) -> list[Path]:
    """The files of all modules in `package` that importing `module` leads to, its own and packages' `__init__`
    included."""
    found, waiting = set(), {module}
    while waiting:
        path = _file_of(waiting.pop(), package)
        if path is None or path in found:
            continue
        found.add(path)
        waiting |= _imports(path, package)
    return sorted(found)


def _imports(path: Path, package: Path) -> set[str]:
    """Dotted names that may be modules: of `from a.b import c` both a.b and a.b.c, and all packages above."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    inside = {name for name in names if name.split(".")[0] == package.name}
    return inside | {".".join(name.split(".")[:depth]) for name in inside for depth in range(1, name.count(".") + 1)}


def _file_of(module: str, package: Path) -> Path | None:
    path = package.parent.joinpath(*module.split("."))
    return next((file for file in (path / "__init__.py", path.with_suffix(".py")) if file.is_file()), None)


def _statements(path: Path) -> str:
    """The code without comments and docstrings, written out in one way."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node) is not None:
            node.body = node.body[1:] or [ast.Pass()]
    return ast.unparse(tree)
