"""Recording collects what lessons keep, with its provenance, and replaces nothing when a lesson fails."""

import subprocess
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

from labkit import records
from labkit.course import record as recording
from labkit.lesson import results


def kept(**values: object) -> nbformat.NotebookNode:
    """An executed notebook that kept these results, half in one cell and half in another."""
    cells = [
        new_code_cell("keep()", outputs=[new_output("display_data", {results.RESULT: {name: value}})])
        for name, value in values.items()
    ]
    return new_notebook(cells=cells)


def pretend(monkeypatch: pytest.MonkeyPatch, notebook: nbformat.NotebookNode, status: str) -> None:
    """Let the re-run be this notebook, ended like this."""

    def rerun(lessons: tuple[str, ...], *, out: Path, say: object) -> dict:
        (out / "notebooks").mkdir(parents=True)
        nbformat.write(notebook, out / "notebooks" / "07_pretended.ipynb")
        return {"lessons": [{"lesson": "07_pretended", "status": status, "parameters": {"p": 4}, "seconds": 1.5}]}

    monkeypatch.setattr(recording, "rerun", rerun)


def test_results_are_written_with_all_that_it_takes_to_repeat_them(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pretend(monkeypatch, kept(loss=1.5, words="is shown"), "passed")
    (path,) = recording.record(("07",), folder=tmp_path, say=print)
    written = records.read_json(path)
    assert written["results"] == {"loss": 1.5, "words": "is shown"}
    assert written["command"] == "labkit record 07_pretended"
    assert {"parameters", "seconds", "machine", "versions", "commit", "time"} <= written.keys()


@pytest.mark.parametrize(("notebook", "status"), [(kept(loss=1.5), "failed"), (kept(), "passed")])
def test_a_lesson_that_fails_or_keeps_nothing_replaces_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, notebook: nbformat.NotebookNode, status: str
) -> None:
    (tmp_path / "07_pretended.json").write_text("what was there")
    pretend(monkeypatch, notebook, status)
    with pytest.raises(ValueError, match="nothing was recorded for 07_pretended"):
        recording.record(("07",), folder=tmp_path, say=print)
    assert (tmp_path / "07_pretended.json").read_text() == "what was there"


def test_numbers_that_json_cannot_hold_are_kept_as_null(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[dict] = []
    monkeypatch.setattr(results, "display", lambda bundle, raw: shown.append(bundle[results.RESULT]))
    results.keep(low=float("-inf"), high=0.5, n=3)
    assert shown == [{"low": None, "high": 0.5, "n": 3}]


def test_recorded_results_are_no_change_of_the_code(tmp_path: Path) -> None:
    files = [tmp_path / name for name in ("labkit/train.py", "data/recorded/05.json", "benchmarks/results/speed.json")]
    for path in files:
        path.parent.mkdir(parents=True)
        path.write_text("1")
    person = ("-c", "user.name=a", "-c", "user.email=a@b.c")
    for words in (("init",), ("add", "."), (*person, "commit", "-m", "first")):
        subprocess.run(["git", "-C", str(tmp_path), *words], check=True, capture_output=True)
    clean = records.commit(tmp_path)
    for path in files[1:]:
        path.write_text("2")
    assert records.commit(tmp_path) == clean
    assert len(clean) == 40
    files[0].write_text("2")
    assert records.commit(tmp_path / "labkit") == clean + "+changes"
