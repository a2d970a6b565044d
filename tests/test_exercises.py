"""The checks are checked: each accepts the reference and refuses its typical wrong answers, each with its own
message."""

import ast
import re
import sys
from dataclasses import replace
from pathlib import Path

import nbformat
import pytest
import torch
from lesson_cells import SOURCES, code_of

from labkit.cost import attention_flops, model_flops, published
from labkit.course.solutions import cut_solutions
from labkit.lesson.exercises import EXERCISES, answer
from labkit.lesson.exercises.check import Exercise, same
from labkit.lesson.start import header_of

NOTEBOOKS = Path(__file__).parent.parent / "notebooks"

EVERY = [pytest.param(exercise, id=name) for name, exercise in EXERCISES.items()]


@pytest.mark.parametrize("exercise", EVERY)
def test_reference_is_accepted(exercise: Exercise) -> None:
    assert exercise.check(exercise.reference) == ("solved", exercise.solved)


@pytest.mark.parametrize("exercise", EVERY)
def test_typical_mistakes_are_refused_each_with_its_message(exercise: Exercise) -> None:
    assert 2 <= len(exercise.mistakes) <= 3
    messages = [mistake.message for mistake in exercise.mistakes]
    assert len(set(messages)) == len(messages)
    for mistake in exercise.mistakes:
        assert exercise.check(mistake.answer) == ("wrong", mistake.message)


@pytest.mark.parametrize("exercise", EVERY)
def test_unanswered_broken_and_unforeseen(exercise: Exercise) -> None:
    assert exercise.check(lambda *_: ...)[0] == "not solved"
    assert exercise.check(lambda *_: None)[0] == "not solved"
    status, message = exercise.check(lambda *_: 1 / 0)
    assert status == "wrong"
    assert "ZeroDivisionError" in message
    status, message = exercise.check(lambda *_: -12345.678)
    assert status == "wrong"
    assert "it should give" in message
    assert exercise.check(3)[0] == "wrong"


def test_answers_that_change_their_inputs_change_nobody_elses() -> None:
    def zeros(images: torch.Tensor, p: int) -> torch.Tensor:
        return torch.zeros_like(EXERCISES["01-cut"].reference(images.zero_(), p))

    def emptied(large: list[float], small: list[float]) -> tuple[float, float]:
        large.clear()
        return 0.0, 0.0

    for name, hostile in (("01-cut", zeros), ("05-interval", emptied)):
        assert EXERCISES[name].check(hostile)[0] == "wrong"
        assert EXERCISES[name].check(EXERCISES[name].reference)[0] == "solved"


def test_hostile_answers_are_answered_in_a_sentence() -> None:
    class Speechless:
        def __repr__(self) -> str:
            raise RuntimeError("no words")

    exercise = EXERCISES["00-tokens"]
    for hostile in (lambda *_: "x" * 10**7, lambda *_: Speechless(), lambda *_: sys.exit(), lambda: 1):
        status, message = exercise.check(hostile)
        assert status == "wrong"
        assert len(message) < 1500
    assert "`//`" in exercise.check(lambda image, patch: (image / patch) ** 2)[1]
    assert exercise.check(lambda image, patch: str((image // patch) ** 2))[0] == "wrong"


def test_answer_hands_on_the_right_function(capsys: pytest.CaptureFixture) -> None:
    exercise = EXERCISES["01-place"]

    def mine(token: int, columns: int) -> tuple[int, int]:
        return divmod(token, columns)

    assert answer("01-place", mine) is mine
    assert answer("01-place", lambda token, columns: ...) is exercise.reference
    with pytest.raises(ValueError, match="there is no exercise '99-none'"):
        answer("99-none", mine)


def test_references_of_lesson_03_hold_for_the_library() -> None:
    """The block is what a ViT grows by with one block more, and at the balance its pairs cost what the rest costs."""
    block, balance = EXERCISES["03-block"].reference, EXERCISES["03-balance"].reference
    for size in ("tiny", "base"):
        shape = published("vit", size, patch_size=8)
        deeper = replace(shape, depth=shape.depth + 1)
        assert block(shape.length, shape.width) == model_flops(deeper) - model_flops(shape)
        n = balance(shape.width)
        assert 2 * attention_flops(n, shape.width) == block(n, shape.width)


def test_same_looks_at_shape_and_size() -> None:
    assert same(torch.ones(2, 2), torch.ones(2, 2), 1e-6)
    assert not same(torch.ones(4), torch.ones(2, 2), 1e-6)
    assert not same((1, 2), (1, 2, 3), 1e-6)
    assert same(2, 2, 1e-6)
    assert not same("2", 2, 1e-6)
    assert not same("0.5", 0.5, 1e-6)
    assert not same(2.0, 2, 1e-6), "a count is a whole number"
    assert not same(True, 1, 1e-6)
    assert not same(4.95e-5, 4.9e-5, 1e-6), "small numbers are compared by their own size"
    assert not same(None, 1, 1e-6)
    assert not same(10**400, 1.0, 1e-6), "no float is that large"
    assert not same(1.001, 1.0, 1e-6)


@pytest.mark.parametrize("stem", [path.stem for path in SOURCES])
def test_each_objective_has_its_check_in_the_lesson(stem: str) -> None:
    code = code_of(stem)
    asked = set(re.findall(r'(?:answer|predict)\(\s*"([^"]+)"', code))
    objectives = header_of(stem[:2])[1]["objectives"]
    assert 3 <= len(objectives) <= 5
    assert {one["check"] for one in objectives} <= asked
    exercises = [name for name in EXERCISES if name.startswith(stem[:2])]
    assert len(exercises) >= 2
    assert set(exercises) <= asked


def exercise_cells(folder: str, name: str) -> tuple[str, str]:
    """The code that a lesson imports before exercise `name`, and the cell in which it is solved, of one edition."""
    notebook = nbformat.read(next((NOTEBOOKS / folder).glob(f"{name[:2]}_*.ipynb")), as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    place = next(k for k, cell in enumerate(code) if f'answer("{name}"' in cell.source)
    asked = next(cell for cell in reversed(code[:place]) if "exercise" in cell.metadata.get("tags", []))
    tree = ast.parse("\n".join(cell.source for cell in code[:place]))
    imports = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    return ast.unparse(ast.Module(imports, [])), asked.source


@pytest.mark.parametrize("name", EXERCISES)
def test_students_check_says_not_solved_and_passes_with_the_solution(name: str) -> None:
    """The cells of the editions themselves: what a student finds, and what a teacher puts in its place."""
    exercise, solved_before = EXERCISES[name], r'(\w+) = answer\("([^"]+)"'
    stubs, solutions = exercise_cells("", name), exercise_cells("solved", name)
    named = dict(re.findall(solved_before, code_of(next(path.stem for path in SOURCES if path.stem[:2] == name[:2]))))
    for (imports, source), status in ((stubs, "not solved"), (solutions, "solved")):
        space = {mine: EXERCISES[other].reference for mine, other in named.items() if other != name}
        exec(imports, space)
        exec(source, space)
        assert exercise.check(space[ast.parse(source).body[0].name])[0] == status
    assert stubs[1] == cut_solutions(solutions[1])
