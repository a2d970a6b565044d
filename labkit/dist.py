"""The few lines of torch.distributed that training asks for: who am I, which part is mine, how do we agree.

`torchrun` starts one process for each device and speaks to them through environment variables; nothing else that
decides a number reads any. Without it there is one process, and nothing here does anything.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch
import torch.distributed
from jaxtyping import Float, Shaped
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel


def rank() -> int:
    """This process's number, 0 for the one that writes files and shows progress."""
    return int(os.environ.get("RANK", 0))


def processes() -> int:
    """How many processes train one model together."""
    return int(os.environ.get("WORLD_SIZE", 1))


def own_device(device: torch.device) -> torch.device:
    """With several GPUs in a machine, the one of this process."""
    return torch.device("cuda", int(os.environ.get("LOCAL_RANK", 0))) if device.type == "cuda" else device


@contextmanager
def together(device: torch.device) -> Iterator[None]:
    """The processes that torchrun has started find each other for the length of the block: by NCCL on GPUs, by Gloo on
    CPUs."""
    if processes() == 1 or torch.distributed.is_initialized():
        yield
        return
    if device.type == "cuda":
        torch.cuda.set_device(device)
    torch.distributed.init_process_group("nccl" if device.type == "cuda" else "gloo")
    yield
    torch.distributed.destroy_process_group()  # after an error the others may still be waiting: torchrun ends them


def share(batch: Shaped[Tensor, "B ..."]) -> Shaped[Tensor, "b ..."]:
    """This process's part of a batch that all processes have drawn alike: b = B / processes."""
    return batch.chunk(processes())[rank()]


def averaging(model: nn.Module) -> nn.Module:
    """The model for the forward pass: its gradients are averaged over the processes while they are computed."""
    return DistributedDataParallel(model) if processes() > 1 else model


def mean(value: Float[Tensor, ""]) -> Float[Tensor, ""]:
    """The mean of every process's value, the same in all of them."""
    if processes() > 1:
        torch.distributed.all_reduce(value)
        value /= processes()
    return value


def agreed(number: int, what: str, device: torch.device) -> int:
    """The same number, if all processes have it. ValueError if they do not."""
    if processes() > 1:
        ends = torch.tensor([number, -number], device=device)
        torch.distributed.all_reduce(ends, torch.distributed.ReduceOp.MAX)
        if ends[0] != -ends[1]:
            raise ValueError(
                f"{what} is {-ends[1]} in one process and {ends[0]} in another: they need one folder that all of them "
                "see, or they would train different models"
            )
    return number


def wait() -> None:
    """Until all processes have come this far."""
    if processes() > 1:
        torch.distributed.barrier()
