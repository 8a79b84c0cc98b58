"""What ends a command with jobs under way, beside Ctrl-C: `kill`, `timeout`, a closed window."""

import signal
from types import FrameType


def stop_as_interrupted() -> None:
    """Let SIGTERM and SIGHUP do what Ctrl-C does: the jobs are cancelled first."""
    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is not signal.SIG_IGN:  # nohup
            signal.signal(number, _interrupt)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    signal.raise_signal(signal.SIGINT)
