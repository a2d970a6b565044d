"""What every test needs: checked shapes, one thread, a seed, and no GPU test where there is no GPU.

With beartype installed, each call of a public function of labkit is checked against the shapes in its signature while
the tests run. The hook must be in place before the first import of labkit, so this file imports nothing of it.
"""

from importlib.util import find_spec

import pytest
import torch

if find_spec("beartype"):
    from jaxtyping import install_import_hook

    install_import_hook("labkit", "beartype.beartype")

# Tiny models are slower with more threads, and pytest runs one process per core.
torch.set_num_threads(1)


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
