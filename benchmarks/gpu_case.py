"""One case of the suites on a GPU: the model, the largest batch that fits, its seconds and its memory."""

import gc
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from statistics import median

import torch
import torch.nn.functional as F
from suite_models import timm_peer
from timing import Work, interleaved, say, seconds_of, speedup
from torch import Tensor, nn

from labkit.cost import Shape, model_flops, published
from labkit.cost.measuring import model_of

BATCHES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)


@dataclass(frozen=True)
class Case:
    """What is measured: whose model of which architecture and size, in which way."""

    who: str  # labkit, timm
    model: str  # vit, adventurer
    patch_size: int
    training: bool
    compiled: bool
    image_size: int = 224
    size: str = "base"
    device: str = "cuda"

    @property
    def shape(self) -> Shape:
        """The model as far as its cost goes."""
        return published(self.model, self.size, image_size=self.image_size, patch_size=self.patch_size)

    def of(self, who: str) -> "Case":
        """The same case of the other one."""
        return replace(self, who=who)


@contextmanager
def failures(record: dict, limit: int = 0) -> Iterator[None]:
    """Whatever fails inside, or takes longer than `limit` seconds (0: no limit), is written into `record`, and what it
    held on the GPU is given back."""
    try:
        if limit:
            signal.signal(signal.SIGALRM, _too_long)
            signal.alarm(limit)
        yield
    except Exception as error:  # out of memory, a compiler that gives up: a result like any other
        record["error"] = f"{type(error).__name__}: {(str(error).strip().splitlines() or ['no message'])[0][:300]}"
        say(f"  {record['error']}")
    finally:
        if limit:
            signal.alarm(0)
    release()


def _too_long(*_: object) -> None:
    raise TimeoutError("not done within the seconds that a case has")


def release() -> None:
    """Nothing compiled and no freed memory is kept from one case to the next."""
    torch.compiler.reset()
    gc.collect()
    torch.cuda.empty_cache()


def model_for(case: Case) -> nn.Module:
    """The model with random weights on its device, the same weights for labkit and timm."""
    torch.manual_seed(0)
    with torch.device(case.device):
        model = model_of(case.shape)
        return timm_peer(model) if case.who == "timm" else model


def work_of(case: Case, model: nn.Module, batch: int) -> Work:
    """A training step or an inference pass of random images under bf16 autocast."""
    run = torch.compile(model) if case.compiled else model
    images = torch.randn(batch, 3, case.image_size, case.image_size, device=case.device)
    if case.training:
        return _step(model, run, images, torch.randint(case.shape.classes, (batch,), device=case.device))

    @torch.no_grad()
    def forward() -> None:
        with torch.autocast(case.device, torch.bfloat16):
            run(images)

    return forward


def _step(model: nn.Module, run: Callable, images: Tensor, labels: Tensor) -> Work:
    """Forward under autocast, loss, backward, fused AdamW."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-6, weight_decay=0.05, fused=True)

    def step() -> None:
        with torch.autocast(images.device.type, torch.bfloat16):
            logits = run(images)
        F.cross_entropy(logits.float(), labels).backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)

    return step


def largest_batch(case: Case, model: nn.Module, batches: tuple[int, ...] = BATCHES) -> int:
    """The largest batch of which two passes fit, not compiled: each is tried in turn until one does not. The error of
    the first if not even that one fits."""
    fits, work = 0, None
    for batch in batches:
        try:
            work = work_of(replace(case, compiled=False), model, batch)
            for _ in range(2):
                work()
            fits = batch
        except torch.OutOfMemoryError:
            if not fits:
                raise
        work = None  # its images and optimizer
        model.zero_grad(set_to_none=True)
        release()
        if fits != batch:
            break
    return fits


def measured(case: Case, rounds: int, rate: float, *, batches: tuple[int, ...] = BATCHES, limit: int = 0) -> dict:
    """One case: batch, seconds, tokens per second, memory, utilisation; or the error."""
    say(f"{case}")
    found: dict = {"who": case.who, "model": case.model, "patch_size": case.patch_size, "tokens": case.shape.tokens}
    with failures(found, limit):
        model = model_for(case)
        found["batch"] = largest_batch(case, model, batches)
        seconds, memory = _timed(case, model, found["batch"], rounds)
        del model
        middle = median(seconds)
        flops = model_flops(case.shape) * (3 if case.training else 1) * found["batch"]
        found |= {
            "median_seconds": middle,
            "tokens_per_second": found["batch"] * case.shape.tokens / middle,
            "memory": memory,
            "utilisation": flops / middle / rate,
        }
        say(f"  batch {found['batch']}, {middle:.3g} s, utilisation {found['utilisation']:.2f}")
    return found


def _timed(case: Case, model: nn.Module, batch: int, rounds: int) -> tuple[list[float], int | None]:
    """Seconds of each round, and the most bytes that tensors held in a pass after the first ones (None off a GPU)."""
    work, cuda = work_of(case, model, batch), case.device == "cuda"
    for _ in range(3):
        work()  # compiles, and fills AdamW's memory
    if cuda:
        torch.cuda.reset_peak_memory_stats()
    seconds = [seconds_of(work, 1, case.device, warm=0) for _ in range(rounds)]
    return seconds, torch.cuda.max_memory_allocated() if cuda else None


def against_timm(case: Case, fits: dict, rounds: int, *, limit: int = 0) -> dict:
    """How many times faster labkit's ViT is than timm's, in pairs with both on the GPU, at half the batch that fits
    both: `fits` has it for ("labkit" or "timm", p)."""
    found: dict = {"patch_size": case.patch_size}
    with failures(found, limit):
        pair = [case.of("labkit"), case.of("timm")]
        batches = [fits[one.who, one.patch_size] for one in pair]
        if None in batches:
            raise ValueError("one of the two was not measured, there is nothing to compare")
        found["batch"] = max(1, min(batches) // 2)
        works = {one.who: work_of(one, model_for(one), found["batch"]) for one in pair}
        for work in works.values():
            for _ in range(2):
                work()
        seconds = interleaved([works], rounds, device=case.device)
        found["speedup_over_timm"] = speedup(seconds["timm"], seconds["labkit"])
    return found
