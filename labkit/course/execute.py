"""The child process that runs one lesson: `python -m labkit.course.execute SPEC.json`.

SPEC holds notebook, output, folder (the kernel's working folder) and parameters. papermill saves the notebook before
and after each cell, so the parent reads from the file how far it came, also when it had to end this process.
"""

import json
import sys
from pathlib import Path

import papermill
from papermill.exceptions import PapermillExecutionError


def execute(spec: dict[str, object]) -> None:
    """Run the notebook. An error in a cell is in the notebook, for the parent to read; any other error is raised."""
    try:
        papermill.execute_notebook(
            spec["notebook"],
            spec["output"],
            parameters=spec["parameters"],
            cwd=spec["folder"],
            kernel_name="python3",
            progress_bar=False,
            store_widget_state=False,
        )
    except PapermillExecutionError:
        return


if __name__ == "__main__":
    execute(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))
