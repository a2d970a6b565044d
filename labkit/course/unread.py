"""Which parameters does a lesson declare and never read? Such a setting would have no effect, silently.

Every later statement goes through Python's own symbol table, so that a local variable or an argument of the same name
does not count as a reading, and neither does an assignment. Jupyter's magics are translated first.
"""

import ast
import symtable

from IPython.core.inputtransformer2 import TransformerManager
from nbformat import NotebookNode

from labkit.course.parameters import assigned


def plain_python(source: str) -> str:
    """The cell's source with magics and shell lines turned into calls, as the kernel does it."""
    return TransformerManager().transform_cell(source)


def unread(notebook: NotebookNode) -> list[str]:
    """Names assigned in the parameters cell that no code cell behind it reads before it assigns them anew."""
    cells = notebook.cells
    place = next(i for i, cell in enumerate(cells) if "parameters" in cell.metadata.get("tags", []))
    later = "\n".join(plain_python(cell.source) for cell in cells[place + 1 :] if cell.cell_type == "code")
    statements = [(node, _table(node)) for node in ast.parse(later).body]
    return [name for name in assigned(notebook) if not _is_read(name, statements)]


def _table(node: ast.stmt) -> symtable.SymbolTable:
    return symtable.symtable(ast.unparse(node), "lesson", "exec")


def _is_read(name: str, statements: list[tuple[ast.stmt, symtable.SymbolTable]]) -> bool:
    for node, table in statements:
        if _loads(name, table):
            return True
        if isinstance(node, ast.Assign | ast.AnnAssign) and name in table.get_identifiers():
            return False
    return False


def _loads(name: str, table: symtable.SymbolTable) -> bool:
    if name in table.get_identifiers():
        symbol = table.lookup(name)
        top = table.get_type() == "module"
        if symbol.is_referenced() and (top or symbol.is_global()):
            return True
    return any(_loads(name, inner) for inner in table.get_children())
