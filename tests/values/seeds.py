"""What must be the same in every process."""

import os
import subprocess
import sys


def said_under_all_seeds(program):
    """Run a program under three hash seeds; return the set of what it printed."""
    return {
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        ).stdout
        for seed in "123"
    }
