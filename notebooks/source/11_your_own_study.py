# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
#   labkit:
#     number: "11"
#     title: Your own study
#     summary: Ask a question of your own, plan it, run it by form, and report no more than the runs show.
#     builds_on: ["05", "06"]
#     objectives:
#       - text: turn a question into runs that differ in one thing, with matched seeds
#         check: 11-plan
#       - text: say how long a study will take before it starts
#         check: 11-cost
#       - text: compare recipes seed by seed, at a level that all comparisons share
#         check: 11-difference
#       - text: write down no more than the runs show
#         check: 11-claim
#     working_minutes: 60
#     measures_time: false
#     timeout_seconds: 900
#     parameters:
#       question:
#         type: str
#         choices: [smaller_patches, both_architectures, architecture, patience, positions, reading_order, width, learning_rate]
#         about: the ready question that stands in the form at first
#       steps:
#         type: int
#         low: 2
#         high: 100000
#         full: 1200
#         about: training steps of each run (the question about patience has its own)
#       seeds:
#         type: int
#         low: 1
#         high: 20
#         full: 5
#         about: runs of each value
#       learning_rate:
#         type: float
#         low: 0.000001
#         high: 0.1
#         about: peak learning rate of all runs (the question about it has its own)
#       kept_in:
#         type: str
#         about: folder for runs and reports; empty is studies beside the notebook, or without a person a passing one
# ---

# %% [markdown]
# # Your own study
#
# Until here the questions were ours. Now you ask: choose a question or write one, plan the
# runs in a form, see what they will take, train them, and get figures, verdicts and a report
# on one page. The hard part is not the training. It is to ask so that runs can answer, and
# then to say **no more than they show**.

# %% tags=["parameters"]
question = "smaller_patches"
steps = 150
seeds = 3
learning_rate = 0.003
kept_in = ""

# %%
from labkit.lesson import (
    Slider,
    answer,
    hints,
    keep,
    predict,
    predictions_so_far,
    say,
    say_recorded,
    start,
    table,
)

start("11")

# %% [markdown]
# ## From a question to a plan
#
# *Are small patches good?* cannot be run. *Does p = 4 give a lower test loss than p = 16
# after so many steps, all else equal?* can: it names **one thing that varies** with its
# values, and a number to look at. These are ready; each can be changed in the form below, or
# replaced by one of your own.

# %%
from labkit.study import READY

table(
    ("question", "what varies", "values", "architecture"),
    [
        (one.question, one.factor, ", ".join(map(str, one.values)), ", ".join(one.models))
        for one in READY.values()
    ],
)

# %% [markdown]
# ## Exercise: the plan
#
# In this lab a seed decides both the first weights and which crops come at which step. So two
# runs with the **same** seed and another value share their crops and are told apart by the value,
# and they make a pair. (Where the value changes the shape of the model, first weights differ too.) Return all runs of a plan as pairs `(value, seed)`, value by value; seeds count from
# zero.

# %% tags=["worked"]
# A worked example: one value, p = 8, with three seeds.
only_8 = [(8, seed) for seed in range(3)]
say("One value with three seeds makes {runs}.", runs=only_8)

# %% tags=["collapse"]
hints("11-plan")


# %% tags=["exercise"]
def my_plan(values, seeds):
    # BEGIN SOLUTION
    return [(value, seed) for value in values for seed in range(seeds)]
    # END SOLUTION


# %%
plan = answer("11-plan", my_plan)

# %%
chosen = READY[question]
planned = plan(chosen.values, seeds)
say(
    "{values} values and {seeds} seeds make {runs} runs for an architecture; the first three: {first}.",
    values=len(chosen.values), seeds=seeds, runs=len(planned), first=", ".join(map(str, planned[:3])),
)  # fmt: skip

# %% [markdown]
# ## Exercise: how long will it take?
#
# Runs are shared among workers, one run to a worker at a time. `seconds` holds what each run
# takes; return a number of seconds that **no schedule** of `workers` workers can beat, the larger
# of the two that everybody can see: the longest run, and an equal share of all work.

# %% tags=["worked"]
# A worked example: two workers and three runs of 6, 4 and 2 seconds.
shared_equally, longest_run = (6 + 4 + 2) / 2, 6
say("Shared equally it is {shared:.0f} seconds each, and the longest run takes {longest}: no less than **6**.",
    shared=shared_equally, longest=longest_run)  # fmt: skip

# %% tags=["collapse"]
hints("11-cost")


# %% tags=["exercise"]
def my_seconds(seconds, workers):
    # BEGIN SOLUTION
    return max(max(seconds), sum(seconds) / workers)
    # END SOLUTION


# %%
least_seconds = answer("11-cost", my_seconds)

# %% [markdown]
# ## The form
#
# Choose a ready question or *in my own words*. Every change is checked at once, and some
# steps of each kind of run are measured, so that you know the price before you pay it. **Run**
# trains in the background; **Stop** keeps what has finished, and *Run* goes on from there (and
# tries again what has failed). The first value is the one that the others are compared with.
#
# The cells below take **what stands in the form**. Change the form, run them again, and they
# tell of your study; runs that are finished are not trained twice.

# %%
from labkit.lesson.study import StudyForm, show_report
from labkit.study import Study

settings = {"steps": steps, "learning_rate": learning_rate, **chosen.same}
form = StudyForm(
    Study(
        question=chosen.question,
        factor=chosen.factor,
        values=chosen.values,
        models=chosen.models,
        seeds=tuple(range(seeds)),
        same={name: value for name, value in settings.items() if name != chosen.factor},
    ),
    kept_in,
)
form.show()

# %%
foreseen = form.foreseen()
each = list(foreseen.prediction.seconds.values())
if each:
    say(
        "{todo} runs are to do. By your function {workers} workers need {least:.0f} seconds at least; "
        "with the time to start them, {whole:.0f}.",
        todo=foreseen.todo, workers=foreseen.workers, least=least_seconds(each, foreseen.workers),
        whole=foreseen.seconds,
    )  # fmt: skip
else:
    say("Every run of this study has finished already.")

# %% [markdown]
# ## Predict
#
# Before a run is made: what do you expect?

# %%
prediction = predict("11-predict", seeds=len(form.study.seeds))

# %% [markdown]
# ## Run

# %%
import time

began = time.perf_counter()
found = form.findings()
took = time.perf_counter() - began
say(
    "{runs} of {planned} runs have finished, {failed} failed. Foreseen were {foreseen:.0f} seconds, "
    "it took {took:.0f}.",
    runs=len(found.records), planned=len(found.study.runs()), failed=len(found.failed),
    foreseen=foreseen.seconds, took=took,
)  # fmt: skip

# %% tags=["collapse"]
from labkit.figures.answers import Said, outcome_figure

shown, compared = (
    sum(one.verdict != "not shown" for one in found.comparisons),
    len(found.comparisons),
)
prediction.reveal(
    "a" if shown == 0 else "c" if shown == compared else "b",
    f"{shown} of {compared} comparisons came out as shown.",
    outcome_figure(
        {"comparisons": (("planned", "shown"), (compared, shown))},
        x="comparisons", y="how many", title="How many comparisons are shown?", joined=False,
    ),
    {
        "a": Said("none", ("shown",), (0,)),
        "b": Said("some", ("shown",), (compared / 2,)),
        "c": Said("all", ("shown",), (compared,)),
    },
)  # fmt: skip

# %% [markdown]
# ## What the runs show, seed after seed
#
# The slider tells what you would have seen after one seed, two, three. Watch the verdict
# under the figure. Whoever looks after each new seed and stops when the verdict is nice will
# find differences that are not there: the verdict that counts is the one at the number of
# seeds that was **planned**.

# %%
from dataclasses import replace

from labkit.figures.findings import findings_figure
from labkit.study import findings_of


def after(number):
    study = replace(found.study, seeds=found.study.seeds[:number])
    first = findings_of(study, found.records, found.failed)
    words = "as planned" if number == len(found.study.seeds) else "a look in between"
    return findings_figure(first, title=f"<b>{number} seed{'s' * (number > 1)}</b>, {words}")


Slider(
    "seeds",
    range(1, len(found.study.seeds) + 1),
    after,
    start=len(found.study.seeds),
).show()

# %% [markdown]
# ## Exercise, farther off: the difference, seed by seed
#
# `first` and `other` hold a test loss for each seed, in the same order. Return the lower and
# the upper end of the interval of *other minus first*. `labkit.stats.paired(a, b,
# confidence=...)` gives the interval of `b - a`, with ends `low` and `high`. All comparisons
# of a study share an error of one in twenty, so each of them gets `1 - 1 / (20 *
# comparisons)` as its confidence.

# %% tags=["worked"]
# A worked example: what each of several comparisons may be wrong, if together it is one in twenty.
each_may_be_wrong = {count: f"{1 / (20 * count):.4f}" for count in (1, 2, 5)}
say("By the number of comparisons: {each}.", each=each_may_be_wrong)

# %% tags=["collapse"]
hints("11-difference")


# %% tags=["exercise"]
def my_difference(first, other, comparisons):
    # BEGIN SOLUTION
    from labkit.stats import paired

    found = paired(first, other, confidence=1 - 1 / (20 * comparisons))
    return found.low, found.high
    # END SOLUTION


# %%
interval_of_difference = answer("11-difference", my_difference)

# %%
from labkit.study import verdict_in_words

rows = []
for one in found.comparisons:
    if one.difference is not None:
        pair = (list(one.first.losses.values()), list(one.other.losses.values()))
        low, high = interval_of_difference(*pair, found.study.comparisons)
        name = f"{one.other.model} {one.other.label}".strip()
        rows.append((name, f"{one.difference.mean:+.3f}", f"{low:+.3f}", f"{high:+.3f}"))
if rows:
    table(("nats, minus the first value", "mean", "lower end", "upper end"), rows)
say("{verdicts}", verdicts="\n".join(f"- {verdict_in_words(one)}" for one in found.comparisons))

# %% [markdown]
# ## Which sentence may stand in a report?

# %%
claim = predict("11-claim")

# %% tags=["collapse"]
claim.reveal(
    "b",
    "a verdict is about the recipes that were run: this task, these steps, this rate, these seeds.",
)

# %% [markdown]
# ## The report
#
# One page: the question, the figure, the verdicts, the whole configuration with its seeds, and
# what all this does **not** say. It is written as a web page that needs nothing else (and
# prints on one sheet), as Markdown with its figure beside it, and with the plan as a small
# file.

# %%
files = form.report(found)
show_report(files)

# %%
from labkit.study import limits

say(
    "Written: {files}.\n\nWhat this study does not say:\n\n{limits}",
    files=", ".join(f"`{path.name}`" for path in files),
    limits="\n".join(f"- {one}" for one in limits(found)),
)

# %% [markdown]
# The plan is a sweep's description as well. On a bigger machine the same file trains the same
# runs: `labkit sweep study.toml FOLDER`.

# %%
say("```toml\n{plan}```", plan=files.plan.read_text(encoding="utf-8"))

# %% tags=["collapse"]
from labkit.study import answer_in_words

keep(
    question=found.study.question,
    steps=", ".join(sorted({f"{line['steps']:,}" for line in found.records})),
    seeds=len(found.study.seeds),
    runs=len(found.records),
    answer=answer_in_words(found),
    shown=shown,
    comparisons=compared,
    verdicts=" ".join(verdict_in_words(one) for one in found.comparisons),
    foreseen=foreseen.seconds,
    took=took,
)

# %% [markdown]
# ## What you should see

# %% tags=["collapse"]
say_recorded(
    "11_your_own_study",
    "*{question}* {runs} runs of {steps} steps with {seeds} seeds: {answer} {verdicts} Foreseen were "
    "{foreseen:.0f} seconds, it took {took:.0f}.",
)

# %% [markdown]
# ## What you said, all along
#
# Your predictions of all lessons. Which of the thoughts behind the wrong ones came more than
# once?

# %%
predictions_so_far()

# %% [markdown]
# ## Limits of this result
#
# - A study compares recipes at one budget and one learning rate. Whether the order holds for
#   longer runs, or with a rate of its own for each recipe, is another study.
# - Seeds say how training varies. The photographs are the same in all runs, so no number of
#   seeds says how other images would come out.
# - The verdicts hold together at their level if the plan was made before the runs. Values that
#   are added because the first ones looked promising make it weaker, and no test can see that.
# - *Not shown* is not *equal*. More seeds make intervals narrower: quickly as long as there are few, and
#   with many only by the root of their number.
#
# ## Next
#
# Run the study again with more seeds, or give `study.toml` to a machine that does not sleep.
