"""`with` or `await` where `async with` is meant."""

from typing import TYPE_CHECKING, NoReturn


class AsyncWith:
    """Base of what is entered by `async with` alone: says so to whoever writes another."""

    if not TYPE_CHECKING:  # type checkers refuse it as it is; Python's own error has no advice

        def __await__(self) -> NoReturn:
            kind = type(self).__name__
            raise TypeError(f"a {kind} is not awaited: it is entered by `async with`")

        def __enter__(self) -> NoReturn:
            kind = type(self).__name__
            raise TypeError(f"a {kind} is entered by `async with`, not by `with`")

        def __exit__(self, *exc_info: object) -> NoReturn:  # looked up before the other is called
            raise TypeError("write `async with`")
