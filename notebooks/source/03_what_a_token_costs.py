# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
#   labkit:
#     number: "03"
#     title: What a token costs
#     summary: FLOPs, memory and time of attention and of a state-space layer, by formula, counted and measured, up to 50,176 tokens.
#     builds_on: ["00", "01"]
#     objectives:
#       - text: write down the FLOPs of a transformer block
#         check: 03-block
#       - text: say from which length on attention's pairs outweigh everything else
#         check: 03-balance
#       - text: read an exponent off two measurements
#         check: 03-exponent
#       - text: foresee what halving the patch does to time, for attention and for a state-space layer
#         check: 03-halve
#       - text: tell what a fused kernel saves and what it does not
#         check: 03-memory
#     working_minutes: 45
#     measures_time: true
#     timeout_seconds: 900
#     parameters:
#       size:
#         type: str
#         choices: [tiny, small]
#         about: the published model size that is timed
#       calibration_seconds:
#         type: float
#         low: 0.5
#         high: 120.0
#         full: 60.0
#         about: how long the machine is measured, half of it before and half after the models
#       largest_tokens:
#         type: int
#         low: 784
#         high: 50176
#         about: models and layers are timed up to this many tokens
#       final_tokens:
#         type: int
#         low: 1024
#         high: 50176
#         about: the length foreseen from shorter ones and then measured at the end
# ---

# %% [markdown]
# # What a token costs
#
# Half the patch size, four times the tokens. What that costs depends on what is done with
# them. In attention every token looks at every token; a state-space layer carries a state of
# fixed size from each token to the next. This lesson finds the price in three ways: **by
# formula**, **by counting** what a program really does, and **by measuring** on this machine.
# Where they disagree, something is to be learned.

# %% tags=["parameters"]
size = "tiny"
calibration_seconds = 16.0
largest_tokens = 12544
final_tokens = 50176

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
    table_text,
)

start("03")

# %% [markdown]
# ## Exercise: the FLOPs of a block
#
# A block of a ViT on $N$ tokens of width $D$ holds four linear maps of $D \times D$ (queries,
# keys, values, and back), an MLP that widens each token to $4D$ and narrows it again, and
# attention's own two products: queries with keys, then weights with values, both over all
# pairs of tokens (all heads together are as wide as the token). Return the FLOPs, two for each
# multiply-add.

# %% tags=["worked"]
# A worked example: 10 tokens of width 8, one linear map of 8 x 8, and the scores of
# all pairs.
map_flops = 2 * (10 * 8) * 8  # 10 x 8 results, each a sum of 8 products
score_flops = 2 * (10 * 10) * 8  # 10 x 10 pairs, each a sum of 8 products
say(
    "The map takes {map:,} FLOPs, the scores {scores:,}. With 20 tokens {map2:,} and {scores2:,}.",
    map=map_flops,
    scores=score_flops,
    map2=2 * (20 * 8) * 8,
    scores2=2 * (20 * 20) * 8,
)

# %% tags=["collapse"]
hints("03-block")


# %% tags=["exercise"]
def my_block(tokens, dim):
    # BEGIN SOLUTION
    linear = 2 * tokens * (4 * dim**2 + 2 * 4 * dim**2)
    pairs = 2 * 2 * tokens**2 * dim
    return linear + pairs
    # END SOLUTION


# %%
block = answer("03-block", my_block)

# %% [markdown]
# ## Exercise: where do the pairs take over?
#
# At which number of tokens do the two products over pairs cost as much as all linear layers
# of the block? Return it as a function of the width.

# %% tags=["worked"]
# A worked example: which MLP costs as much as the four linear maps of attention, if
# D = 100? One that widens to h takes 2 * 2 * N * 100 * h FLOPs, and the maps take
# 4 * 2 * N * 100 * 100. Set them equal: N and 100 stand on both sides, and
# 4 * h = 8 * 100 is left.
widened = 8 * 100 // 4
say(
    "h = **{h}**: {mlp:,} FLOPs a token for the MLP, {maps:,} for the maps.",
    h=widened,
    mlp=2 * 2 * 100 * widened,
    maps=4 * 2 * 100 * 100,
)

# %% tags=["collapse"]
hints("03-balance")


# %% tags=["exercise"]
def my_balance(dim):
    # BEGIN SOLUTION
    return 6 * dim
    # END SOLUTION


# %%
balance = answer("03-balance", my_balance)

# %%
from labkit.cost.shapes import SIZES

table(
    ("ViT", "width", "tokens where pairs weigh as much", "share of pairs at N = 196", "at 50,176"),
    [
        (
            name,
            width,
            f"{balance(width):,}",
            *(f"{4 * n**2 * width / block(n, width):.2f}" for n in (196, 50176)),
        )
        for name, (width, _) in SIZES["vit"].items()
    ],
)  # fmt: skip

# %% [markdown]
# ## FLOPs, by formula
#
# A state-space layer has a state of $E \times S$ numbers ($E$ the inner width, $S$ the state
# size), and each token takes three multiply-adds for each of them: let it fade, write to it,
# read from it. That is $6ES$ FLOPs a token, whether it is the first or the last. Move the
# slider: four image sizes, two models of the paper, and at the same width and depth nothing
# but the tokens changes along a line.

# %%
from labkit.cost import executed_flops, model_flops, parameter_count, published
from labkit.figures.costs import growth_figure, image_sizes_figure, scaling_figure

image_sizes, patch_sizes = (64, 128, 224, 448), (32, 16, 8, 4, 2, 1)
NAMES = {"vit": "ViT-Base", "adventurer": "Adventurer-Base"}
flops = {
    NAMES[model]: {
        (side, p): model_flops(published(model, "base", image_size=side, patch_size=p))
        for side in image_sizes
        for p in patch_sizes
    }
    for model in NAMES
}
Slider(
    "patch size p",
    patch_sizes,
    lambda p: image_sizes_figure(flops, p, image_sizes=image_sizes),
    start=16,
).show()

# %% [markdown]
# ## FLOPs, counted
#
# A formula is what somebody thinks a program does. The counter runs the program itself, on
# tensors that have a shape and no contents, and writes down each operation. The scan of the
# state-space layer has three forms that give the same answer (the next lesson builds them):
# the **loop**, token by token; the **quadratic** form, all pairs at once; and the **chunked**
# form in between, which spends more products to need fewer steps. The model FLOPs are none
# of the three: they are what the mathematics asks for, the yardstick for comparing models.

# %%
import torch

from labkit.cost.counting import count, parameters
from labkit.cost.measuring import model_of
from labkit.grid import token_count


def counted_of(model, p, backend):
    """One image through the model, counted and not computed; and its shape."""
    shape = published(model, size, patch_size=p)
    with torch.device("meta"):
        built = model_of(shape, backend=backend)
    assert parameters(built) == parameter_count(shape)
    return shape, count(built, (1, 3, 224, 224))


asked = [(*form, p) for p in (16, 8) for form in (("vit", "math"), ("vit", "fused"))]
asked += [("adventurer", form, p) for p in (16, 8) for form in ("quadratic", "chunked")]
asked += [("adventurer", "loop", 32)]  # thousands of operations even so
counts, counted_rows, wrong = {}, [], 0
tell = progress("counting")
for k, (model, backend, p) in enumerate(asked):
    shape, counts[model, backend, p] = counted_of(model, p, backend)
    found, formula = counts[model, backend, p], executed_flops(shape, backend)
    wrong += formula != found.flops
    cells = (f"{x / 1e9:.3f}" for x in (model_flops(shape), formula, found.flops))
    name = f"{model}, {backend}, p = {p}"
    counted_rows.append((name, f"{shape.tokens:,}", *cells, f"{len(found.operations):,}"))
    tell((k + 1) / len(asked), name)
columns = ("model GFLOP", "executed, formula", "executed, counted", "operations")
table(("one image, forward", "tokens", *columns), counted_rows)

# %%
say(
    "Formula and count differ in {wrong} of {rows} rows. The counter sees matrix products, "
    "convolutions and attention kernels only. Norms, softmax, gates, exponentials and every pass "
    "that merely moves numbers are not FLOPs to it, and the loop, which does most of its work "
    "number by number, looks cheap. Keep that in mind when the clock runs.",
    wrong=wrong, rows=len(counted_rows),
)  # fmt: skip

# %% [markdown]
# ## Predict: memory
#
# Fused attention never holds the table of all pairs: it walks over it in tiles and keeps a
# running sum. The patch is halved.

# %%
memory_prediction = predict("03-memory")

# %% [markdown]
# ## Memory, by formula and in a process of its own
#
# Without gradients, a pass holds what the next operation needs. For training it keeps all that
# the backward pass will ask for. Both follow from reading the program. To measure, a fresh
# process builds the model, notes how much memory it has, runs one image, and reports its peak.
# A process usually keeps memory that it has freed, for the next time; the last column is
# measured that way, the one before it with freed memory handed back at once.

# %%
from labkit.cost import kept_bytes, peak_bytes
from labkit.cost.measuring import Case, memory_of

memory_sizes = [p for p in (8, 4) if token_count(224, p) <= largest_tokens]
cases = {
    (model, form, p, training): Case(published(model, size, patch_size=p), form, training)
    for p in memory_sizes
    for model, form, training in (
        ("vit", "math", False),
        ("vit", "fused", False),
        ("adventurer", "chunked", False),
        ("vit", "fused", True),
        ("adventurer", "chunked", True),
    )
    if p == 8 or not training
}
usual = [key for key in cases if key[1] != "math" and not key[3]]
everyday = [cases[key]._replace(give_back=False) for key in usual]
tell, found = progress("fresh processes"), []
try:
    for k, memory in enumerate(memory_of(*cases.values(), *everyday)):
        found.append(memory.beyond)
        tell((k + 1) / (len(cases) + len(everyday)), f"{k + 1} measured")
except ValueError as reason:
    say("*Not measured on this machine: {reason}*", reason=reason)
ours = dict(zip(cases, found, strict=False))
as_usual = dict(zip(usual, found[len(cases) :], strict=False))
memory_rows, memory_ratios = [], {}
for key, case in cases.items():
    model, form, p, training = key
    formula = (kept_bytes if training else peak_bytes)(case.shape, form)
    name = f"{model}, {form}, p = {p}, {'training' if training else 'forward'}"
    cells = [f"{formula / 1e6:.1f}"]
    if key in ours:
        memory_ratios[name] = ours[key] / formula
        cells += [f"{ours[key] / 1e6:.1f}", f"{ours[key] / formula:.2f}"]
    cells += [""] * (3 - len(cells)) + [f"{as_usual[key] / 1e6:.1f}" if key in as_usual else ""]
    memory_rows.append((name, f"{case.shape.tokens:,}", *cells))

# %% tags=["collapse"]
from labkit.figures.answers import Said, outcome_figure

fine, coarse = (published("vit", size, patch_size=p) for p in (4, 8))
times_fused = peak_bytes(fine) / peak_bytes(coarse)
times_math = peak_bytes(fine, "math") / peak_bytes(coarse, "math")
halved, held = ("p = 8", "p = 4"), peak_bytes(coarse) / 1e6
memory_prediction.reveal(
    "a" if 2 < times_fused < 8 else "b" if times_fused >= 8 else "c",
    f"by formula {times_fused:.2f} times from p = 8 to p = 4 when fused, and {times_math:.1f} times "
    "with the whole table.",
    outcome_figure(
        {
            name: (halved, [peak_bytes(shape, form) / 1e6 for shape in (coarse, fine)])
            for name, form in (("fused", "fused"), ("with the whole table", "math"))
        },
        x="patch size", y="memory of a forward pass (MB)", log="y",
        title=f"ViT-{size}: halve the patch once",
    ),
    {
        letter: Said(words, halved, (held, times * held))
        for letter, words, times in (("a", "fourfold", 4), ("b", "sixteenfold", 16), ("c", "no growth", 1))
    },
    also=[
        table_text(
            ("one image", "tokens", "formula (MB)", "measured (MB)", "ratio", "as processes do (MB)"), memory_rows
        )
    ],
)  # fmt: skip

# %% [markdown]
# What is measured beyond the formula hardly grows: libraries keep a little working memory of
# their own, which weighs where the tensors are small.

# %%
from labkit.data.paper import paper_table

paper = {int(row["patch_size"]): row for row in paper_table(6)}
table(
    ("ViT-Base, one image in training", "paper (MB)", "formula, two bytes a number (MB)"),
    [
        (f"p = {p}", f"{row['memory_mb']:,.0f}", f"{kept / 2e6:,.0f}")
        for p, row in paper.items()
        for kept in [kept_bytes(published("vit", "base", patch_size=p))]
    ],
)

# %% [markdown]
# The paper's column comes from other machines and another library, in half precision; the
# formula was read off this one. Memory for training grows as the tokens, no faster,
# because no program that uses a fused kernel ever keeps the pairs. What a fused kernel does
# not save is the work: the pairs are still computed, and that takes time.

# %% [markdown]
# ## Exercise, farther off: reading token after token
#
# Both architectures can also read one token after another. Attention then keeps the key and the
# value of every token that went by, $D$ numbers each, for later tokens to ask. A state-space layer
# keeps its state of $E \times S$ numbers and nothing else. At which number of tokens does attention
# first keep **more** numbers than the state-space layer?

# %% tags=["collapse"]
hints("03-heavier")


# %% tags=["exercise"]
def my_heavier(dim, inner, state):
    # BEGIN SOLUTION
    return inner * state // (2 * dim) + 1
    # END SOLUTION


# %%
heavier = answer("03-heavier", my_heavier)

# %%
reader = published("adventurer", size)
say(
    "In a layer of width {dim}, with {inner} inner numbers and a state of {state} for each, "
    "attention keeps more from **{n} tokens** on. A photograph at p = 16 has {tokens:,}.",
    dim=reader.width,
    inner=2 * reader.width,
    state=reader.state,
    n=heavier(reader.width, 2 * reader.width, reader.state),
    tokens=token_count(224, 16),
)

# %% [markdown]
# ## Time of one layer
#
# One layer of each kind at the same width, on random tokens, from short to long: attention as
# it is defined, attention fused, the state-space layer. From here on this process keeps the
# memory that it frees: fetching it from the system again takes longer than many a pass over
# it, and on a shared machine now this long, now that.

# %%
import statistics

from labkit.cost.measuring import seconds_of
from labkit.machine import keep_freed_memory
from labkit.nn.attention import Attention
from labkit.nn.mamba2 import Mamba2

kept_here = keep_freed_memory()
width = SIZES["vit"][size][0]
torch.manual_seed(0)
layers = {
    "attention, math": Attention(width, width // 64, backend="math"),
    "attention, fused": Attention(width, width // 64, backend="fused"),
    "state space": Mamba2(width),
}
lengths = [n for n in (49, 98, 196, 392, 784, 1568, 3136, 6272, 12544) if n <= largest_tokens]
LONGEST = {"attention, math": 3136}  # beyond, its tables do not fit everywhere
layer_times = {name: {} for name in layers}
tell = progress("one layer")
for k, n in enumerate(lengths):
    tokens = torch.randn(1, n, width)
    for name, layer in layers.items():
        if n <= LONGEST.get(name, n):
            repeats = max(2, min(15, 12000 // n))
            layer_times[name][n] = statistics.median(seconds_of(layer, tokens, repeats=repeats))
    tell((k + 1) / len(lengths), f"{n:,} tokens")
table(
    ("tokens", *(f"{name} (ms)" for name in layers)),
    [
        (f"{n:,}", *(f"{1e3 * t[n]:.2f}" if n in t else "-" for t in layer_times.values()))
        for n in lengths
    ],
)

# %% [markdown]
# ## Exercise: an exponent
#
# Where time is $t = c\,N^k$, it is a straight line on logarithmic axes, and $k$ is its slope.
# Return $k$ from two points.

# %% tags=["worked"]
# A worked example: twice the side of a square is 4 times the area; of a cube, 8
# times the volume.
import math

for shape_name, times_larger in (("square", 4), ("cube", 8)):
    say(
        "The side of a {name} is doubled once, what lies inside {doubled:.0f} times: the exponent "
        "is {doubled:.0f}.",
        name=shape_name,
        doubled=math.log2(times_larger),
    )

# %% tags=["collapse"]
hints("03-exponent")


# %% tags=["exercise"]
def my_exponent(n_small, t_small, n_large, t_large):
    # BEGIN SOLUTION
    import math

    return math.log(t_large / t_small) / math.log(n_large / n_small)
    # END SOLUTION


# %%
exponent_of_two = answer("03-exponent", my_exponent)

# %%
from labkit.stats import crossing, exponent

long_from = 784 if largest_tokens > 1568 else 196
fits, fit_rows = {}, []
for name, times in layer_times.items():
    long = [n for n in times if n >= long_from]
    fits[name] = exponent(long, [times[n] for n in long])
    last = exponent_of_two(long[-2], times[long[-2]], long[-1], times[long[-1]])
    within = f"{fits[name].low:.2f} to {fits[name].high:.2f}" if len(long) > 2 else "two points"
    span = f"{long[0]:,} to {long[-1]:,}"
    fit_rows.append((name, span, f"{fits[name].mean:.2f}", within, f"{last:.2f}"))
table(("layer", "tokens", "exponent", "95 % interval", "from the last two points"), fit_rows)

# %%
import math

fused, state_space = layer_times["attention, fused"], layer_times["state space"]
common = sorted(set(fused) & set(state_space))
cross = crossing(common, [fused[n] for n in common], [state_space[n] for n in common])
say(
    "An exponent near 1 says that time grows as the tokens, near 2 as their pairs; what lies between "
    "is a sum of both, and its slope rises with N. The interval says how straight the points lie, by "
    "scatter or because they bend; it promises nothing beyond them."
)
crossover = (
    f"from about {cross:,.0f} tokens on, a layer of fused attention takes longer than a state-space "
    "layer of the same width"
    if cross
    else f"none between {common[0]:,} and {common[-1]:,} tokens"
)
say("**Crossover on this machine:** {crossover}.", crossover=crossover)

# %% [markdown]
# By FLOPs the crossing lies elsewhere, because a FLOP of one kind does not take as long as a
# FLOP of the other: the state-space layer makes many passes over its tokens that compute
# little and move much.

# %% [markdown]
# ## Predict: halve the patch once more
#
# From one layer to whole models, with all that stands between their layers. A photograph is
# already cut so fine that there are thousands of tokens, and the patch is halved once more.

# %%
halve_prediction = predict("03-halve")

# %% [markdown]
# ## Time of a whole model, foreseen
#
# A calibrated machine (the first lesson) and a counted program give a time beforehand. For
# each operation: its products at the rate of matrices of that size; then the longer of moving
# its bytes, at the rate of results of that size, and its exponentials; then its start. Nothing
# is fitted to the models that are foreseen. Machines drift from minute to minute, so this one is
# calibrated before the models run and again after them, and the mean of the two forecasts counts.

# %%
from labkit.cost.calibration import calibrate
from labkit.cost.roofline import foreseen_seconds

machines = [calibrate(calibration_seconds / 2, progress=progress("calibrating"))]

# %%
FORMS = {"vit": "fused", "adventurer": "chunked"}
timed_sizes = [p for p in (16, 8, 4, 2) if token_count(224, p) <= largest_tokens]
tell, model_times, foreseen = progress("whole models"), {}, {}
for k, (model, p) in enumerate((m, p) for p in timed_sizes for m in NAMES):
    shape, form = published(model, size, patch_size=p), FORMS[model]
    if (model, form, p) not in counts:
        counts[model, form, p] = counted_of(model, p, form)[1]
    built, images = model_of(shape), torch.randn(1, 3, 224, 224)
    lasting = model == "vit" and shape.tokens > 5000  # many seconds: once, and no rehearsal
    repeats = 1 if lasting else max(2, min(31, 9000 // shape.tokens))
    taken = seconds_of(built, images, repeats=repeats, warm=not lasting)
    model_times[model, p] = statistics.median(taken)
    tell((k + 1) / (2 * len(timed_sizes)), f"{model}, p = {p}")
machines.append(calibrate(calibration_seconds / 2, progress=progress("calibrating")))

# %%
for model, p in model_times:
    both = [foreseen_seconds(counts[model, FORMS[model], p].operations, m) for m in machines]
    foreseen[model, p] = {part: statistics.mean(m[part] for m in both) for part in both[0]}
errors = {key: model_times[key] / sum(foreseen[key].values()) for key in model_times}
time_rows = [
    (
        f"{model}-{size}, p = {p}",
        f"{token_count(224, p):,}",
        *(f"{x:.3g}" for x in cells),
        f"{r:.2f}",
    )
    for (model, p), r in errors.items()
    for cells in [
        (*foreseen[model, p].values(), sum(foreseen[model, p].values()), model_times[model, p])
    ]
]

# %% [markdown]
# ## Beside the paper
#
# The paper's table of costs gives GPU-hours of an epoch for the Base models, counted as if on
# one graphics card. Its ViTs were trained up to 4,096 tokens only, so the last two of their
# rows, and with them the last two factors, are the paper's own estimates. Levels cannot be
# compared with a forward pass on this machine; **growth** can. By what factor does the cost
# grow with each halving of the patch?

# %%
halvings = [(16, 8), (8, 4), (4, 2), (2, 1)]
label = {pair: f"{pair[0]} to {pair[1]}" for pair in halvings}


def growth(cost):
    """Cost at the smaller patch over cost at the larger, where both are known."""
    return {
        label[a, b]: cost[b] / cost[a] if {a, b} <= cost.keys() else None for a, b in halvings
    }


ratios = {}
for model, name in (("vit", "ViT"), ("adventurer", "Adventurer")):
    hours = {p: row[f"{model}_base_gpu_hours"] for p, row in paper.items()}
    ratios[f"{name}-Base, paper"] = growth(hours)
    ratios[f"{name}-{size}, measured"] = growth({p: model_times[model, p] for p in timed_sizes})
by_formula = {
    name: growth({p: model_flops(published(model, "base", patch_size=p)) for p in paper})
    for model, name in NAMES.items()
}

# %%
last_step = next(
    step for step in reversed(label.values()) if ratios[f"ViT-{size}, measured"][step]
)
vit_last = ratios[f"ViT-{size}, measured"][last_step]
adventurer_last = ratios[f"Adventurer-{size}, measured"][last_step]
growing = growth_figure(
    ratios,
    title="What each halving of the patch multiplies",
    says="Growth of cost with each halving of the patch. The paper's ViT-Base goes from "
    f"{ratios['ViT-Base, paper']['16 to 8']:.1f} to {ratios['ViT-Base, paper']['2 to 1']:.1f}, its "
    f"Adventurer-Base stays near {ratios['Adventurer-Base, paper']['2 to 1']:.1f}. Measured here, "
    f"at the step {last_step}: {vit_last:.1f} for the ViT, {adventurer_last:.1f} for Adventurer.",
)

# %% tags=["collapse"]
outcome = "c" if min(vit_last, adventurer_last) > 8 else "a"
outcome = "b" if vit_last > 1.4 * adventurer_last and adventurer_last < 8 else outcome
at_last = token_count(224, timed_sizes[-1])
halve_prediction.reveal(
    outcome,
    f"at the step {last_step}, up to {at_last:,} tokens, the ViT took {vit_last:.1f} times as long and "
    f"Adventurer {adventurer_last:.1f} times. Sixteen is where pairs are all that counts.",
    growing,
    {
        letter: Said(words, (last_step, last_step), factors)
        for letter, words, factors in (
            ("a", "both near 4", (4, 4)),
            ("b", "the ViT far above 4, the state space near 4", (10, 4)),
            ("c", "both near 16", (16, 16)),
            ("d", "the ViT 2, the state space 4", (2, 4)),
        )
    },
    also=[
        table_text(
            ("halving", *ratios, *(f"{name}, FLOPs" for name in by_formula)),
            [
                (step, *("-" if found[step] is None else f"{found[step]:.1f}"
                 for found in (*ratios.values(), *by_formula.values())))
                for step in label.values()
            ],
        )
    ],
)  # fmt: skip

# %% [markdown]
# ## How good was the forecast?

# %%
parts = ("products (s)", "attention (s)", "all else (s)", "foreseen (s)", "measured (s)")
table(("one image, forward", "tokens", *parts, "measured / foreseen"), time_rows)

# %%
worst = max(errors, key=lambda key: max(errors[key], 1 / errors[key]))
drift = machines[1].float32.median / machines[0].float32.median
say(
    "Measured over foreseen lies between {low:.2f} and {high:.2f}; farthest off is {model} at "
    "p = {p}. From the first calibration to the second the matrix rate changed by the factor "
    "{drift:.2f}: no forecast is better than that. Where ratios lie far from one, the machine was "
    "busy with something else; run the lesson again from *Time of a whole model* on.",
    low=min(errors.values()), high=max(errors.values()), model=worst[0], p=worst[1], drift=drift,
)  # fmt: skip

# %% [markdown]
# ## FLOPs, memory, time: one figure
#
# Lines are formulas and forecasts, marks are counts and measurements. Move the slider from one
# quantity to the next.

# %%
tokens_of = {p: token_count(224, p) for p in timed_sizes}
short_names = {"vit": f"ViT-{size}", "adventurer": f"Adventurer-{size}"}


def quantity_figure(quantity):
    """The chosen quantity over the tokens, for both models."""
    lines, marks = {}, {}
    for model, name in short_names.items():
        shapes = {p: published(model, size, patch_size=p) for p in timed_sizes}
        if quantity == "FLOPs":
            line = {p: executed_flops(shape) for p, shape in shapes.items()}
            mark = {p: counts[model, FORMS[model], p].flops for p in timed_sizes}
        elif quantity == "memory":
            line = {p: peak_bytes(shape) for p, shape in shapes.items()}
            keys = {p: (model, FORMS[model], p, False) for p in memory_sizes}
            mark = {p: ours[key] for p, key in keys.items() if key in ours}
        else:
            line = {p: sum(foreseen[model, p].values()) for p in timed_sizes}
            mark = {p: model_times[model, p] for p in timed_sizes}
        lines[name] = ([tokens_of[p] for p in line], list(line.values()))
        marks[name] = ([tokens_of[p] for p in mark], list(mark.values()))
    unit = {"FLOPs": "FLOP, executed", "memory": "bytes, forward", "time": "seconds, forward"}
    told = {}
    for name, (n, values) in marks.items():
        slope = exponent(n, values) if len(n) > 1 else None
        told[name] = "no slope" if slope is None else f"exponent {slope.mean:.2f}"
        if slope and not math.isinf(slope.low):
            told[name] += f" ({slope.low:.2f} to {slope.high:.2f})"
    words = "; ".join(f"{name}: {slope}" for name, slope in told.items())
    seen_as = "counted" if quantity == "FLOPs" else "measured"
    says = (
        f"The {quantity} of one image over the number of tokens, both axes logarithmic. Lines are "
        f"foreseen, marks are {seen_as}. Through the marks, {words}."
    )
    title = f"<b>{quantity}</b>, {seen_as} (marks) and foreseen (lines)"
    return scaling_figure(lines, marks, quantity=unit[quantity], title=title, says=says)


Slider("quantity", ["FLOPs", "memory", "time"], quantity_figure, start="time").show()

# %% [markdown]
# ## The whole photograph, pixel by pixel
#
# The longest sequence of the paper, foreseen from the longest of the shorter ones above by the
# exponent fitted to them, and then measured: one state-space layer, and one head of fused
# attention by itself. How far such a forecast may be off, no interval of a fit can say; the
# last column does.

# %%
from labkit.ops.attention import attention

short = [n for n in lengths if long_from <= n < final_tokens]
head = torch.randn(3, 1, 1, final_tokens, 64)


class Head(torch.nn.Module):
    """Attention of one head, without the maps around it."""

    def forward(self, qkv):
        return attention(*qkv, backend="fused")


head_times = {}
for n in short:
    taken = seconds_of(Head(), head[:, :, :, :n], repeats=max(2, min(9, 8000 // n)))
    head_times[n] = statistics.median(taken)
head_fit = exponent(short, [head_times[n] for n in short])
state_fit = exponent(short, [state_space[n] for n in short])
final_rows, final_ratio = [], {}
for name, times, fit, run_it in (
    ("state-space layer", {n: state_space[n] for n in short}, state_fit,
     lambda: seconds_of(layers["state space"], torch.randn(1, final_tokens, width), repeats=2)),
    ("one head of attention, fused", head_times, head_fit,
     lambda: seconds_of(Head(), head, repeats=1, warm=False)),
):  # fmt: skip
    base = short[-1]
    middle = times[base] * (final_tokens / base) ** fit.mean
    measured = statistics.median(run_it())
    final_ratio[name] = measured / middle
    cells = (f"{fit.mean:.2f}", f"{middle:.2f}", f"{measured:.2f}", f"{measured / middle:.2f}")
    final_rows.append((name, *cells))
columns = ("exponent", "foreseen (s)", "measured (s)", "measured / foreseen")
table((f"{final_tokens:,} tokens", *columns), final_rows)

# %%
whole = published("vit", "base", patch_size=1), published("adventurer", "base", patch_size=1)
say(
    "A ViT-Base has {heads} such heads in each of {depth} blocks. At p = 1 its model FLOPs are "
    "{v:,.0f} TFLOP for one image, those of Adventurer-Base {a:.1f}: {ratio:.0f} times as many. "
    "The paper trained its ViTs up to 4,096 tokens.",
    heads=whole[0].heads, depth=whole[0].depth, v=model_flops(whole[0]) / 1e12,
    a=model_flops(whole[1]) / 1e12, ratio=model_flops(whole[0]) / model_flops(whole[1]),
)  # fmt: skip

# %% tags=["collapse"]
keep(
    kept_here=kept_here,
    wrong=wrong,
    rows=len(counted_rows),
    memory_low=min(memory_ratios.values(), default=math.nan),
    memory_high=max(memory_ratios.values(), default=math.nan),
    exponents={name: list(fit[:3]) for name, fit in fits.items()},
    fused_exponent=fits["attention, fused"].mean,
    state_exponent=fits["state space"].mean,
    crossover=crossover,
    table=[list(row) for row in time_rows],
    low=min(errors.values()),
    high=max(errors.values()),
    last_step=last_step,
    vit_last=vit_last,
    adventurer_last=adventurer_last,
    final_rows=[list(row) for row in final_rows],
    final_state=final_ratio["state-space layer"],
    final_head=final_ratio["one head of attention, fused"],
    largest=largest_tokens,
    drift=drift,
)

# %% [markdown]
# ## What you should see

# %% tags=["collapse"]
say_recorded(
    "03_what_a_token_costs",
    "Formula and count of FLOPs differed in {wrong} of {rows} rows; memory in a fresh process was "
    "{memory_low:.2f} to {memory_high:.2f} of the formula. The exponent of time was "
    "{fused_exponent:.2f} for fused attention and {state_exponent:.2f} for the state-space layer; "
    "crossover: {crossover}. Whole models up to {largest:,} tokens took {low:.2f} to {high:.2f} times the foreseen time. At the step {last_step} the ViT "
    "grew by {vit_last:.1f} and Adventurer by {adventurer_last:.1f}. Measured over foreseen at the "
    "end: {final_state:.2f} for the state-space layer, {final_head:.2f} for one head of attention.",
)

# %% [markdown]
# ## Limits of this result
#
# - One machine, one image at a time, forward passes. A graphics card has other rates, keeps
#   freed memory to itself, and is only filled by many images; there the exponents appear at
#   greater lengths.
# - The forecast knows rates by size and nothing of caches between operations, of how a kernel
#   splits its work, or of what else runs. How far it was off stands above; on a busy machine it
#   is farther.
# - The state-space layer is the plain chunked form, written for reading. Other programs for the
#   same mathematics move less memory.
# - Cost says nothing of worth. Whether finer tokens are worth their price is asked later, at
#   equal compute.
#
# ## Next
#
# [Two architectures](04_two_architectures.ipynb): attention and the state-space layer, built
# by hand.
