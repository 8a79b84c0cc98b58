"""`gatherq worker --reload`: the same command, started again when a file changes."""

import os
import shlex
from collections.abc import Sequence

from gatherq import python_command

from .arguments import without

#: Variables of --reload and --watch: the command that is started again must not see them.
_VARIABLES = "GATHERQ_RELOAD", "GATHERQ_WATCH"


def run_reloading(arguments: Sequence[str], folder: str) -> None:
    """Run `gatherq ARGUMENTS`, again after each change of a Python file in `folder`."""
    from watchfiles import PythonFilter, run_process

    for name in _VARIABLES:
        os.environ.pop(name, None)
    keep_no_bytecode()
    arguments = without([word for word in arguments if word != "--reload"], "--watch")
    command = shlex.join(python_command.command("gatherq_worker", *arguments))
    run_process(folder, target=command, target_type="command", watch_filter=PythonFilter())


def keep_no_bytecode() -> None:
    """Have the processes that are started read modules as they are.

    Python takes a file that was changed within a second, to the same length, for unchanged.
    """
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
