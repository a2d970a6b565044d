"""The memory that a pass takes, in a process of its own: `python benchmarks/memory.py '{"name": ...}'` prints a line of
JSON with the bytes of the idle process (weights included) and the most during the pass beyond that.

As labkit/cost/fresh.py does it, for what that does not know: other types, several threads, training steps and the
plain peer. Memory that is freed goes back to the system at once, so that the peak is what tensors hold. Linux only.
"""

import ctypes
import json
import subprocess
import sys
from pathlib import Path

import torch
from cases import built, forward_of, images_for, labels_for, step_of, watched
from timing import Work, say

from labkit.cost.fresh import M_MMAP_THRESHOLD, held_during
from labkit.records import REPOSITORY


def memory_of(**asked: object) -> dict[str, int] | None:
    """The bytes that the pass which `asked` describes takes, {"idle": ..., "beyond": ...}; None off Linux. Stops with
    what the process ended with if it failed."""
    if sys.platform != "linux":
        return None
    say(f"  memory of {asked}")
    command = [sys.executable, str(Path(__file__).resolve()), json.dumps(asked)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, cwd=REPOSITORY)  # progress goes to our stderr
    if done.returncode:
        sys.exit(f"the process that measures memory ended with {done.returncode}: {asked}")
    return json.loads(done.stdout)


def beyond(found: dict) -> int | None:
    """The bytes of a case's pass alone; None where memory could not be measured."""
    return found["memory"]["beyond"] if found["memory"] else None


def measure(asked: dict) -> dict[str, int]:
    """Build the model, settle, run it once; how many bytes more the process held at its peak."""
    ctypes.CDLL(None).mallopt(M_MMAP_THRESHOLD, 2**16)
    torch.set_num_threads(asked["threads"])
    _work({**asked, "image_size": 4 * asked["patch_size"], "depth": 1, "recompute": False, "watch": False})()
    return held_during(_work(asked))


def _work(asked: dict) -> Work:
    """What is measured: a forward pass, or a training step."""
    model = built(asked)
    images = images_for(getattr(model, "model", model))
    if not asked["training"]:
        return forward_of(watched(model) if asked.get("watch") else model, images)
    return step_of(model, images, labels_for(images))


if __name__ == "__main__":
    print(json.dumps(measure(json.loads(sys.argv[1]))))
