"""Suite `step`: a training step of Adventurer-Tiny on one image, with more or less recomputation."""

import torch
from cases import adventurer, floor_of, gradients, images_for, labels_for, step_of
from memory import beyond, memory_of
from timing import agreement, cell, goal_cell, interleaved, markdown, medians, memory_cell, ratio, say, time_cell

TINY = "Adventurer-Tiny"
ROUNDS = 4
OVER_FLOOR, BYTES = 6.5, {2: 6e9, 1: 16e9}  # goals: of time, and of memory at each patch size
CASES = ((2, 12), (2, 0), (1, 12))  # patch size, blocks of twelve that are recomputed


def measure(rounds: int | None, image_size: int) -> dict:
    """Seconds in units of the float32 forward floor, and memory."""
    say("step")
    found = {"rounds": rounds or ROUNDS, "agreement_with_recompute": _agreement(image_size), "cases": []}
    memory = {case: _memory(*case, image_size) for case in CASES}  # first: this process will keep what it has freed
    groups: dict[int, dict] = {}
    for patch_size, recompute in CASES:
        model = adventurer(TINY, patch_size, image_size, recompute=recompute)
        images = images_for(model)
        group = groups.setdefault(patch_size, {f"floor p={patch_size}": floor_of(model, model.tokenizer.tokens + 1)})
        group[_name(patch_size, recompute)] = step_of(model, images, labels_for(images))
    seconds = interleaved(list(groups.values()), found["rounds"])
    for patch_size, recompute in CASES:
        name, floor = _name(patch_size, recompute), f"floor p={patch_size}"
        case = {
            "patch_size": patch_size,
            "tokens": (image_size // patch_size) ** 2,
            "recompute": recompute,
            "median_seconds": medians(seconds)[name],
            "median_floor_seconds": medians(seconds)[floor],
            "over_forward_floor": ratio(seconds[name], seconds[floor]),
            "memory": memory[patch_size, recompute],
        }
        found["cases"].append(case)
    return found


def _memory(patch_size: int, recompute: int, image_size: int) -> dict[str, int] | None:
    asked = {"name": TINY, "patch_size": patch_size, "image_size": image_size, "recompute": recompute}
    return memory_of(**asked, training=True, threads=torch.get_num_threads())


def _name(patch_size: int, recompute: int) -> str:
    return f"p={patch_size}, {recompute} recomputed"


def _agreement(image_size: int) -> dict[str, float]:
    """Gradients with and without recomputation, at p = 2."""
    found = []
    for recompute in (True, False):
        model = adventurer(TINY, 2, image_size, recompute=recompute)
        images = images_for(model)
        found.append(gradients(model, images, labels_for(images)))
    return agreement("gradients with and without recompute", *found)


def table(found: dict) -> str:
    """A row for each case."""
    rows = [
        [
            one["patch_size"],
            f"{one['tokens']:,}",
            f"{one['recompute']} of 12",
            time_cell(one["median_seconds"]),
            time_cell(one["median_floor_seconds"]),
            cell(one["over_forward_floor"]),
            goal_cell(one["over_forward_floor"], OVER_FLOOR, at_least=False),
            memory_cell(beyond(one), BYTES[one["patch_size"]]),
        ]
        for one in found["cases"]
    ]
    head = ["p", "tokens", "blocks recomputed", "seconds a step", "linear maps, forward", "step / linear maps", "goal"]
    return markdown([*head, "memory above idle"], rows)
