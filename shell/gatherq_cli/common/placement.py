"""Where words may stand: common options before the command, filters with a `-` anywhere."""

import re
from collections.abc import Sequence

#: Whether each takes a value.
_COMMON = {
    **dict.fromkeys(("--redis", "--queue", "--patience"), True),
    **dict.fromkeys(("--json", "--jsonl", "--no-color"), False),
}
#: A filter that negates, `-status:failed`: click would take it for options.
_NEGATED = re.compile(r"-[a-z]+(\.[^:]*)?:.*", re.DOTALL)


def take_common(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """Split a command line into the common options that it begins with, and the rest."""
    at = 0
    while at < len(words) and (width := _width(words[at])):
        at += width
    return [*words[:at]], [*words[at:]]


def _width(word: str) -> int:
    """Return how many words a common option takes; 0 for what is none."""
    name, equals, _ = word.partition("=")
    return 0 if name not in _COMMON else 2 if _COMMON[name] and not equals else 1


def negated_last(words: Sequence[str]) -> list[str]:
    """Return the words of a command with the filters that negate where none is an option."""
    end = words.index("--") if "--" in words else len(words)
    options, rest = words[:end], words[end + 1 :]
    negated = [word for word in options if _NEGATED.fullmatch(word)]
    if not negated:
        return [*words]
    return [*(word for word in options if word not in negated), "--", *rest, *negated]
