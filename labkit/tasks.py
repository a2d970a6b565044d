"""What a model is asked, and the one table by which a run's configuration names it.

A task has `name`, `image_size`, `channels`, `classes`, `data` (words for the record) and gives (images, labels) by
`batch(seed, step, size)`, `validation()` and `test()`. Letters: B images, C channels, S side.
"""

from typing import Protocol, runtime_checkable

from jaxtyping import Float, Int
from torch import Tensor

from labkit.config import Run, choose
from labkit.data.changed import Enlarged, Shuffled
from labkit.data.digits import digits
from labkit.data.textures import textures

Examples = tuple[Float[Tensor, "B C S S"], Int[Tensor, " B"]]


@runtime_checkable
class Task(Protocol):
    """What the training loop asks of a task."""

    name: str
    image_size: int
    channels: int

    @property
    def classes(self) -> tuple[str, ...]: ...

    @property
    def data(self) -> str: ...

    def batch(self, seed: int, step: int, size: int) -> Examples: ...

    def validation(self) -> Examples: ...

    def test(self) -> Examples: ...


TASKS = {"textures": textures, "digits": digits}


def task_of(run: Run) -> Task:
    """The task that `run` names, at its image size, with pixels shuffled or images enlarged where it says so.
    ValueError with the list of tasks for an unknown name."""
    task = choose("task", run.task, TASKS)(run.image_size)
    if run.shuffled is not None:
        task = Shuffled(task, run.shuffled)
    return task if run.enlarged is None else Enlarged(task, run.enlarged)
