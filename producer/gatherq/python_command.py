"""Commands that run a module of this program in another process."""

import subprocess
import sys


def command(module: str, *arguments: str) -> list[str]:
    """Return `python -m module arguments`, with the `-I`, `-O`, `-W`, `-X` of this process."""
    return [*_python(), "-m", module, *arguments]


def command_with_path(module: str, *arguments: str, path: list[str]) -> list[str]:
    """As `command`; the module and all that it imports is looked for in `path`, and nowhere else.

    `multiprocessing` hands over `sys.path` too: options and variables would not say all of it.
    """
    program = (
        f"import sys; sys.path[:] = {path!a}; import runpy; "
        f"runpy.run_module({module!r}, run_name='__main__', alter_sys=True)"
    )
    return [*_python(), "-c", program, *arguments]


def _python() -> list[str]:
    # Private, but multiprocessing and Python's own tests use it for this.
    return [sys.executable, *subprocess._args_from_interpreter_flags()]  # type: ignore[attr-defined]
