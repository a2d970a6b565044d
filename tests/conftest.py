"""What every test needs: checked shapes, one thread, a seed, and no GPU test where there is no GPU.

With beartype installed, each call of a public function of labkit is checked against the shapes in its signature while
the tests run. The hook must be in place before the first import of labkit, so this file imports nothing of it.
"""

import re
from importlib.util import find_spec
from typing import Any

import pytest
import torch

if find_spec("beartype"):
    from jaxtyping import install_import_hook

    install_import_hook("labkit", "beartype.beartype")

# Tiny models are slower with more threads, and pytest runs one process per core.
torch.set_num_threads(1)


LESSON = re.compile(r"\[(\d\d_\w+)\]$")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Tests of one lesson go to one worker, where they share a run of it; all others one by one to whoever is free.
    (The plugin's own groups are marks, which xdist 3.8 loses with pytest 9.2.)"""
    from xdist.scheduler import LoadScopeScheduling

    class Together(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            lesson = LESSON.search(nodeid)
            return lesson[1] if lesson else nodeid

    return Together(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip the tests marked gpu, with the reason, on a machine without CUDA."""
    if torch.cuda.is_available():
        return
    skip = pytest.mark.skip(reason="needs a CUDA device and this machine has none")
    for item in items:
        if item.get_closest_marker("gpu"):
            item.add_marker(skip)


@pytest.fixture(autouse=True)
def _seed() -> None:
    """Start each test from the same random state, whatever ran before it."""
    torch.manual_seed(0)
