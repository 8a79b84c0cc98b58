"""What a producer counts and measures, where the application collects metrics."""

from contextlib import AbstractContextManager, nullcontext
from time import monotonic
from types import TracebackType
from typing import TYPE_CHECKING, Any

from . import span_names
from .meter_names import SEND_DURATION, SENT
from .meters import Meters
from .producer_spans import error_type

if TYPE_CHECKING:
    from opentelemetry.metrics import Counter, Histogram

_UNMEASURED = nullcontext()


class ProducerMeters:
    """Counts the jobs of one producer, and measures its submissions."""

    def __init__(self, queue: str, address: str, port: int | None) -> None:
        self._attributes = {
            **span_names.messaging("send", queue),
            **span_names.server("", address, port),
        }
        self._meters = Meters((SENT, SEND_DURATION))

    def sending(self, size: int) -> AbstractContextManager[None]:
        """Return what counts and measures the submission of so many jobs, which it surrounds."""
        sent, duration = self._meters.counter(SENT), self._meters.histogram(SEND_DURATION)
        if sent is None or duration is None:
            return _UNMEASURED
        return _Sending(sent, duration, size, self._attributes)


class _Sending:
    def __init__(
        self, sent: "Counter", duration: "Histogram", size: int, attributes: dict[str, Any]
    ) -> None:
        self._sent, self._duration, self._size = sent, duration, size
        self._attributes, self._began = attributes, monotonic()

    def __enter__(self) -> None:
        """Begin."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        attributes = self._attributes
        if isinstance(error, Exception):
            attributes = {**attributes, span_names.ERROR_TYPE: error_type(error)}
        self._sent.add(self._size, attributes)
        self._duration.record(monotonic() - self._began, attributes)
