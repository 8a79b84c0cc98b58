"""What the commands of benchmarks share: lists of names, and an end in good order."""

import argparse
import signal
from collections.abc import Callable, Collection, Mapping
from typing import Any, NoReturn

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def names_of(known: Collection[str]) -> Callable[[str], list[str]]:
    """Return what reads some of these names, as an argument."""

    def read(text: str) -> list[str]:
        found = text.split(",")
        if wrong := [name for name in found if name not in known]:
            raise argparse.ArgumentTypeError(f"{', '.join(wrong)}: not one of {', '.join(known)}")
        return found

    return read


def told(found: Mapping[str, Any]) -> str:
    """Return a cell as a line: its values, or why there are none."""
    if "values" not in found:
        return str(found["error"])
    return ", ".join(f"{key} {value:,.4g}" for key, value in found["values"].items())


def stop_on_signals() -> None:
    """Have signals raise KeyboardInterrupt, so that all that was started is ended."""
    for number in _SIGNALS:
        signal.signal(number, _stop)


def _stop(*_: object) -> NoReturn:
    """End all that was started, on the way out; who asks twice does not stop that."""
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt
