"""Starting further processes of this program, as it was started itself."""

import subprocess
import sys


def command(module: str, *arguments: str) -> list[str]:
    """Return how to run a module in another process, with this one's `-I`, `-O`, `-W`, `-X`."""
    # Private, but what multiprocessing and the test suite of Python use for this.
    flags: list[str] = subprocess._args_from_interpreter_flags()  # type: ignore[attr-defined]
    return [sys.executable, *flags, "-m", module, *arguments]
