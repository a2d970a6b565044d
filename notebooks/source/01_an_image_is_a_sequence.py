# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
#   labkit:
#     number: "01"
#     title: An image is a sequence
#     summary: Cut photographs into tokens, glue them back bit by bit, and see what order means to a transformer.
#     builds_on: ["00"]
#     objectives:
#       - text: say how many tokens an image gives and how many numbers each holds
#         check: 01-count
#       - text: cut an image into patches in reading order, and glue it back
#         check: 01-cut
#       - text: find a token's place in the image from its number
#         check: 01-place
#       - text: explain what the order of tokens means to a transformer
#         check: 01-order
#     working_minutes: 35
#     measures_time: false
#     timeout_seconds: 180
#     parameters:
#       photograph:
#         type: str
#         choices: [astronaut, brick, camera, chelsea, china, coffee, coins, flower, grass, gravel, hubble_deep_field,
#                   immunohistochemistry, retina, rocket]
#         about: which photograph is cut
#       picture:
#         type: str
#         about: path of a PNG, JPEG or WebP file that is cut instead, from the root; empty for the photograph
#       image_size:
#         type: int
#         choices: [64, 96, 128, 224]
#         about: side in pixels to which photographs are resized
#       seed:
#         type: int
#         low: 0
#         high: 1000000
#         about: decides the random order and the random weights of the experiment on order
# ---

# %% [markdown]
# # An image is a sequence
#
# A transformer reads a sequence of tokens. To let it read an image, the image is cut into
# square patches of $p \times p$ pixels, and the patches are laid out one after another in
# reading order. With $H \times W$ pixels there are
#
# $$N = \frac{H}{p} \cdot \frac{W}{p}$$
#
# tokens, and a colour patch holds $3p^2$ numbers. In this lesson you cut photographs by
# hand, check that nothing is lost, and find out what a transformer makes of the order.

# %% tags=["parameters"]
photograph = "chelsea"
picture = ""
image_size = 224
seed = 0

# %%
from labkit.lesson import (
    PictureSlider,
    Slider,
    answer,
    hints,
    keep,
    predict,
    say,
    say_recorded,
    start,
    table,
    table_text,
)

start("01")

# %% [markdown]
# ## Photographs
#
# All photographs of the lab come with the packages it is built on, so nothing is
# downloaded. Their authors and licences stand in `data/README.md`.

# %%
from labkit.data.own import own_picture
from labkit.data.photos import photo, photos

chosen = own_picture(picture) if picture else photo(photograph)
say(
    "**{title}**, by {author} ({licence}).",
    title=chosen.title,
    author=chosen.author,
    licence=chosen.licence,
)
table(
    ("photograph", "what", "height", "width", "licence"),
    [(one.name, one.title, *one.pixels.shape[:2], one.licence) for one in photos().values()],
)

# %% [markdown]
# ## Predict: how many at single pixels?

# %%
prediction = predict("01-predict")

# %% tags=["collapse"]
at_16, at_1 = (image_size // 16) ** 2, image_size**2
came_out = {16: "a", 1: "b", 16**2: "c"}.get(at_1 // at_16, "d")
prediction.reveal(came_out, f"{at_16:,} tokens become {at_1:,}.")

# %% [markdown]
# ## Under the knife
#
# Move the slider from coarse to fine. On the left the whole photograph with its grid (below
# four pixels the lines would hide the picture and are left out); the marked window stands
# enlarged beside it, and below it seven tokens of its row. In JupyterLab a picture of your own
# can take the place of the photograph.

# %%
from labkit.figures.patches import patch_figure

window = (image_size * 2 // 7 // 32 * 32,) * 2
patch_sizes = [p for p in (32, 16, 8, 4, 2, 1) if image_size % p == 0]


def cuts_of(shown, tell):
    pixels = shown.square(image_size)
    return lambda p: patch_figure(pixels, p, window=window)


PictureSlider("patch size p", patch_sizes, cuts_of, photograph=chosen, start=16).show()

# %% [markdown]
# ## The same cut through several photographs
#
# Seven tokens from the middle of each photograph. At which patch size can you no longer
# tell the photographs apart from their tokens?

# %%
from labkit.figures.patches import strips_figure

names = list(dict.fromkeys([photograph, "astronaut", "brick", "coffee", "grass", "retina"]))
pictures = {name: photo(name).square(image_size) for name in names}
Slider("patch size p", patch_sizes, lambda p: strips_figure(pictures, p), start=32).show()

# %% [markdown]
# ## Exercise: count
#
# For a square image of `image_size` pixels a side with `channels` channels, return the
# number of tokens and how many numbers each of them holds.

# %% tags=["worked"]
# A worked example: a grey picture of 6 x 6 pixels, cut at p = 2, one number a
# pixel.
in_a_row = len(range(0, 6, 2))
in_a_patch = [(row, column) for row in range(2) for column in range(2)]
say(
    "{row} patches in a row and {row} rows: **{all} tokens**. Each holds the pixels "
    "{pixels} of its own: **{numbers} numbers**.",
    row=in_a_row,
    all=in_a_row * in_a_row,
    pixels=", ".join(map(str, in_a_patch)),
    numbers=len(in_a_patch),
)

# %% tags=["collapse"]
hints("01-count")


# %% tags=["exercise"]
def my_count(image_size, patch_size, channels):
    # BEGIN SOLUTION
    return (image_size // patch_size) ** 2, channels * patch_size**2
    # END SOLUTION


# %%
count = answer("01-count", my_count)

# %%
table(
    ("patch size", "tokens N", "numbers per token", "numbers in all", "pairs of tokens"),
    [
        (f"p = {p}", f"{n:,}", f"{numbers:,}", f"{n * numbers:,}", f"{n * n:,}")
        for p in patch_sizes
        for n, numbers in [count(image_size, p, 3)]
    ],
)

# %% [markdown]
# The column *numbers in all* does not move. Cutting an image makes and loses no number; it
# only decides **how they are grouped**. What moves is the length of the sequence, and with
# it the last column.

# %% [markdown]
# ## Exercise: cut
#
# Turn images of shape (B, C, H, W) into patches of shape (B, N, C p p), in reading order:
# along the first row of patches from left to right, then the second row. Inside a token the
# first channel comes first, row by row, then the next.
#
# Two ways lead there. `einops.rearrange` says it in one line. In plain torch it takes a
# `reshape` that splits both sides into (grid, patch), a `permute`, and another `reshape`.

# %% tags=["worked"]
# A worked example: the pixels of a 4 x 4 picture, numbered in reading order, cut by
# hand at p = 2.
import numpy as np

numbered = np.arange(16).reshape(4, 4)
by_hand = [numbered[:2, :2], numbered[:2, 2:], numbered[2:, :2], numbered[2:, 2:]]
table(
    ("token", "its pixels"),
    [(k, ", ".join(map(str, patch.ravel()))) for k, patch in enumerate(by_hand)],
)

# %% tags=["collapse"]
hints("01-cut")


# %% tags=["exercise"]
def my_patchify(images, p):
    # BEGIN SOLUTION
    b, c, height, width = images.shape
    split = images.reshape(b, c, height // p, p, width // p, p)
    return split.permute(0, 2, 4, 1, 3, 5).reshape(b, (height // p) * (width // p), c * p * p)
    # END SOLUTION


# %%
patchify = answer("01-cut", my_patchify)

# %% [markdown]
# ## Cutting is exact
#
# Cut every photograph at every patch size, glue it back, and compare bit by bit.

# %%
import torch

from labkit.tokenizers import unpatchify

images = torch.stack(
    [torch.from_numpy(one.square(image_size)).permute(2, 0, 1) for one in photos().values()]
).float()
changed = {
    p: int((unpatchify(patchify(images, p), image_size, p) != images).sum())
    for p in patch_sizes
}
table(
    ("patch size", "numbers cut and glued", "numbers changed"),
    [(f"p = {p}", f"{images.numel():,}", n) for p, n in changed.items()],
)
assert not any(changed.values())

# %% [markdown]
# So whatever a large patch costs a model, the cut itself loses nothing. What may be lost is
# lost later, when a token is squeezed into a vector of fixed width; the next lesson
# measures that.

# %% [markdown]
# ## Exercise: where was it?
#
# Tokens are numbered from zero in reading order. On a grid with `columns` columns, return
# the row and the column of a token.

# %% tags=["worked"]
# A worked example: token 7 on a grid with 5 columns. Walk there, and turn at the
# end of each row.
row, column = 0, 0
for _ in range(7):
    column += 1
    if column == 5:
        row, column = row + 1, 0
say("Token 7 stands in row {row}, column {column}.", row=row, column=column)

# %% tags=["collapse"]
hints("01-place")


# %% tags=["exercise"]
def my_place(token, columns):
    # BEGIN SOLUTION
    return token // columns, token % columns
    # END SOLUTION


# %%
place = answer("01-place", my_place)

# %%
last = count(image_size, 16, 3)[0] - 1
say(
    "At p = 16 the last token, number {last}, stands in row {at[0]}, column {at[1]}.",
    last=last, at=place(last, image_size // 16),
)  # fmt: skip

# %% [markdown]
# ## Exercise, farther off: which tokens see a thing?
#
# A thing in the photograph fills a box of `height` × `width` pixels. Its upper left pixel is in row
# `top` and column `left`, counted from zero. Return how many tokens hold at least one of its pixels.

# %% tags=["collapse"]
hints("01-touched")


# %% tags=["exercise"]
def my_touched(top, left, height, width, p):
    # BEGIN SOLUTION
    rows = (top + height - 1) // p - top // p + 1
    columns = (left + width - 1) // p - left // p + 1
    return rows * columns
    # END SOLUTION


# %%
touched = answer("01-touched", my_touched)

# %%
table(
    ("patch size", "at a corner of the grid", "one pixel further down and right"),
    [
        (f"p = {p}", f"{touched(0, 0, 16, 16, p):,}", f"{touched(1, 1, 16, 16, p):,}")
        for p in patch_sizes
    ],
)

# %% [markdown]
# How many tokens see a thing of 16 × 16 pixels, at the corner and one pixel further. With large patches a
# step of a single pixel may multiply the tokens that it concerns, and each of them then sees a part.

# %% [markdown]
# ## What order means
#
# A transformer is not told where a token stands by its place in the sequence. Before the
# first layer a vector is added to each token that says where it was in the image: its
# **position**. From then on the position travels with the token.
#
# ### Predict

# %%
order_prediction = predict("01-order")

# %% [markdown]
# ### Run
#
# A ViT with random weights, all photographs at $p = 16$, one random order. Three ways to
# shuffle: tokens that carry their positions; tokens before positions are added, so that places
# are exchanged; and the same in a ViT that has no positions at all. The yardstick is how far
# the logits of one photograph lie from those of another: a change of one means that shuffling
# moves the answer as much as showing another photograph.

# %%
from labkit.heads import Classify
from labkit.models.vit import ViT
from labkit.positions import LearnedPositions, NoPositions
from labkit.tokenizers import Patches, shuffled

torch.manual_seed(seed)
tokenizer = Patches(image_size, 16, 64)
places, nowhere = LearnedPositions(tokenizer.grid, 64), NoPositions(tokenizer.grid, 64)
model = ViT(tokenizer, Classify(64, 10), depth=3, heads=4, positions=places)
order = torch.randperm(tokenizer.tokens)


def logits(tokens):
    return model.head(model.mix(tokens))


def change(after, before):
    """Root mean square, over that between photographs."""
    return ((after - before).square().mean() / (2 * before.var(dim=0).mean())).sqrt().item()


with torch.no_grad():
    tokens = tokenizer(images / 127.5 - 1)
    places.table.normal_(std=tokens.std().item())  # places weigh as much as contents
    plain, bag = logits(places(tokens)), logits(nowhere(tokens))
    changes = {
        "shuffled with their positions": change(logits(shuffled(places(tokens), order)), plain),
        "shuffled before positions are added": change(
            logits(places(shuffled(tokens, order))), plain
        ),
        "shuffled, in a model without positions": change(
            logits(shuffled(nowhere(tokens), order)), bag
        ),
    }

# %% tags=["collapse"]
from labkit.figures.answers import Said, outcome_figure

with_positions, exchanged, without = changes.values()
asked = next(iter(changes))
order_prediction.reveal(
    "a" if with_positions < 1e-5 else "b" if with_positions < exchanged / 2 else "c",
    f"the logits moved by {with_positions:.0e} of what lies between two photographs (float32 rounds "
    f"at {torch.finfo(torch.float32).eps:.0e}). Exchanging places moved them by {exchanged:.2f} of it.",
    outcome_figure(
        {"change": (list(changes), [max(x, 1e-9) for x in changes.values()])},
        x="tokens", y="change (1: another photograph)", log="y", joined=False,
        title="Shuffled tokens: how far the answer moves",
    ),
    {
        "a": Said("the same but for rounding", [asked], [1e-7]),
        "b": Said("a little", [asked], [1e-2]),
        "c": Said("as another photograph", [asked], [1.0]),
    },
    also=[table_text(("tokens", "change of the logits"), [(name, f"{x:.1e}") for name, x in changes.items()])],
)  # fmt: skip

# %% [markdown]
# To a ViT whose positions travel with the tokens, order means nothing: it is handed a
# **set**. The sequence is a way to store the set; only the positions say where things are,
# and a model without them sees a bag of patches. (A state-space model reads its tokens one
# by one, and to it the order means everything; it gets a lesson of its own.)

# %% tags=["collapse"]
keep(
    numbers=int(images[0].numel()),
    tokens_at_16=at_16,
    tokens_at_1=at_1,
    changed=sum(changed.values()),
    with_positions=with_positions,
    exchanged=exchanged,
    without=without,
)

# %% [markdown]
# ## What you should see

# %% tags=["collapse"]
say_recorded(
    "01_an_image_is_a_sequence",
    "From {tokens_at_16:,} tokens at p = 16 to {tokens_at_1:,} at p = 1, always {numbers:,} "
    "numbers in all, {changed} of them changed by cutting and gluing. Measured by the distance "
    "between two photographs, shuffling tokens with their positions moved the logits by "
    "{with_positions:.0e}, exchanging places by {exchanged:.2f}, and shuffling without positions "
    "by {without:.0e}.",
)

# %% [markdown]
# ## Limits of this result
#
# - Nothing was learned here: the weights are random. That a ViT treats its tokens as a set
#   holds for any weights, because it follows from how attention sums; *how much* exchanging
#   places hurts depends on the weights.
# - The photographs were resized to a square first. That step does lose information, and it
#   comes before any patch.
# - Cutting is exact because $p$ divides the image. Libraries that accept other sizes drop
#   the pixels that are left over.
#
# ## Next
#
# [What a patch loses](02_what_a_patch_loses.ipynb): patches are squeezed into vectors of a
# fixed width, and you measure what does not survive.
