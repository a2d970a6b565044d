"""Memory by formula, counted and in a fresh process; seconds from counted operations and a known machine."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from test_calibration import round_numbers

from labkit.cost import Shape, kept_bytes, peak_bytes, published
from labkit.cost.counting import Counted, Operation, count
from labkit.cost.measuring import Case, memory_of, model_of, seconds_of
from labkit.cost.roofline import foreseen_seconds

ROOT = Path(__file__).parents[1]
ANSWER = 40  # bytes of ten logits, which a pass also leaves
# patch size, image size, width, depth, state: below, at and above one chunk, several heads, full and filled-up chunks
CASES = [(16, 112, 64, 2, 64), (8, 64, 128, 3, 16), (8, 112, 128, 2, 64), (2, 32, 192, 2, 48), (1, 16, 64, 3, 64)]
# sequences that Adventurer reads in pieces of 512, 256 and 128 tokens; no block that flips, one, two
PIECES = [(1, 28, 1024, 2, 64), (2, 52, 2048, 3, 16), (2, 34, 2048, 4, 64), (4, 64, 4096, 1, 64)]
MANY = (1, 56, 4096, 1, 4)  # so many pieces that most is held at the last norm
FORMS = [("vit", "fused"), ("vit", "math"), ("adventurer", "chunked")]
# in a process without the shape checks of these tests, which hold on to arguments a little longer
COUNTING = """
import json, sys, torch
from labkit.cost import Shape, kept_bytes, peak_bytes
from labkit.cost.counting import count
from labkit.cost.measuring import model_of

rows = []
for (model, backend), token, (p, side, width, depth, state) in json.loads(sys.argv[1]):
    shape = Shape(model=model, image_size=side, patch_size=p, channels=3, width=width, depth=depth, classes=10,
                  class_token=token, heads=width // 32, state=state)
    with torch.device("meta"):
        built = model_of(shape, backend=backend)
    kept, peak = (count(built, (1, 3, side, side), training=training) for training in (True, False))
    rows.append((kept_bytes(shape, backend), kept.kept, peak_bytes(shape, backend), peak.peak))
print(json.dumps(rows))
"""


def counted(shape: Shape, backend: str) -> Counted:
    with torch.device("meta"):
        model = model_of(shape, backend=backend)
    return count(model, (1, 3, shape.image_size, shape.image_size))


def test_memory_by_formula_is_what_tensors_hold() -> None:
    asked = [(form, True, case) for form in FORMS for case in CASES]
    asked += [(FORMS[-1], False, case) for case in [*CASES, *PIECES, MANY]]
    asked += [(FORMS[-1], True, case) for case in PIECES]
    command = [sys.executable, "-c", COUNTING, json.dumps(asked)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=200, check=True)
    for ((model, _), token, case), (kept, kept_counted, peak, peak_counted) in zip(
        asked, json.loads(done.stdout), strict=True
    ):
        assert kept + ANSWER == kept_counted, (model, token, case)
        assert peak == pytest.approx(peak_counted, rel=1e-9 if model == "vit" else 0.01), (model, token, case)


def test_training_keeps_in_proportion_to_tokens_and_the_definition_to_their_pairs() -> None:
    small, large = (published("vit", "tiny", patch_size=p) for p in (8, 4))
    assert kept_bytes(large) / kept_bytes(small) == pytest.approx(4, rel=0.01)
    assert kept_bytes(large, "math") / kept_bytes(small, "math") > 9
    with pytest.raises(ValueError, match="'loop' of the scan has no memory formula"):
        kept_bytes(published("adventurer", "tiny"), "loop")


def test_counting_computes_nothing_and_holds_nothing() -> None:
    """A ViT-Large on single pixels: its tables of pairs alone would take terabytes."""
    shape = replace(published("vit", "large", patch_size=1), depth=2)
    found = counted(shape, "math")
    assert found.peak > 2 * 16 * 4 * 50_177**2
    assert found.kept == 4_000


def test_fresh_processes_hold_what_the_formulas_say() -> None:
    cases = [
        Case(published(model, "tiny", patch_size=8), backend, training)
        for model, backend in FORMS
        for training in (False, True)
    ]
    found = list(memory_of(*cases))
    assert len(found) == len(cases)
    for case, memory in zip(cases, found, strict=True):
        formula = (kept_bytes if case.training else peak_bytes)(case.shape, case.backend)
        assert memory.beyond == pytest.approx(formula, rel=0.1, abs=3e6), case
        assert memory.idle > 10**8, "torch alone takes more"


def test_a_process_that_fails_says_why() -> None:
    with pytest.raises(ValueError, match="backend 'nosuch' of attention is unknown"):
        list(memory_of(Case(published("vit", "tiny"), "nosuch")))


def test_seconds_of_each_repeat() -> None:
    calls = []
    taken = seconds_of(torch.nn.Identity().requires_grad_(False), torch.zeros(1), repeats=3)
    assert len(taken) == 3
    assert all(one > 0 for one in taken)

    class Counting(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            calls.append(torch.is_grad_enabled())
            return x

    seconds_of(Counting(), torch.zeros(1), repeats=2)
    seconds_of(Counting(), torch.zeros(1), repeats=2, warm=False)
    assert calls == [False] * 5


def test_the_roofline_of_each_operation_by_hand() -> None:
    """100 GFLOP/s from side 1,000 on and a tenth at side 10; 10 GB/s up to results of a megabyte; see round_numbers."""
    machine = round_numbers()
    large = Operation("mm", 2 * 1000**3, 1, 0, 0, 0)
    batch = Operation("bmm", 2 * 10**3 * 500, 500, 0, 0, 0)
    kernel = Operation("_scaled_dot_product_flash_attention_for_cpu", 2 * 1000**3, 1, 3 * 10**9, 0, 0)
    move = Operation("add", 0, 1, 0, 9 * 10**5, 10**5)
    far = Operation("add", 0, 1, 0, 9 * 10**8, 10**8)
    dear = Operation("exp", 0, 1, 10**6, 10**5, 10**5)
    found = foreseen_seconds([large, batch, kernel, move, far, dear], machine)
    launch = 1e-6
    assert found["matrix products"] == pytest.approx(0.02 + 1e6 / 1e10 + 2 * launch)
    assert found["attention"] == pytest.approx(0.02 + 3 + launch)
    assert found["everything else"] == pytest.approx(1e-4 + 1 + 1e-3 + 3 * launch)


def test_longer_sequences_are_foreseen_to_take_longer() -> None:
    machine = round_numbers()
    for model, backend in (("vit", "fused"), ("adventurer", "chunked")):
        shapes = [replace(published(model, "tiny", patch_size=p), depth=2) for p in (16, 8, 4)]
        times = [sum(foreseen_seconds(counted(s, backend).operations, machine).values()) for s in shapes]
        assert times == sorted(times)
        assert times[2] > 8 * times[0]
