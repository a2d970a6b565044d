"""What a model costs, by formula, without torch.

**Model FLOPs** count two for each multiply-add of the products a model needs, whatever computes them: the measure for
utilisation and for equal compute. **Executed FLOPs** count the matrix products that a backend really computes on a CPU,
as torch's FlopCounterMode does. Adventurer's recurrence and its depthwise convolution are model FLOPs in full; executed
are the products that a scan is made of, and none for the convolution, which goes element by element. Both leave out
norms, softmax, gates, activation functions, exponentials of decays, additions, and all movement of memory.

A training step costs three forwards in model FLOPs (Kaplan et al., 2020). Executed are somewhat more where a backward
pass computes something again.
"""

from dataclasses import replace
from types import ModuleType

from labkit.config import Run, choose
from labkit.cost import adventurer, vit
from labkit.cost.shapes import Shape, shape_of
from labkit.grid import halvings
from labkit.ops.backend import resolve

FORMULAS = {"vit": vit, "adventurer": adventurer}


def parameter_count(shape: Shape) -> int:
    """How many numbers a model of this shape trains. Used in lessons 03 and 04."""
    return _of(shape).parameters(shape)


def model_flops(shape: Shape) -> int:
    """Model FLOPs of one image, forward. Used in lesson 03."""
    return _of(shape).model_flops(shape)


def executed_flops(shape: Shape, backend: str | None = None) -> int:
    """Matrix FLOPs of one image, forward on a CPU, in the given form of attention or of the scan (None: the default
    one). Used in lesson 03."""
    return _of(shape).executed_flops(shape, _backend(shape, backend))


def kept_bytes(shape: Shape, backend: str | None = None) -> int:
    """Bytes that one image leaves in float32 for the backward pass on a CPU: the activations of training, without
    weights, gradients and what the optimizer holds. ValueError for what has no formula (extended tokens, flexible
    patches, no heading average). Used in lesson 03."""
    _plain(shape)
    return _of(shape).kept_bytes(shape, _backend(shape, backend))


def peak_bytes(shape: Shape, backend: str | None = None) -> int:
    """Bytes that one image's tensors hold at once in float32 in a forward pass without gradients on a CPU; libraries
    take one or two million more for themselves. ValueError as `kept_bytes`. Used in lesson 03."""
    _plain(shape)
    return _of(shape).peak_bytes(shape, _backend(shape, backend))


def flops_per_image(run: Run, *, channels: int, classes: int) -> int:
    """Model FLOPs of one forward pass of the model that `run` describes; of a flexible one at its smallest patch. Used
    in lesson 05."""
    return model_flops(shape_of(run, channels=channels, classes=classes))


def train_flops(run: Run, *, channels: int, classes: int) -> int:
    """Model FLOPs of the whole run: forward and backward make three forwards, for every image seen. A flexible model
    takes each of its patch sizes equally often; the resize of its embedding is left out. Used in lesson 05."""
    sizes = [run.patch_size] if run.largest_patch is None else halvings(run.largest_patch, run.patch_size)
    each = [flops_per_image(replace(run, patch_size=p, largest_patch=None), channels=channels, classes=classes)
            for p in sizes]  # fmt: skip
    return 3 * sum(each) * run.batch * run.steps // len(sizes)


def _plain(shape: Shape) -> None:
    without_heading = shape.model == "adventurer" and not shape.heading
    if shape.stride is not None or shape.largest_patch is not None or without_heading:
        raise ValueError("extended tokens, flexible patches and mixers without the heading average have no memory "
                         "formula: count them (labkit.cost.counting)")  # fmt: skip


def _backend(shape: Shape, wanted: str | None) -> str:
    """The form that is meant; ValueError for one that this model does not have."""
    known = _of(shape).BACKENDS
    return resolve(f"{shape.model}'s cost", "auto" if wanted is None else wanted, known, preferred=known[0])


def _of(shape: Shape) -> ModuleType:
    return choose("model", shape.model, FORMULAS)
