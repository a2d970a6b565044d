# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
#   labkit:
#     number: "06"
#     title: Scaling runs
#     summary: A small sweep of your own, then the recorded surface of loss over patch size and budget, with seeds; when does each halving start to pay?
#     builds_on: ["05"]
#     objectives:
#       - text: say beforehand what a sweep will cost
#         check: 06-hours
#       - text: tell from intervals at several budgets from where on a halving pays
#         check: 06-pays
#       - text: see from local slopes if a curve over patch size is one power law
#         check: 06-slopes
#       - text: name the budget that any statement about small patches depends on
#         check: 06-budget
#     working_minutes: 45
#     measures_time: false
#     timeout_seconds: 900
#     parameters:
#       model:
#         type: str
#         choices: [vit, adventurer]
#         about: the architecture of the small sweep
#       steps:
#         type: int
#         low: 4
#         high: 100000
#         full: 600
#         about: training steps of each run of the small sweep
#       seeds:
#         type: int
#         low: 2
#         high: 20
#         full: 5
#         about: runs of each patch size in the small sweep
#       draws:
#         type: int
#         low: 50
#         high: 100000
#         full: 5000
#         about: draws of each bootstrap
# ---

# %% [markdown]
# # Scaling runs
#
# The paper's title makes a promise: cut an image finer, and the loss falls. It shows so at one
# training recipe for each size of image. Here the budget is an axis of its own.
# The question is no longer *whether* a smaller patch helps but **from when on**, by how much, and with
# what certainty. First a small sweep that runs while you watch, then a recorded one that took hours.

# %% tags=["parameters"]
model = "vit"
steps = 150
seeds = 3
draws = 1000

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
)

start("06")

# %% [markdown]
# ## What will it cost?
#
# A grid of runs grows like a product: patch sizes times budgets times seeds times architectures. Who
# plans one asks for the price first: seconds of a step, times steps, times runs.

# %% tags=["worked"]
# A worked example: one run of a thousand steps, at a tenth of a second each.
one_run = 1000 * 0.1 / 3600
say(
    "One run takes {hours:.3f} hours on one core; ten seeds of it take {ten:.2f}.",
    hours=one_run,
    ten=10 * one_run,
)

# %% [markdown]
# ## Exercise: the price of a sweep
#
# `step_seconds` holds the seconds of one training step for each patch size. Each patch size is trained
# for each of the `budgets` (numbers of steps), each of these with `seeds` seeds, each run on one core.
# Return the **core-hours** of the whole sweep.

# %% tags=["collapse"]
hints("06-hours")


# %% tags=["exercise"]
def my_hours(step_seconds, budgets, seeds):
    # BEGIN SOLUTION
    return sum(step_seconds) * sum(budgets) * seeds / 3600
    # END SOLUTION


# %%
hours = answer("06-hours", my_hours)

# %% [markdown]
# ## Run: a small sweep
#
# `grid` makes the runs, `predict` takes a few steps of each kind and says what all of them will take,
# `sweep` trains them side by side, each in a process of its own. Killed at any time, it would go on
# where it was.

# %%
import tempfile
from pathlib import Path

from labkit.scaling import losses_of
from labkit.sweep import grid, sweep
from labkit.sweep import predict as predict_cost

runs = grid(
    model=model,
    patch_size=[16, 8, 4],
    seed=list(range(seeds)),
    steps=steps,
    learning_rate=3e-3,
)
cost = predict_cost(runs)
per_step = [kind.step for kind in cost.kinds]
say(
    "{count} runs: {hours:.4f} core-hours by your formula, {foreseen:.4f} with the looks at validation and test crops.",
    count=len(runs), hours=hours(per_step, [steps], seeds), foreseen=cost.core_hours,
)  # fmt: skip

# %%
with tempfile.TemporaryDirectory() as folder:
    small = sweep(runs, Path(folder), predicted=cost)
assert not small.failed, small.failed

# %%
from labkit.figures.surface import surface_figure

titles = {"vit": "ViT", "adventurer": "Adventurer"}
small_losses = losses_of(small.records)
show(surface_figure({titles[model]: small_losses}, steps, image_size=16))

# %%
from labkit.scaling import halvings

words = {
    "yes": "is shown to be better than",
    "no": "is shown to be worse than",
    "not shown": "is not shown to differ from",
}
for one in halvings(small_losses):
    gain = one.gains[steps]
    say(
        "p = {smaller} {verdict} p = {larger} after {steps} steps: it changes the loss by {mean:+.3f} ({low:+.3f} to {high:+.3f}) nats.",
        smaller=one.smaller, larger=one.larger, verdict=words[one.verdicts[steps]], steps=steps,
        mean=-gain.mean, low=-gain.high, high=-gain.low,
    )  # fmt: skip

# %% [markdown]
# ## Predict: the shortest budget
#
# The recorded sweep has both architectures, patch sizes from the whole crop down, and budgets that grow
# fourfold from one to the next, with several seeds each. Its description, `data/runs/grid.toml`, was
# written down before the first run was started.

# %%
from labkit.records import REPOSITORY
from labkit.scaling import budgets, sizes
from labkit.sweep import described, recorded_runs

lines = recorded_runs("grid")
image_size = lines[0]["image_size"]
surfaces = {
    title: losses_of([line for line in lines if line["model"] == name])
    for name, title in titles.items()
}
all_budgets = sorted({budget for losses in surfaces.values() for budget in budgets(losses)})
shortest, longest = all_budgets[0], all_budgets[-1]
there = {(line["model"], line["patch_size"], line["steps"]) for line in lines}
planned = [
    (run.model, run.patch_size, run.steps)
    for run in described(str(REPOSITORY / "data" / "runs" / "grid.toml"))
]
say(
    "{count} runs of {planned} planned ones are recorded{missing}.",
    count=len(lines), planned=len(planned),
    missing="; still missing: " + ", ".join(
        f"{titles[name]} p = {p} at {budget:,} steps" for name, p, budget in dict.fromkeys(planned) if (name, p, budget) not in there
    ) if set(planned) - there else "",
)  # fmt: skip
at_shortest = [p for p in sizes(surfaces["ViT"]) if (p, shortest) in surfaces["ViT"]]
prediction = predict("06-budget", steps=shortest, sizes=", ".join(map(str, at_shortest)))

# %% tags=["collapse"]
from labkit.figures.answers import Said
from labkit.stats import mean

at_first = {
    p: mean(list(seeds_.values()))
    for (p, budget), seeds_ in surfaces["ViT"].items() if budget == shortest
}  # fmt: skip
by_loss = sorted(at_first, key=at_first.get)
largest, smallest = max(at_first), min(at_first)
middle = sorted(at_first)[len(at_first) // 2]
low = min(at_first.values()) - 0.02
prediction.reveal(
    "a" if by_loss[0] == smallest else "b" if by_loss[0] == largest else "c",
    "after {} steps the ViT's mean losses are {}.".format(
        shortest, ", ".join(f"{at_first[p]:.2f} at p = {p}" for p in sorted(at_first, reverse=True))
    ),
    surface_figure({"ViT": surfaces["ViT"]}, shortest, image_size=image_size),
    {
        "a": Said("smallest patch lowest", [largest, smallest], [at_first[largest], low]),
        "b": Said("largest patch lowest", [largest, smallest], [low, at_first[largest]], at=0),
        "c": Said("one in between lowest", [largest, middle, smallest], [at_first[largest], low, at_first[largest]], at=1),
    },
)  # fmt: skip

# %% [markdown]
# ## The surface
#
# Move the slider: the budget grows fourfold from one position to the next. Circles are single seeds,
# marks are means with intervals over seeds, and the other budgets stand behind in grey. Watch
# which end of the curve falls fastest. At the largest patch the crop is **one token**: there is nothing to
# mix, and no more training will change that.

# %%
Slider(
    "training steps",
    all_budgets,
    lambda budget: surface_figure(surfaces, budget, image_size=image_size),
    start=longest,
).show()

# %%
from labkit.figures.surface import with_reach
from labkit.stats import interval


def told(title, p, budget):
    """A mean with its interval, or nothing where no run is recorded."""
    if (p, budget) not in surfaces[title]:
        return ""
    found = interval(list(surfaces[title][p, budget].values()))
    return f"{with_reach(found)} ({found.n})"


for title, losses in surfaces.items():
    say("**{title}**: test loss ± half a 95 % interval (seeds)", title=title)
    table(
        ("p", *(f"{budget:,} steps" for budget in all_budgets)),
        [(str(p), *(told(title, p, budget) for budget in all_budgets)) for p in sizes(losses)],
    )

# %% [markdown]
# At an empty place no run is recorded.
#
# ## When does a halving start to pay?
#
# Runs with the same seed see the same crops in the same order, so what a halving brings is computed **seed by
# seed**. It pays *from a budget on* if it is shown to help there **and at every larger budget** that was run. One
# lucky budget in between is not enough.

# %% tags=["worked"]
# A worked example: intervals of the gain at two budgets.
example = {100: (-0.2, 0.1), 400: (0.05, 0.3)}
helps = {budget: low > 0 for budget, (low, high) in example.items()}
say("Shown to help: {helps}. So this halving pays from **400** steps on.", helps=helps)

# %% [markdown]
# ## Exercise: from when on?
#
# `gains` maps a budget to the two ends (low, high) of the interval of the gain there. Return the smallest
# budget from which on the halving is shown to help at **all** budgets, or 0 if it is not shown at the
# largest one. The budgets may come in any order.

# %% tags=["collapse"]
hints("06-pays")


# %% tags=["exercise"]
def my_pays(gains):
    # BEGIN SOLUTION
    found = 0
    for budget in sorted(gains, reverse=True):
        if gains[budget][0] <= 0:
            break
        found = budget
    return found
    # END SOLUTION


# %%
pays = answer("06-pays", my_pays)

# %%
from labkit.figures.surface import SHOWN, halvings_figure

found = {title: halvings(losses) for title, losses in surfaces.items()}
show(halvings_figure(found))


# %%
def first_paid(one):
    """From when on a halving pays, in words; where it does not, what is shown at its largest budget."""
    first = pays({budget: (gain.low, gain.high) for budget, gain in one.gains.items()})
    earlier = " or earlier" if first == min(one.gains) else ""
    if first:
        return f"{first:,} steps{earlier}"
    return f"not within these budgets ({SHOWN[one.verdicts[max(one.gains)]]} at {max(one.gains):,})"


rows = []
for title, some in found.items():
    for one in some:
        last = max(one.gains)
        at_end = one.gains[last]
        rows.append((title, f"{one.larger} to {one.smaller}", first_paid(one), f"{last:,}", f"{at_end.mean:+.3f}",
                     f"{at_end.low:+.3f} to {at_end.high:+.3f}", at_end.n))  # fmt: skip
table(
    (
        "model",
        "p",
        "pays from",
        "largest budget run",
        "gain there, nats",
        "95 % interval",
        "seeds",
    ),
    rows,
)

# %%
pixel_steps = next(line["steps"] for line in lines if line["patch_size"] == 1)


def learnt_by_vit(p):
    """The ViT's mean training loss at the budget of the single pixels."""
    setting = "vit", p, pixel_steps
    return mean(
        [
            line["train_loss"]
            for line in lines
            if (line["model"], line["patch_size"], line["steps"]) == setting
        ]
    )


say(
    "For single pixels no learning rate was searched, and the ViT's mean training loss there ({pixels:.2f}) stands beside "
    "{token:.2f} with a single token: where the two are alike it has not learnt, which is another thing than a patch that is "
    "too small.",
    pixels=learnt_by_vit(1), token=learnt_by_vit(image_size),
)  # fmt: skip

# %% [markdown]
# Read it from the top down, from coarse cuts to fine ones. A statement such as *smaller patches are better* has a
# range of patch sizes and a budget in it, whether they are said or not. *Not within these budgets* is no verdict on
# larger ones.
#
# ## Is it one power law?
#
# A power law has the same **slope** everywhere on logarithmic axes: each halving takes off the same *share* of the
# loss.

# %% tags=["worked"]
# A worked example: from p = 4 to p = 2 the loss falls from 1.0 to 0.9.
import math

slope = math.log(0.9 / 1.0) / math.log(2 / 4)
say(
    "The slope between these two points is {slope:.3f}: halving p takes off {share:.0%}.",
    slope=slope,
    share=1 - 0.9,
)

# %% [markdown]
# ## Exercise, farther off: slope by slope
#
# Given `patch_sizes` and `losses`, both in order, return the list of slopes of $\ln L$ over $\ln p$ between
# neighbours. There is one less than there are points.

# %% tags=["collapse"]
hints("06-slopes")


# %% tags=["exercise"]
def my_slopes(patch_sizes, losses):
    # BEGIN SOLUTION
    import math

    return [
        math.log(losses[k + 1] / losses[k]) / math.log(patch_sizes[k + 1] / patch_sizes[k])
        for k in range(len(losses) - 1)
    ]
    # END SOLUTION


# %%
slopes = answer("06-slopes", my_slopes)


# %%
def slope_told(losses, budget, larger):
    """The slope from one patch size to half of it: mean over seeds, and half of a 95 % interval."""
    pair = [losses.get((p, budget), {}) for p in (larger, larger // 2)]
    both = sorted(pair[0].keys() & pair[1].keys())
    each = [slopes([larger, larger // 2], [one[seed] for one in pair])[0] for seed in both]
    return with_reach(interval(each), sign=True) if each else ""


steps_down = [p for p in sizes(surfaces["ViT"]) if p > 1]
table(
    ("model", "steps", *(f"{p} to {p // 2}" for p in steps_down)),
    [
        (title, f"{budget:,}", *(slope_told(losses, budget, p) for p in steps_down))
        for title, losses in surfaces.items()
        for budget in all_budgets
    ],
)

# %% [markdown]
# One pure power law would show one number in each row, as far as the intervals over seeds reach. A positive slope says
# that the smaller patch has the lower loss. And the
# exponent of the straight line through all points of a budget that have all seeds, with its two uncertainties kept
# apart: other seeds on these photographs, and other photographs under these models.

# %%
import numpy as np

from labkit.scaling import of_parameter

rows, exponents = [], {}
for name, title in titles.items():
    for budget in all_budgets:
        mine = [line for line in lines if line["model"] == name and line["steps"] == budget]
        most = max(
            len(surfaces[title][p, budget])
            for p in sizes(surfaces[title])
            if (p, budget) in surfaces[title]
        )
        full = [
            p
            for p in sizes(surfaces[title])
            if len(surfaces[title].get((p, budget), ())) == most
        ]
        by_class = [
            [list(line["class_loss"].values()) for line in mine if line["patch_size"] == p]
            for p in full
        ]
        one = of_parameter("power", full, np.array(by_class), draws=draws)
        exponents[title, budget] = one.over_seeds
        rows.append((title, f"{budget:,}", ", ".join(map(str, full)), f"{one.over_seeds.mean:+.3f}",
                     f"{one.over_seeds.low:+.3f} to {one.over_seeds.high:+.3f}",
                     f"{one.over_images.low:+.3f} to {one.over_images.high:+.3f}"))  # fmt: skip
table(("model", "steps", "fitted at p =", "exponent b", "over seeds", "over photographs"), rows)

# %% [markdown]
# ## Where small patches can lose
#
# Another task: handwritten digits, eight pixels on a side, so that a crop is cut into one token at the largest patch and
# into one token per pixel at the smallest. The models, the optimizer and its rate are the same; no rate was searched
# here. But digits are a **fixed set** of images that comes back again and again, while the crops above are new at each
# step. Move the slider and compare with the photographs.

# %%
digit_lines = recorded_runs("digits")
digits = {
    title: losses_of([line for line in digit_lines if line["model"] == name])
    for name, title in titles.items()
}
digit_budgets = sorted({budget for losses in digits.values() for budget in budgets(losses)})
Slider(
    "training steps",
    digit_budgets,
    lambda budget: surface_figure(digits, budget, image_size=digit_lines[0]["image_size"]),
).show()

# %%
on_digits = {title: halvings(losses) for title, losses in digits.items()}
table(
    ("model", "p", *(f"{budget:,} steps" for budget in digit_budgets)),
    [
        (title, f"{one.larger} to {one.smaller}",
         *(f"{with_reach(one.gains[budget], sign=True)}: {SHOWN[one.verdicts[budget]]}" if budget in one.gains else ""
           for budget in digit_budgets))
        for title, some in on_digits.items() for one in some
    ],
)  # fmt: skip
verdicts = {
    title: [verdict for one in some for verdict in one.verdicts.values()] for title, some in on_digits.items()
}  # fmt: skip
digits_told = "; ".join(
    f"{title}: {some.count('no')} of {len(some)} shown to harm, {some.count('yes')} shown to help"
    for title, some in verdicts.items()
)
say("Halvings on digits, over all budgets: {told}.", told=digits_told)

# %% [markdown]
# A halving that harms is no contradiction to the paper: it says for which pictures, which models, which budgets and
# **which way of training** its law was found. Two different things can make a halving harm. Either the smaller patch
# has **not learnt the set yet**: its training loss is higher too, and more steps or another rate may help. Or it has
# learnt the set by heart and **sees new digits worse**: its training loss is as low, its test loss higher. Hold each
# harm in the table above against the training losses below. Look also at where the two models differ.

# %%
learnt = {}
for line in digit_lines:
    learnt.setdefault((titles[line["model"]], line["patch_size"], line["steps"]), []).append(
        line["train_loss"]
    )
table(
    ("model", "p", *(f"training loss, {budget:,} steps" for budget in digit_budgets)),
    [
        (title, p, *(f"{mean(learnt[title, p, budget]):.4f}" if (title, p, budget) in learnt else "" for budget in digit_budgets))
        for title, p in dict.fromkeys((title, p) for title, p, _ in learnt)
    ],
)  # fmt: skip

# %% [markdown]
# ## What else could it be?
#
# A smaller patch changes several things at once: there are more tokens, each of them shows less, and positions are
# told finer. **Controls** change something else than the patch. Each is held against the run of the sweep above with the
# same model, patch size, number of steps and seed, so that differences are paired. A control with more tokens costs far
# more FLOPs than that run, and about as many as the small patch in the last column of the table. Flips and heading (the
# mean of all tokens, put in front) are Adventurer's own devices and say how much the architecture matters. Right of
# zero the control is worse.

# %%
from labkit.figures.surface import controls_figure, ends
from labkit.scaling import gain, shown

EXTENDED = {
    "repeated": "tokens repeated",
    "overlapping": "patches overlapping",
    "interpolated": "tokens interpolated",
}
MADE = {
    "repeated": "repeated or interpolated tokens",
    "interpolated": "repeated or interpolated tokens",
    "overlapping": "overlapping patches",
    None: "an enlarged image",
}
control_lines = recorded_runs("controls")
control_steps = control_lines[0]["steps"]


def control_of(line):
    """What the control of a run changes, in words."""
    if line["extended"]:
        return f"{EXTENDED[line['extended']]}, as many as p = {line['stride']} has"
    if line["shuffled"] is not None:
        return "pixels shuffled in one fixed order"
    if line["positions"] != "learned":
        return {"none": "no positions", "sincos": "positions fixed (sines), not learned"}[
            line["positions"]
        ]
    if line["enlarged"]:
        return f"image enlarged to {line['enlarged']} px"
    if line["largest_patch"]:
        return "one model for all patch sizes"
    gone = {"flips": line["flips"] == "never", "heading average": line["heading"] is False}
    return "without " + " and ".join(name for name, missing in gone.items() if missing)


by_control, as_many = (
    {},
    {},
)  # losses by seed; the patch that makes as many tokens, and how the control makes them
for line in control_lines:
    for p, one in line.get("by_patch_size", {line["patch_size"]: line}).items():
        p, side = int(p), line["enlarged"]
        place = p, control_of(line), titles[line["model"]]
        by_control.setdefault(place, {})[line["seed"]] = one["test_loss"]
        if fine := image_size * p // side if side else line["stride"]:
            as_many[place] = fine, MADE[line["extended"]]
changes = {p: {} for p in sorted({place[0] for place in by_control}, reverse=True)}
for (p, name, title), seeds_ in by_control.items():
    changes[p].setdefault(name, {})[title] = gain(seeds_, surfaces[title][p, control_steps])

every = [
    one for some in changes.values() for by_model in some.values() for one in by_model.values()
]
spread = ends(every)
for p, some in changes.items():
    show(
        controls_figure(
            some,
            title=f"<b>p = {p}</b>, {control_steps:,} steps: what each control changes",
            quantity="test loss with the control minus without, nats",
            spread=spread,
        )
    )

# %%
control_words = {
    "yes": "shown to be better",
    "no": "shown to be worse",
    "not shown": "not shown to differ",
}
rows, more_tokens = [], {kind: [] for kind in MADE.values()}
for place, seeds_ in by_control.items():
    p, name, title = place
    without = surfaces[title][p, control_steps]
    verdict = shown(without, seeds_)  # is the control better?
    cells = [f"{with_reach(gain(seeds_, without), sign=True)}: {control_words[verdict]}", ""]
    if place in as_many:
        fine, kind = as_many[place]
        finer = surfaces[title][fine, control_steps]
        verdict = shown(seeds_, finer)  # is the small patch better?
        cells[1] = f"{with_reach(gain(seeds_, finer), sign=True)}: {control_words[verdict]}"
        more_tokens[kind].append(verdict)
    rows.append((title, p, name, *cells))
table(
    (
        "model",
        "p",
        "control",
        "control minus none, nats (the control is ...)",
        "control minus the small patch of as many tokens, nats (the small patch is ...)",
    ),
    rows,
)
tokens_alone = "; ".join(
    f"with {kind} in {some.count('yes')} of {len(some)} comparisons, and worse in {some.count('no')}"
    for kind, some in more_tokens.items()
)
say(
    "The small patch is shown to be better than as many tokens made otherwise: {told}.",
    told=tokens_alone,
)

# %% [markdown]
# In both columns a number above zero says that the control is worse. Read the last column first: if more tokens were all
# that a smaller patch gives, tokens that are **repeated** or **interpolated** would do as well. Interpolated tokens are
# the paper's own control. The other two are more than more tokens. Patches that **overlap** are as large as before, but
# each is cut at another place (mirrored at the edges), so the model gets other mixtures of the same pixels. A patch of
# an **enlarged** image shows as little of the crop as the small patch does: this *is* the smaller patch, only with more
# numbers, which depend on each other, going into its embedding. It asks how much of the gain comes without any new
# pixel. Compare both columns there: most of the gain, or only a part?
#
# Without positions a ViT does not know where a patch was. If that changes nothing, finer places are not what a smaller
# patch brings here.
#
# At the largest patch a crop is one token, and shuffling its pixels only renames the inputs of one layer. Nothing else
# changes there: the distance of that row from zero is what two runs differ by anyway.
#
# Two controls exist at several patch sizes, so that halvings can be asked for **within** them. Where neighbours are torn
# apart, is there a gain from halving left? And does *one* model, which draws one of four patch sizes at each step and is
# tested at each of them, with its embedding and positions resized, gain as separate models do? It had as many steps in
# all as one run of the sweep above, about a quarter for each size.

# %%
rows, within = [], {}
for (p, name, title), seeds_ in by_control.items():
    other = by_control.get((p // 2, name, title))
    if other and name in (
        "pixels shuffled in one fixed order",
        "one model for all patch sizes",
    ):
        verdict = SHOWN[shown(seeds_, other)]
        within.setdefault((title, name), []).append(f"{p} to {p // 2} {verdict}")
        rows.append(
            (
                title,
                name,
                f"{p} to {p // 2}",
                f"{with_reach(gain(seeds_, other), sign=True)}: {verdict}",
            )
        )
rows.sort(key=lambda row: (row[1], row[0]))
table(("model", "within the control", "p", "taken off by halving, nats"), rows)
halved_within = "; ".join(
    f"{title}, {name}: {', '.join(some)}" for (title, name), some in sorted(within.items())
)

# %% tags=["collapse"]
common = max(
    budget for budget in all_budgets
    if all((p, budget) in losses for losses in surfaces.values() for p in (16, 8, 4))
)  # fmt: skip
order = {
    title: [one.verdicts[common] for one in some if one.larger in (16, 8)] for title, some in found.items()
}  # fmt: skip
keep(
    common=common,
    shortest=shortest,
    order_vit=", ".join(SHOWN[verdict] for verdict in order["ViT"]),
    order_adventurer=", ".join(SHOWN[verdict] for verdict in order["Adventurer"]),
    best_first=by_loss[0],
    vit={f"{p}, {budget}": told("ViT", p, budget) for p, budget in surfaces["ViT"]},
    adventurer={f"{p}, {budget}": told("Adventurer", p, budget) for p, budget in surfaces["Adventurer"]},
    pays={f"{title}, {one.larger} to {one.smaller}": one.pays_from or 0 for title, some in found.items() for one in some},
    vit_pays="; ".join(f"{one.larger} to {one.smaller}: {first_paid(one)}" for one in found["ViT"]),
    adventurer_pays="; ".join(f"{one.larger} to {one.smaller}: {first_paid(one)}" for one in found["Adventurer"]),
    vit_exponent=exponents["ViT", common].mean,
    adventurer_exponent=exponents["Adventurer", common].mean,
    exponents={f"{title}, {budget}": f"{one.mean:+.3f} ({one.low:+.3f} to {one.high:+.3f})" for (title, budget), one in exponents.items()},
    digits=digits_told,
    controls={f"{title}, p = {p}, {name}": with_reach(one, sign=True)
              for p, some in changes.items() for name, by_model in some.items() for title, one in by_model.items()},
    tokens_alone=tokens_alone,
    halved_within=halved_within,
    small={str(one.smaller): one.verdicts[steps] for one in halvings(small_losses)},
)  # fmt: skip

# %% [markdown]
# ## What you should see

# %% tags=["collapse"]
say_recorded(
    "06_scaling_runs",
    "After {shortest} steps the ViT's lowest mean loss stood at p = {best_first}. From when on a halving pays. "
    "ViT: {vit_pays}. Adventurer: {adventurer_pays}. At {common:,} steps, the largest budget that both have, 16 to 8 and "
    "8 to 4 are: {order_vit} (ViT); {order_adventurer} (Adventurer), with exponents of "
    "{vit_exponent:.2f} and {adventurer_exponent:.2f}. Halvings on digits, over all budgets: {digits}. The small patch was shown to be "
    "better than as many tokens made otherwise, {tokens_alone}.",
)

# %% [markdown]
# ## Limits of this result
#
# - Fourteen photographs, crops of few pixels, small models: exponents are theirs, not those of ImageNet.
# - Digits are a small fixed set, without single pixels and with fewer seeds at the largest budget.
# - One learning rate for all, searched on the validation strip at one budget, for all patch sizes but single pixels. No
#   rate was searched for digits or for any control: a control that is worse (an enlarged image, one model for all patch
#   sizes) may only want another one. Longer runs may too, and where a small patch does not pay, its rate may be why.
# - Controls have three seeds each and one budget.
# - The budget is counted in steps here. A step of small patches costs far more than one of large patches; the lesson
#   on equal compute takes that up.
# - Many comparisons are made, each at the same level: of twenty without any difference one is expected to be shown.
#
# ## Next
#
# The same runs once more, over what they cost.
