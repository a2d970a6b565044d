# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
#   labkit:
#     number: "08"
#     title: Equal compute
#     summary: The same losses over FLOPs and over seconds, what one amount of compute buys at each patch size, a finer patch or a wider model, the paper's tables with their costs, the noise of a test set, and two things that changed together with the patch.
#     builds_on: ["03", "06"]
#     objectives:
#       - text: read off what one amount of compute buys
#         check: 08-at-cost
#       - text: find the settings that nothing cheaper beats
#         check: 08-front
#       - text: hold a difference of accuracies against the noise of its test set
#         check: 08-noise
#       - text: say where a smaller patch is the best buy, and where another is
#         check: 08-buy
#     working_minutes: 45
#     measures_time: true
#     timeout_seconds: 900
#     parameters:
#       test_images:
#         type: int
#         low: 100
#         high: 10000000
#         about: images of the test set whose noise is computed; ImageNet's has fifty thousand
# ---

# %% [markdown]
# # Equal compute
#
# A smaller patch makes more tokens, and more tokens cost more. Whoever compares patch sizes at the same
# number of *steps* gives the smaller patch many times the compute, and may be comparing budgets instead
# of patches. Compute can be spent otherwise: on more steps, a wider model, a larger image. This lesson asks
# **what is the best buy?**, of our own recorded runs and of the paper's tables.

# %% tags=["parameters"]
test_images = 50_000

# %%
from labkit.lesson import (
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

start("08")

# %% [markdown]
# ## Three ways to pay
#
# The recorded losses of the lesson on scaling runs, over three kinds of cost. **Steps** count nothing of what a
# step takes. **Model FLOPs** count its multiply-adds, whatever machine computes them. **Seconds** are what one
# core of this machine takes for a step, measured now.

# %%
from labkit.config import Run
from labkit.scaling import budgets, losses_of, sizes
from labkit.sweep import predict as predict_cost
from labkit.sweep import recorded_runs

lines = recorded_runs("grid")
image_size = lines[0]["image_size"]
titles = {"vit": "ViT", "adventurer": "Adventurer"}
surfaces = {
    title: losses_of([line for line in lines if line["model"] == name])
    for name, title in titles.items()
}
patch_sizes = sizes(surfaces["ViT"])
runs = [
    Run(model=name, patch_size=p, image_size=image_size) for name in titles for p in patch_sizes
]
measured = predict_cost(runs).kinds
seconds = {title: {} for title in titles.values()}
for kind in measured:
    seconds[titles[kind.runs[0].model]][kind.runs[0].patch_size] = kind.step
flops = {
    title: {line["patch_size"]: line["train_flops"] // line["steps"] for line in lines if line["model"] == name}
    for name, title in titles.items()
}  # fmt: skip
table(
    ("model", "p", "tokens", "model FLOPs of a step", "times p = 16", "milliseconds of a step", "times p = 16"),
    [
        (title, p, (image_size // p) ** 2, f"{flops[title][p]:.2e}", f"{flops[title][p] / flops[title][16]:,.1f}",
         f"{1000 * seconds[title][p]:,.1f}", f"{seconds[title][p] / seconds[title][16]:,.1f}")
        for title in titles.values() for p in patch_sizes
    ],
)  # fmt: skip

# %% [markdown]
# The two ratios differ. Where tokens are few, a machine spends much of a step on what FLOPs do not count: fetching
# crops, starting operations, the optimizer. There a smaller patch is cheaper in seconds than in FLOPs.

# %%
per_step = {
    "steps": {title: dict.fromkeys(by_p, 1) for title, by_p in flops.items()},
    "FLOPs": flops,
    "seconds": seconds,
}
in_words = {
    "steps": "training steps",
    "FLOPs": "model FLOPs of training",
    "seconds": "seconds of training",
}

# %% [markdown]
# Over steps, curves that stand one above the other have had unequal compute. Over FLOPs they move apart to the right,
# by what a halving costs: a curve that lay lowest may then lie far behind. Which one is lowest **at the same place on
# the axis**?
#
# ## Predict: one amount for all

# %%
amounts = [steps for p, steps in surfaces["ViT"] if p == 4]


def within(per_step, title, p, cost):
    """Whether a cost lies between the cheapest and the dearest run of a patch size."""
    paid = [per_step[title][p] * steps for size, steps in surfaces[title] if size == p]
    return min(paid) <= cost <= max(paid)


asked = max(
    amounts,
    key=lambda steps: (sum(within(flops, "ViT", p, flops["ViT"][4] * steps) for p in patch_sizes), steps),
)  # fmt: skip
prediction = predict(
    "08-equal", steps=f"{asked:,}",
    sizes=", ".join(str(p) for p in patch_sizes if within(flops, "ViT", p, flops["ViT"][4] * asked)),
)  # fmt: skip

# %% [markdown]
# ## At equal cost
#
# Nothing was run at exactly equal cost, but budgets stand close enough to read between them: on a straight line over
# the **logarithm** of the cost, because budgets grow by factors.

# %% tags=["worked"]
# A worked example: half-way between two costs is where their ratio is halved, not their difference.
import math

half_way = math.sqrt(100 * 400)
say(
    "Between costs of 100 and 400, half-way is {cost:.0f}; losses of 2.0 and 1.0 give **1.5** there.",
    cost=half_way,
)

# %% [markdown]
# ## Exercise: read between two budgets
#
# Given growing `costs`, the `losses` there, and a `cost` between the first and the last of them, return the loss
# that it buys.

# %% tags=["collapse"]
hints("08-at-cost")


# %% tags=["exercise"]
def my_at_cost(costs, losses, cost):
    # BEGIN SOLUTION
    import numpy as np

    return float(np.interp(np.log(cost), np.log(costs), losses))
    # END SOLUTION


# %%
buys = answer("08-at-cost", my_at_cost)

# %%
from labkit.figures.compute import equal_figure
from labkit.scaling import gain, shown
from labkit.stats import interval


def bought(per_step, title, p, cost):
    """The loss that a cost buys at one patch size, by seed; nothing where it lies beyond what was run."""
    if not within(per_step, title, p, cost):
        return {}
    here = [steps for steps in budgets(surfaces[title]) if (p, steps) in surfaces[title]]
    costs = [per_step[title][p] * steps for steps in here]
    above = next(k for k, one in enumerate(costs) if one >= cost)
    here, costs = here[max(above - 1, 0) : above + 1], costs[max(above - 1, 0) : above + 1]
    seeds = set.intersection(*(set(surfaces[title][p, steps]) for steps in here))
    return {
        seed: buys(costs, [surfaces[title][p, steps][seed] for steps in here], cost) for seed in sorted(seeds)
    }  # fmt: skip


def at_equal_cost(per_step, steps):
    """For each model and p the losses by seed that the cost of so many steps of p = 4 buys."""
    return {
        title: {p: bought(per_step, title, p, per_step[title][4] * steps) for p in patch_sizes}
        for title in titles.values()
    }  # fmt: skip


equal = {
    paid: {steps: at_equal_cost(per_step[paid], steps) for steps in amounts}
    for paid in ("FLOPs", "seconds")
}
every = [
    loss
    for by_amount in equal.values() for by_model in by_amount.values() for by_p in by_model.values()
    for seeds in by_p.values() for loss in seeds.values()
]  # fmt: skip
spread = [min(every), max(every)]


def figure_at(paid, steps, only=None):
    """What the FLOPs or seconds of so many steps of p = 4 buy at each patch size."""
    found = {
        title: {p: interval(list(seeds.values())) if seeds else None for p, seeds in by_p.items()}
        for title, by_p in equal[paid][steps].items() if only in (None, title)
    }  # fmt: skip
    return equal_figure(
        found,
        measure=in_words[paid],
        amount=f"the {paid} of p = 4 for {steps:,} steps",
        spread=spread,
        image_size=image_size,
    )


# %% tags=["collapse"]
from labkit.figures.answers import Said
from labkit.stats import mean

vit_bought = {
    p: mean(list(seeds.values())) for p, seeds in equal["FLOPs"][asked]["ViT"].items() if seeds
}
lowest = min(vit_bought, key=vit_bought.get)
ends = max(vit_bought), min(vit_bought)
below, above = spread[0], spread[1]
prediction.reveal(
    "b" if lowest == ends[0] else "a" if lowest == ends[1] else "c",
    "at the FLOPs of p = 4 for {:,} steps, the ViT's losses are {}.".format(asked, ", ".join(f"{loss:.2f} at p = {p}" for p, loss in vit_bought.items())),
    figure_at("FLOPs", asked, only="ViT"),
    {
        "a": Said("smallest patch lowest", ends, [above, below]),
        "b": Said("largest patch lowest", ends, [below, above], at=0),
        "c": Said("one in between lowest", [ends[0], (ends[0] * ends[1]) ** 0.5, ends[1]], [above, below, above], at=1),
    },
)  # fmt: skip

# %% [markdown]
# The curves behind it: move the slider from one kind of cost to the next.

# %%
from labkit.figures.compute import budget_figure

Slider(
    "paid in",
    list(per_step),
    lambda paid: budget_figure(surfaces, per_step[paid], in_words[paid], image_size=image_size),
).show()

# %% [markdown]
# Now at equal amounts. Move the slider: the amount grows. Patch sizes that would need less than their shortest run, or more than their
# longest, are missing there.

# %%
Slider(
    "as many FLOPs as p = 4 for steps",
    amounts,
    lambda steps: figure_at("FLOPs", steps),
    start=asked,
).show()

# %%
Slider(
    "as many seconds as p = 4 for steps",
    amounts,
    lambda steps: figure_at("seconds", steps),
    start=asked,
).show()

# %%
words = {
    "yes": "shown to be better",
    "no": "shown to be worse",
    "not shown": "not shown to differ",
}
rows, verdicts = [], {paid: {} for paid in equal}
for paid, by_steps in equal.items():
    for steps, by_model in by_steps.items():
        for title, by_p in by_model.items():
            for p in patch_sizes[:-1]:
                large, small = by_p[p], by_p[p // 2]
                if large and small:
                    found, verdict = gain(large, small), shown(large, small)
                    verdicts[paid].setdefault((title, p), []).append(verdict)
                    rows.append((paid, f"{steps:,}", title, f"{p} to {p // 2}", f"{found.mean:+.3f}",
                                 f"{found.low:+.3f} to {found.high:+.3f}", words[verdict]))  # fmt: skip
table(
    (
        "equal",
        "as p = 4 for steps",
        "model",
        "p",
        "gain, nats",
        "95 % interval",
        "smaller patch",
    ),
    rows,
)

# %%
for paid, by_pair in verdicts.items():
    say(
        "At equal **{paid}**, how often the smaller patch is shown to be better: {told}.",
        paid=paid,
        told="; ".join(
            f"{title} {p} to {p // 2} at {some.count('yes')} of {len(some)} amounts (worse at {some.count('no')})"
            for (title, p), some in sorted(by_pair.items(), key=lambda one: (one[0][0] != "ViT", -one[0][1]))
        ),
    )  # fmt: skip

# %% [markdown]
# ## The paper's tables, with their costs
#
# The paper prints accuracies for patch sizes, model sizes and image sizes, but no FLOPs beside them. They follow from
# the shapes. Multiply-adds of one image, forward, are half the model FLOPs.
#
# ## Predict: finer or wider?

# %%
buy_prediction = predict("08-buy")

# %%
from labkit.cost import model_flops, published
from labkit.data.paper import paper_table
from labkit.scaling import noise_of_accuracy, noise_of_difference


def setting(row):
    """Model, size, image size and patch size of a row of the paper's tables."""
    model, size = row["model"].split("-")
    return (
        "vit" if model == "DeiT" else "adventurer",
        size.lower(),
        int(row["input"]),
        int(row["patch_size"]),
    )


def macs(model, size, pixels, p):
    """Multiply-adds of one image, forward."""
    return model_flops(published(model, size, image_size=pixels, patch_size=p)) // 2


def named(one):
    """The paper's name of a model."""
    return f"{'DeiT' if one[0] == 'vit' else 'Adventurer'}-{one[1].capitalize()}"


paper = {}
for row in (*paper_table(1), *paper_table(4)):
    paper[setting(row)] = row["top1"]
costs = {one: macs(*one) for one in paper}

# %% [markdown]
# A setting is worth its price if nothing at the same or a lower price is better. These settings are the **front**.

# %% tags=["worked"]
# A worked example: three settings with their costs and losses.
settings = {"A": (1, 30), "B": (2, 35), "C": (4, 20)}
beaten = [name for name, (cost, loss) in settings.items()
          if any(c <= cost and other < loss for c, other in settings.values())]  # fmt: skip
say(
    "{beaten} costs more than A and is worse: it is not on the front.",
    beaten=" and ".join(beaten),
)

# %% [markdown]
# ## Exercise: the front
#
# Given `costs` and `losses` of as many settings, in any order, return the list of the **indices** of those on the
# front, the cheapest first. A setting is on it if each one that costs less or as much has a higher loss. (No two have
# both in common.)

# %% tags=["collapse"]
hints("08-front")


# %% tags=["exercise"]
def my_front(costs, losses):
    # BEGIN SOLUTION
    found = []
    for k in sorted(range(len(costs)), key=lambda k: (costs[k], losses[k])):
        if not found or losses[k] < losses[found[-1]]:
            found.append(k)
    return found
    # END SOLUTION


# %%
on_front = answer("08-front", my_front)


# %%
from labkit.figures.compute import Point, front_figure


def points_of(model, pixels):
    """The paper's settings of one architecture at one image size, by model size."""
    groups = {name: [] for name in ("Tiny", "Small", "Base", "Large")}
    for one in sorted(paper, key=lambda one: costs[one]):
        if (one[0], one[2]) == (model, pixels):
            groups[one[1].capitalize()].append(Point(str(one[3]), costs[one], 100 - paper[one]))
    return groups


def paper_figure(pixels):
    """Adventurer's accuracy over multiply-adds at one image size."""
    return front_figure(
        points_of("adventurer", pixels), measure="multiply-adds of one image", quantity="top-1 accuracy (%)",
        title=f"<b>Adventurer, {pixels} pixels</b>: each point a patch size", flipped=True,
    )  # fmt: skip


# %% tags=["collapse"]
finer, wider = ("adventurer", "tiny", 224, 8), ("adventurer", "small", 224, 16)
noise = noise_of_difference(paper[wider], paper[finer], test_images)
truth = (
    "c"
    if abs(paper[finer] - paper[wider]) < 2 * noise
    else "a"
    if paper[finer] > paper[wider]
    else "b"
)
buy_prediction.reveal(
    truth,
    f"Tiny at p = 8 has {paper[finer]} percent for {costs[finer]:.2e} multiply-adds, Small at p = 16 {paper[wider]} percent "
    f"for {costs[wider]:.2e}.",
    paper_figure(224),
    {
        "a": Said("Tiny, p = 8, higher", [costs[finer]], [paper[wider]]),
        "b": Said("Small, p = 16, higher", [costs[wider]], [paper[wider]]),
        "c": Said("about the same", [costs[finer]], [paper[finer]]),
    },
    also=[
        table_text(
            ("model", "image, px", "p", "multiply-adds", "top-1, %"),
            [(named(one), *one[2:], f"{costs[one]:.2e}", paper[one])
             for one in sorted(paper, key=lambda one: (one[0], one[2], costs[one]))],
        )
    ],
)  # fmt: skip

# %%
Slider("image size", [128, 224], paper_figure, start=128).show()

# %%
adventurers = [one for one in paper if one[0] == "adventurer"]
best = {
    pixels: [
        [one for one in adventurers if one[2] == pixels][k]
        for k in on_front([costs[one] for one in adventurers if one[2] == pixels],
                          [100 - paper[one] for one in adventurers if one[2] == pixels])
    ]
    for pixels in (128, 224)
}  # fmt: skip
for pixels, some in best.items():
    say(
        "At {pixels} pixels {count} of {all} settings are on the front: {told}.",
        pixels=pixels, count=len(some), all=sum(one[2] == pixels for one in adventurers),
        told=", ".join(f"{size.capitalize()} p = {p}" for _, size, _, p in some),
    )  # fmt: skip

# %% [markdown]
# Now halving by halving: what does it bring, what does it cost, and what would have been the best of the *other*
# settings of that architecture for about the same price (two percent more at most): another size, another image, or
# both? Where the two lie within two standard errors of each other, as the test set has them, neither counts as the
# better buy. Larger images had more training too (a stage of their own, or two), so that they are not bought with
# multiply-adds of one image alone.

# %%
rows, bargains = [], {}
for one in sorted(paper, key=lambda one: (one[0], one[2], costs[one])):
    model, size, pixels, p = one
    halved = (model, size, pixels, p // 2)
    if halved not in paper:
        continue
    others = [other for other in paper
              if other[0] == model and costs[other] <= 1.02 * costs[halved] and other not in (one, halved)]  # fmt: skip
    other = max(others, key=lambda other: paper[other], default=None)
    if other is None:
        verdict, told = "nothing to compare", ""
    else:
        sure = 2 * noise_of_difference(paper[other], paper[halved], test_images)
        ahead = paper[halved] - paper[other]
        verdict = (
            "about the same"
            if abs(ahead) < sure
            else "the halving"
            if ahead > 0
            else "the other"
        )
        told = (
            f"{named(other)}, {other[2]} px, p = {other[3]}: {paper[other] - paper[one]:+.1f}"
        )
    bargains.setdefault(("DeiT" if model == "vit" else "Adventurer", p), []).append(verdict)
    rows.append((f"{named(one)}, {pixels} px", f"{p} to {p // 2}", f"{costs[halved] / costs[one]:.1f}",
                 f"{paper[halved] - paper[one]:+.1f}", told, verdict))  # fmt: skip
table(
    ("setting", "p", "times the cost", "points", "best other for the price", "better buy"), rows
)

# %%
bought_best = "; ".join(
    f"{model} {p} to {p // 2} in {some.count('the halving')} of {sum(one != 'nothing to compare' for one in some)} "
    f"(about the same in {some.count('about the same')})"
    for (model, p), some in bargains.items()
)
say("The halving is the better buy: {told}.", told=bought_best)

# %% [markdown]
# A larger image is another way to get more tokens. Where the paper has two settings of one model with **equally many
# tokens**, multiply-adds are the same but for the embedding, and one of them has the larger image. It also had twenty
# more epochs of training at the end, and for patches below the largest another crop in the evaluation.

# %%
rows, larger_wins = [], 0
for one in sorted(paper):
    model, size, pixels, p = one
    for other in sorted(paper):
        if other[:2] == one[:2] and other[2] > pixels and other[2] * p == pixels * other[3]:
            rows.append((named(one), (pixels // p) ** 2, f"{pixels} px, p = {p}: {paper[one]}",
                         f"{other[2]} px, p = {other[3]}: {paper[other]}", f"{paper[other] - paper[one]:+.1f}"))  # fmt: skip
            larger_wins += paper[other] > paper[one]
table(("model", "tokens", "smaller image", "larger image, larger patch", "points"), rows)
equal_tokens = len(rows)

# %%
say(
    "In {wins} of {all} pairs with equally many tokens the larger image with the larger patch has the higher accuracy.",
    wins=larger_wins, all=equal_tokens,
)  # fmt: skip

# %% [markdown]
# ## Finer or wider, here
#
# Compute can go into a wider model instead. The recorded sweep `widths` has the same task and as many steps at other
# widths. The rate of each width is the one with the lowest validation loss after a shorter training, averaged over the
# two largest patch sizes; at smaller ones it was searched for one width alone. Each mark below is a setting, and what
# stands on the grey line is the **front**: nothing that costs as much or less has a lower mean loss.

# %%
wide_lines = recorded_runs("widths")
wide_steps, wide_seeds = wide_lines[0]["steps"], {line["seed"] for line in wide_lines}
wide_losses, wide_flops = {}, {}
for line in (*lines, *wide_lines):
    if line["steps"] == wide_steps and line["seed"] in wide_seeds:
        place = titles[line["model"]], line["width"], line["patch_size"]
        wide_losses.setdefault(place, {})[line["seed"]] = line["test_loss"]
        wide_flops[place] = line["train_flops"]
widths = sorted({width for _, width, _ in wide_losses})


def settings_of(title):
    """The settings of one model, the cheapest first."""
    return sorted((one for one in wide_losses if one[0] == title), key=wide_flops.get)


def widths_figure(title):
    """Losses over FLOPs, a line for each width, and the front of all of them."""
    points = {
        f"width {width}": [
            Point(str(one[2]), wide_flops[one], found.mean, found)
            for one in settings_of(title) if one[1] == width
            for found in [interval(list(wide_losses[one].values()))]
        ]
        for width in widths
    }  # fmt: skip
    return front_figure(
        points, measure="model FLOPs of training", quantity="test loss (nats)",
        title=f"<b>{title}</b>, {wide_steps:,} steps: each point a patch size",
    )  # fmt: skip


Slider("model", list(titles.values()), widths_figure).show()

# %%
from labkit.figures.surface import with_reach
from labkit.scaling import beaten_by, front

BUYS = {"yes": "finer", "no": "wider", "not shown": "not shown"}
rows, wide_front, wide_beaten, buys = [], {}, {}, {}
for title in titles.values():
    some = settings_of(title)
    costs_here = [wide_flops[one] for one in some]
    losses_here = [wide_losses[one] for one in some]
    wide_front[title] = ", ".join(
        f"width {some[k][1]} p = {some[k][2]}"
        for k in front(costs_here, [mean(list(one.values())) for one in losses_here])
    )
    by = beaten_by(costs_here, losses_here)
    wide_beaten[title] = f"{sum(one is not None for one in by)} of {len(by)}"
    for one in sorted(some, key=lambda one: (one[1], -one[2])):
        two_ways = [(title, one[1], one[2] // 2), (title, 2 * one[1], one[2])]
        if all(other in wide_losses for other in two_ways):
            cells = []
            for other in two_ways:
                cells += [f"{wide_flops[other] / wide_flops[one]:.1f}",
                          with_reach(gain(wide_losses[one], wide_losses[other]), sign=True)]  # fmt: skip
            halved, doubled = (wide_losses[other] for other in two_ways)
            verdict = BUYS[shown(doubled, halved)]  # is the finer one better?
            buys.setdefault(f"from p = {one[2]}", []).append(verdict)
            rows.append((title, one[1], one[2], *cells, verdict))
table(
    (
        "model",
        "width",
        "p",
        "half the patch: times the FLOPs",
        "gain, nats",
        "twice the width: times the FLOPs",
        "gain, nats",
        "better buy",
    ),
    rows,
)
wide_buys = "; ".join(
    f"{start}: finer in {some.count('finer')}, wider in {some.count('wider')} of {len(some)}"
    for start, some in buys.items()
)
say("Shown to be the better buy, {told}.", told=wide_buys)
for title in titles.values():
    say(
        "**{title}**: on the front stand {front}; {beaten} settings are shown to be beaten by one that costs no more.",
        title=title, front=wide_front[title], beaten=wide_beaten[title],
    )  # fmt: skip

# %% [markdown]
# Halving the patch and doubling the width cost about the same, not exactly: two columns say how much. The verdict pairs
# the two by seed.

# %% [markdown]
# ## The noise of a test set
#
# An accuracy on a finite test set would be another one on other images. If images are independent, a share $a$ on $n$
# of them has the standard error $\sqrt{a (1 - a) / n}$. This says nothing yet of other seeds, of which the paper has
# none.

# %% tags=["worked"]
# A worked example: nine of ten right, on ten thousand images.
share = 0.9
error = 100 * math.sqrt(share * (1 - share) / 10_000)
say("Its standard error is {error:.2f} percentage points.", error=error)

# %% [markdown]
# ## Exercise, farther off: how many standard errors?
#
# `before` and `after` are two accuracies in **percent**, each on `images` independent images. Return their difference,
# after minus before, in units of **its** standard error: the squares of both errors add up.

# %% tags=["collapse"]
hints("08-noise")


# %% tags=["exercise"]
def my_noise(before, after, images):
    # BEGIN SOLUTION
    a, b = before / 100, after / 100
    return (b - a) / ((a * (1 - a) + b * (1 - b)) / images) ** 0.5
    # END SOLUTION


# %%
in_errors = answer("08-noise", my_noise)

# %%
rows, unsure = [], {}
for one in sorted(paper, key=lambda one: (one[0], one[1], one[2], -one[3])):
    model, size, pixels, p = one
    halved = (model, size, pixels, p // 2)
    if halved in paper:
        found = in_errors(paper[one], paper[halved], test_images)
        unsure.setdefault(p, []).append(abs(found) < 2)
        rows.append((f"{named(one)}, {pixels} px", f"{p} to {p // 2}", f"{paper[halved] - paper[one]:+.1f}",
                     f"{noise_of_accuracy(paper[halved], test_images):.2f}", f"{found:+.1f}"))  # fmt: skip
table(
    (
        "setting",
        "p",
        "points",
        "standard error of one, points",
        "difference in its standard errors",
    ),
    rows,
)

# %%
say(
    "Less than two standard errors: {told}. Both accuracies are of the *same* images, which makes their difference surer than "
    "this; how much surer depends on how often the two models disagree, which is not printed. But one seed each, "
    "and the best checkpoint picked on the test images, make it less sure.",
    told="; ".join(f"{p} to {p // 2} in {sum(some)} of {len(some)}" for p, some in unsure.items()),
)  # fmt: skip

# %% [markdown]
# ## Two things that changed with the patch
#
# **The crop.** The authors' evaluation cuts the middle out of an image where patches are large, and takes all of it
# where they are small. **The positions.** A learned position is a vector for each token, so that a model of single
# pixels has many more parameters, though it is called by the same name.

# %%
from labkit.cost import parameter_count
from labkit.data.folders import default_crop

rows, share_of = [], {}
for p in (16, 8, 4, 2, 1):
    shape = published("adventurer", "base", patch_size=p)
    count, places = parameter_count(shape), shape.length * shape.width
    share_of[p] = places / count
    rows.append(
        (
            p,
            f"{default_crop(224, p):g}",
            f"{count / 1e6:.1f}",
            f"{places / 1e6:.1f}",
            f"{100 * share_of[p]:.1f}",
        )
    )
table(
    (
        "p",
        "share of the side that is evaluated",
        "millions of parameters",
        "of them positions",
        "percent",
    ),
    rows,
)

# %% [markdown]
# Part of the step from the first row to the second may be the crop; part of the last steps may be parameters. Neither
# can be told from the tables. In our own runs the whole crop is seen at every patch size, and positions count in the
# parameters that each record holds.

# %% tags=["collapse"]
flop_told, second_told = (
    "; ".join(
        f"{title} {p} to {p // 2}: {some.count('yes')} of {len(some)}"
        for (title, p), some in by_pair.items()
    )
    for by_pair in verdicts.values()
)
keep(
    flops_better=flop_told,
    seconds_better=second_told,
    equal={
        f"{steps}, {title}, p = {p}": round(mean(list(seeds.values())), 4)
        for steps, by_model in equal["FLOPs"].items()
        for title, by_p in by_model.items() for p, seeds in by_p.items() if seeds
    },
    lowest=lowest,
    asked=asked,
    wide_front="; ".join(f"{title}: {told}" for title, told in wide_front.items()),
    wide_beaten="; ".join(f"{title}: {told}" for title, told in wide_beaten.items()),
    wide_buys=wide_buys,
    wide_steps=wide_steps,
    front_128=", ".join(f"{one[1].capitalize()} {one[3]}" for one in best[128]),
    front_224=", ".join(f"{one[1].capitalize()} {one[3]}" for one in best[224]),
    bargains=bought_best,
    larger_wins=larger_wins,
    equal_tokens=equal_tokens,
    last_noise=in_errors(paper["adventurer", "base", 224, 2], paper["adventurer", "base", 224, 1], test_images),
    one_error=noise_of_accuracy(paper["adventurer", "base", 224, 1], test_images),
    position_share=share_of[1],
)  # fmt: skip

# %% [markdown]
# ## What you should see

# %% tags=["collapse"]
say_recorded(
    "08_equal_compute",
    "With the FLOPs of p = 4 for {asked:,} steps for all, the ViT's lowest loss stood at p = {lowest}. The smaller patch was "
    "shown to be better at equal FLOPs, {flops_better}; at equal seconds, {seconds_better} amounts. In the paper the front "
    "at 128 pixels "
    "holds {front_128}, at 224 pixels {front_224}; the halving was the better buy, {bargains}. With equally many tokens the "
    "larger image won in {larger_wins} of {equal_tokens} pairs. The last halving of Adventurer-Base at 224 pixels is "
    "{last_noise:.1f} standard errors of its difference, one accuracy having {one_error:.2f} points; of its parameters at "
    "single pixels {position_share:.0%} are positions. On the front over patch size and width at {wide_steps:,} steps of ours "
    "stand {wide_front}. Half the patch or twice the width, {wide_buys}.",
)

# %% [markdown]
# ## Limits of this result
#
# - Losses at equal cost are read between budgets that lie a factor of four apart, each of a run whose learning rate
#   fell to zero at its own end. A run made for just that cost would have another loss.
# - Model FLOPs count what is needed, seconds what one core of this machine takes. On a GPU the seconds of few tokens
#   and many differ from both.
# - Patch size and width are compared at one number of steps, with few seeds. Rates of other widths were searched at the
#   two largest patch sizes alone, that of the narrowest ViT being the highest that was tried; where a small patch loses
#   there, its rate may be why.
# - *Shown to be beaten* takes the best of many comparisons, each at the same level: some are shown by luck.
# - The paper's settings have one run each; a front of single runs is a front of luck as well. The smallest patches of
#   the largest model stand on it partly because nothing larger was run.
# - At equal cost the patch size whose steps count the amount is read where it was run, the others on straight lines
#   between two runs, which lie above a curve that bends. That is in favour of the former. Where one budget alone
#   was run, nothing can be read.
#
# ## Next
#
# Fifty thousand tokens, on this machine.
