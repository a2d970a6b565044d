"""Whether submissions can be graded on this machine."""

import pytest

from labkit.course.grading.checks import Sandbox
from labkit.course.grading.sandbox import Limits


def why_no_sandbox() -> str:
    """Why nothing can be graded here, or "" if it can."""
    try:
        Sandbox(Limits(), trust=False)
    except ValueError as error:
        return str(error)
    return ""


needs_sandbox = pytest.mark.skipif(bool(why_no_sandbox()), reason=why_no_sandbox())
