"""The command line: `labkit COMMAND`, or `python -m labkit COMMAND`.

A user's mistake ends with one paragraph and exit code 2, a lesson that does not pass with exit code 1.
"""

import io
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import redirect_stderr
from functools import partial, wraps
from itertools import groupby
from pathlib import Path
from typing import Annotated

from labkit.config import Run
from labkit.wording import in_one_line

try:
    import tyro
except ModuleNotFoundError:
    sys.exit(
        "labkit: the command line needs the package tyro: pip install tyro, or install labkit with its dependencies."
    )


def _whole_number(words: list[str]) -> int:
    try:
        return int(words[0])
    except ValueError:
        raise ValueError(f"{words[0]!r} is not a whole number") from None


WHOLE_NUMBER = tyro.constructors.PrimitiveConstructorSpec(
    nargs=1,
    metavar="INT",
    instance_from_str=_whole_number,
    is_instance=lambda value: value is None or isinstance(value, int),
    str_from_instance=lambda value: [str(value)],
)


def rerun(
    lessons: tyro.conf.Positional[tuple[str, ...]] = (),
    /,
    *,
    profile: Annotated[str, tyro.conf.arg(metavar="{quick,full}")] = "quick",
    set: tyro.conf.UseAppendAction[tuple[tuple[str, ...], ...]] = (),
    out: Path = Path("site"),
    jobs: Annotated[int, WHOLE_NUMBER] = 1,
    timeout: Annotated[int | None, WHOLE_NUMBER] = None,
    go_on: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False,
    notebooks: Path | None = None,
) -> int:
    """Run the lessons without a screen and write their pages.

    Args:
        lessons: numbers, slugs or file names without ending; all lessons if none is given
        profile: quick (a class room) or full (an evening)
        set: NAME=VALUE, one or more parameters with other values
        out: folder for executed notebooks, report.json and pages
        jobs: lessons side by side; those that measure time always run alone
        timeout: seconds that each lesson may take, if not its own limit
        go_on: do not run again what has passed in OUT with the same values, versions and commit
        notebooks: folder of the lessons, if not the checkout's
    """
    from labkit.course.promises import late_lines
    from labkit.course.rerun import rerun

    overrides = _pairs([pair for group in set for pair in group])
    report = rerun(
        lessons,
        profile=profile,
        overrides=overrides,
        out=out,
        jobs=jobs,
        timeout=timeout,
        go_on=go_on,
        notebooks=notebooks,
        say=_say,
    )
    ran = [entry for entry in report["lessons"] if go_on or entry["run"]["started"] == report["started"]]
    width = max(len(entry["lesson"]) for entry in ran)
    _say("")
    for entry in ran:
        _say(f"{entry['lesson']:<{width}}  {entry['status']:<7}  {entry['seconds']:8.1f} s")
    for line in late_lines(ran):
        _say(f"\n{line}")
    passed = sum(entry["status"] == "passed" for entry in ran)
    _say(f"\n{passed} of {len(ran)} passed; open {out.resolve() / 'index.html'}")
    return int(passed < len(ran))


def pages(out: Path = Path("site")) -> int:
    """Turn the executed notebooks of the last re-run into pages again.

    Args:
        out: folder that `labkit rerun` wrote
    """
    from labkit.course.pages import pages

    _say(f"open {pages(out)}")
    return 0


def editions(check: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False, notebooks: Path | None = None) -> int:
    """Build the student and the solved edition of each lesson from notebooks/source.

    Args:
        check: write nothing; complain if an edition is not what its source says
        notebooks: folder of the lessons, if not the checkout's
    """
    from labkit.course.editions import build

    written = build(check, notebooks=notebooks)
    _say("\n".join(f"wrote {path}" for path in written) or "every edition is what its source says")
    return 0


def record(lessons: tyro.conf.Positional[tuple[str, ...]] = (), /) -> int:
    """Run the lessons and keep the results that they quote under data/recorded.

    Args:
        lessons: numbers, slugs or file names without ending; all lessons if none is given
    """
    from labkit.course.record import record

    _say("\n".join(f"wrote {path}" for path in record(lessons, say=_say)))
    return 0


def doctor() -> int:
    """Say what this machine has for the lessons and what will be slow on it."""
    from labkit.doctor import as_table, doctor

    _say(as_table(doctor()).rstrip())
    return 0


def train_model(*, run: Annotated[Run, tyro.conf.arg(name="")]) -> int:
    """Train one model, with checkpoints and the record in --folder. Under torchrun several processes train it together:
    torchrun --nproc-per-node 2 -m labkit train --patch-size 4 --folder runs/first

    Args:
        run: what to train; labkit.config.Run says what each setting means
    """
    from labkit import dist
    from labkit.journal import Diverged
    from labkit.train import train

    try:
        record = train(run).record
    except Diverged as error:
        sys.stderr.write(f"labkit: {error}\n")
        return 1
    if dist.rank() == 0:
        _say(f"test loss {record['test_loss']:.4f}, accuracy {record['test_accuracy']:.4f}, {record['seconds']:.1f} s")
    return 0


def sweep_runs(
    description: Annotated[tyro.conf.Positional[str], tyro.conf.arg(metavar="DESCRIPTION")],
    folder: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="FOLDER")],
    /,
    *,
    workers: Annotated[int | None, WHOLE_NUMBER] = None,
    predict: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False,
    mix: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False,
    retry: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False,
) -> int:
    """Train a grid of runs side by side. The same command goes on where it was, whatever stopped it.

    Args:
        description: FILE.toml with [[grid]] tables, or FILE.py:FUNCTION that returns runs
        folder: where results, checkpoints and results.jsonl are kept
        workers: processes side by side; unless said, as many as there are cores, one on a GPU
        predict: say what it will take, and stop there
        mix: take results of other code for finished
        retry: try runs again that have failed before
    """
    from labkit.sweep import described, foreseen, missing, side_by_side, sweep
    from labkit.sweep.words import outcome_as_text, prediction_as_text

    runs = described(description)
    hands = side_by_side(runs, workers)
    todo = missing(runs, folder, retry=retry, mix=mix)
    _say(f"{len(runs)} runs, {len(todo)} of them to do")
    predicted = foreseen(list(todo.values()))
    if todo:
        _say(prediction_as_text(predicted, min(hands, len(todo))))
    if predict:
        return 0
    found = sweep(runs, folder, workers=workers, mix=mix, retry=retry, predicted=predicted)
    _say(outcome_as_text(found, folder))
    return int(bool(found.failed))


def evaluate_model(
    model: Annotated[tyro.conf.Positional[str], tyro.conf.arg(metavar="MODEL")],
    folder: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="FOLDER")],
    /,
    *,
    image_size: Annotated[int | None, WHOLE_NUMBER] = None,
    crop: Annotated[float | None, tyro.conf.arg(metavar="SHARE")] = None,
    flips: Annotated[str | None, tyro.conf.arg(metavar="{both,as_released,alternate,never}")] = None,
    subset: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False,
    unreadable: Annotated[str, tyro.conf.arg(metavar="{skip,stop}")] = "skip",
    limit: Annotated[int | None, WHOLE_NUMBER] = None,
    batch: Annotated[int | None, WHOLE_NUMBER] = None,
    device: Annotated[str, tyro.conf.arg(metavar="{auto,cpu,cuda}")] = "auto",
    precision: Annotated[str, tyro.conf.arg(metavar="{fp32,bf16}")] = "fp32",
    workers: Annotated[int | None, WHOLE_NUMBER] = None,
    out: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None,
) -> int:
    """Measure the accuracy of a published model on ImageNet, or on other images in a folder for each class.

    Args:
        model: a published Adventurer or a plain ViT of timm by its name, or an Adventurer's .pth or .safetensors file
        folder: images as FOLDER/class/image.jpg, such as ImageNet's validation images
        image_size: pixels a side, if not the model's own: its positions are resized
        crop: the share of the image's short side that is looked at, if not the authors'
        flips: which blocks of an Adventurer read backwards: the third and fourth (as_released), every other
            (alternate), or both of these side by side, unless said otherwise
        subset: folders of some of ImageNet's classes, matched by name
        unreadable: skip images that cannot be read, and name them, or stop at the first one
        limit: at most so many images of each class, the first ones by name
        batch: images at once; unless said, 64 or as many as make 50,176 tokens
        device: auto takes a GPU where there is one
        precision: bf16 is faster on a GPU and a little less exact
        workers: processes that read images; unless said, none beside this one on a CPU, up to 8 on a GPU
        out: a JSON file for the result
    """
    from labkit.evaluate import as_text, evaluate_published

    result = evaluate_published(
        model,
        folder,
        image_size=image_size,
        crop=crop,
        flips=flips,
        subset=subset,
        unreadable=unreadable,
        limit=limit,
        batch=batch,
        device=device,
        precision=precision,
        workers=workers,
        out=out,
    )
    _say(as_text(result))
    return 0


def course_grade(
    folder: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="FOLDER")],
    /,
    *,
    out: Path = Path("grades"),
    lessons: tuple[str, ...] = (),
    jobs: Annotated[int, WHOLE_NUMBER] = 1,
    seconds: Annotated[int, WHOLE_NUMBER] = 60,
    memory: Annotated[int, WHOLE_NUMBER] = 2000,
    again: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False,
    trust: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False,
    notebooks: Path | None = None,
) -> int:
    """Grade what a class handed in, each answer in a sandbox without network. The same command goes on where it was.

    Args:
        folder: FOLDER/<student>/*.ipynb with my_predictions.json, or FOLDER/<student>.ipynb
        out: folder for grades.csv and what a second run goes on from
        lessons: numbers or file names without ending; unless said, those that anybody handed in
        jobs: submissions side by side
        seconds: that one answer may take
        memory: that one answer may take, in MB
        again: grade anew what has not changed
        trust: grade without a sandbox, where there is no bubblewrap: students' code may do all that you may
        notebooks: folder of the lessons, if not the checkout's
    """
    from labkit.course.grading.grade import grade
    from labkit.course.grading.report import summary
    from labkit.course.grading.sandbox import Limits

    limits = Limits(seconds=seconds, memory=memory)
    rows = grade(
        folder,
        out=out,
        lessons=lessons,
        notebooks=notebooks,
        limits=limits,
        jobs=jobs,
        again=again,
        trust=trust,
        say=_say,
    )
    _say(f"\n{summary(rows)}\n\nwrote {out.resolve() / 'grades.csv'}")
    return int(any(row["state"] == "not graded" for row in rows))


def course_build(
    out: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="OUT")],
    /,
    *,
    site: Path = Path("site"),
    wheels: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False,
    notebooks: Path | None = None,
) -> int:
    """Write what a teacher needs: editions, notes on each lesson, a syllabus, a bundle for a room without network.

    Args:
        out: folder for all of it; what somebody changed there since the last build is not overwritten
        site: folder of the last re-run, whose pages go into the bundle and whose answers into the notes
        wheels: download the packages into the bundle, for this system and this Python; all else asks no network
        notebooks: folder of the lessons, if not the checkout's
    """
    from labkit.course.teaching.build import build_course

    written = build_course(out, site=site, wheels=wheels, notebooks=notebooks, say=_say)
    _say(f"wrote {len(written)} files; start with {out.resolve() / 'syllabus.md'}")
    return 0


def course_nbgrader(
    folder: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="FOLDER")],
    /,
    *,
    lessons: tuple[str, ...] = (),
    points: Annotated[int, WHOLE_NUMBER] = 1,
    notebooks: Path | None = None,
) -> int:
    """Write the lessons as assignments of nbgrader, which hands out, collects and grades them (extra grade).

    Args:
        folder: nbgrader's course folder; assignments go into FOLDER/source
        lessons: numbers or file names without ending; unless said, all that have exercises
        points: of each exercise
        notebooks: folder of the lessons, if not the checkout's
    """
    from labkit.course.nbgrader import write_assignments

    written = write_assignments(folder, lessons, points=points, notebooks=notebooks)
    _say("\n".join(f"wrote {path}" for path in written))
    return 0


COMMANDS = {
    "rerun": rerun,
    "pages": pages,
    "editions": editions,
    "record": record,
    "doctor": doctor,
    "train": train_model,
    "sweep": sweep_runs,
    "eval": evaluate_model,
    "course build": course_build,
    "course grade": course_grade,
    "course nbgrader": course_nbgrader,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return the exit code."""
    for name in ("SIGTERM", "SIGHUP"):  # a closed terminal sends the second one; Windows has none
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), _leave)
    try:
        return _chosen(arguments)()
    except ValueError as error:
        sys.stderr.write(f"labkit: {in_one_line(error)}\n")
        return 2
    except KeyboardInterrupt:
        sys.stderr.write("labkit: interrupted; what had finished is kept\n")
        return 130


def _chosen(arguments: Sequence[str] | None) -> Callable[[], int]:
    """The command with its settings, not yet run; tyro's own complaint, a box on stderr, becomes a ValueError."""
    box = io.StringIO()
    try:
        with redirect_stderr(box):
            return tyro.extras.subcommand_cli_from_dict(
                {name: _later(command) for name, command in COMMANDS.items()},
                prog="labkit",
                description="Patch Lab: its lessons, built, run and read; models, trained (in sweeps) and evaluated.",
                args=_two_words(sys.argv[1:] if arguments is None else arguments),
            )
    except SystemExit as end:
        if end.code != 2:  # --help, or a signal
            raise
        raise ValueError(
            f"{_paragraph(box.getvalue())}: nothing was run; `labkit --help` lists what there is."
        ) from end


def _two_words(arguments: Sequence[str]) -> list[str]:
    """The arguments, the first two as one where they name a command together, such as course grade."""
    both = " ".join(arguments[:2])
    return [both, *arguments[2:]] if len(arguments) > 1 and both in COMMANDS else list(arguments)


def _later(command: Callable[..., int]) -> Callable[..., Callable[[], int]]:
    """The same command line, but what it gives is the command to run."""

    @wraps(command)
    def bound(*values, **settings):
        return partial(command, *values, **settings)

    return bound


def _paragraph(box: str) -> str:
    """The complaint in one of tyro's boxes: what stands between its title and the next rule."""
    lines = [line.strip(" │╰╯─-") for line in box.splitlines()[1:]]
    return next((" ".join(text) for found, text in groupby(lines, bool) if found), "it cannot be read").rstrip(".:")


def _leave(number: int, frame: object) -> None:
    """End as after Ctrl-C, so that no kernel is left behind."""
    sys.exit(128 + number)


def _pairs(settings: Sequence[str]) -> dict[str, str]:
    """{"name": "value"} from ["name=value"]."""
    if wrong := [setting for setting in settings if "=" not in setting]:
        raise ValueError(
            f"--set takes NAME=VALUE, not {', '.join(wrong)} (lessons stand before --set): nothing was run."
        )
    names = [setting.partition("=")[0].strip() for setting in settings]
    if "" in names:
        raise ValueError(f"--set {settings[names.index('')]}: no name stands before the =: nothing was run.")
    if twice := [name for name in dict.fromkeys(names) if names.count(name) > 1]:
        raise ValueError(f"--set {', '.join(twice)}: set twice, only one would take effect: nothing was run.")
    return {name: setting.partition("=")[2] for name, setting in zip(names, settings, strict=True)}


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
