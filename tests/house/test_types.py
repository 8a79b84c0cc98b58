"""Type checkers know the type of every name that a user may meet."""

import json
import os
import subprocess
import sys
from pathlib import Path


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
