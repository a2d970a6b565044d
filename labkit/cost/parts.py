"""Where the seconds of a pass go, measured operation by operation while it runs."""

import time
from collections.abc import Callable
from typing import Any

from torch.utils._python_dispatch import TorchDispatchMode

# an operation is of the kind that stands beside its name, or beside the start of it up to an underscore
KINDS = {
    "mm": "linear layers",
    "addmm": "linear layers",
    "convolution": "linear layers",
    "bmm": "products between tokens",
    "baddbmm": "products between tokens",
    "_scaled_dot_product": "products between tokens",
    "exp": "exponentials and gates",
    "silu": "exponentials and gates",
    "gelu": "exponentials and gates",
    "softplus": "exponentials and gates",
    "_softmax": "exponentials and gates",
    "copy_": "copies",
    "clone": "copies",
    "cat": "copies",
    "flip": "copies",
    "constant_pad_nd": "copies",
    "_to_copy": "copies",
}
REST = "sums, factors and norms"


def seconds_by_kind(work: Callable[[], Any]) -> dict[str, float]:
    """Seconds that `work` spends in each kind of operation, the longest first; what is between operations is left out.
    For work on a CPU, where an operation is done when it returns. Used in lesson 10."""
    with _Clock() as clock:
        work()
    return dict(sorted(clock.seconds.items(), key=lambda one: -one[1]))


class _Clock(TorchDispatchMode):
    """Times each operation below autograd."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds = dict.fromkeys([*KINDS.values(), REST], 0.0)

    def __torch_dispatch__(self, function: Any, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        began = time.perf_counter()
        out = function(*args, **(kwargs or {}))
        taken = time.perf_counter() - began
        name = function._schema.name.removeprefix("aten::")
        self.seconds[kind_of(name)] += taken
        return out


def kind_of(name: str) -> str:
    """The kind of the operation that torch calls `name`: `exp_` is of the kind of `exp`, `expand` is not."""
    return next((kind for start, kind in KINDS.items() if f"{name}_".startswith(f"{start.rstrip('_')}_")), REST)
