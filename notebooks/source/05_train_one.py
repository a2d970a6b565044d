# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
#   labkit:
#     number: "05"
#     title: Train one
#     summary: Train both architectures on real photographs and ask, with several seeds, if smaller patches help.
#     builds_on: ["01", "04"]
#     objectives:
#       - text: write a learning rate that warms up and then falls, as a function of the step
#         check: 05-schedule
#       - text: measure accuracy on crops that were never trained on
#         check: 05-accuracy
#       - text: say with several seeds whether a difference is shown
#         check: 05-interval
#       - text: tell what a short training run can and cannot say about patch sizes
#         check: 05-predict
#     working_minutes: 45
#     measures_time: false
#     timeout_seconds: 900
#     parameters:
#       patch_size:
#         type: int
#         choices: [1, 2, 4, 8]
#         about: the smaller patch, compared with p = 16
#       steps:
#         type: int
#         low: 4
#         high: 100000
#         full: 1200
#         about: training steps of each run
#       seeds:
#         type: int
#         low: 1
#         high: 20
#         full: 5
#         about: runs of each patch size in the comparison
#       learning_rate:
#         type: float
#         low: 0.000001
#         high: 0.1
#         about: peak learning rate of the comparison
#       baseline_crops:
#         type: int
#         low: 500
#         high: 100000
#         full: 20000
#         about: training crops of the power-spectrum baseline
# ---

# %% [markdown]
# # Train one
#
# You know how an image becomes tokens. Now a vision transformer learns from them, here,
# while you watch. The task is small enough for a laptop and made of real photographs: from
# a crop of a few pixels, tell **which photograph** it was cut from. Then the question of
# this lab is asked for the first time: does a smaller patch help? With seeds, and with a
# verdict that is allowed to say *not shown*.

# %% tags=["parameters"]
patch_size = 4
steps = 150
seeds = 3
learning_rate = 0.003
baseline_crops = 6000

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
    show,
    start,
    table,
)

start("05")

# %% [markdown]
# ## The task: textures
#
# Crops come from strips of each photograph that never touch: one strip to train on, one to
# look at while training, one to test on, with a guard strip as wide as a crop between them.
# Each crop is dithered and then standardised, so that neither brightness nor contrast tells
# the photographs apart; what is left is texture. Training crops are fresh at every step, so
# there is nothing to learn by heart.

# %%
from labkit.data.textures import textures
from labkit.figures.crops import crops_figure

task = textures(16)
images, labels = task.test()
show(
    crops_figure(
        images,
        labels,
        task.classes,
        title=f"Test crops, {task.image_size} × {task.image_size} pixels each",
    )
)

# %%
import math

chance = math.log(len(task.classes))
say(
    "{data}. A model that knows nothing has accuracy {accuracy:.3f} and, spreading its "
    "bets evenly, a loss of {chance:.2f} nats.",
    data=task.data, accuracy=1 / len(task.classes), chance=chance,
)  # fmt: skip

# %% [markdown]
# ## Exercise: the learning rate
#
# A large step early, with weights that are still random, throws a model off; a large step
# late keeps it from settling. So the rate climbs for the first `climb` steps in a straight
# line, $\frac{s+1}{\text{climb}}$ of the peak at step $s$, and then falls along half a
# cosine: $\frac{1}{2}\left(1 + \cos \pi t\right)$ of the peak, where $t = \frac{s -
# \text{climb} + 1}{\text{steps} - \text{climb} + 1}$. Steps count from zero.

# %% tags=["worked"]
# A worked example: a peak of 8, reached in 4 steps; then half a cosine, at t = 0,
# 1/2 and 1.
climbing = [8 * k / 4 for k in (1, 2, 3, 4)]
falling = [round(8 / 2 * (1 + math.cos(math.pi * t)), 2) for t in (0, 1 / 2, 1)]
say("It climbs {up}, and falls {down}.", up=climbing, down=falling)

# %% tags=["collapse"]
hints("05-schedule")


# %% tags=["exercise"]
def my_schedule(step, steps, peak, climb):
    # BEGIN SOLUTION
    if step < climb:
        return peak * (step + 1) / climb
    t = (step - climb + 1) / (steps - climb + 1)
    return peak * 0.5 * (1 + math.cos(math.pi * t))
    # END SOLUTION


# %%
schedule = answer("05-schedule", my_schedule)

# %%
climb = max(1, steps // 10)
marks = sorted({0, climb // 2, climb - 1, steps // 2, steps - 1})
table(
    ("step", "learning rate"),
    [(s, f"{schedule(s, steps, learning_rate, climb):.2e}") for s in marks],
)

# %% [markdown]
# ## One run
#
# The whole configuration is one object, `Run`; `train` goes through the steps and shows its
# loss and the time that is left.

# %%
from labkit.config import Run
from labkit.train import train

run = Run(patch_size=patch_size, steps=steps, learning_rate=learning_rate)
first = train(run)

# %%
shown = (
    "tokens",
    "parameters",
    "flops_per_image",
    "train_flops",
    "train_loss",
    "test_loss",
    "test_accuracy",
    "seconds",
)
table(("of this run", "value"), [(key, f"{first.record[key]:,.4g}") for key in shown])

# %% [markdown]
# ## How large should the steps be?
#
# The same run at several learning rates. Move the slider: the chosen run stands in front, the
# others behind it in grey. The dotted line with diamonds is the loss on validation crops,
# which the model never trains on; it decides which rate is best. (The test crops are looked
# at only at the end, and never to choose anything.)

# %%
from dataclasses import replace

from labkit.figures.curves import curves_figure

rates = (1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2)
searched = {rate: train(replace(run, learning_rate=rate)).curve for rate in rates}
curves = {f"learning rate {rate:g}": curve for rate, curve in searched.items()}
validation = {rate: curve[-1]["validation_loss"] for rate, curve in searched.items()}
best = min(validation, key=validation.get)
Slider(
    "learning rate",
    rates,
    lambda rate: curves_figure(curves, f"learning rate {rate:g}", chance=chance),
    start=best,
).show()

# %%
say(
    "Best on the validation crops after {steps} steps: **{best:g}**, with {loss:.2f} "
    "nats. One seed each: this finds the right order of magnitude and cannot tell "
    "neighbours apart.",
    steps=steps, best=best, loss=validation[best],
)  # fmt: skip

# %% [markdown]
# ## Stop and go on
#
# A long run must survive a laptop that is shut. With a folder, `train` writes checkpoints:
# the weights, the optimizer's memory, the step. Everything random is a function of the seed
# and the step, so a run that was stopped and started again ends **bit for bit** where it
# would have ended. Here half of the steps are taken, the model is thrown away, and the run
# is asked for again.

# %%
import tempfile
from pathlib import Path

with tempfile.TemporaryDirectory() as folder:
    kept = replace(run, folder=Path(folder), checkpoint_every=max(1, steps // 3))
    train(kept, stop_at=steps // 2)
    resumed = train(kept)
pairs = list(
    zip(first.model.state_dict().values(), resumed.model.state_dict().values(), strict=True)
)
differing = sum(int((a != b).sum()) for a, b in pairs)
say(
    "Of {count:,} weights, {differing} differ between the run that was stopped and the "
    "one that was not.",
    count=sum(a.numel() for a, _ in pairs), differing=differing,
)  # fmt: skip

# %% [markdown]
# On a CPU the difference is nothing at all. On a GPU some sums are taken in another order
# from run to run, and the last digits move.

# %% [markdown]
# ## Exercise: accuracy
#
# `logits` has shape (B, K), one row an image and one column a class; `labels` has the right
# class of each. Return the share of images whose largest logit is the one of their label.

# %% tags=["worked"]
# A worked example: three images, two classes.
three_images, their_classes = [[2.0, 1.0], [0.5, 3.0], [1.0, 0.0]], [0, 1, 1]
picked = [row.index(max(row)) for row in three_images]
hits = sum(a == b for a, b in zip(picked, their_classes, strict=True))
say(
    "Picked: {picked}; right would be {right}. **{hits} of 3** are right.",
    picked=picked,
    right=their_classes,
    hits=hits,
)

# %% tags=["collapse"]
hints("05-accuracy")


# %% tags=["exercise"]
def my_accuracy(logits, labels):
    # BEGIN SOLUTION
    return (logits.argmax(dim=1) == labels).float().mean().item()
    # END SOLUTION


# %%
accuracy = answer("05-accuracy", my_accuracy)

# %%
from labkit.train import predictions

say(
    "Your function on the run above: **{accuracy:.3f}** on {count} test crops.",
    accuracy=accuracy(*predictions(first.model, task.test())), count=len(labels),
)  # fmt: skip

# %% [markdown]
# ## Predict: does a smaller patch help, this soon?

# %%
prediction = predict("05-predict", small=patch_size, steps=steps, seeds=seeds)

# %% [markdown]
# ## Run: several seeds

# %%
small_name, large_name = f"p = {patch_size}", "p = 16 (one token)"


def seed_by_seed_runs(run, tell):
    """Both patch sizes, all seeds; how far it is, and no loss yet."""
    found = {large_name: [], small_name: []}
    for seed in range(seeds):
        for name, p in ((large_name, 16), (small_name, patch_size)):
            found[name].append(train(replace(run, patch_size=p, seed=seed), progress=False))
        tell((seed + 1) / seeds, f"{seed + 1} of {seeds} seeds")
    return found


runs = seed_by_seed_runs(run, progress("ViT"))
losses = {name: [one.record["test_loss"] for one in several] for name, several in runs.items()}

# %%
from labkit.figures.curves import classes_figure, seeds_figure
from labkit.stats import better, mean

verdict = better(losses[small_name], losses[large_name])
words = {
    "yes": "is shown to be better",
    "no": "is shown to be worse",
    "not shown": "is not shown to differ",
}[verdict]
title = f"After {steps} steps, p = {patch_size} {words}"
by_seed = seeds_figure(losses, quantity="test loss (nats)", title=title)

# %% [markdown]
# ## Exercise: the interval of a difference
#
# Given the test losses of the large and of the small patch, one number a seed, return the
# lower and the upper end of the confidence interval, at the level that `labkit.stats` takes
# by default, of *how much lower the small patch's loss is*: the mean of `large` minus the
# mean of `small`, plus and minus a factor times its standard error $\sqrt{s_l^2/n_l +
# s_s^2/n_s}$. The seeds of the two are independent and their spreads may differ, so the
# factor is Welch's; `labkit.stats.difference(a, b)` gives the interval of `b - a`, with
# ends `low` and `high`.

# %% tags=["worked"]
# A worked example: the interval of one mean, of three losses.
import statistics

from labkit.stats import interval

three_losses = [2.0, 2.2, 2.1]
sure = interval(three_losses)
standard_error = statistics.stdev(three_losses) / 3**0.5
say(
    "The mean is {sure.mean:.2f}, its standard error {error:.3f}. With three values the factor is "
    "{factor:.2f}, so the interval goes from **{sure.low:.2f} to {sure.high:.2f}**.",
    sure=sure,
    error=standard_error,
    factor=(sure.high - sure.mean) / standard_error,
)

# %% tags=["collapse"]
hints("05-interval")


# %% tags=["exercise"]
def my_interval(large, small):
    # BEGIN SOLUTION
    from labkit.stats import difference

    found = difference(small, large)
    return found.low, found.high
    # END SOLUTION


# %%
interval_of_gain = answer("05-interval", my_interval)

# %% tags=["collapse"]
from labkit.figures.answers import Said


def answers_from(column, losses):
    """What each answer would have looked like, from the large patch's mean in `column` to the next."""
    level = mean(losses[large_name])
    step = max(0.1, *(abs(x - level) for several in losses.values() for x in several))
    places = (column + 0.15, column + 1.15)
    return {
        "a": Said("a higher loss", places, (level, level + step)),
        "b": Said("no difference", places, (level, level)),
        "c": Said("a lower loss", places, (level, level - step)),
    }


low, high = interval_of_gain(losses[large_name], losses[small_name])
evidence = (
    f"with {seeds} seeds each, large minus small patch is {low:+.2f} to {high:+.2f} nats."
)
if math.isinf(low):
    evidence = "one seed a side has no spread, so there is no interval."
outcome = {"yes": "c", "no": "a", "not shown": "b"}
prediction.reveal(outcome[verdict], evidence, by_seed, answers_from(0, losses))

# %% [markdown]
# ## Exercise, farther off: seed by seed
#
# Runs with the same seed see the same crops in the same order, whatever the patch. So `large[k]` and
# `small[k]` are not independent: a seed with easy crops lowers both. Return the interval of how much
# lower the small patch's loss is, **seed by seed**. `labkit.stats.interval(values)` gives the interval
# of the mean of one list, with ends `low` and `high`.

# %% tags=["collapse"]
hints("05-paired")


# %% tags=["exercise"]
def my_paired(large, small):
    # BEGIN SOLUTION
    from labkit.stats import interval

    gains = interval([a - b for a, b in zip(large, small, strict=True)])
    return gains.low, gains.high
    # END SOLUTION


# %%
paired_gain = answer("05-paired", my_paired)

# %%
seed_by_seed = paired_gain(losses[large_name], losses[small_name])
say(
    "Seeds apart: {low:+.2f} to {high:+.2f} nats. Seed by seed: {paired_low:+.2f} to {paired_high:+.2f}. "
    "With so few seeds either may be the narrower one; which of the two is asked for has to be settled "
    "before looking, and this lesson goes on with the first.",
    low=low,
    high=high,
    paired_low=seed_by_seed[0],
    paired_high=seed_by_seed[1],
)

# %% [markdown]
# ## The curves, patch size by patch size

# %%
sizes = sorted({16, 8, 4, 2, patch_size}, reverse=True)
known = {16: runs[large_name][0], patch_size: runs[small_name][0]}
by_size = {p: known.get(p) or train(replace(run, patch_size=p)) for p in sizes}
labels_of = {p: f"p = {p}" + (" (one token)" if p == 16 else "") for p in sizes}
size_curves = {labels_of[p]: one.curve for p, one in by_size.items()}
Slider(
    "patch size p",
    sizes,
    lambda p: curves_figure(size_curves, labels_of[p], chance=chance),
    start=patch_size,
).show()

# %%
table(
    ("one seed each", "tokens", "FLOPs of an image", "seconds", "test loss", "test accuracy"),
    [
        (labels_of[p], r["tokens"], f"{r['flops_per_image']:,}", f"{r['seconds']:.1f}",
        f"{r['test_loss']:.2f}", f"{r['test_accuracy']:.3f}") for p, r in ((p, one.record)
        for p, one in by_size.items()) ], )  # fmt: skip

# %% [markdown]
# A smaller patch costs more at every step. Whether it is worth its price is the question of
# a later lesson; here all runs take equally many steps, not equally many seconds.

# %% [markdown]
# ## The other architecture
#
# Is it attention that gains from finer tokens? Adventurer has none: a state-space layer reads
# the tokens one by one. Same width, same depth, same head, same loop, same learning rate, same
# seeds; only the blocks differ.
#
# ### Predict

# %%
other_prediction = predict("05-other", small=patch_size, steps=steps, seeds=seeds)

# %% [markdown]
# ### Run

# %%
other = replace(run, model="adventurer")
other_runs = seed_by_seed_runs(other, progress("Adventurer"))
other_losses = {
    name: [one.record["test_loss"] for one in several] for name, several in other_runs.items()
}

# %%
other_verdict = better(other_losses[small_name], other_losses[large_name])
between = better(other_losses[small_name], losses[small_name])
both = {
    f"{model}, p = {p}": found[name]
    for model, found in (("ViT", losses), ("Adventurer", other_losses))
    for name, p in ((large_name, 16), (small_name, patch_size))
}
other_words = {
    "yes": "is shown to be better",
    "no": "is shown to be worse",
    "not shown": "is not shown to differ",
}[other_verdict]
title = f"After {steps} steps, Adventurer at p = {patch_size} {other_words}"
by_model = seeds_figure(both, quantity="test loss (nats)", title=title)

# %% tags=["collapse"]
other_low, other_high = interval_of_gain(other_losses[large_name], other_losses[small_name])
evidence = f"large minus small patch is {other_low:+.2f} to {other_high:+.2f} nats."
if math.isinf(other_low):
    evidence = "one seed a side has no spread, so there is no interval."
other_prediction.reveal(
    outcome[other_verdict], evidence, by_model, answers_from(2, other_losses)
)

# %%
architecture = {
    "yes": "is shown to be better than",
    "no": "is shown to be worse than",
    "not shown": "is not shown to differ from",
}[between]
say(
    "At p = {p} and equal steps, Adventurer {words} the ViT. That compares two recipes, not two "
    "ideas: it trains {a:,} numbers and the ViT {v:,}, and an image takes {ratio:.1f} times the FLOPs.",
    p=patch_size, words=architecture,
    a=other_runs[small_name][0].record["parameters"], v=first.record["parameters"],
    ratio=other_runs[small_name][0].record["flops_per_image"] / first.record["flops_per_image"],
)  # fmt: skip

# %% [markdown]
# ## Has it learned anything?
#
# A strong simple baseline keeps one honest. The **power spectrum** of a crop says how much of
# each frequency it holds, and nothing of where anything is. A random forest sees power spectra
# and nothing else, no transformer at all.
#
# How sure is the comparison? Crops of one photograph hang together, so they are not counted one
# by one: whole photographs are drawn again and again (a **block bootstrap**). The interval says
# how the result would move with other photographs of this kind.

# %%
from labkit.baselines import spectrum_accuracy
from labkit.stats import block_interval

spectrum = spectrum_accuracy(task, crops=baseline_crops)
by_class = {
    name: {
        one: mean([r.record["class_accuracy"][one] for r in several]) for one in task.classes
    }
    for name, several in runs.items()
}
rows = [("knows nothing", f"{1 / len(task.classes):.3f}", "", "")]
for name, scores in {**by_class, "power spectrum": spectrum}.items():
    found = block_interval(list(scores.values()))
    rows.append((name, f"{found.mean:.3f}", f"{found.low:.3f}", f"{found.high:.3f}"))
table(("who", "test accuracy", "lower end", "upper end"), rows)

# %%
gain = block_interval([by_class[small_name][one] - spectrum[one] for one in task.classes])
against = (
    "beats" if gain.low > 0 else "stays behind" if gain.high < 0 else "is not shown to beat"
)
say(
    "After {steps} steps the ViT at p = {p} {words} the power spectrum: its accuracy minus the "
    "baseline's, photograph by photograph, is {gain.mean:+.3f} ({gain.low:+.3f} to {gain.high:+.3f}).",
    steps=steps, p=patch_size, words=against, gain=gain,
)  # fmt: skip

# %% [markdown]
# ## Which photographs carry it?
#
# An average hides who pays for it. The same accuracy, photograph by photograph:

# %%
show(classes_figure(by_class, title=f"Test accuracy by photograph, mean of {seeds} seeds"))

# %% tags=["collapse"]
keep(
    patch_size=patch_size,
    steps=steps,
    seeds=seeds,
    best_rate=best,
    differing=differing,
    large_loss=mean(losses[large_name]),
    small_loss=mean(losses[small_name]),
    other_large_loss=mean(other_losses[large_name]),
    other_small_loss=mean(other_losses[small_name]),
    other_low=other_low,
    other_high=other_high,
    architecture=architecture,
    low=low,
    high=high,
    words=words,
    large_accuracy=mean(list(by_class[large_name].values())),
    small_accuracy=mean(list(by_class[small_name].values())),
    spectrum=mean(list(spectrum.values())),
    against=against,
    worst_class=min(by_class[small_name].values()),
    best_class=max(by_class[small_name].values()),
)

# %% [markdown]
# ## What you should see

# %% tags=["collapse"]
say_recorded(
    "05_train_one",
    "After {steps} steps with {seeds} seeds the test loss was {large_loss:.2f} nats at p = 16 and "
    "{small_loss:.2f} at p = {patch_size}, large minus small {low:+.2f} to {high:+.2f}: the smaller "
    "patch {words}. Adventurer gave {other_large_loss:.2f} and {other_small_loss:.2f}, large minus "
    "small {other_low:+.2f} to {other_high:+.2f}, and at p = {patch_size} {architecture} the ViT. "
    "Accuracies of the ViT were {large_accuracy:.3f} and {small_accuracy:.3f}, that of the power "
    "spectrum {spectrum:.3f}; the smaller patch {against} it. By photograph it went from "
    "{worst_class:.2f} to {best_class:.2f}. The best learning rate was {best_rate:g}, and {differing} "
    "weights differed after stopping and going on.",
)

# %% [markdown]
# ## Limits of this result
#
# - The budget is tiny. Smaller patches need more steps before they pay, and where the
#   curves cross is the subject of a later lesson: the law is a statement about trained
#   models.
# - At $p = 16$ the crop is a single token, so nothing is mixed at all: the comparison is
#   also one of *some mixing* with *none*.
# - One learning rate serves all patch sizes and both architectures, and it was chosen on the ViT
#   with the smaller patch. The others might do better at a rate of their own.
# - Equal width and depth are not equal size: Adventurer's blocks hold more numbers and take more
#   work.
# - Test crops come from a handful of scenes. The seeds say how much *training* varies; they do
#   not say how the result would carry over to other photographs.
#
# ## Next
#
# Change the parameters at the top and run the lesson again, or from a shell:
# `papermill notebooks/05_train_one.ipynb out.ipynb -p patch_size 2`.
