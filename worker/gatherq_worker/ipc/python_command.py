"""The command that runs a module of this program in another process."""

import subprocess
import sys


def command(module: str, *arguments: str) -> list[str]:
    """Return `python -m module arguments`, with the `-I`, `-O`, `-W`, `-X` of this process."""
    # Private, but multiprocessing and Python's own tests use it for this.
    flags: list[str] = subprocess._args_from_interpreter_flags()  # type: ignore[attr-defined]
    return [sys.executable, *flags, "-m", module, *arguments]
