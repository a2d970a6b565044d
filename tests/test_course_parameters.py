"""A lesson's parameters: what is let through, what is refused with which words, and which are never read."""

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from labkit.course.parameters import assigned, read_parameter, resolve
from labkit.course.unread import unread

ENTRIES = {
    "steps": {"type": "int", "low": 1, "high": 100, "full": 90, "about": "Steps."},
    "patch": {"type": "int", "choices": [16, 8, 4], "about": "Patch size."},
    "rate": {"type": "float", "low": 0, "high": 1, "full": 1, "about": "Rate."},
    "model": {"type": "str", "choices": ["vit", "adventurer"], "about": "Model."},
    "note": {"type": "str", "about": "Any text."},
    "loud": {"type": "bool", "full": True, "about": "Loud."},
}
QUICK = {"steps": 10, "patch": 8, "rate": 0.5, "model": "vit", "note": "", "loud": False}
PARAMETERS = {name: read_parameter(name, entry, QUICK[name]) for name, entry in ENTRIES.items()}


def lesson(*sources: str) -> nbformat.NotebookNode:
    """A notebook whose first cell is the parameters cell."""
    first = new_code_cell(sources[0], metadata={"tags": ["parameters"]})
    return new_notebook(cells=[first, *(new_code_cell(source) for source in sources[1:])])


def test_profiles_and_overrides() -> None:
    assert resolve(PARAMETERS) == QUICK
    assert resolve(PARAMETERS, profile="full") == QUICK | {"steps": 90, "rate": 1.0, "loud": True}
    assert resolve(PARAMETERS, profile="full", overrides={"steps": 7})["steps"] == 7


@pytest.mark.parametrize(
    ("name", "given", "expected"),
    [
        ("steps", "12", 12),
        ("rate", "0.25", 0.25),
        ("rate", "1", 1.0),
        ("rate", 1, 1.0),
        ("loud", "true", True),
        ("loud", "False", False),
        ("note", "12", "12"),
        ("note", "true", "true"),
    ],
)
def test_text_is_read_as_the_declared_type(name: str, given: object, expected: object) -> None:
    value = resolve(PARAMETERS, overrides={name: given})[name]
    assert value == expected
    assert type(value) is type(expected)


@pytest.mark.parametrize(
    ("name", "given", "words"),
    [
        ("steps", True, "of type bool, not int"),
        ("steps", 3.0, "of type float, not int"),
        ("steps", "3.5", "of type str, not int"),
        ("steps", 0, "outside its range, 1 to 100"),
        ("steps", "101", "outside its range, 1 to 100"),
        ("patch", 5, "not one of 16, 8, 4"),
        ("rate", "nan", "not a finite number"),
        ("rate", True, "of type bool, not float"),
        ("rate", 1.5, "outside its range"),
        ("model", "cnn", "not one of 'vit', 'adventurer'"),
        ("model", 3, "of type int, not str"),
        ("loud", 1, "of type int, not bool"),
        ("loud", "yes", "of type str, not bool"),
        ("stepz", 3, "no parameter is called stepz; there are: steps, patch"),
    ],
)
def test_refused_values_name_value_and_rule(name: str, given: object, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        resolve(PARAMETERS, overrides={name: given})


def test_unknown_profile() -> None:
    with pytest.raises(ValueError, match="'slow' is not one of quick, full"):
        resolve(PARAMETERS, profile="slow")


@pytest.mark.parametrize(
    ("entry", "default", "words"),
    [
        ({"type": "list", "about": "."}, 1, "needs a type"),
        ({"type": "int", "low": 1, "high": 2, "about": ".", "step": 1}, 1, "unknown keys"),
        ({"type": "int", "low": 1, "high": 2}, 1, "no sentence"),
        ({"type": "int", "about": "."}, 1, "either choices or low and high"),
        ({"type": "int", "choices": [1], "low": 1, "high": 2, "about": "."}, 1, "either choices or low and high"),
        ({"type": "int", "low": 1, "about": "."}, 1, "come together"),
        ({"type": "str", "low": 1, "high": 2, "about": "."}, "a", "only for an int or a float"),
        ({"type": "int", "low": 3, "high": 2, "about": "."}, 3, "above high"),
        ({"type": "int", "low": 1, "high": 2, "about": "."}, 3, "outside its range"),
        ({"type": "int", "low": 1, "high": 2, "full": 3, "about": "."}, 1, "outside its range"),
        ({"type": "int", "choices": [1, "two"], "about": "."}, 1, "of type str, not int"),
        ({"type": "bool", "about": "."}, 1, "of type int, not bool"),
    ],
)
def test_header_entries_that_are_refused(entry: dict[str, object], default: object, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        read_parameter("steps", entry, default)


def test_parameters_cell_is_read_without_running_it() -> None:
    assert assigned(lesson("a = 1\nb: float = -2.5\nc = 'x'  # why\n")) == {"a": 1, "b": -2.5, "c": "x"}


@pytest.mark.parametrize("source", ["a = 1 + 1", "a, b = 1, 2", "a = b = 1", "print(1)", "import os", "a: int"])
def test_parameters_cell_with_more_than_assignments(source: str) -> None:
    with pytest.raises(ValueError, match="only `name = value`"):
        assigned(lesson(source))


@pytest.mark.parametrize("cells", [0, 2])
def test_exactly_one_parameters_cell(cells: int) -> None:
    notebook = new_notebook(cells=[new_code_cell("a = 1", metadata={"tags": ["parameters"]}) for _ in range(cells)])
    with pytest.raises(ValueError, match=f"{cells} cells are tagged"):
        assigned(notebook)


@pytest.mark.parametrize(
    "source",
    [
        "print(n)",
        "def f():\n    return n\n",
        "x = [n * i for i in range(3)]",
        "f'{n}'",
        "n = n + 1",
        "n += 1\nprint(n)",
        "%matplotlib inline\nif n:\n    pass",
        "class A:\n    size = n\n",
        "lambda: n",
        "[x for x in [1] if n]",
        "[n for n in range(n)]",
        "def f(n=n):\n    return n\n",
        "def f():\n    n = 1\n    def g():\n        global n\n        return n\n",
        "class A:\n    n = 2\n    def f(self):\n        return n\n",
        "for i in range(n):\n    pass",
        "if 1 > 2:\n    n = 2\nprint(n)",
    ],
)
def test_read_parameters(source: str) -> None:
    assert unread(lesson("n = 1", source)) == []


@pytest.mark.parametrize(
    "source",
    [
        "print('n')  # n",
        "n = 2\nprint(n)",
        "n: int = 2\nprint(n)",
        "def f(n):\n    return n\n",
        "def f():\n    n = 3\n    return n\n",
        "f(n=1)",
        "a.n",
        "x = [n for n in range(3)]",
        "{n: 1 for n in range(3)}",
        "[[n for x in range(3)] for n in range(3)]",
        "lambda n: n",
        "def f():\n    import n\n    return n\n",
        "def f():\n    def n(): pass\n    return n\n",
        "def f(n):\n    return [n for x in range(3)], lambda: n\n",
        "def f(n):\n    def g():\n        nonlocal n\n        n += 1\n",
        "def f(x):\n    match x:\n        case [n]:\n            return n\n",
        "class A:\n    n = 2\n    m = n\n",
        "for n in range(3):\n    print(n)",
    ],
)
def test_unread_parameters(source: str) -> None:
    assert unread(lesson("n = 1", source)) == ["n"]
