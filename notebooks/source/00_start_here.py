# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
#   labkit:
#     number: "00"
#     title: Start here
#     summary: What the lab asks, what this machine can do, and how to start again when something goes wrong.
#     objectives:
#       - text: count the tokens of an image at any patch size
#         check: 00-tokens
#       - text: turn an amount of work into seconds on this machine
#         check: 00-seconds
#       - text: say how the work of attention grows when the patch is halved
#         check: 00-predict
#     working_minutes: 20
#     measures_time: true
#     timeout_seconds: 360
#     parameters:
#       calibration_seconds:
#         type: float
#         low: 0.5
#         high: 120.0
#         full: 120.0
#         about: how long the machine is measured
#       image_size:
#         type: int
#         choices: [64, 128, 224, 448]
#         about: side of the image in pixels whose cost is shown
# ---

# %% [markdown]
# # Start here
#
# A vision transformer does not see an image. It sees a list of **tokens**: the image is cut
# into square patches, and each patch becomes one token. The side of a patch, $p$ pixels, is
# a choice, and this lab is about that one choice. What happens when $p$ shrinks, down to
# single pixels? The model sees finer detail, and it has many more tokens to think about.
# Does it get better? At what price? After how much training?
#
# This first lesson looks at your machine, shows how the lab works, and tells you what to do
# when you are lost.

# %% tags=["parameters"]
calibration_seconds = 30.0
image_size = 224

# %%
from labkit.lesson import (
    Slider,
    answer,
    hints,
    keep,
    predict,
    progress,
    say,
    say_recorded,
    start,
    table,
)

start("00")

# %% [markdown]
# ## How the lab works
#
# Each lesson has the same steps, and they are worth taking in order:
#
# - **Predict.** Press the button of an answer before you read on: a figure further down stays
#   covered until you have, and then shows your answer drawn in. A wrong guess that you made
#   teaches more than a right one that you only thought. Choices stay on this machine.
# - **Run.** Every number below a cell is computed when you run it. Nothing is typed in.
# - **Explain.** Compare what came out with what you said.
# - **Exercise.** A worked example shows the way on small numbers. Then fill in a small
#   function. The next cell checks it at once and names the likely mistake. An exercise
#   *farther off* asks for the same idea where it was not shown. One you skip is no obstacle:
#   the lesson goes on with the library's own function.
# - **Hints.** Above each exercise. They open one at a time, and the solution comes last: try
#   again after each.
# - **Move the sliders.** Here they compute; on the web pages the same figures are stored,
#   so they move there as well.
#
# Run a cell with Shift+Enter. The menu *Run, Run All Cells* runs the whole lesson.

# %% [markdown]
# ## What this machine is
#
# The doctor looks at versions, processor cores, memory and a graphics card, and says what
# will be slow.

# %%
from IPython.display import Markdown, display

from labkit.doctor import as_table, doctor

findings = doctor()
display(Markdown(as_table(findings)))

# %% [markdown]
# ## How fast it is
#
# Four numbers describe a machine well enough to say beforehand about how long a model will
# take: how many multiplications and additions it does in a second when it multiplies large
# matrices (its **matrix rate**, in FLOP/s), how many bytes it moves in a second (its
# **memory bandwidth**), how many exponentials it evaluates in a second, and how long it takes
# to start any operation at all (its **launch overhead**). The next cell measures them. Close
# other programs first: they would be measured as well.

# %%
from labkit.cost.calibration import calibrate

machine = calibrate(calibration_seconds, progress=progress("calibrating"))

# %%
rows = [
    ("matrix rate, float32 (GFLOP/s)", machine.float32, 1e9),
    ("matrix rate, bfloat16 (GFLOP/s)", machine.bfloat16, 1e9),
    ("memory bandwidth (GB/s)", machine.bandwidth, 1e9),
    ("exponentials (billions a second)", machine.exponentials, 1e9),
    ("launch overhead (µs)", machine.launch, 1e-6),
]
table(
    ("measured", "lower quartile", "median", "upper quartile", "repeats"),
    [
        (name, f"{m.lower / unit:.4g}", f"{m.median / unit:.4g}", f"{m.upper / unit:.4g}", m.n)
        for name, m, unit in rows
    ],
)
rate = machine.float32.median

# %% [markdown]
# Nothing runs at these rates at every size. Small matrices do not fill the machine; large
# tensors leave its caches, and very large results need fresh pages from the system. So the
# calibration also keeps the rate at each size, and a later lesson foresees with it.

# %%
table(
    ("side of the matrices", "float32 (GFLOP/s)"),
    [(m.size, f"{m.median / 1e9:.0f}") for m in machine.float32_sides],
)
table(
    ("result of a pass over two tensors (kB)", "moved (GB/s)"),
    [(f"{m.size / 1e3:,.0f}", f"{m.median / 1e9:.1f}") for m in machine.passes],
)

# %% [markdown]
# ## Exercise: how many tokens?
#
# Write the number of tokens of a square image of `image_size` pixels a side, cut into
# patches of `patch_size` pixels a side (which divides it).

# %% tags=["worked"]
# A worked example: 96 pixels a side, patches of 32. Count them one by one.
corners = [(top, left) for top in range(0, 96, 32) for left in range(0, 96, 32)]
say(
    "Patches begin in row and column {corners}: **{n} tokens**.",
    corners=", ".join(map(str, corners)),
    n=len(corners),
)

# %% tags=["collapse"]
hints("00-tokens")


# %% tags=["exercise"]
def my_tokens(image_size, patch_size):
    # BEGIN SOLUTION
    return (image_size // patch_size) ** 2
    # END SOLUTION


# %%
tokens = answer("00-tokens", my_tokens)

# %% [markdown]
# ## Exercise: how many seconds?
#
# A matrix with `rows` rows and `inner` columns times one with `inner` rows and `columns`
# columns takes one multiplication and one addition for each of the products it sums. Write
# the seconds this takes at `rate` operations (FLOP) in a second.

# %% tags=["worked"]
# A worked example: 2 rows and 3 columns, times 3 rows and 4 columns, at 12
# operations a second.
numbers_in_result = 2 * 4
operations_each = 3 + 3  # three multiplications, each followed by an addition
operations = numbers_in_result * operations_each
say(
    "{n} numbers with {each} operations each are {all}: **{time:.0f} seconds** at 12 a second.",
    n=numbers_in_result,
    each=operations_each,
    all=operations,
    time=operations / 12,
)

# %% tags=["collapse"]
hints("00-seconds")


# %% tags=["exercise"]
def my_seconds(rows, inner, columns, rate):
    # BEGIN SOLUTION
    return 2 * rows * inner * columns / rate
    # END SOLUTION


# %%
seconds = answer("00-seconds", my_seconds)

# %% [markdown]
# ## Predict: halve the patch size
#
# In **attention** every token looks at every token: the table of who looks at whom has one
# entry for each pair.

# %%
prediction = predict("00-predict")

# %% tags=["collapse"]
from labkit.figures.answers import Said, outcome_figure

coarse, fine = tokens(image_size, 16), tokens(image_size, 8)
halved, pairs = ("p = 16", "p = 8"), (coarse**2, fine**2)
prediction.reveal(
    {2: "a", 4: "b", 16: "c"}.get(pairs[1] // pairs[0], "d"),
    f"{coarse:,} tokens become {fine:,}, and {coarse**2:,} pairs become {fine**2:,}.",
    outcome_figure(
        {"pairs": (halved, pairs), "tokens": (halved, (coarse, fine))},
        x="patch size", y="how many", log="y", title="Halve the patch: tokens and their pairs",
    ),
    {
        "a": Said("twofold", halved, (pairs[0], 2 * pairs[0])),
        "b": Said("fourfold", halved, (pairs[0], 4 * pairs[0])),
        "c": Said("sixteenfold", halved, (pairs[0], 16 * pairs[0])),
        "d": Said("by image, anywhere here", ("p = 8", "p = 8"), (pairs[0], 64 * pairs[0])),
    },
)  # fmt: skip

# %% [markdown]
# ## What will be slow here
#
# Move the slider. The left bars say how long one attention layer takes on this machine,
# from the matrix rate measured above; the right bars how much memory the table of pairs
# takes for one head, if it is held at once. The dashed line is this machine's memory: a bar
# beyond it cannot be held.

# %%
from functools import partial

from labkit.figures.attention_cost import attention_cost_figure
from labkit.machine import memory as memory_of_machine

patch_sizes = [p for p in (32, 16, 8, 4, 2, 1) if image_size % p == 0]
memory, _ = memory_of_machine()
figure_for = partial(
    attention_cost_figure, patch_sizes, image_size=image_size, dim=192, rate=rate, memory=memory
)
Slider("patch size p", patch_sizes, figure_for, start=16).show()

# %% [markdown]
# ## Exercise, farther off: the finest cut that fits
#
# Photographs are seldom square. For an image of `height` × `width` pixels, return the smallest
# patch size that divides both sides and whose table of pairs for one head, held in float32 with
# four bytes for each number, takes no more than `memory` bytes.

# %% tags=["collapse"]
hints("00-finest")


# %% tags=["exercise"]
def my_finest(height, width, memory):
    # BEGIN SOLUTION
    for p in range(1, min(height, width) + 1):
        count = (height // p) * (width // p)
        if height % p == 0 and width % p == 0 and 4 * count**2 <= memory:
            return p
    # END SOLUTION


# %%
finest = answer("00-finest", my_finest)

# %%
say(
    "For a photograph of 3000 × 4000 pixels, this machine could hold the table of one head down to "
    "p = {p}: {tokens:,} tokens.",
    p=finest(3000, 4000, memory),
    tokens=12_000_000 // finest(3000, 4000, memory) ** 2,
)

# %% [markdown]
# ## Is the prediction any good?
#
# Predicted twice, and measured: from the work and the matrix rate alone, and with bandwidth and
# launch (the longer of computing and moving what goes in and out, and the launch on top). One
# attention layer runs as the definition writes it (`math`), and in torch's fused form, which
# never holds the table of pairs (`fused`).

# %%
import time

import torch

from labkit.cost.roofline import seconds_for
from labkit.ops.attention import attention

ratios, lines = {}, []
for p in (p for p in (32, 16, 8) if p in patch_sizes):
    n = tokens(image_size, p)
    q, k, v = torch.randn(3, 1, 3, n, 64)
    work = 2 * seconds(3 * n, 64, n, rate)
    predicted = seconds_for(
        machine, flops=work * rate, bytes_moved=4 * 4 * q.numel(), launches=1
    )
    for backend in ("math", "fused"):
        times = []
        for _ in range(25):
            began = time.perf_counter()
            attention(q, k, v, backend=backend)
            times.append(time.perf_counter() - began)
        measured = sorted(times)[12]
        ratios[f"{backend}, p = {p}"] = measured / predicted
        cells = (f"{1e3 * x:.3f}" for x in (work, predicted, measured))
        lines.append((f"p = {p}, {backend}", n, *cells, f"{measured / predicted:.1f}"))
columns = ("work alone (ms)", "predicted (ms)", "measured (ms)", "measured / predicted")
table(("layer", "tokens", *columns), lines)

# %%
least, most = min(ratios, key=ratios.get), max(ratios, key=ratios.get)
say(
    "Measured over predicted lies between {low:.1f} ({least}) and {high:.1f} ({most}). A prediction "
    "of this kind is the least time that a machine as free as the one measured above can take. "
    "Softmax and the passes over the table of pairs are not in it, and small matrices do not reach "
    "the rate of large ones. A ratio below one says that the machine was busier while it was "
    "calibrated than it is now.",
    low=ratios[least], least=least, high=ratios[most], most=most,
)  # fmt: skip

# %% tags=["collapse"]
held = [p for p in patch_sizes if 4 * tokens(image_size, p) ** 2 <= memory]
keep(
    float32_gflops=rate / 1e9,
    bfloat16_gflops=machine.bfloat16.median / 1e9,
    bandwidth_gb=machine.bandwidth.median / 1e9,
    launch_us=machine.launch.median / 1e-6,
    least_ratio=ratios[least],
    most_ratio=ratios[most],
    smallest_held=min(held),
    memory_gb=memory / 1e9,
)

# %% [markdown]
# ## What you should see
#
# Your machine differs from the one that these were recorded on; the order of magnitude
# should not.

# %% tags=["collapse"]
say_recorded(
    "00_start_here",
    "A matrix rate of {float32_gflops:.0f} GFLOP/s in float32 and {bfloat16_gflops:.0f} "
    "in bfloat16, {bandwidth_gb:.0f} GB/s of memory bandwidth, {launch_us:.1f} µs to "
    "start an operation. Attention took {least_ratio:.1f} to {most_ratio:.1f} times what "
    "the matrix rate alone predicts. With {memory_gb:.0f} GB of memory one head's table "
    "of pairs could be held down to p = {smallest_held}.",
)

# %% [markdown]
# ## Limits of this result
#
# - A calibration is a snapshot: other programs, heat and battery change it from minute to
#   minute. The quartiles say how much it moved while it was taken.
# - The prediction takes each tensor through memory once, and none of the tables between: good
#   for the fused form, too little for the definition.
# - A table of pairs that fits into memory may still take too long; one that does not fit is
#   never needed at once, as `fused` shows.

# %% [markdown]
# ## Restart here
#
# When a lesson behaves oddly, almost always an old value is still around. In this order:
#
# - *Kernel, Restart Kernel and Run All Cells* starts the lesson from nothing.
# - *Kernel, Interrupt Kernel* stops a cell that runs too long. Training that keeps
#   checkpoints goes on where it was.
# - Close the lesson and fetch a fresh copy: `git checkout notebooks/` brings all lessons
#   back as they were (and throws your answers away, so copy them first).
# - To be asked every question anew, run `forget_predictions()` from `labkit.lesson` in a cell.
# - Delete the folder `.venv` and run `make lab` again: the whole environment is built anew.
#
# ## Next
#
# [An image is a sequence](01_an_image_is_a_sequence.ipynb): cut a photograph into tokens,
# put it back together, and find out what the order of the tokens means.
