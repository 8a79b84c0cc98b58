"""Which names may have been meant by one that nobody knows."""

from collections.abc import Iterable

#: Which share of two names is the same where one is meant by the other.
_ALIKE = 0.75


def near_matches(word: str, known: Iterable[str], most: int = 3) -> list[str]:
    """Return the known names that are most like `word`, the likeliest first.

    A name that differs in what stands before its last dot, as `shop.add` and `add` do, comes first.
    """
    import difflib  # for an error alone

    names = list(known)
    last = _last(word)
    same = [each for each in names if _last(each) == last]
    alike = difflib.get_close_matches(word, names) + difflib.get_close_matches(last, names)
    return list(dict.fromkeys(same + alike))[:most]


def names_like(name: str, names: Iterable[str], most: int = 3) -> list[str]:
    """Return the names that may be `name` misspelt, the likeliest first.

    One letter of four may differ. Of a name that is gone, what is less alike is another one.
    """
    import difflib  # for an error alone

    return difflib.get_close_matches(name, [*names], most, _ALIKE)


def did_you_mean(word: str, known: Iterable[str], most: int = 3) -> str:
    """Return "did you mean 'add'?"; empty where no known name is near."""
    near = near_matches(word, known, most)
    return f"did you mean {' or '.join(map(repr, near))}?" if near else ""


def _last(name: str) -> str:
    return name.replace(":", ".").rpartition(".")[2].casefold()
