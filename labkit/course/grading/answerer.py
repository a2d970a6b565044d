"""The program in the sandbox: it takes a student's code and calls, runs them, and sends back what came of each call.

It knows no right answer and judges nothing, so whatever the student's code does to it, there is nothing to forge: what
is sent back is only what the student's function is said to return. It is a file of its own, without labkit, and starts
in a moment; packages are imported when the calls or the student's code need them.

In (stdin, a pickle of ours): cells, the name of the function, each call's arguments as a pickle. Out (stdout): a line
before any of the student's code runs, with that code; then a line with the outcomes. Prints go to stderr.
"""

import ast
import base64
import builtins
import json
import os
import pickle
import re
import symtable
import sys
import types

DEEPEST, MOST = 8, 100_000  # of nested lists, and of values in one answer
LONGEST = 1000  # characters of a message


def main() -> None:
    """Read the task, set the limits, send what will run, run it, send the outcomes."""
    reply = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    task = pickle.load(sys.stdin.buffer)
    arguments = [pickle.loads(call) for call in task["calls"]]
    _limit(task["limits"])
    tree, wrong = _program(task["cells"], task["function"])
    source = ast.unparse(tree)
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
    wrong with a cell that could not be read."""
    statements, wrong = [], ""
    for cell in cells:
        try:
            statements += ast.parse(_plain(cell)).body
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            named = re.search(rf"\b{re.escape(function)}\b", cell)
            wrong = f"the cell cannot be read: {type(error).__name__}: {error}"[:LONGEST] if named else wrong
    facts = [(_bound(one), _free(one)) for one in statements]
    needed, chosen, before = {function}, set(), -1
    while len(chosen) > before:
        before = len(chosen)
        for index, (bound, free) in enumerate(facts):
            if index not in chosen and (bound & needed or "*" in bound):
                chosen.add(index)
                needed |= free
    body = [_only(statements[index], needed) for index in sorted(chosen)]
    return ast.fix_missing_locations(ast.Module(body, [])), wrong


def _plain(cell: str) -> str:
    """Without the lines that only IPython understands."""
    return re.sub(r"^(\s*)[%!?].*$", r"\1pass", cell, flags=re.MULTILINE)


def _bound(statement: ast.stmt) -> set[str]:
    """Names that a statement gives a value to, or changes a part of."""
    if isinstance(statement, ast.Import | ast.ImportFrom):
        return {one.asname or one.name.partition(".")[0] for one in statement.names}
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return {statement.name}
    names = {node.name for node in ast.walk(statement) if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    for node in ast.walk(statement):
        if isinstance(getattr(node, "ctx", None), ast.Store):
            while isinstance(node, ast.Attribute | ast.Subscript | ast.Starred):
                node = node.value
            names |= {node.id} if isinstance(node, ast.Name) else set()
    return names


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
    """An import without the names that nothing needs; other statements as they are."""
    if not isinstance(statement, ast.Import | ast.ImportFrom):
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
    """A value as JSON; what has no form here becomes its type's name and how it describes itself."""
    left[0] -= 1
    kind = type(value)
    if left[0] < 0 or deep == 0:
        return {"other": ["too much", "more values than an answer holds"]}
    if value is None or kind in (bool, int, str, float):
        return _plain_value(value, kind)
    if value is ...:
        return {"ellipsis": True}
    if kind in (list, tuple):
        return {kind.__name__: [_encoded(one, left, deep - 1) for one in value]}
    if kind is dict:
        return {"dict": [[_encoded(one, left, deep - 1) for one in pair] for pair in value.items()]}
    return _array(value) or {"other": [kind.__name__[:100], _described(value)]}


def _plain_value(value, kind: type):
    if kind is float:
        return {"float": value.hex()}
    return {"int": hex(value)} if kind is int else value[:LONGEST] if kind is str else value


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
