"""What a forward pass (and a backward pass) does, counted operation by operation without computing anything.

The model runs on fake tensors, which have shapes and no contents, so 50,176 tokens are counted in seconds on any
machine. Counted are matrix FLOPs (as torch's FlopCounterMode does: matrix products, convolutions and attention
kernels, two for each multiply-add), bytes read and written, exponentials, operations started, and the bytes that live
tensors hold at once. Views move nothing and are not counted.
"""

import weakref
from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import flop_registry

# operations that evaluate an exponential, or something as dear, for each number that comes out
EXPONENTIAL = {"exp", "silu", "gelu", "softplus", "_softmax", "_safe_softmax", "tanh", "sigmoid", "erf",
               "silu_backward", "gelu_backward", "softplus_backward"}  # fmt: skip
ATTENTION = "_scaled_dot_product"  # how torch names its attention kernels
NO_WORK = {"empty", "empty_like", "empty_strided", "new_empty", "new_empty_strided", "_unsafe_view"}


def parameters(model: nn.Module) -> int:
    """How many numbers are trained. Used in lessons 03 to 05."""
    return sum(weight.numel() for weight in model.parameters() if weight.requires_grad)


class Operation(NamedTuple):
    """One operation: matrix FLOPs (and in how many equal products), exponentials, bytes in and out."""

    name: str
    flops: int
    products: int
    exponentials: int
    bytes_in: int
    bytes_out: int


class Counted(NamedTuple):
    """All operations of a pass. `peak` bytes were held at once beyond weights and input, `kept` at the end of the
    forward pass (for the backward pass, where there is one, and the answer)."""

    operations: tuple[Operation, ...]
    peak: int
    kept: int

    @property
    def flops(self) -> int:
        """Matrix FLOPs executed."""
        return sum(one.flops for one in self.operations)

    @property
    def bytes_moved(self) -> int:
        """Bytes read and written, if every operation went to memory."""
        return sum(one.bytes_in + one.bytes_out for one in self.operations)


class _Watch(TorchDispatchMode):
    """Writes down each operation, and what is alive."""

    def __init__(self, known: list[Tensor]) -> None:
        super().__init__()
        self.operations: list[Operation] = []
        self.live = self.peak = 0
        self._seen = {tensor.untyped_storage()._cdata for tensor in known}

    def __torch_dispatch__(self, function: Any, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        out = function(*args, **(kwargs or {}))
        ins, outs = ([leaf for leaf in tree_leaves(part) if isinstance(leaf, Tensor)] for part in ((args, kwargs), out))
        for tensor in outs:
            self._hold(tensor)
        alias = [one.alias_info for one in function._schema.returns]
        view = any(one is not None and not one.is_write for one in alias)
        name = function._schema.name.removeprefix("aten::")
        if outs and not view and name not in NO_WORK:
            self.operations.append(_operation(function, name, args, kwargs or {}, out, ins, outs))
        return out

    def _hold(self, tensor: Tensor) -> None:
        storage = tensor.untyped_storage()
        key, size = storage._cdata, storage.nbytes()
        if key in self._seen:
            return
        self._seen.add(key)
        self.live += size
        self.peak = max(self.peak, self.live)
        weakref.finalize(storage, self._drop, key, size)

    def _drop(self, key: int, size: int) -> None:
        self.live -= size
        self._seen.discard(key)


def _operation(
    function: Any, name: str, args: tuple, kwargs: dict, out: Any, ins: list[Tensor], outs: list[Tensor]
) -> Operation:
    count = flop_registry.get(function._overloadpacket)
    flops = int(count(*args, **kwargs, out_val=out)) if count else 0
    exponentials = 0
    if name in EXPONENTIAL:
        exponentials = outs[0].numel()
    elif name.startswith(ATTENTION):  # the softmax inside: one for each pair of tokens
        b, h, n, _ = ins[0].shape if "backward" not in name else ins[1].shape
        exponentials = b * h * n * (ins[1] if "backward" not in name else ins[2]).shape[2]
    products = outs[0].shape[0] if name in ("bmm", "baddbmm") else 1
    if name == "convolution":
        products = len(ins[0]) * args[8]  # each group of channels by itself
    read, written = (sum(one.numel() * one.element_size() for one in part) for part in (ins, outs))
    twice = 2 if name == "constant_pad_nd" else 1  # filled first, then copied into
    return Operation(name, flops, products, exponentials, read, twice * written)


def operations_of(work: Callable[[], Any]) -> tuple[Operation, ...]:
    """The operations that `work` starts, counted while it runs for real. Used in lesson 00."""
    with _Watch([]) as watch:
        work()
    return tuple(watch.operations)


def count(
    model: nn.Module,
    shape: tuple[int, ...],
    *,
    training: bool = False,
    device: str = "cpu",
) -> Counted:
    """Count one pass of `model` over input of `shape` (B, C, H, W); with `training` also the backward pass of the
    summed answer. The model itself is left alone and may lie on the device "meta". Used in lesson 03."""
    with FakeTensorMode() as fake, torch.set_grad_enabled(training):
        named = [*model.named_parameters(), *model.named_buffers()]
        weights = {
            name: torch.empty(one.shape, dtype=one.dtype, device=device, requires_grad=training and one.requires_grad)
            for name, one in named
        }
        images = torch.empty(shape, device=device)
        with _Watch([*weights.values(), images]) as watch:
            answer = torch.func.functional_call(model, weights, (images,))
            kept = watch.live
            if training:
                answer.sum().backward()
        del answer, fake
    return Counted(tuple(watch.operations), watch.peak, kept)
