# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
#   labkit:
#     number: "02"
#     title: What a patch loses
#     summary: Squeeze patches into codes of a fixed width, measure what is lost, and see why that is not the whole story.
#     builds_on: ["01"]
#     objectives:
#       - text: say from patch size and width whether a linear embedding must lose anything
#         check: 02-lossless
#       - text: code patches with the best linear code, and put them back
#         check: 02-code
#       - text: measure an error as a peak signal-to-noise ratio
#         check: 02-psnr
#       - text: explain why codes of equally many numbers do not settle which patch size is better
#         check: 02-equal
#       - text: say what a trained embedding keeps of its patches
#         check: 02-trained
#     working_minutes: 50
#     measures_time: false
#     timeout_seconds: 600
#     parameters:
#       photograph:
#         type: str
#         choices: [astronaut, brick, camera, chelsea, china, coffee, coins, flower, grass, gravel, hubble_deep_field,
#                   immunohistochemistry, retina, rocket]
#         about: which photograph is shown
#       picture:
#         type: str
#         about: path of a PNG, JPEG or WebP file that is coded first to look at, from the root; empty for the photograph
#       image_size:
#         type: int
#         choices: [96, 128, 224]
#         about: side in pixels to which photographs are resized
#       width:
#         type: int
#         choices: [3, 12, 48, 192]
#         about: numbers for each patch in the pictures that are shown
#       share:
#         type: int
#         choices: [2, 3, 4, 6, 12]
#         about: one number in so many is kept where codes of equally many numbers are compared
#       steps:
#         type: int
#         low: 4
#         high: 100000
#         full: 600
#         about: training steps of each run whose embedding is looked at
#       seeds:
#         type: int
#         low: 2
#         high: 20
#         full: 5
#         about: runs of each patch size
# ---

# %% [markdown]
# # What a patch loses
#
# Cutting an image loses nothing, as the last lesson showed. But a transformer does not work on
# patches. It first turns each patch, $C p^2$ numbers, into a token of $D$ numbers by one linear
# map, and $D$ is the same for every patch size. A large patch holds more numbers than its token.
# So something must be lost there, and it is tempting to say: *this* is why small patches are
# better. In this lesson you measure that loss, and find out how much of the story it is.

# %% tags=["parameters"]
photograph = "chelsea"
picture = ""
image_size = 224
width = 12
share = 4
steps = 100
seeds = 4

# %%
from labkit.lesson import (
    PictureSlider,
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

start("02")

# %% [markdown]
# ## Predict: when must anything be lost?

# %%
prediction = predict("02-predict")

# %% [markdown]
# ## Exercise: how many numbers must go?
#
# A linear map sends the $C p^2$ numbers of a patch to $d$ numbers. If $d$ is smaller, whole
# directions of the patch are sent to zero, and no decoder, linear or not, can tell patches apart
# that differ only there. Return how many independent numbers are lost **at least**.

# %% tags=["worked"]
# A worked example: grey patches of 2 x 2 pixels, four numbers, into a token of
# three.
import numpy as np

squeeze = np.array([[1, 1, 0, 0], [0, 0, 1, 1], [1, 0, 1, 0]])
unseen = np.array([1, -1, -1, 1])
say(
    "The patch {patch} becomes the token {token}, and so does a patch of zeros. Whatever the three "
    "rows are, at least **one** direction of four remains that they all miss.",
    patch=unseen.tolist(),
    token=(squeeze @ unseen).tolist(),
)

# %% tags=["collapse"]
hints("02-lossless")


# %% tags=["exercise"]
def my_lost(channels, patch_size, width):
    # BEGIN SOLUTION
    return max(0, channels * patch_size**2 - width)
    # END SOLUTION


# %%
lost = answer("02-lossless", my_lost)

# %% [markdown]
# ## Exercise, farther off: the largest patch that stays whole
#
# Now turn it round. With `channels` numbers a pixel and a code of `width` numbers, return the largest
# patch size at which nothing has to be lost.

# %% tags=["collapse"]
hints("02-whole")


# %% tags=["exercise"]
def my_whole(channels, width):
    # BEGIN SOLUTION
    import math

    return math.isqrt(width // channels)
    # END SOLUTION


# %%
whole = answer("02-whole", my_whole)

# %% tags=["collapse"]
vits = {"ViT-Tiny": 192, "ViT-Small": 384, "ViT-Base": 768}
largest = {name: whole(3, d) for name, d in vits.items()}
offered = {1: "a", 8: "b", 13: "c", 16: "d"}
prediction.reveal(
    offered[max(p for p in offered if lost(3, p, vits["ViT-Tiny"]) == 0)],
    f"a patch of p = 8 holds {3 * 8**2} numbers, one of p = 16 holds {3 * 16**2}.",
    also=[
        table_text(
            ("model", "D", "lost at p = 16", "lost at p = 8", "nothing lost up to"),
            [
                (name, d, lost(3, 16, d), lost(3, 8, d), f"p = {largest[name]}")
                for name, d in vits.items()
            ],
        )
    ],
)

# %% [markdown]
# ## The best linear code
#
# Which numbers should a narrow code keep? Among all linear maps to $d$ numbers and back, the one
# with the smallest mean squared error is known: take away the mean patch, and measure along the
# $d$ directions in which patches vary most. These are the leading eigenvectors of the
# covariance of patches, their **principal components**. No embedding of the same width, trained
# or not, lets a linear decoder do better on the patches it was fitted on.
#
# A code that has seen a picture could learn it by heart. So the code of each photograph is
# fitted on all the **other** photographs.

# %%
from labkit.codes import LinearCode, patches_of, quality, without_each
from labkit.data.photos import photos

pictures = {name: one.square(image_size) for name, one in photos().items()}
patch_sizes, widths = (16, 8, 4, 2, 1), (3, 12, 48, 192)
codes, errors, found = {}, {}, {}
bar = progress("codes of all photographs")
for done, p in enumerate(patch_sizes):
    for name, code in without_each(pictures, p):
        errors[p, name] = code.errors(pictures[name])
        for d in (d for d in widths if lost(3, p, d)):
            found[p, d, name] = quality(pictures[name], code.reconstruct(pictures[name], d))
        if name == photograph:
            codes[p] = code
    bar((done + 1) / len(patch_sizes), f"p = {p}")

# %% [markdown]
# The first directions are what the code asks about a patch first. Each is drawn as a patch
# around middle grey.

# %%
from labkit.figures.codes import directions_figure


def first_directions(p):
    count = min(16, 3 * p * p)
    return directions_figure(
        {"": codes[p].directions[:count].numpy()},
        patch_size=p,
        channels=3,
        title=f"<b>p = {p}</b>: the first {count} of {3 * p * p} directions",
        says=f"The {count} leading principal components of patches at p = {p}, drawn as patches. The "
        "leading ones change the brightness or the colour of the whole patch, or change slowly across "
        "it where it has room for that; later ones change faster.",
    )


Slider("patch size p", patch_sizes, first_directions, start=16).show()

# %% [markdown]
# ## Exercise: code and decode
#
# `patches` has shape (N, P), `mean` is the mean patch (P), and each **row** of `directions`
# (P, P) is one direction, the most important one first; rows are orthogonal and of length one.
# Code each patch with the first `width` directions and return the patches (N, P) that come back.

# %% tags=["worked"]
# A worked example: patches of two numbers, one direction, one patch.
center, direction = np.array([5.0, 5.0]), np.array([0.6, 0.8])
patch = np.array([7.0, 9.0])
along = (patch - center) @ direction  # the code, one number
came_back = center + along * direction
say(
    "From the mean to {patch} it is {step}; along the direction, {along:.1f}. Decoded: {back}.",
    patch=patch.tolist(),
    step=(patch - center).tolist(),
    along=along,
    back=came_back.round(2).tolist(),
)

# %% tags=["collapse"]
hints("02-code")


# %% tags=["exercise"]
def my_code(patches, mean, directions, width):
    # BEGIN SOLUTION
    codes = (patches - mean) @ directions[:width].T
    return codes @ directions[:width] + mean
    # END SOLUTION


# %%
code_and_decode = answer("02-code", my_code)

# %% [markdown]
# ## Look at what is lost
#
# The same number of numbers for each patch, as in a ViT, and far fewer than any ViT has, so
# that there is something to see. Beside the picture stand the original and the difference,
# enlarged. Values outside the range of grey levels are cut off for showing, and only there. In
# JupyterLab you can code a picture of your own: its code is fitted on all photographs of the lab.

# %%
from functools import cache

from labkit.data.own import own_picture
from labkit.data.photos import photo
from labkit.figures.codes import reconstruction_figure

original = pictures[photograph]


@cache
def code_of_all(p):
    """Fitted on all photographs of the lab, which a picture of your own is not among."""
    return LinearCode.fit(list(pictures.values()), p)


def coded(shown, tell):
    pixels = shown.square(image_size)

    def figure_for(p):
        code = codes[p] if shown.name == photograph else code_of_all(p)
        back = code.reconstruct(pixels, min(width, 3 * p * p))
        near = quality(pixels, back)
        return reconstruction_figure(
            pixels, back, patch_size=p, width=width, psnr=near.psnr, ssim=near.ssim
        )

    return figure_for


first = own_picture(picture) if picture else photo(photograph)
PictureSlider("patch size p", patch_sizes, coded, photograph=first, start=16).show()

# %% [markdown]
# ## Exercise: a number for the error
#
# The **peak signal-to-noise ratio** compares the mean squared error with the square of the
# largest grey level:
#
# $$\text{PSNR} = 10 \log_{10} \frac{255^2}{\text{mean squared error}}$$
#
# in decibels; more is better. Given two tensors of grey levels, return it as a number.

# %% tags=["worked"]
# A worked example: four pixels, all of them off by 5 grey levels, or one of them by
# 10.
import math

for off in ([5, 5, 5, 5], [10, 0, 0, 0]):
    error = sum(one**2 for one in off) / len(off)
    say(
        "Off by {off}: the mean squared error is {error:.0f}, which is {db:.1f} dB.",
        off=off,
        error=error,
        db=10 * math.log10(255**2 / error),
    )

# %% tags=["collapse"]
hints("02-psnr")


# %% tags=["exercise"]
def my_psnr(original, reconstruction):
    # BEGIN SOLUTION
    import math

    error = (original - reconstruction).square().mean().item()
    return 10 * math.log10(255**2 / error)
    # END SOLUTION


# %%
psnr = answer("02-psnr", my_psnr)

# %%
patches, code = patches_of(original, 16), codes[16]
back = code_and_decode(patches, code.mean, code.directions, width)
say(
    "Your functions on **{photograph}** at p = 16 and d = {d}: {mine:.3f} dB; scikit-image's "
    "function on the library's reconstruction: {theirs:.3f} dB.",
    photograph=photograph, d=width, mine=psnr(patches, back), theirs=found[16, width, photograph].psnr,
)  # fmt: skip

# %% [markdown]
# PSNR counts squared errors and nothing else. **Structural similarity** (SSIM) compares means,
# spreads and correlations in small windows, nearer to what people see; equal pictures have a
# similarity of one.

# %% [markdown]
# ## All photographs, patch sizes and widths
#
# Each photograph is coded by a code that has not seen it. The intervals say how the mean would
# move with other photographs of this kind (whole photographs are drawn again and again).

# %%
from labkit.stats import block_interval


def over_photographs(values):
    """Mean of one number for each photograph, with its interval."""
    return block_interval([values[name] for name in pictures])


rows = []
for p, d in sorted({key[:2] for key in found}):
    near = {name: found[p, d, name] for name in pictures}
    db = over_photographs({name: one.psnr for name, one in near.items()})
    similar = over_photographs({name: one.ssim for name, one in near.items()})
    rows.append(
        (
            f"p = {p}",
            d,
            f"{(image_size // p) ** 2 * d:,}",
            f"{db.mean:.1f}",
            f"{db.low:.1f} to {db.high:.1f}",
            f"{similar.mean:.3f}",
            f"{similar.low:.3f} to {similar.high:.3f}",
        )
    )
table(("patch size", "d", "N d", "PSNR (dB)", "95 % interval", "SSIM", "95 % interval"), rows)

# %% [markdown]
# Widths that are missing at a patch size lose nothing there. Between them lies the whole curve:

# %%
import math

from labkit.figures.codes import widths_figure


def decibels(p, d):
    """PSNR of each photograph at patch size p and width d."""
    return {name: 10 * math.log10(255**2 / errors[p, name][d]) for name in pictures}


curves = {}
for p in patch_sizes:
    grid = {round(2 ** (k / 3)) for k in range(30)} | set(widths)
    curves[p] = [
        (d, *over_photographs(decibels(p, d))[:3]) for d in sorted(grid) if lost(3, p, d)
    ]
Slider(
    "patch size p",
    patch_sizes,
    lambda p: widths_figure(curves, p, marked=width, pictures=len(pictures)),
    start=16,
).show()

# %% [markdown]
# ## Where nothing is lost
#
# At the width of a ViT-Tiny, code the photograph and put it back, once with the numbers of
# double precision and once with those that models compute in. The error is the largest one of
# all pixels.

# %%
tiny = vits["ViT-Tiny"]
rows, worst = [], {}
for p, code in codes.items():
    d = min(tiny, 3 * p * p)
    double, single = (one.reconstruct(original, d) for one in (code, code.single()))
    worst[p] = [abs(one - original).max() for one in (double, single)]
    rows.append(
        (f"p = {p}", 3 * p * p, tiny, lost(3, p, tiny), *(f"{x:.1e}" for x in worst[p]))
    )
table(
    ("patch size", "numbers C p²", "D", "lost at least", "error, float64", "error, float32"),
    rows,
)
lossless = [p for p in patch_sizes if not lost(3, p, tiny)]
say(
    "Grey levels run from 0 to 255. For p = {sizes} the picture comes back to within {double:.0e} "
    "grey levels in double precision and {single:.0e} in single: **nothing is lost**.",
    sizes=", ".join(map(str, lossless)),
    double=max(worst[p][0] for p in lossless), single=max(worst[p][1] for p in lossless),
)  # fmt: skip

# %% [markdown]
# So at this width the step from p = 16 to p = 8 may have to do with pixels that must be lost. The
# steps to p = 4, to p = 2 and to single pixels **cannot**: the larger patch can keep everything
# already. And a ViT-Base, with which the paper's main results were made, need not lose anything
# at p = 16 to begin with. Yet those results go on improving down to single pixels. Whatever small
# patches give a model there, they do not give it pixels that a larger one had to throw away.

# %% [markdown]
# ## Predict: equally many numbers
#
# Above that point, is it at least the *smallness* of the patch that saves detail? Smaller
# patches at the same $d$ also mean more tokens, so more numbers in all. To separate the two, let
# $d$ grow with the patch, so that $N d$ stays the same.

# %%
equal_prediction = predict("02-equal")

# %% [markdown]
# ## Run: equally many numbers

# %%
from itertools import pairwise

from labkit.figures.answers import Said, outcome_figure
from labkit.stats import better, mean, paired

small_first = [p for p in reversed(patch_sizes) if p > 1]
equal = {p: decibels(p, 3 * p * p // share) for p in small_first}
means = {p: over_photographs(values) for p, values in equal.items()}
by_patch = table_text(
    ("patch size", "N", "d", "N d", "PSNR (dB)", "95 % interval"),
    [
        (
            f"p = {p}",
            f"{(image_size // p) ** 2:,}",
            3 * p * p // share,
            f"{3 * image_size**2 // share:,}",
            f"{one.mean:.1f}",
            f"{one.low:.1f} to {one.high:.1f}",
        )
        for p, one in means.items()
    ],
)


def compared(a, b):
    """Is b better than a over photographs, in words, with the paired interval of b - a."""
    gain = paired(list(a.values()), list(b.values()))
    word = "better" if gain.low > 0 else "worse" if gain.high < 0 else "not shown to differ"
    return gain, word


neighbours = {
    (small, large): compared(equal[small], equal[large])
    for small, large in pairwise(small_first)
}
steps_told = "\n".join(
    f"- From p = {small} to p = {large}: {gain.mean:+.1f} dB ({gain.low:+.1f} to {gain.high:+.1f}), "
    f"the larger patch is **{word}**."
    for (small, large), (gain, word) in neighbours.items()
)

# %% tags=["collapse"]
least, most = small_first[0], small_first[-1]
verdict = better(
    list(equal[most].values()), list(equal[least].values()), lower_is_better=False, paired=True
)
gain, _ = compared(equal[least], equal[most])
cuts = [f"p = {p}" for p in small_first]
middle, step = mean([one.mean for one in means.values()]), 2.0
equal_prediction.reveal(
    {"yes": "c", "no": "a", "not shown": "b"}[verdict],
    f"p = {most} minus p = {least} is {gain.mean:+.1f} dB ({gain.low:+.1f} to {gain.high:+.1f}), "
    f"photograph by photograph. The way there may turn at the end: the table below has each step.",
    outcome_figure(
        {
            "mean over photographs": (
                cuts, *([getattr(one, part) for one in means.values()] for part in ("mean", "low", "high"))
            )
        },
        x="patch size", y="PSNR (dB)", title="Equally many numbers in all, by patch size",
    ),
    {
        "a": Said("small patches best", (cuts[0], cuts[-1]), (middle + step, middle - step)),
        "b": Said("no difference", (cuts[0], cuts[-1]), (middle, middle)),
        "c": Said("large patches best", (cuts[0], cuts[-1]), (middle - step, middle + step)),
    },
    also=[by_patch, steps_told],
)  # fmt: skip

# %% [markdown]
# ### Where a larger patch cannot lose, and where it can
#
# Put four small patches side by side and code each by itself: that *is* a linear code of the
# large patch, with equally many numbers. The best code of the large patch may choose it, and may
# choose better, because it sees that neighbouring patches resemble each other. So on the
# photographs that a code was **fitted on**, a larger patch never does worse. This is no finding
# about images; it holds for any pictures at all.
#
# On photographs that were left out it may do worse, because the longer basis had to be learned
# from fewer patches. The error of all photographs together shows both:

# %%
fitted, left_out = {}, {}
for p in small_first:
    d = 3 * p * p // share
    squares = [code_of_all(p).errors(pixels)[d] for pixels in pictures.values()]
    fitted[p] = math.sqrt(sum(squares) / len(squares))
    left_out[p] = math.sqrt(sum(errors[p, name][d] for name in pictures) / len(pictures))
table(
    ("patch size", "patches in all", "numbers in a patch", "fitted on", "left out"),
    [
        (
            f"p = {p}",
            f"{len(pictures) * (image_size // p) ** 2:,}",
            3 * p * p,
            f"{fitted[p]:.2f}",
            f"{left_out[p]:.2f}",
        )
        for p in small_first
    ],
)
assert all(fitted[large] <= fitted[small] for small, large in neighbours)

# %% [markdown]
# The last two columns are root mean square errors in grey levels, on photographs the code was
# fitted on and on those left out.

# %% [markdown]
# ## The same width: the order turns round
#
# In a ViT the width does not grow with the patch. At one $d$ for all, each halving of $p$ makes
# four times as many tokens, so four times as many numbers, and the model works through all of
# them.

# %%
from labkit.config import Run
from labkit.cost import flops_per_image

rows = []
for p in (16, 8, 4, 2):
    vit = Run(image_size=image_size, patch_size=p, width=tiny, depth=12, heads=3)
    cells = [
        f"{over_photographs(decibels(p, d)).mean:.1f}" if lost(3, p, d) else "nothing lost"
        for d in dict.fromkeys((width, tiny))
    ]
    numbers = (image_size // p) ** 2 * tiny
    flops = flops_per_image(vit, channels=3, classes=1000)
    rows.append((f"p = {p}", *cells, f"{numbers:,}", f"{flops:.1e}"))
at = [f"PSNR at d = {d}" for d in dict.fromkeys((width, tiny))]
table(("patch size", *at, f"N d at d = {tiny}", "FLOPs of a ViT-Tiny"), rows)

turned = {}
for large, small in ((16, 8), (8, 4), (4, 2)):
    if lost(3, small, width):
        gain, word = turned[large, small] = compared(
            decibels(large, width), decibels(small, width)
        )
        say(
            "At d = {d}, from p = {large} to p = {small}: {gain.mean:+.1f} dB ({gain.low:+.1f} to "
            "{gain.high:+.1f}), the smaller patch is **{word}**.",
            d=width, large=large, small=small, gain=gain, word=word,
        )  # fmt: skip

# %% [markdown]
# ### Why neither comparison settles the question
#
# At equally many numbers larger patches tend to lose less; at equal width smaller ones do. Is one
# of the two the right comparison? Neither tells whether a *model* does better with small
# patches:
#
# - PSNR counts the variance of pixels, and photographs have most of theirs in slow changes
#   of brightness. What tells a cat from a dog may lie in the small rest.
# - To reconstruct is not to recognise. A model may ignore what a code keeps, and may need what a
#   code drops.
# - At equal width a small patch gets more numbers **and** more compute. Both comparisons move
#   several things at once, only different ones.
# - The code is linear and looks at one patch at a time. A transformer compares tokens with each
#   other, and with smaller patches it does so at more places.

# %% [markdown]
# ## What a trained embedding keeps
#
# The best linear code is made to give pixels back. An embedding is trained for something else:
# to tell photographs apart. What does it keep? Small ViTs learn the textures task on grey
# crops, at a patch size where the embedding is too narrow, at one where it is just as wide as the
# patch, and at one where it is wider. For each, the weights are looked at before and after
# training.
#
# ### Predict

# %%
trained_prediction = predict("02-trained")

# %% [markdown]
# ### Run

# %%
import torch

from labkit.data.textures import textures
from labkit.models import build
from labkit.train import train

task = textures(16)
embedded = (16, 8, 4)
narrow, square, wide = embedded  # width against numbers in a patch: less, as many, more
before, after, losses = {}, {}, {}
for p in embedded:
    before[p], after[p], losses[p] = [], [], []
    for seed in range(seeds):
        run = Run(patch_size=p, steps=steps, learning_rate=0.003, seed=seed)
        torch.manual_seed(seed)  # the weights that training starts from
        untrained = build(run, channels=task.channels, classes=len(task.classes))
        trained = train(run)
        before[p].append(untrained.tokenizer.embed)
        after[p].append(trained.model.tokenizer.embed.cpu())
        losses[p].append(trained.record["test_loss"])
embedding_width = run.width

# %% [markdown]
# An embedding stretches patches along some directions more than along others. Its **singular
# values** say how much. Move the slider: where the embedding is narrower than the patch, whole
# directions are gone. Where it is wide enough none is, but some come through weakly.

# %%
from labkit.figures.codes import singular_figure


def sizes_of(embeds):
    return [torch.linalg.svdvals(one.weight.detach().double()).tolist() for one in embeds]


singular = {
    p: {"before training": sizes_of(before[p]), "after training": sizes_of(after[p])}
    for p in embedded
}
Slider(
    "patch size p",
    embedded,
    lambda p: singular_figure(singular[p], patch_size=p, width=embedding_width),
    start=narrow,
).show()

# %% [markdown]
# How much of the *pixels* is still there? Give a linear decoder the tokens of training crops and
# let it learn to give the patches back; then see what share of the variance of test crops it
# recovers. The best linear code of the same width is the yardstick. And as tokens are rounded to
# single precision: how far off are the pixels if one solves for them from the tokens?

# %%
from labkit.codes import effective_rank, variance_kept
from labkit.tokenizers import patchify

fit_crops, test_crops = task.batch(seeds, 0, 4000)[0], task.test()[0]


@torch.no_grad()
def solved_back(embed, patches):
    """Largest error of patches solved for from their tokens in single precision."""
    tokens = embed(patches) - embed.bias
    back = tokens.double() @ torch.linalg.pinv(embed.weight.double()).T
    return (back - patches).abs().max().item()


def span(values, form):
    """From the smallest to the largest of the seeds."""
    ends = dict.fromkeys(f"{value:{form}}" for value in (min(values), max(values)))
    return " to ".join(ends)


kept, best, conditions, rows = {}, {}, {}, []
for p in embedded:
    fit, test = (patchify(crops, p).flatten(0, 1) for crops in (fit_crops, test_crops))
    axes = LinearCode.of_patches(fit, p).directions[:embedding_width]
    best[p] = variance_kept(axes, test, fitted_on=fit)
    for name, embeds in (("before training", before[p]), ("after training", after[p])):
        kept[p, name] = [variance_kept(e.weight.detach(), test, fitted_on=fit) for e in embeds]
        values = singular[p][name]
        conditions[p, name] = [one[0] / one[-1] for one in values]
        ranks = [effective_rank(one.weight.detach()) for one in embeds]
        back = [solved_back(one, test) for one in embeds]
        rows.append(
            (
                f"p = {p}",
                name,
                span(kept[p, name], ".3f"),
                f"{best[p]:.3f}",
                span(ranks, ".1f"),
                span(conditions[p, name], ",.1f"),
                "cannot" if lost(1, p, embedding_width) else span(back, ".0e"),
            )
        )

# %% tags=["collapse"]
start_kept, end_kept = kept[narrow, "before training"], kept[narrow, "after training"]
change, short = paired(start_kept, end_kept), paired(end_kept, [best[narrow]] * seeds)
verdict = better(end_kept, start_kept, lower_is_better=False, paired=True)
when, yardstick = ("before training", "after training"), best[narrow]
began, way = mean(start_kept), best[narrow] - mean(start_kept)
trained_prediction.reveal(
    {"yes": "c", "no": "a", "not shown": "b"}[verdict],
    f"at p = {narrow} training changed the share of variance that is kept by {change.mean:+.3f} "
    f"({change.low:+.3f} to {change.high:+.3f}, {seeds} seeds); to the best code it lacks "
    f"{short.mean:.3f} ({short.low:.3f} to {short.high:.3f}).",
    outcome_figure(
        {
            "each seed": ([w for w in when for _ in range(seeds)], [*start_kept, *end_kept]),
            "the best linear code": (when, (yardstick, yardstick)),
        },
        x=f"embedding at p = {narrow}", y="share of variance kept", joined=False,
        title="What a decoder gets back from the tokens",
    ),
    {
        "a": Said("less than before", when, (began, began - way)),
        "b": Said("as much as before", when, (began, began)),
        "c": Said("more than before", when, (began, began + way)),
    },
    also=[
        table_text(
            ("patch size", "embedding", "variance kept", "by the best code", "effective rank", "largest / smallest",
             "solved back to within"),
            rows,
        )
    ],
)  # fmt: skip

# %% [markdown]
# Each cell of the table spans the seeds. The *effective rank* counts directions by how evenly they
# are stretched; *largest / smallest* compares the singular values at both ends, and is how much
# more than others a rounding error in the weakest direction grows on the way back. The last column
# is the largest error of a pixel, in standard deviations of a crop.
#
# Random directions already keep much, because neighbouring pixels resemble each other and a
# decoder can guess the rest. Training is not asked to keep pixels; how far it goes towards the
# best code all the same, the numbers above say.


# %%
def asked(p):
    fit = patchify(fit_crops, p).flatten(0, 1)
    return directions_figure(
        {
            "the best linear code": LinearCode.of_patches(fit, p).directions[:16].numpy(),
            "before training": before[p][0].weight.detach()[:16].numpy(),
            "after training": after[p][0].weight.detach()[:16].numpy(),
        },
        patch_size=p,
        channels=1,
        title=f"<b>p = {p}</b>: what 16 of the numbers measure",
        says=f"Three sheets of 16 patches at p = {p}. The leading directions of the best linear code "
        "are smooth waves; 16 rows of the embedding's weights are random before training, and stand "
        "below as they are after it.",
    )


Slider("patch size p", embedded, asked, start=narrow).show()

# %% [markdown]
# ## Where nothing is lost, and yet
#
# At the two smaller patch sizes the embedding keeps everything. If lost pixels were the whole
# story, these two would do equally well.

# %%
from labkit.stats import difference

gap = difference(losses[wide], losses[square])
verdict = better(losses[wide], losses[square])
words = {
    "yes": "is shown to be better",
    "no": "is shown to be worse",
    "not shown": "is not shown to differ",
}[verdict]
table(
    ("patch size", "numbers lost at least", "test loss (nats), mean of the seeds"),
    [(f"p = {p}", lost(1, p, embedding_width), f"{mean(losses[p]):.2f}") for p in embedded],
)
say(
    "Both keep every pixel, but p = {wide} **{words}**: its test loss is lower by {gap.mean:+.2f} "
    "nats ({gap.low:+.2f} to {gap.high:+.2f}, {seeds} seeds each).",
    wide=wide, words=words, gap=gap, seeds=seeds,
)  # fmt: skip

# %% [markdown]
# A difference here has nothing to do with lost pixels. What remains is what the model does with
# them: smaller patches mean more tokens, more comparisons between places, more computation for
# each pixel, a different start to learn from, and a learning rate that was chosen at one patch size
# and may suit another less. Which of these it is, later lessons take apart; what it costs comes
# first.

# %% tags=["collapse"]
keep(
    photographs=len(pictures),
    width=width,
    share=share,
    tiny=tiny,
    lossless=", ".join(map(str, lossless)),
    double=max(float(worst[p][0]) for p in lossless),
    single=max(float(worst[p][1]) for p in lossless),
    equal="; ".join(f"{one.mean:.1f} at p = {p}" for p, one in means.items()),
    equal_words="; ".join(
        f"from p = {a} to p = {b} the larger patch is {word} ({gain.low:+.1f} to {gain.high:+.1f} dB)"
        for (a, b), (gain, word) in neighbours.items()
    ),
    turned_words="; ".join(
        f"from p = {a} to p = {b} the smaller patch is {word} ({gain.low:+.1f} to {gain.high:+.1f} dB)"
        for (a, b), (gain, word) in turned.items()
    ),
    steps=steps,
    seeds=seeds,
    kept_before=mean(start_kept),
    kept_after=mean(end_kept),
    kept_best=best[narrow],
    change_low=change.low,
    change_high=change.high,
    gap_low=gap.low,
    gap_high=gap.high,
    words=words,
    square_loss=mean(losses[square]),
    wide_loss=mean(losses[wide]),
)

# %% [markdown]
# ## What you should see

# %% tags=["collapse"]
say_recorded(
    "02_what_a_patch_loses",
    "With D = {tiny} nothing is lost at p = {lossless}: the picture came back to within "
    "{double:.0e} grey levels, {single:.0e} in single precision. Keeping one number in {share}, "
    "the best linear code, fitted on other photographs, reached a mean PSNR (dB) of {equal} over "
    "{photographs} photographs; {equal_words}. At d = {width} for every patch, {turned_words}. After "
    "{steps} steps with {seeds} seeds the embedding at p = 16 kept {kept_after:.3f} of the variance, "
    "{kept_before:.3f} before training (change {change_low:+.3f} to {change_high:+.3f}), the best "
    "code {kept_best:.3f}. Where nothing is lost, the test loss was {square_loss:.2f} nats at p = 8 "
    "and {wide_loss:.2f} at p = 4, larger minus smaller {gap_low:+.2f} to {gap_high:+.2f}: the "
    "smaller patch {words}.",
)

# %% [markdown]
# ## Limits of this result
#
# - The codes are linear and see one patch at a time. A coder that looks at neighbouring patches,
#   or a nonlinear one, keeps more with equally many numbers.
# - One learning rate serves all patch sizes; it was chosen at p = 4, in a later lesson.
# - All numbers of a code count alike here, however many digits they need. Counted in bits the
#   comparison may come out differently.
# - There are few photographs, some of them grey, and a code for large patches is learned from
#   few patches: how far it falls behind on photographs it has not seen depends on that.
#   Neighbouring patch sizes are compared several times over, each with its own interval.
# - The trained embeddings come from short runs of a small model on crops of a few scenes. Longer
#   runs move the weights further.
# - That two patch sizes which lose nothing end at different losses shows that something else is
#   at work. It does not show that losing pixels does no harm where they are lost.
#
# ## Next
#
# [What a token costs](03_what_a_token_costs.ipynb): smaller patches give a model more tokens, and
# each of them has its price.
