"""The program in the sandbox: it takes a student's code and calls, runs them, and sends back what came of each call.

It knows no right answer and judges nothing, so whatever the student's code does to it, there is nothing to forge: what
is sent back is only what the student's function is said to return. It is a file of its own, without labkit, and starts
in a moment; packages are imported when the calls or the student's code need them.

In (stdin, a pickle of ours): cells, the name of the function, each call's arguments as a pickle. Out (stdout): a line
when the cells are about to be read; a line with the code that will run; a line with the outcomes. Prints go to stderr.
"""

import ast
import base64
import builtins
import decimal
import json
import numbers
import os
import pickle
import re
import symtable
import sys
import types

DEEPEST, MOST = 8, 100_000  # of nested lists, and of values in one answer
LONGEST = 1000  # characters of a message
UNREADABLE = (SyntaxError, ValueError, RecursionError, MemoryError)  # what Python says of a cell that it cannot read


class Silent:
    """What stands in for IPython: magics and shell lines do nothing and give None."""

    def __getattr__(self, name):
        return lambda *_, **__: None


def main() -> None:
    """Read the task, set the limits, send what will run, run it, send the outcomes."""
    reply = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    task = pickle.load(sys.stdin.buffer)
    arguments = [pickle.loads(call) for call in task["calls"]]
    _limit(task["limits"])
    _send(reply, {"ready": True})
    tree, wrong = _program(task["cells"], task["function"])
    try:
        source = ast.unparse(tree)
    except UNREADABLE:
        source = "\n".join(task["cells"])
    _send(reply, {"source": source, "imports": _imports(tree)})
    _send(reply, _outcomes(tree, task["function"], arguments, wrong))
    reply.close()
    os._exit(0)  # nothing that the student's code left behind is run


def _send(reply, message: dict) -> None:
    reply.write(json.dumps(message) + "\n")
    reply.flush()


def _limit(limits: dict[str, int]) -> None:
    """Set the limits on this process for good (Windows has none)."""
    try:
        import resource
    except ImportError:
        return
    for name, value in limits.items():
        if hasattr(resource, name):
            _, hard = resource.getrlimit(getattr(resource, name))
            value = value if hard == resource.RLIM_INFINITY else min(value, hard)
            try:
                resource.setrlimit(getattr(resource, name), (value, value))
            except (ValueError, OSError):  # macOS takes some of them only in part
                continue


def _outcomes(tree: ast.Module, function: str, arguments: list, wrong: str) -> dict:
    """{"outcomes": [...]}, or {"broke": what went wrong before the function could be called}."""
    module = types.ModuleType("answer")
    module.display = lambda *_, **__: None  # as in a notebook
    module.get_ipython = Silent
    sys.modules["answer"] = module
    try:
        exec(compile(tree, "<answer>", "exec"), module.__dict__)
    except BaseException as error:
        return {"broke": _said(error)}
    if function not in module.__dict__:
        return {"broke": ["NameError", wrong or f"no cell defines {function}"]}
    return {"outcomes": [_call(module.__dict__[function], one) for one in arguments]}


def _call(function, arguments: tuple) -> dict:
    if not callable(function):
        return {"uncallable": type(function).__name__}
    try:
        return {"value": _encoded(function(*arguments), [MOST], DEEPEST)}
    except BaseException as error:
        return {"raised": _said(error)}


def _said(error: BaseException) -> list[str]:
    try:
        return [type(error).__name__[:100], str(error)[:LONGEST]]
    except BaseException:
        return ["Exception", "no message"]


# ------------------------------------------------------------ which of the student's code an answer needs


def _program(cells: list[str], function: str) -> tuple[ast.Module, str]:
    """The statements that bind `function` and, step by step, what these need, in the notebook's order; and what is
    wrong with a cell, or a statement, that could not be read: it is left out, whatever it was for."""
    statements, facts, wrong = [], [], ""
    for cell in cells:
        try:
            read = _parsed(cell)
        except UNREADABLE as error:
            wrong = _unread("cell", error) if re.search(rf"\b{re.escape(function)}\b", cell) else wrong
            continue
        for one in read:
            try:
                bound = _bound(one)
                free = _free(one)
            except UNREADABLE as error:
                wrong = _unread("statement", error) if function in bound else wrong
                continue
            statements.append(one)
            facts.append((bound, free))
    imported = {name for one, (bound, _) in zip(statements, facts, strict=True) if _is_import(one) for name in bound}
    facts = [(bound | _changed(one, imported), free) for one, (bound, free) in zip(statements, facts, strict=True)]
    needed, chosen, before = {function}, set(), -1
    while len(chosen) > before:
        before = len(chosen)
        for index, (bound, free) in enumerate(facts):
            if index not in chosen and (bound & needed or "*" in bound):
                chosen.add(index)
                needed |= free
    body = [_only(statements[index], needed) for index in sorted(chosen)]
    return ast.fix_missing_locations(ast.Module(body, [])), wrong


def _parsed(cell: str) -> list[ast.stmt]:
    """A cell's statements. One that is no plain Python is read as IPython would; of a cell magic, what follows it."""
    cell = re.sub(r"\A\s*%%.*", "", cell)
    try:
        return ast.parse(cell).body
    except SyntaxError as error:
        from IPython.core.inputtransformer2 import TransformerManager

        try:
            return ast.parse(TransformerManager().transform_cell(cell)).body
        except Exception:  # it fails in more ways than Python does
            raise error from None


def _unread(what: str, error: BaseException) -> str:
    return f"the {what} cannot be read: {type(error).__name__}: {error}"[:LONGEST]


def _is_import(statement: ast.AST) -> bool:
    return isinstance(statement, ast.Import | ast.ImportFrom)


def _bound(statement: ast.stmt) -> set[str]:
    """Names that a statement gives a value to, or changes a part of."""
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return {statement.name}
    names = set()
    for node in ast.walk(statement):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        elif _is_import(node):
            names |= {one.asname or one.name.partition(".")[0] for one in node.names}
        elif isinstance(getattr(node, "ctx", None), ast.Store):
            names |= _root(node)
    return names


def _changed(statement: ast.stmt, imported: set[str]) -> set[str]:
    """The name that a call such as `table.append(3)` changes; of what is imported, only seeds and settings."""
    if not (isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call)):
        return set()
    method = statement.value.func
    if not isinstance(method, ast.Attribute):
        return set()
    return _root(method) - (set() if re.search("seed|^set_", method.attr) else imported)


def _root(node: ast.expr) -> set[str]:
    """`a` of `a.b[2].c`."""
    while isinstance(node, ast.Attribute | ast.Subscript | ast.Starred):
        node = node.value
    return {node.id} if isinstance(node, ast.Name) else set()


def _free(statement: ast.stmt) -> set[str]:
    """Names that a statement needs from outside, also when a function in it is called later."""
    tables, names = [symtable.symtable(ast.unparse(statement), "<answer>", "exec")], set()
    while tables:
        table = tables.pop()
        top = table.get_type() == "module"
        names |= {one.get_name() for one in table.get_symbols() if one.is_referenced() and (top or one.is_global())}
        tables += table.get_children()
    return names


def _only(statement: ast.stmt, needed: set[str]) -> ast.stmt:
    """An import without the names that nothing needs; a method's call that may fail; other statements as they are."""
    if isinstance(statement, ast.Expr):
        return ast.Try([statement], [ast.ExceptHandler(ast.Name("Exception", ast.Load()), None, [ast.Pass()])], [], [])
    if not _is_import(statement):
        return statement
    kept = [one for one in statement.names if one.name == "*" or (one.asname or one.name.partition(".")[0]) in needed]
    if isinstance(statement, ast.Import):
        return ast.Import(kept)
    return ast.ImportFrom(statement.module, kept, statement.level)


def _imports(tree: ast.Module) -> list[str]:
    """What the program imports, with its module's name."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [one.name for one in node.names]
        elif isinstance(node, ast.ImportFrom):
            found += [f"{node.module}.{one.name}" for one in node.names]
    return found


# ------------------------------------------------------------ values as JSON


def _encoded(value, left: list[int], deep: int):
    """A value as JSON, by what it is, as the notebook's check takes it (torch.Size is a tuple, a Fraction a number);
    what has no form here becomes its type's name and how it describes itself."""
    left[0] -= 1
    if left[0] < 0 or deep == 0:
        return {"other": ["too much", "more values than an answer holds"]}
    if value is None or isinstance(value, bool):
        return value
    if value is ...:
        return {"ellipsis": True}
    if (array := _array(value)) is not None:
        return array
    for kind in (list, tuple):
        if isinstance(value, kind):
            return {kind.__name__: [_encoded(one, left, deep - 1) for one in value]}
    number = _number(value)
    return {"other": [type(value).__name__[:100], _described(value)]} if number is None else number


def _number(value):
    """A text or a number; None for what is neither."""
    if isinstance(value, str):
        return str.__str__(value)[:LONGEST]
    if isinstance(value, int):
        return {"int": hex(value)}
    if isinstance(value, numbers.Real | decimal.Decimal):
        return {"float": float(value).hex()}
    return None


def _array(value) -> dict | None:
    """A numpy array or number, or a torch tensor: its type, shape and bytes."""
    torch, numpy = sys.modules.get("torch"), sys.modules.get("numpy")
    if torch is not None and isinstance(value, torch.Tensor):
        plain = value.detach().to("cpu").resolve_conj().to_dense() if value.layout != torch.strided else value.detach()
        plain = plain.float() if plain.dtype in (torch.bfloat16, torch.float16) else plain
        return {"tensor": _bytes(plain.contiguous().numpy())}
    if numpy is not None and isinstance(value, numpy.ndarray | numpy.generic):
        return {"array" if isinstance(value, numpy.ndarray) else "number": _bytes(numpy.asarray(value))}
    return None


def _bytes(array) -> list:
    if array.dtype.hasobject:
        raise TypeError("the answer is an array of objects, not of numbers")
    return [array.dtype.str, list(array.shape), base64.b64encode(array.tobytes()).decode()]


def _described(value) -> str:
    try:
        return builtins.repr(value)[:LONGEST]
    except BaseException as error:
        return f"its repr raised {type(error).__name__}"


if __name__ == "__main__":
    main()
