"""How fast is labkit, and how much memory does it take, beside the same computed by others? See README.md.

    python benchmarks/speed.py                  measure every suite, write results/speed-cpu.json
    python benchmarks/speed.py --only NAME      measure one suite and merge it into that file
    python benchmarks/speed.py --table          print the tables of the committed results
    python benchmarks/speed.py --write-readme   put them into README.md
    python benchmarks/speed.py --rounds 1 --image-size 32      a smoke run, which writes nothing

Where there is a GPU, the suites of gpu.py are measured instead, into results/speed-cuda.json. A suite is written as
soon as it is measured, so a run that was cut off goes on with `--only`.
"""

import argparse
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import gpu
import suite_forward
import suite_layer
import suite_models
import suite_step
import suite_sweep
import torch
from timing import header, say

from labkit import records
from labkit.machine import keep_freed_memory

HERE = Path(__file__).resolve().parent
RESULTS, README = HERE / "results", HERE / "README.md"
NAMED = ("torch", "timm", "transformers")  # whose versions a table names


class Suite(NamedTuple):
    """What measures (rounds or None, side of the images in pixels), what prints it, and with how many threads."""

    measure: Callable[[int | None, int], dict]
    table: Callable[[dict], str]
    threads: int = 2


CPU = {
    "forward": Suite(suite_forward.measure, suite_forward.table),
    "base": Suite(suite_forward.measure_base, suite_forward.table_base),
    "layer": Suite(suite_layer.measure, suite_layer.table),
    "step": Suite(suite_step.measure, suite_step.table),
    "vit": Suite(suite_models.measure_vit, suite_models.table),
    "classroom": Suite(suite_models.measure_classroom, suite_models.table, threads=1),
    "sweep": Suite(suite_sweep.measure, suite_sweep.table, threads=1),
    "kills": Suite(suite_sweep.measure_kills, suite_sweep.table_kills, threads=1),
}
CUDA = {
    f"cuda-{model}-{'training' if training else 'inference'}{'-compiled' if compiled else ''}": Suite(
        gpu.suite(model, training=training, compiled=compiled), gpu.table
    )
    for compiled in (False, True)
    for model in ("vit", "adventurer")
    for training in (False, True)
}
SUITES = {**CPU, **CUDA}


def measure(name: str, rounds: int | None, image_size: int, about: dict) -> dict:
    """One suite with all that is needed to repeat it; `about` holds what is the same for all."""
    suite, began = SUITES[name], time.perf_counter()
    torch.set_num_threads(suite.threads)
    own = header(f"python benchmarks/speed.py --only {name}", "cuda" if name in CUDA else "cpu")
    about = {**own, "threads": suite.threads, "image_size": image_size, **about}
    found = suite.measure(rounds, image_size)
    say(f"{name}: {time.perf_counter() - began:.0f} s")
    return {**about, "wall_seconds": time.perf_counter() - began, **found}


def merge(path: Path, name: str, found: dict) -> None:
    """Put one suite into the result file, whole or not at all. A suite that was skipped replaces no measured one."""
    suites = records.read_json(path)["suites"] if path.exists() else {}
    if "skipped" in found and "skipped" not in suites.get(name, found):
        say(f"{name}: skipped, what was measured before stays")
        return
    suites[name] = found
    ordered = {known: suites[known] for known in SUITES if known in suites}
    records.write_json(path, {"command": "python benchmarks/speed.py", "suites": ordered})


def text(name: str, found: dict) -> str:
    """A suite's table, and under it who measured when."""
    if "skipped" in found:
        return f"Not measured: {found['skipped']}."
    packages = ", ".join(f"{package} {found['versions'][package]}" for package in NAMED if package in found["versions"])
    commit = found["commit"] or ""
    about = [
        f"{found['machine']}; {found['device']}; threads: {found['threads']}; rounds: {found['rounds']}",
        f"{packages}; commit {commit[:10] + '+changes' * commit.endswith('+changes') or 'unknown'}",
        f"freed memory is {'kept' if found['keeps_freed_memory'] else 'not kept'}; {found['time']}.",
    ]
    return SUITES[name].table(found) + "\n\n" + ";\n".join(about)


def committed() -> dict[str, dict]:
    """Every suite in the result files."""
    found = {}
    for path in sorted(RESULTS.glob("speed-*.json")):
        found |= records.read_json(path)["suites"]
    return found


def filled(readme: str, results: dict[str, dict]) -> str:
    """The README with the text of each result in its place, between its two comments. ValueError without a place."""
    for name, found in results.items():
        place = re.compile(rf"(<!-- speed:{name} -->\n).*?(<!-- /speed:{name} -->)", re.DOTALL)
        if not place.search(readme):
            raise ValueError(f"the README has no place <!-- speed:{name} --> ... <!-- /speed:{name} -->")
        written = text(name, found)
        readme = place.sub(lambda match, written=written: f"{match[1]}{written}\n{match[2]}", readme)
    return readme


def main() -> None:
    """Measure, or print or write what was measured."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", choices=SUITES, help="measure this suite")
    parser.add_argument("--table", action="store_true", help="print the committed results, measure nothing")
    parser.add_argument("--write-readme", action="store_true", help="put the committed results into README.md")
    parser.add_argument("--rounds", type=int, help="rounds of every suite, instead of its own number; writes nothing")
    parser.add_argument("--image-size", type=int, help="pixels, instead of 224 (multiple of 16); with --rounds only")
    chosen = parser.parse_args()
    if chosen.image_size and not chosen.rounds:
        parser.error("--image-size is for smoke runs, with --rounds: results are of 224 pixels")
    if chosen.table:
        print("\n\n".join(f"{name}:\n\n{text(name, found)}" for name, found in committed().items()))
        return
    if chosen.write_readme:
        records.write_text(README, filled(README.read_text(encoding="utf-8"), committed()))
        return
    there = CUDA if torch.cuda.is_available() else CPU
    if chosen.only and chosen.only not in there:
        parser.error(f"--only {chosen.only}: here are {', '.join(there)} (a GPU is measured where there is one)")
    # asked once: a suite that is written changes the checkout, not the code
    about = {"commit": records.commit(), "keeps_freed_memory": keep_freed_memory()}
    for name in [chosen.only] if chosen.only else there:
        found = measure(name, chosen.rounds, chosen.image_size or 224, about)
        if not chosen.rounds:
            merge(RESULTS / f"speed-{'cuda' if there is CUDA else 'cpu'}.json", name, found)
        print(f"{name}:\n\n{text(name, found)}\n", flush=True)


if __name__ == "__main__":
    main()
