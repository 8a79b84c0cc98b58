"""Instruments of the application's meter provider, if it has set one: else nothing is measured."""

import sys
from typing import TYPE_CHECKING, Any

from .meter_names import BOUNDS, MeterRow
from .tracers import version_of_ours

if TYPE_CHECKING:
    from collections.abc import Sequence

    from opentelemetry.metrics import Counter, Histogram

_API = "opentelemetry.metrics"


class Meters:
    """Gives instruments of the provider that is set now: an SDK may be set up at any time."""

    def __init__(self, rows: "Sequence[MeterRow]") -> None:
        self._rows = rows
        self._provider: object = None
        self._made: dict[MeterRow, Any] = {}

    def counter(self, row: MeterRow) -> "Counter | None":
        """Return a counter; None where no SDK is set up."""
        return self._instruments().get(row)

    def histogram(self, row: MeterRow) -> "Histogram | None":
        """Return a histogram; None where no SDK is set up."""
        return self._instruments().get(row)

    def _instruments(self) -> dict[MeterRow, Any]:
        provider = meter_provider_set()
        if provider is not self._provider:
            meter = provider and provider.get_meter("gatherq", version_of_ours())
            self._provider = provider
            self._made = {row: _make(meter, row) for row in self._rows} if meter else {}
        return self._made


def _make(meter: Any, row: MeterRow) -> Any:
    given = {"name": row.name, "unit": row.unit, "description": row.what}
    if row.kind == "counter":
        return meter.create_counter(**given)
    return meter.create_histogram(**given, explicit_bucket_boundaries_advisory=BOUNDS)


def meter_provider_set() -> Any:
    """Return the meter provider that the application has set; None for the API's, which is idle."""
    metrics: Any = sys.modules.get(_API)
    if metrics is None:
        return None
    provider = metrics.get_meter_provider()
    return None if type(provider).__module__.startswith(_API) else provider
