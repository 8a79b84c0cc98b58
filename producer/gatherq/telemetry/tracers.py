"""The tracer of the application's SDK, if it has one: who has none pays for nothing.

OpenTelemetry's API does nothing without an SDK, and whoever sets up an SDK imports the API. So its
module is looked for among those that are imported, and never imported here.
"""

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from opentelemetry.trace import Tracer


class Tracers:
    """Gives the tracer of the provider that is set now: an SDK may be set up at any time."""

    def __init__(self) -> None:
        self._provider: object = None
        self._tracer: Tracer | None = None

    def get(self) -> "Tracer | None":
        """Return the tracer; None where no SDK is set up."""
        provider = provider_set()
        if provider is not self._provider:
            self._provider = provider
            self._tracer = provider and provider.get_tracer("gatherq", version_of_ours())
        return self._tracer


def provider_set() -> Any:
    """Return the tracer provider that the application has set; None where it has set none."""
    trace: Any = sys.modules.get("opentelemetry.trace")
    if trace is None:
        return None
    provider = trace.get_tracer_provider()
    return None if isinstance(provider, trace.ProxyTracerProvider) else provider


def version_of_ours() -> str | None:
    """Return our version, for the scope of what we tell; None where it is not installed."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("gatherq")
    except PackageNotFoundError:  # run out of a checkout
        return None
