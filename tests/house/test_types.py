"""Type checkers know the type of every name that a user may meet, and accept what we show."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from . import docstrings
from .checkers import mypy, pyright


def test_every_public_name_has_a_known_type():
    """As pyright counts: of all modules, since a name of any may be met in a signature."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    said = subprocess.run(
        ["pyright", "--verifytypes", "gatherq", "--ignoreexternal", "--outputjson"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PATH": path},
    ).stdout
    report = json.loads(said)["typeCompleteness"]
    unknown = [
        (each["name"], told["message"])
        for each in report["symbols"]
        if each["isExported"] and not each["isTypeKnown"]
        for told in each["diagnostics"]
    ]
    assert unknown == []
    assert report["completenessScore"] == 1


#: Public names whose docstring shows how they are used.
SHOWN = {
    *("gatherq", "errors", "progress", "job", "call", "Call", "Job", "PlainJob"),
    *("Producer", "Producer.gather", "Producer.submit", "Producer.submit_one"),
    *("Producer.task_group", "Producer.map", "Producer.batch", "TaskGroup", "Handle", "Counts"),
    *("Batch", "Batch.outcomes", "Batch.as_completed", "Batch.wait", "Batch.handles"),
    *("Batch.cancel", "Batch.redrive", "current_job", "Retry", "ErrorInfo"),
    *("Succeeded", "Failed", "TimedOut", "Cancelled", "Lost"),
}


def test_every_public_name_says_what_it_promises():
    assert [name for name, each in docstrings.public() if not docstrings.says(name, each)] == []
    assert sorted(SHOWN - docstrings.examples().keys()) == []


@pytest.mark.parametrize("checker", [mypy, pyright])
def test_the_examples_of_docstrings_are_typed(checker, tmp_path):
    (tmp_path / "examples.py").write_text(docstrings.module())
    assert [line for line in checker(tmp_path).splitlines() if " error: " in line] == []
