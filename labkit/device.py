"""Which device a run takes, and how many threads."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch


def device_of(name: str) -> torch.device:
    """The torch device for "auto", "cpu" or "cuda". ValueError for another word, or for a GPU that is not there."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if name not in ("cpu", "cuda"):
        raise ValueError(f"device {name!r} is unknown: it must be 'auto', 'cpu' or 'cuda'")
    if name == "cuda" and not torch.cuda.is_available():
        raise ValueError("device 'cuda' was asked for and torch sees no GPU here: use device='auto' to work on the CPU")
    return torch.device(name)


def device_name(device: torch.device) -> str:
    """The device in words, for a record."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu"


@contextmanager
def threads(count: int) -> Iterator[None]:
    """Run the block on `count` CPU threads (tiny models are fastest on one); what was set before comes back."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
