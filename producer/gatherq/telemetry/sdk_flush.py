"""What an SDK of OpenTelemetry holds is exported before a process of ours ends.

Our processes end by `os._exit`, so that nothing that hangs keeps them; what an SDK would do at the
exit of the interpreter is not done then.
"""

import sys
from contextlib import suppress
from threading import Thread
from typing import Any

#: Where each provider is found, once an application has set it.
_PROVIDERS = (
    ("opentelemetry.trace", "get_tracer_provider"),
    ("opentelemetry.metrics", "get_meter_provider"),
    ("opentelemetry._logs", "get_logger_provider"),
)
#: Most seconds to wait for it.
_LONGEST = 1.0


def flush_sdk(remaining: float | None = None) -> None:
    """Export what the SDK holds, if there is one; for a second, or half of those that remain.

    In a thread of its own, since an SDK may wait for its collector longer than it was told.
    """
    timeout = _LONGEST if remaining is None else min(_LONGEST, remaining / 2)
    flushes = [flush for name, get in _PROVIDERS if (flush := _flush_of(name, get))]
    if not flushes or timeout <= 0:
        return

    def work() -> None:
        for flush in flushes:
            with suppress(Exception):
                flush(round(timeout * 1000))

    thread = Thread(target=work, name="gatherq telemetry", daemon=True)
    with suppress(RuntimeError):  # there is no room for a thread
        thread.start()
        thread.join(timeout)


def _flush_of(name: str, get: str) -> Any:
    """Return what exports all that a provider holds; None for none, and before it is set."""
    module: Any = sys.modules.get(name)
    with suppress(Exception):  # what the environment names as a provider need not be one
        return getattr(getattr(module, get)(), "force_flush", None)
    return None
