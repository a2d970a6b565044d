"""Suites `forward` and `base`: one image through Adventurer without gradients, down to single pixels."""

import torch
from cases import adventurer, floor_of, forward_of, images_for, watched
from memory import beyond, memory_of
from plain import Plain
from timing import (
    Work,
    agreement,
    cell,
    goal_cell,
    interleaved,
    markdown,
    medians,
    memory_cell,
    ratio,
    say,
    seconds_of,
    time_cell,
)

TINY, BASE = "Adventurer-Tiny", "Adventurer-Base"
ROUNDS = 10
SIZES = (2, 1)  # patches
OVER_FLOOR = {"float32": 1.4, "bfloat16": 1.8}  # goals: labkit's time at p = 1 over that of the linear maps,
GROWTH, TINY_BYTES, BASE_BYTES = 4.3, 1.0e9, 2.5e9  # times the seconds from p = 2 to p = 1, memory at p = 1


def measure(rounds: int | None, image_size: int) -> dict:
    """Adventurer-Tiny in both types: time, the floor under it, growth with the tokens, memory; the plain peer."""
    found = {"rounds": rounds or ROUNDS, "cases": [], "growth": []}
    for dtype in ("float32", "bfloat16"):
        say(f"forward, {dtype}")
        _measure_type(found, dtype, image_size)
    return found


def _measure_type(found: dict, dtype: str, image_size: int) -> None:
    groups, tokens = [], {}
    for patch_size in SIZES:
        model = adventurer(TINY, patch_size, image_size, dtype=dtype)
        tokens[patch_size] = model.tokenizer.tokens
        images = images_for(model)
        group: dict[str, Work] = {
            f"labkit p={patch_size}": forward_of(model, images),
            f"floor p={patch_size}": floor_of(model, tokens[patch_size] + 1),
        }
        if (patch_size, dtype) == (2, "float32"):
            group["plain p=2"] = forward_of(Plain(model), images)
            answers = ({"logits": group[name]()} for name in ("labkit p=2", "plain p=2"))
            found["agreement_with_plain"] = agreement("labkit and plain", *answers)
        groups.append(group)
    seconds = interleaved(groups, found["rounds"])
    for name, median in medians(seconds).items():
        who, patch = name.split(" p=")
        if who != "floor":
            found["cases"].append(_case(who, dtype, int(patch), median, seconds, tokens, image_size))
    growth = ratio(seconds["labkit p=1"], seconds["labkit p=2"])
    found["growth"].append({"dtype": dtype, "tokens": [tokens[2], tokens[1]], **growth})


def _case(who: str, dtype: str, patch_size: int, median: float, seconds: dict, tokens: dict, image_size: int) -> dict:
    """One model at one patch size: what was timed, and what memory it takes."""
    asked = {"name": TINY, "patch_size": patch_size, "image_size": image_size, "dtype": dtype}
    threads = torch.get_num_threads()
    return {
        "model": who,
        "dtype": dtype,
        "patch_size": patch_size,
        "tokens": tokens[patch_size],
        "median_seconds": median,
        "median_floor_seconds": medians(seconds)[f"floor p={patch_size}"],
        "over_floor": ratio(seconds[f"{who} p={patch_size}"], seconds[f"floor p={patch_size}"]),
        "memory": memory_of(**asked, plain=who == "plain", training=False, threads=threads),
    }


def table(found: dict) -> str:
    """The cases, and below them how time grows."""
    rows = [
        [
            one["model"],
            one["dtype"],
            one["patch_size"],
            f"{one['tokens']:,}",
            time_cell(one["median_seconds"]),
            time_cell(one["median_floor_seconds"]),
            cell(one["over_floor"]),
            *_goals(one),
        ]
        for one in found["cases"]
    ]
    head = ["model", "type", "p", "tokens", "seconds", "linear maps alone", "time / linear maps", "goal"]
    head += ["memory above idle"]
    grown = []
    for one in found["growth"]:
        few, many = one["tokens"]
        goal = goal_cell(one, GROWTH, at_least=False)
        grown.append([one["dtype"], f"{few:,} to {many:,}", f"{many / few:g}", cell(one), goal])
    below = markdown(["type", "tokens", "times the tokens", "times the seconds", "goal"], grown)
    return markdown(head, rows) + "\n\n" + below


def _goals(one: dict) -> tuple[str, str]:
    """The goal for time, and memory with its goal: both are set for labkit at p = 1."""
    if (one["model"], one["patch_size"]) != ("labkit", 1):
        return "", memory_cell(beyond(one))
    return goal_cell(one["over_floor"], OVER_FLOOR[one["dtype"]], at_least=False), memory_cell(beyond(one), TINY_BYTES)


def measure_base(rounds: int | None, image_size: int) -> dict:
    """Adventurer-Base at single pixels, one pass, once. `rounds` changes nothing."""
    say("base, once for its time and once for its memory")
    model = watched(adventurer(BASE, 1, image_size))
    seconds, tokens = seconds_of(forward_of(model, images_for(model)), 1, warm=0), model.tokenizer.tokens
    del model
    asked = {"name": BASE, "patch_size": 1, "image_size": image_size, "dtype": "float32", "watch": True}
    memory = memory_of(**asked, training=False, threads=torch.get_num_threads())
    return {"rounds": 1, "patch_size": 1, "tokens": tokens, "seconds_once": seconds, "memory": memory}


def table_base(found: dict) -> str:
    """The one row."""
    memory = memory_cell(beyond(found), BASE_BYTES)
    row = [BASE, "float32", found["patch_size"], f"{found['tokens']:,}", time_cell(found["seconds_once"]), memory]
    return markdown(["model", "type", "p", "tokens", "seconds, once", "memory above weights"], [row])
