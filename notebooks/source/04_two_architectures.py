# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
#   labkit:
#     number: "04"
#     title: Two architectures
#     summary: Build attention and the state-space layer by hand, see what each token can see, and count both models.
#     builds_on: ["01", "03"]
#     objectives:
#       - text: write attention for one head
#         check: 04-attention
#       - text: write the recurrence of a state-space layer
#         check: 04-scan
#       - text: write the same layer as a masked table of pairs
#         check: 04-mask
#       - text: say what a causal reader cannot see, and how averages and flips mend it
#         check: 04-causal
#       - text: count the parameters of a block, and say what grows when patches shrink
#         check: 04-parameters
#     working_minutes: 60
#     measures_time: true
#     timeout_seconds: 300
#     parameters:
#       photograph:
#         type: str
#         choices: [astronaut, brick, camera, chelsea, china, coffee, coins, flower, grass, gravel, hubble_deep_field,
#                   immunohistochemistry, retina, rocket]
#         about: which photograph is read
#       image_size:
#         type: int
#         choices: [112, 224]
#         about: side in pixels to which photographs are resized
#       depth:
#         type: int
#         low: 4
#         high: 24
#         about: blocks of the models with random weights
#       seed:
#         type: int
#         low: 0
#         high: 1000000
#         about: decides the random weights and the random order
# ---

# %% [markdown]
# # Two architectures
#
# Tokens become useful when they hear of each other. Two ways to arrange that meet in this lab.
# In **attention** each token asks all the others, which costs as many questions as there are
# pairs. In a **state-space layer** one reader walks along the sequence with a notepad of fixed
# size, fading what is old and writing down what is new, which costs one step a token.
#
# You build both by hand, find that the second is the first in disguise, look at what each token
# can and cannot see, and put together the two models of the paper: the ViT and the Adventurer.

# %% tags=["parameters"]
photograph = "chelsea"
image_size = 224
depth = 12
seed = 0

# %%
from labkit.lesson import (
    Slider,
    answer,
    hints,
    keep,
    predict,
    say,
    say_recorded,
    show,
    start,
    table,
    table_text,
)

start("04")

# %% [markdown]
# ## Something to read
#
# A photograph on a coarse grid, so that there are few tokens to look at. Each patch is sent
# through a random linear map to a handful of numbers. The mean token is taken away, and all are
# brought to the same length, so that they differ only in direction.

# %%
import torch

from labkit.data.photos import photo, photos
from labkit.tokenizers import Patches

torch.set_num_threads(1)  # what is timed below is the work of one core
pixels = photo(photograph).square(image_size)
image = torch.from_numpy(pixels).permute(2, 0, 1) / 127.5 - 1

torch.manual_seed(seed)
with torch.no_grad():
    tokens = Patches(image_size, image_size // 7, 16)(image[None])[0]
tokens = 3 * torch.nn.functional.normalize(tokens - tokens.mean(dim=0), dim=1)
count, d = tokens.shape
say("**{count} tokens** with {d} numbers each.", count=count, d=d)

# %% [markdown]
# ## Exercise: attention
#
# Each token has a query, a key and a value, the rows of $q$, $k$ and $v$, all of shape (N, d).
# A query is compared with every key by a scalar product; softmax turns each query's scores into
# weights that sum to one; and the token takes the weighted mean of the values:
#
# $$\text{softmax}\left(\frac{q\,k^\top}{\sqrt{d}}\right) v$$

# %% tags=["worked"]
# A worked example: one query of 1, keys of ln 3 and 0, values of 10 and 20, so that
# d = 1.
import math

raised = [math.exp(1 * math.log(3)), math.exp(1 * 0)]
shares = [one / sum(raised) for one in raised]
say(
    "The exponentials of the scores are {raised}, their shares {shares}: the token takes "
    "**{taken:.1f}**, nearer to the value whose key fits better.",
    raised=[round(one, 2) for one in raised],
    shares=[round(one, 2) for one in shares],
    taken=shares[0] * 10 + shares[1] * 20,
)

# %% tags=["collapse"]
hints("04-attention")


# %% tags=["exercise"]
def my_attention(q, k, v):
    # BEGIN SOLUTION
    scores = q @ k.T / k.shape[1] ** 0.5
    return scores.softmax(dim=1) @ v
    # END SOLUTION


# %%
attend = answer("04-attention", my_attention)

# %% [markdown]
# The library has the same in several backends. `math` is the definition; `fused` is torch's own
# kernel, which on many devices never holds the whole table of weights.

# %%
from labkit.ops.attention import attention

as_heads = [tokens[None, None]] * 3  # one image, one head
by_hand = attend(tokens, tokens, tokens)
table(
    ("backend", "largest difference to yours"),
    [
        (name, f"{difference:.0e}" if difference else 0)
        for name in ("math", "fused")
        for difference in [(attention(*as_heads, backend=name)[0, 0] - by_hand).abs().max()]
    ],
)

# %% [markdown]
# A linear map shows itself if it is fed unit vectors. Attention is linear in its values: with the
# **identity matrix** as values, what comes out are the weights themselves.

# %%
weights = attend(tokens, tokens, torch.eye(count))
say(
    "{count} × {count} weights; each row sums to one (to within {off:.0e}). The most that a token "
    "takes from a single one is {most:.2f}, the least {least:.0e}: nobody is left out altogether.",
    count=count, off=(weights.sum(dim=1) - 1).abs().max(), most=weights.max(), least=weights.min(),
)  # fmt: skip

# %% [markdown]
# ## Exercise: the state-space layer
#
# Here is the reader with the notepad. The notepad is a state $h$ of $S \times d$ numbers, at
# first all zero. Token $t$ brings a value $x_t$ ($d$ numbers), says by $b_t$ ($S$ numbers) where
# to write it, by $c_t$ ($S$ numbers) where to read, and by its **step size** $\Delta_t$ how much
# it matters. With a rate $a < 0$:
#
# $$h_t = e^{\Delta_t a}\, h_{t-1} + \Delta_t\, b_t x_t^\top \qquad y_t = h_t^\top c_t$$
#
# A token with a large step forgets much of what was and writes much of its own; one with a step
# near zero passes by unnoticed. The layer computes its steps from the tokens: this is how it
# selects. Given `x` (N, d), `dt` (N), the number `a`, `b` and `c` (N, S), return `y` (N, d).

# %% tags=["worked"]
# A worked example: a state of one number (d = S = 1), b, c and all steps 1, and a
# rate that halves.
halving = -math.log(2)
notepad, read = 0.0, []
for value in (8.0, 0.0, 4.0):
    notepad = math.exp(1 * halving) * notepad + 1 * value
    read.append(round(notepad, 2))
say("The values 8, 0 and 4 come in; **{read}** is read.", read=read)

# %% tags=["collapse"]
hints("04-scan")


# %% tags=["exercise"]
def my_scan(x, dt, a, b, c):
    # BEGIN SOLUTION
    h, y = x.new_zeros(b.shape[1], x.shape[1]), []
    for t in range(len(x)):
        h = torch.exp(dt[t] * a) * h + dt[t] * torch.outer(b[t], x[t])
        y.append(h.T @ c[t])
    return torch.stack(y)
    # END SOLUTION


# %%
scan = answer("04-scan", my_scan)

# %% [markdown]
# ## Predict: the reader's table

# %%
prediction = predict("04-identity")

# %% [markdown]
# ### Run

# %% tags=["collapse"]
from labkit.ops.ssd import ssd_weights

torch.manual_seed(seed)
double = torch.float64
a, dt = -0.1, 0.5 + torch.rand(count, dtype=double)
b, c = (tokens.double() @ torch.randn(d, 8, dtype=double) / d**0.5 for _ in "bc")
found = scan(torch.eye(count, dtype=double), dt, a, b, c).double()
rates = torch.tensor([a], dtype=double)
library = ssd_weights(dt[None, :, None], rates, b[None, :, None], c[None, :, None])[0, 0]
above, below = found.triu(1), found.tril()
shape_of_it = {
    (True, True): "a", (False, True): "b", (True, False): "c", (False, False): "d",
}[not above.any().item(), not found.tril(-1).any().item()]  # fmt: skip
prediction.reveal(
    shape_of_it,
    f"of the entries above the diagonal {int(above.count_nonzero())} are not zero, on and below it "
    f"{int(below.count_nonzero())} of {count * (count + 1) // 2}. The library's `ssd_weights` gives "
    f"the same table, to within {(found - library).abs().max():.0e}.",
)

# %% [markdown]
# ## Attention in disguise
#
# So the loop is a table of weights as well. Unroll the recurrence: what token $s$ wrote has been
# faded by every step after it when $t$ reads it, and
#
# $$y_t = \sum_{s \le t} \underbrace{(c_t \cdot b_s)}_{\text{query · key}}\;
# \underbrace{e^{a(\Delta_{s+1} + \dots + \Delta_t)}}_{\text{mask}}\; \Delta_s\, x_s$$
#
# Read $c$ as queries, $b$ as keys and $\Delta x$ as values: this is attention without softmax,
# under a mask that lets nobody look ahead and fades the past. Dao and Gu call it state-space
# **duality**.
#
# ## Exercise: the mask
#
# Given the steps `dt` (N) and the rate `a`, return the mask (N, N): row $t$, column $s$ holds
# $e^{a(\Delta_{s+1} + \dots + \Delta_t)}$, and zero where $s$ comes after $t$. Numbers summed from
# the start (`cumsum`) help: a sum from $s+1$ to $t$ is the difference of two of them.

# %% tags=["worked"]
# A worked example: steps 1, 2 and 1, and a rate that halves with each unit of a
# step.
three_steps = (1, 2, 1)
left = [
    [0.5 ** sum(three_steps[s + 1 : t + 1]) if s <= t else 0 for s in range(3)]
    for t in range(3)
]
table(
    ("", "of token 0", "of token 1", "of token 2"),
    [(f"token {t} finds", *shares) for t, shares in enumerate(left)],
)

# %% tags=["collapse"]
hints("04-mask")


# %% tags=["exercise"]
def my_mask(dt, a):
    # BEGIN SOLUTION
    passed = dt.cumsum(dim=0)
    return torch.exp(a * (passed[:, None] - passed[None, :])).tril()
    # END SOLUTION


# %%
mask = answer("04-mask", my_mask)

# %%
pairs = (c @ b.T) * mask(dt, a) * dt
say(
    "Queries times keys, times your mask, times step sizes, against the loop that was fed the "
    "identity: the largest difference is {off:.0e}.",
    off=(pairs - found).abs().max(),
)  # fmt: skip
assert torch.allclose(pairs, found, atol=1e-5)

# %% [markdown]
# ## Who takes from whom
#
# On the left the weights of attention between the patches of the photograph, with queries and
# keys equal to the tokens: bright where patches look alike, wherever they are. On the right what
# the state holds of each token, mask times step size, when all steps are one except a single
# large one in the middle. Move the slider from slow forgetting to fast.

# %%
from labkit.figures.architectures import mixing_figure

jump = count // 2
steps = torch.ones(count)
steps[jump] = 8
Slider(
    "rate a",
    (-0.01, -0.03, -0.1, -0.3, -1.0),
    lambda rate: mixing_figure(
        weights.numpy(), (mask(steps, rate) * steps).numpy(), rate=rate, jump=jump
    ),
    start=-0.1,
).show()

# %% [markdown]
# The rate belongs to the layer and is the same for every image. The steps belong to the tokens:
# a large one draws a line under everything before it. A layer has many heads, each with a rate
# of its own, so that some remember long and others only their neighbours.
#
# On the right each row resembles the one above it: what one token still finds in the state, the
# next finds too, a little fainter. On the left rows are as different as the tokens. The factor
# $c_t \cdot b_s$, left out here, lets each token choose among what was kept; what has faded it
# cannot bring back.

# %% [markdown]
# ## One layer, three ways to compute it
#
# The **loop** is the definition. The **quadratic** form holds the whole table. The **chunked** form
# cuts the sequence into chunks: pairs inside a chunk go by the table, all that lies before it
# comes as one state handed from chunk to chunk. They are the same function, and should give the
# same numbers whatever the chunk.

# %%
from functools import partial

from labkit.ops.ssd import CHUNK, ssd_chunked, ssd_loop, ssd_quadratic


def layer(tokens, heads=2, numbers=16, state=16):
    """Random inputs of one layer: x, dt, a, b, c."""
    torch.manual_seed(seed)
    x = torch.randn(1, tokens, heads, numbers, dtype=double)
    dt = 0.01 + 0.3 * torch.rand(1, tokens, heads, dtype=double)
    b, c = torch.randn(2, 1, tokens, 1, state, dtype=double)
    return x, dt, -torch.linspace(1, 8, heads, dtype=double), b, c


forms = {"loop": ssd_loop, "quadratic": ssd_quadratic}
forms |= {f"chunked, Q = {q}": partial(ssd_chunked, chunk=q) for q in (1, 7, 64, 196)}
inputs = layer(196)
truth = ssd_loop(*inputs)
off = {
    name: [
        (
            (form(*(part.to(kind) for part in inputs)) - truth).abs().max() / truth.abs().max()
        ).item()
        for kind in (torch.float64, torch.float32)
    ]
    for name, form in forms.items()
}
table(
    ("form", "float64", "float32"),
    [(name, *(f"{one:.0e}" if one else 0 for one in pair)) for name, pair in off.items()],
)
exact, single = (max(pair[k] for pair in off.values()) for k in (0, 1))
assert exact < 1e-12

# %% [markdown]
# Largest differences to the loop in double precision, as shares of the largest output: rounding,
# and nothing else. So which form to take is a question of time only.

# %%
import time

from labkit.figures.architectures import scans_figure


def seconds(form, inputs, repeats=5):
    """The fastest of several runs."""
    taken = []
    for _ in range(repeats + 1):  # the first one warms up
        before = time.perf_counter()
        form(*inputs)
        taken.append(time.perf_counter() - before)
    return min(taken[1:])


lengths = (64, 128, 256, 512, 1024, 2048)
three = {"loop": ssd_loop, "quadratic": ssd_quadratic, "chunked": ssd_chunked}
times = {name: [] for name in three}
for n in lengths:
    inputs = [part.float() for part in layer(n, numbers=32, state=32)]
    for name, form in three.items():
        times[name].append((n, seconds(form, inputs)))
longest = {name: points[-1][1] for name, points in times.items()}
grown = {name: points[-1][1] / points[-2][1] for name, points in times.items()}
fastest = min(longest, key=longest.get)
show(scans_figure(times, title=f"At {lengths[-1]:,} tokens the {fastest} form is the fastest"))

# %%
table(
    (
        "form",
        f"milliseconds at N = {lengths[0]}",
        f"at N = {lengths[-1]:,}",
        "last doubling of N",
    ),
    [
        (
            name,
            f"{1e3 * points[0][1]:.2f}",
            f"{1e3 * points[-1][1]:.1f}",
            f"× {grown[name]:.1f}",
        )
        for name, points in times.items()
    ],
)
say(
    "At {n:,} tokens the chunked form, with Q = {chunk}, is {loop:.0f} times as fast as the loop and "
    "{quadratic:.1f} times as fast as the quadratic form.",
    n=lengths[-1], chunk=CHUNK, loop=longest["loop"] / longest["chunked"],
    quadratic=longest["quadratic"] / longest["chunked"],
)  # fmt: skip

# %% [markdown]
# The loop does the least arithmetic of all and is slow nevertheless: it starts a few tiny
# operations for every token, one after the other. The quadratic form is one large product, and its
# work grows with the square of $N$, its time even faster once the table no longer fits into the
# processor's cache. The chunked form takes the large products from one and the linear growth from
# the other.

# %% [markdown]
# ## What a causal reader cannot see
#
# The state holds what was read. The patch in the upper left corner is read first, and so it never
# learns of anything; a sentence may be read like that, but a photograph has no reason to. Here
# is the photograph on a finer grid, and networks with random weights.
#
# ### Predict

# %%
causal_prediction = predict("04-causal")

# %% [markdown]
# ### Run
#
# The **influence** of a patch on a token is how far the token's features, after the last block,
# move when the patch does: the size of a derivative. If no path leads from the patch to the token
# it is exactly zero.

# %%
from labkit.heads import Classify
from labkit.influence import influence
from labkit.models.adventurer import Adventurer
from labkit.models.vit import ViT

grid, width, classes = 14, 64, 10
patch_size = image_size // grid


def random_model(kind, **changes):
    """The same weights each time, whatever changes."""
    torch.manual_seed(seed)
    parts = Patches(image_size, patch_size, width), Classify(width, classes)
    return kind(*parts, **{"depth": depth, **changes})


variants = {
    "plain causal": random_model(Adventurer, flips="never", heading=False),
    "heading average": random_model(Adventurer, flips="never", heading=True),
    "flips": random_model(Adventurer, flips="as_released", heading=False),
    "both: Adventurer": random_model(Adventurer),
    "ViT": random_model(ViT, heads=4),
}
middle = grid * grid // 2 - grid // 2
watched = (0, 2 * grid + 4, middle, 9 * grid + 3, 11 * grid + 10, grid * grid - 1)
maps = {name: influence(model, image, watched).numpy() for name, model in variants.items()}


# %% tags=["collapse"]
from labkit.figures.answers import Said, outcome_figure


def behind(name, token):
    """Patches behind the token that reach it, and their share of all influence."""
    values = maps[name][watched.index(token)]
    return int((values[token + 1 :] > 0).sum()), values[token + 1 :].sum() / values.sum()


later = grid * grid - 1 - middle
blocks = sorted({n for n in (1, 2, 3, 4, 8) if n < depth} | {depth})


def reached(kind, **changes):
    """Patches behind the middle that reach it, by the number of blocks."""
    models = [random_model(kind, depth=n, **changes) for n in blocks]
    return [
        int((influence(one, image, (middle,))[0, middle + 1 :] > 0).sum()) for one in models
    ]


blind = behind("plain causal", middle)[0]
causal_prediction.reveal(
    {0: "a", later: "c"}.get(blind, "b"),
    f"after {depth} plain causal blocks, {blind} of the {later} patches behind token {middle} have "
    "any influence on it.",
    outcome_figure(
        {
            "plain causal": (blocks, reached(Adventurer, flips="never", heading=False)),
            "ViT": (blocks, reached(ViT, heads=4)),
        },
        x="blocks", y="patches behind with any influence", title="What lies behind, block by block",
    ),
    {
        "a": Said("none, whatever the depth", (blocks[0], blocks[-1]), (0, 0)),
        "b": Said("more with each block", (blocks[0], blocks[-1]), (0, later)),
        "c": Said("all, from the second on", (1, 2, max(2, depth)), (0, later, later)),
    },
)  # fmt: skip

# %% [markdown]
# ## Two devices
#
# Adventurer mends this in two ways.
#
# - **Heading average.** Before each mixer the mean of all tokens is put in front of the sequence,
#   and taken away after it. The first patch now knows something of the last.
# - **Flips.** Some blocks read from the last patch to the first.
#
# Move the slider along the photograph. White patches do not reach the token at all.

# %%
from labkit.figures.architectures import influence_figure

Slider(
    "token",
    watched,
    lambda token: influence_figure(
        pixels, {name: rows[watched.index(token)] for name, rows in maps.items()}, token
    ),
    start=middle,
).show()

# %%
rows = []
for name in maps:
    cells = []
    for token in (0, middle):
        reaching, share = behind(name, token)
        cells += [f"{reaching} of {grid * grid - 1 - token}", f"{100 * share:.2g} %"]
    rows.append((name, *cells))
table(
    (
        "model",
        "behind token 0",
        "share of influence",
        f"behind token {middle}",
        "share of influence",
    ),
    rows,
)

# %% [markdown]
# For a token in the corner and one in the middle: how many of the patches behind it reach it, and
# how much of all influence on it comes from them (estimated from random directions: the second
# digit may be off).
#
# Each device alone lets every patch reach every token, but not in the same way. A mean does not
# tell patches apart: what comes by the heading average says *what kind of picture* this is, not
# where things are. And as it stands in front, it fades like all that was read early: the first
# tokens hear it loud, the last ones hardly. A flip brings the patches behind one by one, the near
# ones strongest. The ViT needs neither. Its tokens take from everywhere from the first block on.
#
# How strong each influence is depends on the weights, and these are random; which patches can
# have any hardly does.

# %% [markdown]
# ## Exercise, farther off: the mask of a block that reads backwards
#
# A flipped block reads the last token first. What is left at token $t$ (row) of what token $s$
# (column) wrote, if rows and columns stand in the order of the photograph? Given the steps `dt` (N) in
# that order and the rate `a`, return this mask (N, N). Your `mask(dt, a)` may be used.

# %% tags=["collapse"]
hints("04-backward")


# %% tags=["exercise"]
def my_backward(dt, a):
    # BEGIN SOLUTION
    turned = mask(dt.flip(0), a)
    return turned.flip(0, 1)
    # END SOLUTION


# %%
backward = answer("04-backward", my_backward)

# %%
both = mask(steps, -0.1) + backward(steps, -0.1)
say(
    "Forwards and backwards together leave {blind} of {pairs:,} pairs of tokens at zero.",
    blind=int((both == 0).sum()),
    pairs=both.numel(),
)

# %% [markdown]
# ## Which blocks flip?
#
# The paper on Adventurer says: every other one. Its released code, and that of the paper on patch
# sizes, flips the third block and the fourth and no other, however deep the model. The two are not the
# same network. `labkit` takes the code's rule unless told otherwise; which one published weights
# were trained with, only trying both can tell, and here they have not been tried.

# %%
from labkit.models.adventurer import FLIPS

rules = {"as_released": "the code", "alternate": "the paper"}
table(
    ("rule", f"the {depth} blocks", "flipped"),
    [
        (f"`{name}`, {words}", "".join("←" if one else "→" for one in flips), sum(flips))
        for name, words in rules.items()
        for flips in [FLIPS[name](depth)]
    ],
)


# %%
def change(after, before):
    """Root mean square, over that between photographs: the yardstick of lesson 01."""
    return ((after - before).square().mean() / (2 * before.var(dim=0).mean())).sqrt().item()


every = torch.stack(
    [torch.from_numpy(one.square(image_size)).permute(2, 0, 1) for one in photos().values()]
)
every = every / 127.5 - 1
with torch.no_grad():
    other_rule = change(
        random_model(Adventurer, flips="alternate")(every), variants["both: Adventurer"](every)
    )
say(
    "The same random weights under the two rules: the logits differ by **{x:.2f}** of what lies "
    "between two photographs.",
    x=other_rule,
)  # fmt: skip

# %% [markdown]
# ## Order
#
# ### Predict

# %%
order_prediction = predict("04-order")

# %% [markdown]
# ### Run
#
# All photographs, one random order, tokens shuffled **with** their positions. Positions weigh as
# much as contents, as in the lesson on sequences.

# %%
from labkit.tokenizers import shuffled

order = torch.randperm(grid * grid, generator=torch.Generator().manual_seed(seed))


@torch.no_grad()
def moved_by_order(model):
    """How far the logits move when tokens change places in the sequence but not in the image."""
    tokens = model.tokenizer(every)
    model.positions.table.normal_(std=tokens.std().item())
    placed = model.positions(tokens)
    plain, mixed = (model.head(model.mix(one)) for one in (placed, shuffled(placed, order)))
    return change(mixed, plain)


asked = {"ViT": variants["ViT"], "Adventurer": variants["both: Adventurer"]}
ordered = {name: moved_by_order(model) for name, model in asked.items()}

# %% tags=["collapse"]
order_prediction.reveal(
    "a" if ordered["Adventurer"] < 1e-5 else "b",
    f"the Adventurer's logits moved by {ordered['Adventurer']:.2f} of what lies between two "
    f"photographs, the ViT's by {ordered['ViT']:.0e}.",
    outcome_figure(
        {"change": (list(ordered), [max(x, 1e-9) for x in ordered.values()])},
        x="model", y="change, of the distance between photographs", log="y", joined=False,
        title="Shuffled with their positions: how far the answer moves",
    ),
    {
        "a": Said("the same but for rounding", ["Adventurer"], [1e-7]),
        "b": Said("another answer", ["Adventurer"], [0.3]),
    },
    also=[table_text(("model", "change of the logits"), [(name, f"{x:.1e}") for name, x in ordered.items()])],
)  # fmt: skip

# %% [markdown]
# A ViT reads a set, an Adventurer reads a sequence. That is why it matters to the second, and
# only to it, in which order an image is laid out.

# %% [markdown]
# ## Both models in a dozen lines
#
# With attention and the scan wrapped as layers, each model is a short text. Tokenizer, positions
# and head are the same; look at what happens in between.

# %%
from torch import nn

from labkit.nn.attention import Attention
from labkit.nn.mlp import MLP
from labkit.positions import LearnedPositions


class ViTByHand(nn.Module):
    def __init__(self, dim, heads):
        super().__init__()
        self.tokenizer = Patches(image_size, patch_size, dim)
        self.positions = LearnedPositions(self.tokenizer.grid, dim)
        self.blocks = nn.ModuleList(
            nn.ModuleDict(
                {
                    "norm_attention": nn.LayerNorm(dim, eps=1e-6),
                    "attention": Attention(dim, heads),
                    "norm_mlp": nn.LayerNorm(dim, eps=1e-6),
                    "mlp": MLP(dim, 4 * dim),
                }
            )
            for _ in range(depth)
        )
        self.norm = nn.LayerNorm(dim, eps=1e-6)
        self.head = Classify(dim, classes)

    def forward(self, images):
        tokens = self.positions(self.tokenizer(images))
        for block in self.blocks:
            tokens = tokens + block["attention"](block["norm_attention"](tokens))
            tokens = tokens + block["mlp"](block["norm_mlp"](tokens))
        return self.head(self.norm(tokens))


# %%
from labkit.nn.mamba2 import Mamba2
from labkit.nn.mlp import SwiGLU


class AdventurerByHand(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.tokenizer = Patches(image_size, patch_size, dim)
        self.positions = LearnedPositions(self.tokenizer.grid, dim)
        self.blocks = nn.ModuleList(
            nn.ModuleDict(
                {
                    "norm": nn.RMSNorm(dim, eps=1e-5),
                    "mixer": Mamba2(dim),
                    "norm_mlp": nn.RMSNorm(dim, eps=1e-5),
                    "mlp": SwiGLU(dim, 5 * dim // 2),
                }
            )
            for _ in range(depth)
        )
        self.norm = nn.RMSNorm(dim, eps=1e-5)
        self.head = Classify(dim, classes)

    def forward(self, images):
        tokens = self.positions(self.tokenizer(images))
        for number, block in enumerate(self.blocks):
            backwards = number in (2, 3)
            read = block["norm"](tokens)
            read = read.flip(1) if backwards else read
            heading = read.mean(dim=1, keepdim=True)
            read = block["mixer"](torch.cat([heading, read], dim=1))[:, 1:]
            tokens = tokens + (read.flip(1) if backwards else read)
            tokens = tokens + block["mlp"](block["norm_mlp"](tokens))
        return self.head(self.norm(tokens))


# %% [markdown]
# The parts carry the library's names, so the library's weights fit. With the same weights, are
# these the same models?

# %%
short = {"ViT": ViTByHand(width, 4), "Adventurer": AdventurerByHand(width)}
apart = {}
with torch.no_grad():
    for name, model in asked.items():
        short[name].load_state_dict(model.state_dict())
        apart[name] = (short[name](every) - model(every)).abs().max().item()
table(
    ("model by hand", "largest difference of the logits to the library's"),
    [(name, f"{x:.0e}" if x else 0) for name, x in apart.items()],
)
assert max(apart.values()) < 1e-5

# %% [markdown]
# What differs:
#
# | | ViT | Adventurer |
# |---|---|---|
# | norm | centres and scales, with a shift | scales only |
# | perceptron | widens fourfold, GELU | widens two and a half times, twice, one gating the other |
# | mixer reads | all tokens at once | its own order, with heading average and flips |
# | class token, if any | in front | at the end, where everything has been read |
#
# The mixer of Adventurer, Mamba-2, does a little more than your scan: it projects, lets each number
# look at the last few tokens by a short convolution, scans in several heads, and gates the result.

# %% [markdown]
# ## Exercise: how large is a block?
#
# How many numbers does one block of a ViT of width $D$ train? It has
#
# - two norms, each with a scale and a shift for every one of the $D$ numbers;
# - four linear maps from $D$ to $D$ in attention: for queries, keys, values, and what comes back;
# - the perceptron, a linear map from $D$ to $4D$ and one from $4D$ to $D$.
#
# Every linear map has a bias.

# %% tags=["worked"]
# A worked example: one linear map from 3 numbers to 5, and a norm of 3 numbers.
say(
    "The map has {weights} weights and {biases} biases, **{map}** numbers; the norm {scales} scales and "
    "{scales} shifts, **{norm}**.",
    weights=3 * 5,
    biases=5,
    map=3 * 5 + 5,
    scales=3,
    norm=3 + 3,
)

# %% tags=["collapse"]
hints("04-parameters")


# %% tags=["exercise"]
def my_block(width):
    # BEGIN SOLUTION
    norms = 2 * 2 * width
    attention = 4 * (width * width + width)
    perceptron = width * 4 * width + 4 * width + 4 * width * width + width
    return norms + attention + perceptron
    # END SOLUTION


# %%
block_parameters = answer("04-parameters", my_block)

# %% [markdown]
# ## The models of the paper
#
# Below are the sizes of the paper at $p = 16$. Counted once by formula and once on a model that
# is really built, on torch's device *meta*, where tensors have a shape and no numbers; beside it
# what the paper prints (table 7), in millions.

# %%
from dataclasses import replace

from labkit.cost import parameter_count, published
from labkit.cost.counting import parameters
from labkit.heads import ClassifyToken

PAPER = {  # Wang et al., 2025, table 7, in millions
    "vit": {"tiny": 5, "small": 22, "base": 86, "large": 304, "huge": 631},
    "adventurer": {"tiny": 12, "small": 44, "base": 99, "large": 346, "huge": 759},
}


def shape_of_size(model, size):
    # the huge ones were never released: width and depth from table 7, all else as in the others
    if size == "huge":
        return replace(published(model, "large"), width=1280, depth=32, heads=20)
    return published(model, size)


def built(shape):
    """The real model, without its numbers."""
    place = "first" if shape.model == "vit" else "last"
    with torch.device("meta"):
        parts = Patches(224, 16, shape.width), ClassifyToken(shape.width, 1000, place=place)
        if shape.model == "vit":
            return ViT(*parts, depth=shape.depth, heads=shape.heads)
        return Adventurer(*parts, depth=shape.depth)


def compared(total, printed):
    if round(total / 1e6) == printed:
        return "yes, rounded"
    if int(total / 1e6) == printed:
        return "yes, cut off"
    return f"**no**, {printed * 1e6 / total - 1:+.1%}"


rows, counted = [], {}
for model, printed in PAPER.items():
    for size, millions in printed.items():
        shape = shape_of_size(model, size)
        counted[model, size] = total = parameter_count(shape)
        assert total == parameters(built(shape))
        cells = (shape.width, shape.depth, f"{total:,}", "the same", millions)
        rows.append((f"{model} {size}", *cells, compared(total, millions)))
table(("model", "width", "blocks", "by formula", "built", "paper, millions", "agree"), rows)

# %%
base = published("vit", "base")
in_blocks = base.depth * block_parameters(base.width)
say(
    "By your function the {depth} blocks of ViT-Base hold {blocks:,} numbers, {share:.0%} of the "
    "model. Of {all} sizes {agreeing} agree with the paper, {cut} of them only with the digits cut "
    "off rather than rounded. Adventurer-Huge is far off: the "
    "formula that is right for its smaller siblings gives {huge:.1f} million, the paper prints "
    "{printed}. It was not released, so nobody can look into it.",
    depth=base.depth, blocks=in_blocks, share=in_blocks / counted["vit", "base"],
    all=len(rows), agreeing=sum("yes" in row[-1] for row in rows),
    cut=sum("cut" in row[-1] for row in rows),
    huge=counted["adventurer", "huge"] / 1e6, printed=PAPER["adventurer"]["huge"],
)  # fmt: skip

# %% [markdown]
# ## Predict: and at single pixels?

# %%
table_prediction = predict("04-table")

# %% [markdown]
# ### Run

# %%
rows, totals, places = [], {}, {}
for p in (16, 8, 4, 2, 1):
    shape = published("adventurer", "base", patch_size=p)
    totals[p] = parameter_count(shape)
    places[p] = totals[p] - parameter_count(replace(shape, learned_positions=False))
    embedding = (shape.patch_numbers + 1) * shape.width
    numbers = (shape.tokens, embedding, places[p], totals[p] - embedding - places[p], totals[p])
    rows.append((f"p = {p}", *(f"{n:,}" for n in numbers)))

# %% tags=["collapse"]
BASE_SIZED = 100  # millions: what the paper calls Adventurer-Base at p = 1
cuts = [f"p = {p}" for p in totals]
table_prediction.reveal(
    "a" if totals[1] < totals[16] else "c" if totals[1] > totals[16] else "b",
    f"from {totals[16]:,} to {totals[1]:,} parameters, of which {places[1]:,} are positions. "
    f"The paper calls the model at p = 1 base-sized, {BASE_SIZED} million.",
    outcome_figure(
        {"in all": (cuts, list(totals.values()))},
        x="patch size", y="parameters", title="Adventurer-Base, its image as large as before",
    ),
    {
        letter: Said(words, (cuts[0], cuts[-1]), (totals[16], times * totals[16]))
        for letter, words, times in (("a", "fewer", 0.8), ("b", "as many", 1.0), ("c", "more", 1.2))
    },
    also=[table_text(("patch size", "tokens", "embedding", "positions", "all else", "in all"), rows)],
)  # fmt: skip

# %% [markdown]
# So a comparison between patch sizes with learned positions is also one between models of
# different size, though hardly anything is computed with these numbers: each token adds one row of
# the table and is done. A fixed table of sines and cosines, `SineCosinePositions`, trains nothing
# and takes this difference out.

# %% tags=["collapse"]
keep(
    photographs=len(photos()),
    depth=depth,
    exact=exact,
    single=single,
    longest=lengths[-1],
    loop_ms=1e3 * longest["loop"],
    quadratic_ms=1e3 * longest["quadratic"],
    chunked_ms=1e3 * longest["chunked"],
    loop_grown=grown["loop"],
    quadratic_grown=grown["quadratic"],
    chunked_grown=grown["chunked"],
    middle=middle,
    later=later,
    blind=blind,
    seen=min(behind(name, middle)[0] for name in ("heading average", "flips")),
    heading_share=float(behind("heading average", middle)[1]),
    heading_first=float(behind("heading average", 0)[1]),
    flips_share=float(behind("flips", middle)[1]),
    both_share=float(behind("both: Adventurer", middle)[1]),
    vit_share=float(behind("ViT", middle)[1]),
    other_rule=other_rule,
    vit_order=ordered["ViT"],
    adventurer_order=ordered["Adventurer"],
    apart=max(apart.values()),
    base_16=totals[16],
    base_1=totals[1],
    one_pixel=places[1],
    huge=counted["adventurer", "huge"] / 1e6,
    huge_printed=PAPER["adventurer"]["huge"],
)

# %% [markdown]
# ## What you should see

# %% tags=["collapse"]
say_recorded(
    "04_two_architectures",
    "Loop, quadratic and chunked form agreed to within {exact:.0e} in double and {single:.0e} in "
    "single precision. At {longest:,} tokens they took {loop_ms:.0f}, {quadratic_ms:.0f} and "
    "{chunked_ms:.1f} ms, and the last doubling of N made that {loop_grown:.1f}, {quadratic_grown:.1f} "
    "and {chunked_grown:.1f} times as much. After {depth} plain causal blocks {blind} of {later} "
    "patches behind token {middle} had any influence on it; with either device {seen} had. "
    "Their share of all influence was {heading_share:.0e} by heading averages ({heading_first:.1f} at "
    "the first token), {flips_share:.1f} by flips, {both_share:.1f} by both, and {vit_share:.1f} in the "
    "ViT. The other rule for flips moved the logits by {other_rule:.2f} of the distance between two "
    "photographs; shuffling tokens with their positions moved the Adventurer's by "
    "{adventurer_order:.2f} and the ViT's by {vit_order:.0e}. The models by hand gave the library's "
    "logits with differences of at most {apart:g}. Adventurer-Base has {base_16:,} parameters at p = 16 and {base_1:,} "
    "at p = 1, {one_pixel:,} of them positions; Adventurer-Huge comes out at {huge:.1f} million "
    "where the paper prints {huge_printed}.",
)

# %% [markdown]
# ## Limits of this result
#
# - All weights are random. Which tokens *can* reach which follows from how the models are built
#   and holds for all but special weights (zeros, say); how strongly they do does not, and training
#   may change it much.
# - Influence is a derivative at one photograph: it says what a small change of a patch does, not
#   what would happen if the patch were another one.
# - Times are those of this machine and of plain torch. The kernels that large models are trained
#   with fuse what is done here in several steps, and where the forms cross depends on the device.
# - That both models can be written down says nothing about which learns better, or at what price.
#
# ## Next
#
# [Train one](05_train_one.ipynb): weights stop being random.
