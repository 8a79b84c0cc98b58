"""Prose on a terminal: wrapped between words, and not within a command that has room in a line."""

import re
import textwrap

#: What is to be typed as it is: a command, to the end of what is said of it, or an option's value.
_COMMAND = re.compile(r"\b(?:gatherq|redis-cli) [^;()]*[^;(),\s]|--[a-z-]+ [^\s,;]+")
#: Stands for a space at which no line may end: an escaped text has no such character.
_GLUE = "\0"


def wrapped(text: str, width: int, *, head: str = "", indent: str = "") -> list[str]:
    """Return the lines of an escaped text: `head` before the first, `indent` before the others.

    A word that is wider than a line stays whole.
    """
    room = width - len(indent)

    def glued(found: re.Match[str]) -> str:
        return found[0].replace(" ", _GLUE) if len(found[0]) <= room else found[0]

    lines = textwrap.wrap(
        _COMMAND.sub(glued, text),
        width,
        initial_indent=head,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return [line.replace(_GLUE, " ") for line in lines] or [head]
