"""Numbers for texts that come again and again."""

from collections.abc import Iterable


class Numbering(dict[str, int]):
    """Gives each new text the next number, from 0 on; in the order of its keys."""

    def __init__(self, texts: Iterable[str] = ()) -> None:
        super().__init__((text, number) for number, text in enumerate(texts))

    def __missing__(self, text: str) -> int:
        number = self[text] = len(self)
        return number
