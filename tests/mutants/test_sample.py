"""A few guards of Lua are taken out, and seen: that the way of `make mutants` works."""

import subprocess
import sys

from .guards import REPOSITORY


def test_some_guards_are_seen():
    command = [sys.executable, "-m", "tests.mutants", ".lua", "--sample", "8", "--seed", "1"]
    ran = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "8 guards in" in ran.stdout
