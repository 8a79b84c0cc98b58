"""The arguments of a command line, for the processes that the command starts."""

from collections.abc import Sequence


def without(argv: Sequence[str], option: str) -> list[str]:
    """Return the arguments without an option and its value."""
    kept, skip = [], False
    for argument in argv:
        if skip or argument.startswith(f"{option}="):
            skip = False
        elif argument == option:
            skip = True
        else:
            kept.append(argument)
    return kept
