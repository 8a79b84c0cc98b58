"""Commands of our own are no spans: an idle worker alone sends some each second.

Instrumentations ask a key of OpenTelemetry's context whether they are to be still; their package
has what sets it.
"""

import sys
from contextlib import AbstractContextManager, nullcontext
from typing import Any

_NOTHING = nullcontext()


def redis_is_instrumented() -> bool:
    """Tell whether there is anything to suppress: redis-py's instrumentation is imported."""
    return "opentelemetry.instrumentation.redis" in sys.modules


def suppressed() -> AbstractContextManager[None]:
    """Keep what runs inside from making spans of commands to Redis."""
    if not redis_is_instrumented():
        return _NOTHING
    utils: Any = sys.modules["opentelemetry.instrumentation.utils"]
    suppress: AbstractContextManager[None] = utils.suppress_instrumentation()
    return suppress
