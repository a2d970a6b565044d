"""Which parameters does a lesson declare and never read? Such a setting would have no effect, silently.

A reading counts where the name means the parameter: not inside a function, lambda or comprehension that has a variable
of the same name, not behind a statement that assigns it anew. The syntax tree is walked with scopes of our own, because
Python's symbol table differs between versions (3.12 merged comprehensions into what surrounds them).
"""

import ast
from collections.abc import Iterable, Iterator

from IPython.core.inputtransformer2 import TransformerManager
from nbformat import NotebookNode

from labkit.course.parameters import assigned

COMPREHENSION = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
NAMED = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.ExceptHandler, ast.MatchAs, ast.MatchStar)
SCOPE = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef, *COMPREHENSION)


def plain_python(source: str) -> str:
    """The cell's source with magics and shell lines turned into calls, as the kernel does it."""
    return TransformerManager().transform_cell(source)


def unread(notebook: NotebookNode) -> list[str]:
    """Names assigned in the parameters cell that no code cell behind it reads before it assigns them anew."""
    cells = notebook.cells
    place = next(i for i, cell in enumerate(cells) if "parameters" in cell.metadata.get("tags", []))
    later = "\n".join(plain_python(cell.source) for cell in cells[place + 1 :] if cell.cell_type == "code")
    statements = ast.parse(later).body
    return [name for name in assigned(notebook) if not is_read(name, statements)]


def is_read(name: str, statements: Iterable[ast.stmt]) -> bool:
    """Whether these statements, run one after another, read the variable `name` that was there before them."""
    for node in statements:
        if isinstance(node, ast.For) and name in _bound([node.target]):
            return _reads(name, node.iter)
        if _reads(name, node):
            return True
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value and name in _bound([node]):
            return False
    return False


def _reads(name: str, node: ast.AST, here: bool = True, inside: bool = True) -> bool:
    """Does `node` read it, when the name means the parameter `here`, and `inside` the functions that stand here?

    The two differ in a class body: the methods do not see its variables.
    """
    if isinstance(node, SCOPE):
        outer, inner = _parts(node)
        seen = _seen(name, node, inner, inside)
        methods = inside if isinstance(node, ast.ClassDef) else seen
        return any(_reads(name, part, here, inside) for part in outer) or any(
            _reads(name, part, seen, methods) for part in inner
        )
    if isinstance(node, ast.Name):
        return here and node.id == name and isinstance(node.ctx, ast.Load)
    if isinstance(node, ast.AugAssign) and here and isinstance(node.target, ast.Name) and node.target.id == name:
        return True
    return any(_reads(name, child, here, inside) for child in ast.iter_child_nodes(node))


def _parts(node: ast.AST) -> tuple[list[ast.AST], list[ast.AST]]:
    """What is worked out where the scope stands (defaults, decorators, a first iterable), and what within it."""
    if isinstance(node, COMPREHENSION):
        first, *others = node.generators
        results = [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]
        return [first.iter], [first.target, *first.ifs, *others, *results]
    inner = [node.body] if isinstance(node, ast.Lambda) else node.body
    return [child for child in ast.iter_child_nodes(node) if child not in inner], inner


def _seen(name: str, scope: ast.AST, inner: list[ast.AST], inside: bool) -> bool:
    """Does the name still mean the parameter within the scope?"""
    if any(isinstance(node, ast.Global) and name in node.names for node in _own(inner)):
        return True
    arguments = [one.arg for one in ast.iter_child_nodes(getattr(scope, "args", scope)) if isinstance(one, ast.arg)]
    return inside and name not in arguments and name not in _bound(inner)


def _own(nodes: Iterable[ast.AST]) -> Iterator[ast.AST]:
    """The nodes and all below them that belong to the same scope."""
    for node in nodes:
        yield node
        if not isinstance(node, SCOPE):
            yield from _own(ast.iter_child_nodes(node))


def _bound(nodes: Iterable[ast.AST]) -> set[str | None]:
    """The names that these nodes assign, import, define, catch or match."""
    names: set[str | None] = set()
    for node in _own(nodes):
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            names.add(node.id)
        elif isinstance(node, ast.alias):
            names.add((node.asname or node.name).partition(".")[0])
        elif isinstance(node, COMPREHENSION):  # `:=` in it assigns around it
            names |= {inner.target.id for inner in ast.walk(node) if isinstance(inner, ast.NamedExpr)}
        elif isinstance(node, ast.MatchMapping):
            names.add(node.rest)
        elif isinstance(node, NAMED):
            names.add(getattr(node, "name", None))
    return names
