"""OpenTelemetry's SDK with spans in memory, as an application would set it up."""

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from tests.spans import set_provider


class Exported:
    """Spans that have ended, oldest first."""

    def __init__(self):
        self._memory = InMemorySpanExporter()
        self.provider = TracerProvider()
        self.provider.add_span_processor(SimpleSpanProcessor(self._memory))
        self.tracer = self.provider.get_tracer("test")

    @property
    def spans(self):
        return self._memory.get_finished_spans()

    @property
    def names(self):
        return [each.name for each in self.spans]

    def __getitem__(self, name):
        (found,) = [each for each in self.spans if each.name == name]
        return found


@pytest.fixture
def exported():
    return Exported()


@pytest.fixture
def sdk(exported, monkeypatch):
    """An application that has set up the SDK."""
    set_provider(monkeypatch, exported.provider)
    return exported
