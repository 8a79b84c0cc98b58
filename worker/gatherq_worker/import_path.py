"""Where modules are looked for that a command line names: in the folder it was given in, too."""

import sys


def search_here() -> None:
    """Let modules of the current folder be imported, as `python -m` does; a script does not."""
    if "" not in sys.path:
        sys.path.insert(0, "")
