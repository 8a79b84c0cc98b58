"""The clock that the parts of an engine decide by: given to them, so that a test can set it.

What waits, and code that interrupts a handler, goes by the event loop and by `time.monotonic()`.
"""

from collections.abc import Callable
from typing import TypeAlias

#: Returns seconds that never go back, as `time.monotonic` does.
Clock: TypeAlias = Callable[[], float]
