"""What stands in for `labkit.lesson` in the sandbox: answers are handed on unchecked, all else does nothing."""

from typing import Any


def answer(name: str, yours: Any) -> Any:
    """The answer itself: an exercise that builds on an earlier one takes the student's."""
    return yours


def __getattr__(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(name)
    return lambda *_, **__: None
